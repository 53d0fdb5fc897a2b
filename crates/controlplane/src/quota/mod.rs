//! Resource quotas: what an object uses, and which quotas that counts against.
//!
//! The plug-in `ResourceQuota` charges what is created; the controller of the same name counts what is there. Both
//! measure by an [`Evaluator`].

mod charge;
mod pods;
mod scopes;

use std::collections::BTreeMap;
use std::sync::Arc;

use pintle_api::core::v1::{PersistentVolumeClaim, Pod, Service};
use pintle_api::resource::v1::{DeviceClass, ResourceClaim};
use pintle_endpoints::admission::Operation;
use pintle_endpoints::cache::Entry;
use pintle_runtime::quantity::{Format, Quantity};
use pintle_runtime::status::ApiError;
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
    /// Classes of devices, and the resources by which pods ask for them.
    classes: BTreeMap<String, String>,
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
/// The resource by which pods ask for the devices of a class, without the class.
const OF_DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";
/// Says that the scheduler made a claim for the resources that a pod asks for.
const MADE_FOR_POD: &str = "resource.kubernetes.io/extended-resource-claim";

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
            classes: BTreeMap::new(),
        })
    }

    /// Whether it has to know the classes of devices.
    pub(crate) fn asks_for_classes(&self) -> bool {
        self.measure == Measure::Devices
    }

    /// The same with the classes of devices that there are.
    pub(crate) fn knowing(mut self, classes: &[Arc<Entry>]) -> Result<Self, ApiError> {
        for entry in classes {
            let class = entry.record()?;
            let class = DeviceClass::from_record(&class);
            if let Some(resource) = class.spec().extended_resource_name() {
                let name = class.metadata().name().to_owned();
                self.classes.insert(name, resource.to_owned());
            }
        }
        Ok(self)
    }

    /// Whether a request can change what is used.
    pub(crate) fn handles(&self, operation: Operation, subresource: &str) -> bool {
        let (creates, updates) = (
            operation == Operation::Create,
            operation == Operation::Update,
        );
        match (self.measure, subresource) {
            (Measure::Pods, "resize") => updates,
            (Measure::Pods | Measure::Services | Measure::Volumes | Measure::Devices, "") => {
                creates || updates
            }
            (Measure::Services | Measure::Volumes, "status") => updates,
            (_, "") => creates,
            _ => false,
        }
    }

    /// Whether an update of the object itself does: of a pod, if other quotas are about it from then on.
    pub(crate) fn is_moved(&self, new: &Record, old: &Record) -> bool {
        let ends = |object| pods::ends(Pod::from_record(object));
        self.measure != Measure::Pods || ends(new) != ends(old)
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
            Measure::Devices => {
                let asked = name.strip_prefix("requests.");
                name.ends_with(DEVICE_CLASS) || asked.is_some_and(pods::is_extended)
            }
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
            Measure::Devices => {
                let claim = ResourceClaim::from_record(object);
                of_devices(claim, &self.classes, &mut usage);
            }
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

fn of_devices(claim: ResourceClaim<'_>, classes: &BTreeMap<String, String>, usage: &mut Amounts) {
    let metadata = claim.metadata();
    let mut owners = metadata.owner_references().into_iter();
    let is_of_pod = owners.any(|it| it.controller() == Some(true) && it.kind() == "Pod");
    // What a pod asks for has been charged with the pod.
    let is_charged = is_of_pod && metadata.annotations().get(MADE_FOR_POD) == Some("true");
    let charge = |amounts: &mut Amounts, class: &str, number: Quantity| {
        let mut names = vec![format!("{class}{DEVICE_CLASS}")];
        if !is_charged {
            names.push(format!("requests.{OF_DEVICE_CLASS}{class}"));
            names.extend(classes.get(class).map(|it| format!("requests.{it}")));
        }
        for name in names {
            *amounts.entry(name).or_insert(Quantity::ZERO) += number;
        }
    };
    let number = |mode: &str, count: i64| match mode {
        "ExactCount" => units(count),
        // All that there are can not be known: as many as one claim can have.
        "All" => units(32),
        _ => Quantity::ZERO,
    };
    for request in claim.spec().devices().requests() {
        if let Some(exactly) = request.exactly() {
            let number = number(exactly.allocation_mode(), exactly.count());
            charge(usage, exactly.device_class_name(), number);
        }
        // Each class is charged with alternatives that take more than those before.
        let mut most = Amounts::new();
        for one in request.first_available() {
            let class = one.device_class_name();
            let number = number(one.allocation_mode(), one.count());
            let before = most.get(&format!("{class}{DEVICE_CLASS}")).copied();
            if number > before.unwrap_or(Quantity::ZERO) {
                charge(&mut most, class, number);
            }
        }
        crate::admission::amounts::add(usage, &most);
    }
}

#[cfg(test)]
mod tests;
