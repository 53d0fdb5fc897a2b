//! `core`.

use crate::particular::Particular;

mod pod;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "pods" => &pod::Pods,
        _ => return None,
    })
}
