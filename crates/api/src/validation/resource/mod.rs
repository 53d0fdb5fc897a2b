//! `resource.k8s.io`: devices, classes of them, and claims to them.
//!
//! Expressions that choose devices are looked at only as text here.

use super::Rules;

mod capacity;
mod claim;
mod claim_status;
mod class;
mod device;
mod lists;
mod names;
mod slice;
#[cfg(test)]
mod tests;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "DeviceClass" => class::RULES,
        "ResourceClaim" => claim::RULES,
        "ResourceClaimTemplate" => claim::TEMPLATE_RULES,
        "ResourceSlice" => slice::RULES,
        _ => return None,
    })
}
