//! `scheduling`.

use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::ApiError;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "priorityclasses" => &PriorityClasses,
        _ => return None,
    })
}

/// Priority classes: those that the server makes itself stay.
struct PriorityClasses;

impl Particular for PriorityClasses {
    fn check_deletion(&self, name: &str) -> Result<(), ApiError> {
        if !matches!(name, "system-node-critical" | "system-cluster-critical") {
            return Ok(());
        }
        Err(ApiError::forbidden(
            &GroupResource::new("scheduling.k8s.io", "priorityclasses"),
            name,
            "this is a system priority class and cannot be deleted",
        ))
    }
}
