//! `core`.

use crate::particular::Particular;

mod endpoints;
mod limit_range;
mod node;
mod pod;
mod replication;
mod secret;
mod service;
mod service_account;
mod volume;

pub(crate) use node::label_warning;
pub(crate) use volume::claim_warnings;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "endpoints" => &endpoints::OfServices,
        "limitranges" => &limit_range::LimitRanges,
        "nodes" => &node::Nodes,
        "persistentvolumeclaims" => &volume::Claims,
        "persistentvolumes" => &volume::Volumes,
        "pods" => &pod::Pods,
        "podtemplates" => &replication::Templates,
        "replicationcontrollers" => &replication::Controllers,
        "secrets" => &secret::Secrets,
        "serviceaccounts" => &service_account::ServiceAccounts,
        "services" => &service::Services,
        _ => return None,
    })
}
