//! `core`: a module for each kind, or for each few that belong together.

use super::Rules;

mod config_map;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "ConfigMap" => config_map::RULES,
        _ => return None,
    })
}
