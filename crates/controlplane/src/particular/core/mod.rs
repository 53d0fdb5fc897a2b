//! `core`.

use crate::particular::Particular;

mod endpoints;
mod pod;
mod service;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "endpoints" => &endpoints::OfServices,
        "pods" => &pod::Pods,
        "services" => &service::Services,
        _ => return None,
    })
}
