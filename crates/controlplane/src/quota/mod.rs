//! Resource quotas: what an object uses, and which quotas that counts against.
//!
//! The plug-in `ResourceQuota` charges what is created; the controller of the same name counts what is there. Both
//! measure by an [`Evaluator`].

mod charge;
mod pods;
mod scopes;

use pintle_api::core::v1::{PersistentVolumeClaim, Pod, Service};
use pintle_api::resource::v1::ResourceClaim;
use pintle_endpoints::admission::Operation;
use pintle_runtime::quantity::{Format, Quantity};
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

pub(crate) use charge::{Charge, Limited, Quota};
pub(crate) use scopes::{Scope, is_best_effort};

use crate::admission::amounts::{Amounts, quantity};

/// How a resource is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Pods,
    Services,
    Volumes,
    Devices,
    /// By number alone.
    Count,
}

/// What is counted of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Evaluator {
    measure: Measure,
    /// `count/` and the resource.
    count: String,
    /// The name under which some resources were counted before they all could be.
    alias: Option<String>,
}

/// What is never counted.
const IGNORED: &[(&str, &str)] = &[
    ("", "bindings"),
    ("", "componentstatuses"),
    ("", "events"),
    ("events.k8s.io", "events"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("apiregistration.k8s.io", "apiservices"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
];

/// Whole things.
pub(crate) fn units(number: i64) -> Quantity {
    Quantity::new(number, Format::DecimalSi)
}

const CLASS: &str = ".storageclass.storage.k8s.io/";
const DEVICE_CLASS: &str = ".deviceclass.resource.k8s.io/devices";

impl Evaluator {
    /// Of a resource; absent if it is never counted.
    pub(crate) fn of(group: &str, resource: &str) -> Option<Self> {
        if IGNORED.contains(&(group, resource)) {
            return None;
        }
        let measure = match (group, resource) {
            ("", "pods") => Measure::Pods,
            ("", "services") => Measure::Services,
            ("", "persistentvolumeclaims") => Measure::Volumes,
            ("resource.k8s.io", "resourceclaims") => Measure::Devices,
            _ => Measure::Count,
        };
        let has_alias = group.is_empty()
            && matches!(
                resource,
                "pods"
                    | "services"
                    | "persistentvolumeclaims"
                    | "configmaps"
                    | "resourcequotas"
                    | "replicationcontrollers"
                    | "secrets"
            );
        Some(Self {
            measure,
            count: match group {
                "" => format!("count/{resource}"),
                group => format!("count/{resource}.{group}"),
            },
            alias: has_alias.then(|| resource.to_owned()),
        })
    }

    /// Whether a request can change what is used.
    pub(crate) fn handles(&self, operation: Operation, subresource: &str) -> bool {
        let (creates, updates) = (
            operation == Operation::Create,
            operation == Operation::Update,
        );
        match (self.measure, subresource) {
            (Measure::Pods, "resize") => updates,
            (Measure::Services, "") | (Measure::Volumes, "") | (Measure::Devices, "") => {
                creates || updates
            }
            (Measure::Services | Measure::Volumes, "status") => updates,
            (_, "") => creates,
            _ => false,
        }
    }

    /// Whether it measures what a quota calls `name`.
    pub(crate) fn measures(&self, name: &str) -> bool {
        if name == self.count || self.alias.as_deref() == Some(name) {
            return true;
        }
        match self.measure {
            Measure::Pods => pods::measures(name),
            Measure::Services => matches!(name, "services.nodeports" | "services.loadbalancers"),
            Measure::Volumes => {
                name == "requests.storage"
                    || name.split_once(CLASS).is_some_and(|(_, what)| {
                        matches!(what, "requests.storage" | "persistentvolumeclaims")
                    })
            }
            Measure::Devices => name.ends_with(DEVICE_CLASS),
            Measure::Count => false,
        }
    }

    /// What an object uses.
    pub(crate) fn usage(&self, object: &Record, now: Time) -> Amounts {
        let mut usage = Amounts::from([(self.count.clone(), units(1))]);
        if self.measure != Measure::Pods
            && let Some(alias) = &self.alias
        {
            usage.insert(alias.clone(), units(1));
        }
        match self.measure {
            Measure::Pods => pods::add_usage(Pod::from_record(object), now, &mut usage),
            Measure::Services => of_service(Service::from_record(object), &mut usage),
            Measure::Volumes => of_volume(PersistentVolumeClaim::from_record(object), &mut usage),
            Measure::Devices => of_devices(ResourceClaim::from_record(object), &mut usage),
            Measure::Count => {}
        }
        usage
    }

    /// What an object has to say because quotas count it, and does not.
    pub(crate) fn unsaid(&self, required: &[String], object: &Record) -> Option<String> {
        match self.measure {
            Measure::Pods => pods::unsaid(required, Pod::from_record(object)),
            _ => None,
        }
    }

    /// Whether an object is in a scope.
    pub(crate) fn is_in(&self, scope: &Scope, object: &Record) -> bool {
        match self.measure {
            Measure::Pods => scope.has_pod(Pod::from_record(object)),
            Measure::Volumes => scope.has_claim(PersistentVolumeClaim::from_record(object)),
            _ => false,
        }
    }
}

fn of_service(service: Service<'_>, usage: &mut Amounts) {
    let spec = service.spec();
    let ports = || spec.ports().len();
    let (balancers, node_ports) = match spec.type_() {
        "NodePort" => (0, ports()),
        "LoadBalancer" if spec.allocate_load_balancer_node_ports() == Some(false) => {
            let explicit = spec.ports();
            (
                1,
                explicit.iter().filter(|port| port.node_port() != 0).count(),
            )
        }
        "LoadBalancer" => (1, ports()),
        _ => (0, 0),
    };
    let node_ports = i64::try_from(node_ports).unwrap_or(i64::MAX);
    usage.insert("services.nodeports".to_owned(), units(node_ports));
    usage.insert("services.loadbalancers".to_owned(), units(balancers));
}

fn of_volume(claim: PersistentVolumeClaim<'_>, usage: &mut Amounts) {
    let class = crate::admission::storage_class(claim);
    let mut charge = |what: &str, amount: Quantity| {
        if !class.is_empty() {
            usage.insert(format!("{class}{CLASS}{what}"), amount);
        }
        usage.insert(what.to_owned(), amount);
    };
    charge("persistentvolumeclaims", units(1));
    let asked = claim
        .spec()
        .resources()
        .requests()
        .get("storage")
        .map(quantity);
    let given = claim
        .status()
        .allocated_resources()
        .get("storage")
        .map(quantity);
    if let Some(asked) = asked {
        charge(
            "requests.storage",
            given.map_or(asked, |given| asked.max(given)),
        );
    }
}

fn of_devices(claim: ResourceClaim<'_>, usage: &mut Amounts) {
    // Of alternatives each class is charged with the most that one of them takes.
    for request in claim.spec().devices().requests() {
        let mut most = Amounts::new();
        let mut note = |class: &str, mode: &str, count: i64| {
            // All that there are can not be known: as many as one claim can have.
            let number = if mode == "All" { 32 } else { count };
            let name = format!("{class}{DEVICE_CLASS}");
            let highest = most.entry(name).or_insert(Quantity::ZERO);
            *highest = (*highest).max(units(number));
        };
        if let Some(exactly) = request.exactly() {
            note(
                exactly.device_class_name(),
                exactly.allocation_mode(),
                exactly.count(),
            );
        }
        for one in request.first_available() {
            note(one.device_class_name(), one.allocation_mode(), one.count());
        }
        crate::admission::amounts::add(usage, &most);
    }
}

#[cfg(test)]
mod tests;
