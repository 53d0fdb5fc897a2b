//! When a container is started again, and what becomes of it when its resources change.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::view::List;

use super::spec::{one_of, supported};
use super::typed;
use crate::core::v1::{Container, ContainerResizePolicy};

/// Rules stand beside a policy.
pub(super) const NEEDS_POLICY: &str = "must specify restartPolicy when restart rules are used";

/// Checks `restartPolicy` and `restartPolicyRules` (`validateContainerRestartPolicy`).
pub(super) fn rules(container: Container<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let rules = container.restart_policy_rules();
    let at = path.child("restartPolicy");
    match container.restart_policy() {
        None if rules.is_empty() => return,
        None => errors.required(&at, NEEDS_POLICY),
        Some(policy) => supported(policy, &["Always", "Never", "OnFailure"], &at, errors),
    }
    let at = path.child("restartPolicyRules");
    if rules.len() > 20 {
        errors.push(FieldError::too_many(&at, rules.len(), 20));
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = at.index(index);
        let allowed = ["Restart", "RestartAllContainers"];
        supported(rule.action(), &allowed, &at.child("action"), errors);
        let at = at.child("exitCodes");
        let Some(codes) = rule.exit_codes() else {
            errors.required(&at, "must be specified");
            continue;
        };
        supported(
            codes.operator(),
            &["In", "NotIn"],
            &at.child("operator"),
            errors,
        );
        let count = codes.values().len();
        if count > 255 {
            errors.push(FieldError::too_many(&at.child("values"), count, 255));
        }
    }
}

/// Checks `resizePolicy`, whose faults are all said of the list (`validateResizePolicy`).
pub(super) fn resize_policy(
    policies: List<'_, ContainerResizePolicy<'_>>,
    restart_policy: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut seen = HashSet::new();
    for (index, policy) in policies.iter().enumerate() {
        if !seen.insert(policy.resource_name()) {
            errors.duplicate(&path.index(index), typed(policy.resource_name()));
        }
        one_of(policy.resource_name(), &["cpu", "memory"], path, errors);
        let allowed = ["NotRequired", "RestartContainer"];
        one_of(policy.restart_policy(), &allowed, path, errors);
        if restart_policy == "Never" && policy.restart_policy() != "NotRequired" {
            errors.invalid(
                path,
                typed(policy.restart_policy()),
                "must be 'NotRequired' when pod `restartPolicy` is 'Never'",
            );
        }
    }
}
