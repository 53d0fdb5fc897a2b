//! Plug-ins about the namespace that something is made in.

use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::{ApiError, CauseReason, StatusCause};
use pintle_runtime::value::Record;

use super::Lookup;
use super::lookup::Place;

/// Namespaces.
pub(super) const NAMESPACES: Place = ("", "v1", "namespaces");

/// Namespaces that may not be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// `NamespaceLifecycle`: what is made in a namespace needs one that is there and not on its way out; some namespaces
/// are there forever.
pub(super) struct Lifecycle(pub Lookup);

impl Plugin for Lifecycle {
    fn name(&self) -> &'static str {
        "NamespaceLifecycle"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let is_review = target.resource.name == "localsubjectaccessreviews";
        Interest::MUTATES.when(if is_namespace(target) {
            target.operation == Operation::Delete
        } else {
            target.writes() && target.resource.namespaced && !is_review
        })
    }

    fn mutate<'a>(
        &'a self,
        _: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        _: Option<&'a mut Record>,
    ) -> Answer<'a> {
        if attributes.operation == Operation::Delete {
            return check_deletion(attributes).into();
        }
        self.check_namespace(attributes).into()
    }
}

impl Lifecycle {
    fn check_namespace(&self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        let namespace = attributes.namespace;
        let Some(entry) = self.0.entry(NAMESPACES, "", namespace)? else {
            return Err(absent(namespace));
        };
        let is_terminating = entry.field("status.phase") == "Terminating";
        if attributes.operation != Operation::Create || !is_terminating {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = StatusCause::new(
            CauseReason::NamespaceTerminating,
            format!("namespace {namespace} is being terminated"),
            "metadata.namespace",
        );
        Err(attributes.forbid(why).with_cause(cause))
    }
}

fn check_deletion(attributes: &Attributes<'_>) -> Result<(), ApiError> {
    if IMMORTAL.contains(&attributes.name.as_str()) {
        return Err(attributes.forbid("this namespace may not be deleted"));
    }
    Ok(())
}

fn is_namespace(target: Target<'_>) -> bool {
    target.resource.group.is_empty() && target.resource.name == "namespaces"
}

fn absent(namespace: &str) -> ApiError {
    ApiError::not_found(&GroupResource::new("", "namespaces"), namespace)
}
