//! `networking`: a module for each few kinds that belong together.

use super::Rules;

mod address;
mod ingress;
mod policy;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "Ingress" => ingress::RULES,
        "IngressClass" => ingress::class::RULES,
        "IPAddress" => address::RULES,
        "NetworkPolicy" => policy::RULES,
        "ServiceCIDR" => address::NETWORK_RULES,
        _ => return None,
    })
}
