//! Services, their endpoints, and what leads to them.

use std::borrow::Cow;
use std::fmt;

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Cells;
use super::age::age_cell;
use super::cell::cells;
use super::text::{
    NONE, append, balanced, first_of, is_true, join, labels, or, or_unset, selector,
};
use crate::core::v1::{Endpoints, Service};
use crate::discovery::v1::{EndpointPort, EndpointSlice};
use crate::networking::v1::{Ingress, IngressClass, NetworkPolicy};

/// How many hosts, endpoints or ports are shown.
const SHOWN: usize = 3;

const DEFAULT_INGRESS_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";

pub(super) fn service(object: &Record, now: Time) -> Cells<'_> {
    let service = Service::from_record(object);
    let (meta, spec) = (service.metadata(), service.spec());
    let cluster_ip = spec
        .cluster_ips()
        .first()
        .unwrap_or_else(|| or(spec.cluster_ip(), NONE));
    let mut ports = String::new();
    for port in spec.ports() {
        let comma = if ports.is_empty() { "" } else { "," };
        append(&mut ports, format_args!("{comma}{}", port.port()));
        if port.node_port() > 0 {
            append(&mut ports, format_args!(":{}", port.node_port()));
        }
        append(&mut ports, format_args!("/{}", port.protocol()));
    }
    cells![
        meta.name(),
        spec.type_(),
        cluster_ip,
        external_ip(service),
        if ports.is_empty() {
            Cow::Borrowed(NONE)
        } else {
            Cow::Owned(ports)
        },
        age_cell(meta.creation_timestamp(), now),
        labels(spec.selector()),
    ]
}

fn external_ip<'a>(service: Service<'a>) -> Cow<'a, str> {
    let spec = service.spec();
    let external = spec.external_ips();
    match spec.type_() {
        "ClusterIP" | "NodePort" if external.is_empty() => Cow::Borrowed(NONE),
        "ClusterIP" | "NodePort" => join(external.iter(), ","),
        "LoadBalancer" => {
            let ingress = service.status().load_balancer().ingress();
            let balanced = balanced(
                ingress
                    .iter()
                    .map(|ingress| (ingress.ip(), ingress.hostname())),
            );
            match (balanced.is_empty(), external.is_empty()) {
                (true, true) => Cow::Borrowed("<pending>"),
                (false, true) => balanced,
                (true, false) => join(external.iter(), ","),
                (false, false) => Cow::Owned(format!("{balanced},{}", join(external.iter(), ","))),
            }
        }
        "ExternalName" => Cow::Borrowed(spec.external_name()),
        _ => Cow::Borrowed("<unknown>"),
    }
}

/// Where one can go: an address and, if there are ports at all, one of them.
struct Place<'a> {
    ip: &'a str,
    port: Option<i32>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => f.write_str(self.ip),
            Some(port) if self.ip.contains(':') => write!(f, "[{}]:{port}", self.ip),
            Some(port) => write!(f, "{}:{port}", self.ip),
        }
    }
}

pub(super) fn endpoints(object: &Record, now: Time) -> Cells<'_> {
    let object = Endpoints::from_record(object);
    let meta = object.metadata();
    let subsets = object.subsets();
    let places = subsets.iter().flat_map(|subset| {
        let bare = subset.ports().is_empty().then_some(None);
        let ports = subset
            .ports()
            .into_iter()
            .map(|port| Some(port.port()))
            .chain(bare);
        ports.flat_map(move |port| {
            let addresses = subset.addresses().into_iter();
            addresses.map(move |address| Place {
                ip: address.ip(),
                port,
            })
        })
    });
    let shown = if subsets.is_empty() {
        NONE.to_owned()
    } else {
        first_of(places, SHOWN, ",")
    };
    cells![meta.name(), shown, age_cell(meta.creation_timestamp(), now)]
}

/// A port's number or name, or `*` for all of them.
struct Port<'a>(EndpointPort<'a>);

impl fmt::Display for Port<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            Some(number) => number.fmt(f),
            None => f.write_str(self.0.name().unwrap_or("*")),
        }
    }
}

pub(super) fn endpoint_slice(object: &Record, now: Time) -> Cells<'_> {
    let object = EndpointSlice::from_record(object);
    let meta = object.metadata();
    let ports = first_of(object.ports().into_iter().map(Port), SHOWN, ",");
    let addresses = object
        .endpoints()
        .into_iter()
        .flat_map(|endpoint| endpoint.addresses().iter());
    let addresses = first_of(addresses, SHOWN, ",");
    cells![
        meta.name(),
        object.address_type(),
        or_unset(ports),
        or_unset(addresses),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn ingress(object: &Record, now: Time) -> Cells<'_> {
    let object = Ingress::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let ingress = object.status().load_balancer().ingress();
    cells![
        meta.name(),
        spec.ingress_class_name().unwrap_or(NONE),
        hosts(object),
        balanced(
            ingress
                .iter()
                .map(|ingress| (ingress.ip(), ingress.hostname()))
        ),
        if spec.tls().is_empty() {
            "80"
        } else {
            "80, 443"
        },
        age_cell(meta.creation_timestamp(), now),
    ]
}

/// The first hosts. Once there are enough, every rule counts as one more, with a host or without.
fn hosts<'a>(ingress: Ingress<'a>) -> Cow<'a, str> {
    let rules = ingress.spec().rules();
    let mut shown: Vec<&str> = Vec::with_capacity(SHOWN);
    for rule in rules {
        if shown.len() == SHOWN {
            let more = rules.len() - SHOWN;
            return Cow::Owned(format!("{} + {more} more...", shown.join(",")));
        }
        if !rule.host().is_empty() {
            shown.push(rule.host());
        }
    }
    if shown.is_empty() {
        Cow::Borrowed("*")
    } else {
        join(shown, ",")
    }
}

pub(super) fn ingress_class(object: &Record, now: Time) -> Cells<'_> {
    let object = IngressClass::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let mut name = Cow::Borrowed(meta.name());
    if is_true(meta.annotations(), DEFAULT_INGRESS_CLASS) {
        name.to_mut().push_str(" (default)");
    }
    let parameters = spec.parameters().map_or(Cow::Borrowed(NONE), |parameters| {
        let (kind, name) = (parameters.kind(), parameters.name());
        Cow::Owned(match parameters.api_group() {
            Some(group) => format!("{kind}.{group}/{name}"),
            None => format!("{kind}/{name}"),
        })
    });
    cells![
        name,
        spec.controller(),
        parameters,
        age_cell(meta.creation_timestamp(), now)
    ]
}

pub(super) fn network_policy(object: &Record, now: Time) -> Cells<'_> {
    let object = NetworkPolicy::from_record(object);
    let meta = object.metadata();
    let pods = selector(Some(object.spec().pod_selector()));
    cells![meta.name(), pods, age_cell(meta.creation_timestamp(), now)]
}

/// The printers of a version of ServiceCIDR and IPAddress.
macro_rules! addresses {
    ($version:ident) => {
        pub(in crate::printers) mod $version {
            use super::*;
            use crate::networking::$version::{IPAddress, ServiceCIDR};

            pub(in crate::printers) fn service_cidr(object: &Record, now: Time) -> Cells<'_> {
                let object = ServiceCIDR::from_record(object);
                let meta = object.metadata();
                let cidrs = join(object.spec().cidrs().iter(), ",");
                cells![meta.name(), cidrs, age_cell(meta.creation_timestamp(), now)]
            }

            /// The age is in the row although there is no column for it.
            pub(in crate::printers) fn ip_address(object: &Record, now: Time) -> Cells<'_> {
                let object = IPAddress::from_record(object);
                let meta = object.metadata();
                let parent = object
                    .spec()
                    .parent_ref()
                    .map_or(Cow::Borrowed(NONE), |parent| {
                        Cow::Owned(parent_ref(
                            parent.group(),
                            parent.resource(),
                            parent.namespace(),
                            parent.name(),
                        ))
                    });
                cells![
                    meta.name(),
                    parent,
                    age_cell(meta.creation_timestamp(), now)
                ]
            }
        }
    };
}
addresses!(v1);
addresses!(v1beta1);

fn parent_ref(group: &str, resource: &str, namespace: &str, name: &str) -> String {
    let mut text = resource.to_lowercase();
    if !group.is_empty() {
        append(&mut text, format_args!(".{}", group.to_lowercase()));
    }
    if !namespace.is_empty() {
        append(&mut text, format_args!("/{namespace}"));
    }
    append(&mut text, format_args!("/{name}"));
    text
}

#[cfg(test)]
mod tests;
