//! `apps`: the workloads that run until they are told otherwise.

use super::Rules;

mod controller_revision;
mod daemon_set;
mod deployment;
mod replica_set;
mod stateful_set;
#[cfg(test)]
mod tests;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "ControllerRevision" => controller_revision::RULES,
        "DaemonSet" => daemon_set::RULES,
        "Deployment" => deployment::RULES,
        "ReplicaSet" => replica_set::RULES,
        "StatefulSet" => stateful_set::RULES,
        _ => return None,
    })
}
