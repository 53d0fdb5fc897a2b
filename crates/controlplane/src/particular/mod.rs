//! What a kind does that neither facts nor validation say: fields that the server sets and clears, and
//! warnings. A module for each API group, whose `of` finds the kind.

use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod autoscaling;
mod batch;
mod certificates;
mod coordination;
mod core;
mod discovery;
mod flowcontrol;
mod networking;
mod node;
pub(crate) mod pods;
mod policy;
mod rbac;
mod resource;
mod scheduling;
mod storage;
mod workload;

/// What is particular to a kind. `status` has been dealt with before these are asked: the main endpoint
/// does not write it, and the status endpoint writes nothing else.
pub(crate) trait Particular: Send + Sync {
    /// Clears and sets what is not the client's to say on a create.
    fn prepare_for_create(&self, _cx: &RequestContext, _new: &mut Record) {}

    /// Clears and sets what is not the client's to say on an update.
    fn prepare_for_update(&self, _cx: &RequestContext, _new: &mut Record, _old: &Record) {}

    /// The same on an update of a subresource such as `status`.
    fn prepare_subresource(
        &self,
        _cx: &RequestContext,
        _subresource: &str,
        _new: &mut Record,
        _old: &Record,
    ) {
    }

    /// What the main endpoint (`""`) or a subresource resets, where it is not just what is not its own.
    fn reset_fields(&self, _subresource: &str) -> Option<ResetFields> {
        None
    }

    /// Annotations that upstream's internal type has as fields.
    fn annotations_of_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a request that names an object may delete it at all.
    fn check_deletion(&self, _name: &str) -> Result<(), ApiError> {
        Ok(())
    }

    /// What the client should know though the object is valid; `old` is that of an update.
    fn warnings(&self, _new: &Record, _old: Option<&Record>) -> Vec<String> {
        Vec::new()
    }

    /// The same on an update of a subresource such as `status`.
    fn subresource_warnings(&self, _subresource: &str, _new: &Record) -> Vec<String> {
        Vec::new()
    }
}

/// Paths of fields that a client does not come to own by sending them.
pub(crate) type ResetFields = &'static [&'static [&'static str]];

/// Nothing: most kinds.
pub(crate) struct Plain;

impl Particular for Plain {}

/// What is particular to a resource.
pub(crate) fn of(group: &str, resource: &str) -> &'static dyn Particular {
    let found = match group {
        "" => core::of(resource),
        "events.k8s.io" => core::of("events"),
        "admissionregistration.k8s.io" => admissionregistration::of(resource),
        "apiextensions.k8s.io" => apiextensions::of(resource),
        "apiregistration.k8s.io" => apiregistration::of(resource),
        "apps" => apps::of(resource),
        "autoscaling" => autoscaling::of(resource),
        "batch" => batch::of(resource),
        "certificates.k8s.io" => certificates::of(resource),
        "coordination.k8s.io" => coordination::of(resource),
        "discovery.k8s.io" => discovery::of(resource),
        "flowcontrol.apiserver.k8s.io" => flowcontrol::of(resource),
        "networking.k8s.io" => networking::of(resource),
        "node.k8s.io" => node::of(resource),
        "policy" => policy::of(resource),
        "rbac.authorization.k8s.io" => rbac::of(resource),
        "resource.k8s.io" => resource::of(resource),
        "scheduling.k8s.io" => scheduling::of(resource),
        "storage.k8s.io" => storage::of(resource),
        _ => None,
    };
    found.unwrap_or(&Plain)
}
