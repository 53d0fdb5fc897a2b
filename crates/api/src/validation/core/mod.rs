//! `core`: a module for each kind, or for each few that belong together.

use super::Rules;

mod config_map;
mod endpoints;
pub(super) mod event;
mod limit_range;
pub(super) mod namespace;
mod node;
pub(super) mod persistent_volume;
pub(super) mod persistent_volume_claim;
mod resource_quota;
mod secret;
pub(super) mod service;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "ConfigMap" => config_map::RULES,
        "Endpoints" => endpoints::RULES,
        "Event" => event::RULES,
        "LimitRange" => limit_range::RULES,
        "Namespace" => namespace::RULES,
        "Node" => node::RULES,
        "PersistentVolume" => persistent_volume::RULES,
        "PersistentVolumeClaim" => persistent_volume_claim::RULES,
        "ResourceQuota" => resource_quota::RULES,
        "Secret" => secret::RULES,
        "ServiceAccount" => Rules::NONE,
        "Service" => service::RULES,
        _ => return super::pod::rules(kind),
    })
}

#[cfg(test)]
mod tests;
