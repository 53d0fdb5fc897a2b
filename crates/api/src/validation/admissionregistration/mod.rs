//! `admissionregistration.k8s.io`: webhooks and policies that have a say in every write.
//!
//! Expressions are looked at only as text here: that they are there, and within their limits.

use super::Rules;

mod binding;
mod expression;
mod policy;
mod rule;
#[cfg(test)]
mod tests;
mod webhooks;

const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];
const MATCH_POLICIES: [&str; 2] = ["Equivalent", "Exact"];
const REINVOCATION_POLICIES: [&str; 2] = ["IfNeeded", "Never"];

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "ValidatingWebhookConfiguration" => webhooks::VALIDATING,
        "MutatingWebhookConfiguration" => webhooks::MUTATING,
        "ValidatingAdmissionPolicy" => policy::VALIDATING,
        "MutatingAdmissionPolicy" => policy::MUTATING,
        "ValidatingAdmissionPolicyBinding" => binding::VALIDATING,
        "MutatingAdmissionPolicyBinding" => binding::MUTATING,
        _ => return None,
    })
}
