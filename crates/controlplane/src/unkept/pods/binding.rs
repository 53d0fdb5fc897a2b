//! `pods/binding` and `bindings`: a scheduler puts a pod on a node.

use pintle_api::core::v1::{Binding as Body, PodMut};
use pintle_endpoints::delete_options::Preconditions;
use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::{ApiError, Status};
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::condition::Condition;

const SCHEDULED: Condition = Condition {
    kind: "PodScheduled",
    reason: "",
    message: "",
};

/// Binds a pod to the node that the body names.
pub(in crate::unkept) struct Binding;

impl Action for Binding {
    fn keeps_system_fields(&self) -> bool {
        true
    }

    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
        Box::pin(bind(asked, body))
    }
}

async fn bind(asked: Asked<'_>, body: Record) -> Result<Outcome, ApiError> {
    let binding = Body::from_record(&body);
    let meta = binding.metadata();
    let name = asked.name;
    if name != meta.name() {
        return Err(ApiError::bad_request(
            "name in URL does not match name in Binding object",
        ));
    }
    let errors = validate(binding);
    if !errors.is_empty() {
        return Err(ApiError::unknown(errors.to_string()));
    }
    // The key of a pod takes a name, which a binding in a collection need not have.
    if name.is_empty() {
        return Err(ApiError::bad_request("Name parameter required."));
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let preconditions = Preconditions {
        uid: given(meta.uid()),
        resource_version: given(meta.resource_version()),
    };
    let now = asked.cx.now();
    let assign = |pod: &mut Record| assign(binding, &mut PodMut::from_record(pod), now);
    let shared;
    let pods = match asked.parent {
        Some(pods) => pods,
        None => {
            shared = asked.store("", "v1", "pods")?;
            &shared
        }
    };
    pods.rewrite(asked.permit, asked.cx, name, &preconditions, assign)
        .await?;
    Ok(Outcome::Status(Status::success()))
}

fn validate(binding: Body<'_>) -> ErrorList {
    let mut errors = ErrorList::new();
    let path = Path::new("target");
    let kind = binding.target().kind();
    if !matches!(kind, "" | "Node") {
        errors.not_supported(&path.child("kind"), kind, ["Node", "<empty>"]);
    }
    if binding.target().name().is_empty() {
        errors.required(&path.child("name"), "");
    }
    errors
}

/// Puts the pod on the node, with the labels and annotations of the binding.
fn assign(binding: Body<'_>, pod: &mut PodMut<'_>, now: Time) -> Result<(), ApiError> {
    let view = pod.view();
    let name = view.metadata().name();
    let conflict = |why: String| {
        let resource = GroupResource::new("", "pods/binding");
        Err(ApiError::conflict(&resource, name, why))
    };
    if view.metadata().deletion_timestamp().is_some() {
        return conflict(format!(
            "pod {name} is being deleted, cannot be assigned to a host"
        ));
    }
    let node = view.spec().node_name();
    if !node.is_empty() {
        return conflict(format!("pod {name} is already assigned to node \"{node}\""));
    }
    if !view.spec().scheduling_gates().is_empty() {
        return conflict(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    pod.spec_mut()
        .set_node_name(binding.target().name().to_owned());
    pod.status_mut().clear_nominated_node_name();
    let mut metadata = pod.metadata_mut();
    for (key, value) in binding.metadata().annotations().iter() {
        metadata
            .annotations_mut()
            .insert(key.to_owned(), value.to_owned());
    }
    for (key, value) in binding.metadata().labels().iter() {
        metadata
            .labels_mut()
            .insert(key.to_owned(), value.to_owned());
    }
    SCHEDULED.set(&mut pod.status_mut(), now);
    Ok(())
}
