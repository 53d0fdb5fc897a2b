//! `flowcontrol.apiserver.k8s.io`: which requests wait for which.

use super::Rules;

mod flow_schema;
mod mandatory;
mod priority_level;
#[cfg(test)]
mod tests;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "FlowSchema" => flow_schema::RULES,
        "PriorityLevelConfiguration" => priority_level::RULES,
        _ => return None,
    })
}
