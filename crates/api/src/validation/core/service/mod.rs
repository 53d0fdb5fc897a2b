//! `Service`.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::ip;
use pintle_runtime::name::{dns1123_label, dns1123_subdomain, label_key, port_name, port_number};
use pintle_runtime::object_meta::validate_labels;
use pintle_runtime::value::Record;
use pintle_runtime::view::IntOrString;

use crate::core::v1::{Service, ServicePort, ServiceSpec};
use crate::validation::Rules;

mod addresses;
pub(in crate::validation) mod balancer;
mod traffic;

pub use addresses::cluster_ips;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", balancer::update_status)],
};

/// A key of annotations that once held what `loadBalancerSourceRanges` does.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// The former name of [`TOPOLOGY_MODE`].
pub const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const LONGEST_AFFINITY: i32 = 86_400;
const ONLY_BALANCED: &str = "may only be used when `type` is 'LoadBalancer'";

fn create(new: &Record, errors: &mut ErrorList) {
    validate(Service::from_record(new), None, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (Service::from_record(new), Service::from_record(old));
    addresses::validate_update(new.spec(), old.spec(), errors);
    balancer::validate_class(new.spec(), Some(old.spec()), errors);
    if needs_health_check(new.spec())
        && needs_health_check(old.spec())
        && new.spec().health_check_node_port() != old.spec().health_check_node_port()
    {
        errors.forbidden(&Path::new("spec.healthCheckNodePort"), "field is immutable");
    }
    validate(new, Some(old), errors);
}

fn validate(new: Service<'_>, old: Option<Service<'_>>, errors: &mut ErrorList) {
    let spec = new.spec();
    let path = Path::new("spec");
    validate_topology(new, errors);
    validate_type_fields(spec, &path, errors);
    validate_ports(spec, &path.child("ports"), errors);
    validate_labels(spec.selector(), &path.child("selector"), errors);
    validate_affinity(spec, &path, errors);
    addresses::validate(spec, old.map(|old| old.spec()), errors);
    let had: Vec<&str> =
        old.map_or_else(Vec::new, |old| old.spec().external_ips().iter().collect());
    for (at, address) in spec.external_ips().iter().enumerate() {
        let (ips, before) = (path.child("externalIPs"), errors.len());
        ip::validate_legacy(address, &had, &ips.index(at), errors);
        if errors.len() == before {
            ip::validate_reachable(address, &ips.index(at), errors);
        }
    }
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    one_of(spec.type_(), &types, &path.child("type"), errors);
    validate_node_ports(spec, &path.child("ports"), errors);
    balancer::validate_source_ranges(new, old, &path, errors);
    if spec.type_() == "LoadBalancer" {
        if spec.allocate_load_balancer_node_ports().is_none() {
            // Upstream leaves out `spec` here.
            errors.required(&Path::new("allocateLoadBalancerNodePorts"), "");
        }
    } else if spec.allocate_load_balancer_node_ports().is_some() {
        errors.forbidden(&path.child("allocateLoadBalancerNodePorts"), ONLY_BALANCED);
    }
    balancer::validate_class(spec, None, errors);
    traffic::validate(spec, &path, errors);
}

/// A value that is there and one of `known`.
pub(in crate::validation) fn one_of(
    value: &str,
    known: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if value.is_empty() {
        errors.required(path, "");
    } else if !known.contains(&value) {
        errors.not_supported(path, BadValue::json_string(value), known);
    }
}

/// Whether pods are found by DNS alone: there is no address.
pub fn is_headless(spec: ServiceSpec<'_>) -> bool {
    spec.cluster_ips().len() == 1 && spec.cluster_ips().first() == Some("None")
}

/// Whether it can be reached from outside the cluster.
pub fn is_external(spec: ServiceSpec<'_>) -> bool {
    match spec.type_() {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !spec.external_ips().is_empty(),
        _ => false,
    }
}

/// Whether load balancers ask the nodes which of them has pods.
pub fn needs_health_check(spec: ServiceSpec<'_>) -> bool {
    spec.type_() == "LoadBalancer" && spec.external_traffic_policy() == "Local"
}

fn validate_topology(new: Service<'_>, errors: &mut ErrorList) {
    let annotations = new.metadata().annotations();
    if let (Some(mode), Some(hints)) = (
        annotations.get(TOPOLOGY_MODE),
        annotations.get(TOPOLOGY_HINTS),
    ) && mode != hints
    {
        errors.invalid(
            &Path::new("metadata.annotations").key(TOPOLOGY_MODE),
            mode,
            format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified"),
        );
    }
}

/// What a type wants and what it does not take.
fn validate_type_fields(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let headless = is_headless(spec);
    if spec.ports().is_empty() && !headless && spec.type_() != "ExternalName" {
        errors.required(&path.child("ports"), "");
    }
    if headless && matches!(spec.type_(), "LoadBalancer" | "NodePort") {
        let why = format!("may not be set to 'None' for {} services", spec.type_());
        errors.invalid(&path.child("clusterIPs").index(0), "None", why);
    }
    if spec.type_() == "ExternalName" {
        let none = "may not be set for ExternalName services";
        let set = [
            ("clusterIPs", !spec.cluster_ips().is_empty()),
            ("ipFamilies", !spec.ip_families().is_empty()),
            ("ipFamilyPolicy", spec.ip_family_policy().is_some()),
        ];
        for (field, _) in set.iter().filter(|(_, is_set)| *is_set) {
            errors.forbidden(&path.child(field), none);
        }
        // A dot at the end says that the name is complete.
        let name = spec.external_name();
        let name = name.strip_suffix('.').unwrap_or(name);
        let at = path.child("externalName");
        if name.is_empty() {
            errors.required(&at, "");
        } else {
            errors.invalid_each(&at, name, dns1123_subdomain(name));
        }
    }
}

fn validate_ports(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut names = HashSet::new();
    let named = spec.ports().len() > 1;
    for (at, port) in spec.ports().iter().enumerate() {
        let path = path.index(at);
        if !port.name().is_empty() {
            let (name, path) = (port.name(), path.child("name"));
            errors.invalid_each(&path, name, dns1123_label(name));
            if !names.insert(name) {
                errors.duplicate(&path, name);
            }
        } else if named {
            errors.required(&path.child("name"), "");
        }
        validate_port(port, &path, errors);
    }
}

fn validate_port(port: ServicePort<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let number = |number: i32, path: &Path<'_>, errors: &mut ErrorList| {
        for why in port_number(number.into()) {
            errors.invalid(path, number, why);
        }
    };
    number(port.port(), &path.child("port"), errors);
    one_of(
        port.protocol(),
        &["SCTP", "TCP", "UDP"],
        &path.child("protocol"),
        errors,
    );
    let target = path.child("targetPort");
    match port.target_port() {
        IntOrString::Int(port) => number(port, &target, errors),
        IntOrString::String(name) => errors.invalid_each(&target, name, port_name(name)),
    }
    if let Some(protocol) = port.app_protocol() {
        errors.invalid_each(&path.child("appProtocol"), protocol, label_key(protocol));
    }
}

fn validate_affinity(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let affinity = spec.session_affinity();
    one_of(
        affinity,
        &["ClientIP", "None"],
        &path.child("sessionAffinity"),
        errors,
    );
    let path = path.child("sessionAffinityConfig");
    let config = spec.session_affinity_config();
    let missing = "when session affinity type is ClientIP";
    match (affinity, config) {
        ("None", Some(_)) => {
            errors.forbidden(&path, "must not be set when session affinity is None");
        }
        ("ClientIP", None) => errors.required(&path, missing),
        ("ClientIP", Some(config)) => {
            let path = path.child("clientIP");
            let Some(client) = config.client_ip() else {
                return errors.required(&path, missing);
            };
            let path = path.child("timeoutSeconds");
            match client.timeout_seconds() {
                None => errors.required(&path, missing),
                Some(1..=LONGEST_AFFINITY) => {}
                Some(seconds) => errors.invalid(
                    &path,
                    seconds,
                    format!("must be greater than 0 and less than {LONGEST_AFFINITY}"),
                ),
            }
        }
        _ => {}
    }
}

/// No node ports without a type that has them, and none of them or of the ports twice.
fn validate_node_ports(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let ports = || spec.ports().iter().enumerate();
    if spec.type_() == "ClusterIP" {
        for (at, _) in ports().filter(|(_, port)| port.node_port() != 0) {
            errors.forbidden(
                &path.index(at).child("nodePort"),
                "may not be used when `type` is 'ClusterIP'",
            );
        }
    }
    let mut seen = HashSet::new();
    for (at, port) in ports().filter(|(_, port)| port.node_port() != 0) {
        if !seen.insert((port.protocol(), port.node_port())) {
            errors.duplicate(&path.index(at).child("nodePort"), port.node_port());
        }
    }
    let mut seen = HashSet::new();
    for (at, port) in ports() {
        if !seen.insert((port.protocol(), port.port())) {
            let BadValue::Json(protocol) = BadValue::json_string(port.protocol()) else {
                continue;
            };
            let key = format!(
                r#"{{"Name":"","Protocol":{protocol},"AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
                port.port()
            );
            errors.push(FieldError::duplicate(&path.index(at), BadValue::Json(key)));
        }
    }
}

#[cfg(test)]
mod tests;
