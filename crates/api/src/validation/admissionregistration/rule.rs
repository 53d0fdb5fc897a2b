//! What a webhook or policy applies to.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::meta::LabelSelector;
use pintle_runtime::name::path_segment_name;
use pintle_runtime::view::{List, Strings};

use super::MATCH_POLICIES;
use crate::admissionregistration::v1::{
    MatchResources, NamedRuleWithOperations, RuleWithOperations,
};
use crate::validation::immutable::Content;
use crate::validation::labels::{self, Values};

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
/// What is deleted cannot be changed on the way.
const MUTATING_OPERATIONS: [&str; 4] = ["*", "CONNECT", "CREATE", "UPDATE"];
const SCOPES: [&str; 3] = ["*", "Cluster", "Namespaced"];

/// A choice: one of `supported`, or nothing.
pub(super) fn choice(
    value: Option<&str>,
    supported: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if let Some(value) = value
        && !supported.contains(&value)
    {
        errors.not_supported(path, BadValue::json_string(value), supported);
    }
}

/// A choice that must be made.
pub(super) fn required_choice(
    value: Option<&str>,
    supported: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if value.is_none() {
        return errors.required(path, "");
    }
    choice(value, supported, path, errors);
}

/// The fields that every sort of rule has.
struct Rule<'a> {
    operations: Strings<'a>,
    api_groups: Strings<'a>,
    api_versions: Strings<'a>,
    resources: Strings<'a>,
    scope: Option<&'a str>,
}

/// A rule of a webhook.
pub(super) fn of_webhook(rule: RuleWithOperations<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let rule = Rule {
        operations: rule.operations(),
        api_groups: rule.api_groups(),
        api_versions: rule.api_versions(),
        resources: rule.resources(),
        scope: rule.scope(),
    };
    check(&rule, path, errors);
}

fn of_policy(rule: NamedRuleWithOperations<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("resourceNames");
    let mut seen = HashSet::new();
    for (index, name) in rule.resource_names().iter().enumerate() {
        errors.invalid_each(&at.index(index), name, path_segment_name(name));
        if !seen.insert(name) {
            errors.duplicate(&at.index(index), name);
        }
    }
    let rule = Rule {
        operations: rule.operations(),
        api_groups: rule.api_groups(),
        api_versions: rule.api_versions(),
        resources: rule.resources(),
        scope: rule.scope(),
    };
    check(&rule, path, errors);
}

fn check(rule: &Rule<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("operations");
    some_or_all(rule.operations, "operations", &at, errors);
    for (index, operation) in rule.operations.iter().enumerate() {
        choice(Some(operation), &OPERATIONS, &at.index(index), errors);
    }
    let at = path.child("apiGroups");
    some_or_all(rule.api_groups, "API groups", &at, errors);
    let at = path.child("apiVersions");
    some_or_all(rule.api_versions, "API versions", &at, errors);
    for (index, version) in rule.api_versions.iter().enumerate() {
        if version.is_empty() {
            errors.required(&at.index(index), "");
        }
    }
    resources(rule.resources, &path.child("resources"), errors);
    choice(rule.scope, &SCOPES, &path.child("scope"), errors);
}

/// There is something, and nothing beside `*`.
fn some_or_all(list: Strings<'_>, what: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if list.is_empty() {
        errors.required(path, "");
    }
    if list.len() > 1 && list.contains("*") {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.invalid(path, list.shown(), detail);
    }
}

fn resources(list: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if list.is_empty() {
        errors.required(path, "");
    }
    // `x/*` and `*/x` that came before.
    let (mut whole, mut everywhere) = (HashSet::new(), HashSet::new());
    // Of several without a subresource, upstream goes by the last.
    let mut last_is_plain = false;
    for (index, text) in list.iter().enumerate() {
        let at = path.index(index);
        if text.is_empty() {
            errors.required(&at, "");
            continue;
        }
        let Some((resource, sub)) = text.split_once('/') else {
            last_is_plain = text != "*";
            continue;
        };
        if whole.contains(resource) {
            let detail = format!("if '{resource}/*' is present, must not specify {text}");
            errors.invalid(&at, text, detail);
        }
        if everywhere.contains(sub) {
            let detail = format!("if '*/{sub}' is present, must not specify {text}");
            errors.invalid(&at, text, detail);
        }
        if sub == "*" {
            whole.insert(resource);
        }
        if resource == "*" {
            everywhere.insert(sub);
        }
    }
    if list.len() > 1 && list.contains("*/*") {
        let detail = "if '*/*' is present, must not specify other resources";
        errors.invalid(path, list.shown(), detail);
    }
    if list.contains("*") && last_is_plain {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.invalid(path, list.shown(), detail);
    }
}

/// What a policy or its binding matches.
pub(super) fn match_resources(
    resources: MatchResources<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("matchPolicy");
    required_choice(resources.match_policy(), &MATCH_POLICIES, &at, errors);
    let at = path.child("namespaceSelector");
    required_selector(resources.namespace_selector(), &at, errors);
    let at = path.child("objectSelector");
    required_selector(resources.object_selector(), &at, errors);
    rules(
        resources.resource_rules(),
        &path.child("resourceRules"),
        errors,
    );
    let at = path.child("excludeResourceRules");
    rules(resources.exclude_resource_rules(), &at, errors);
}

fn required_selector(selector: Option<LabelSelector<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    if selector.is_none() {
        errors.required(path, "");
    }
    labels::selector(selector, Values::Checked, path, errors);
}

fn rules(rules: List<'_, NamedRuleWithOperations<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, rule) in rules.iter().enumerate() {
        of_policy(rule, &path.index(index), errors);
    }
}

/// The rules at `path` are about what can be changed.
pub(super) fn mutating_operations(
    resources: MatchResources<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let rules = path.child("resourceRules");
    let at = rules.child("operations");
    for rule in resources.resource_rules() {
        for operation in rule.operations().iter() {
            choice(Some(operation), &MUTATING_OPERATIONS, &at, errors);
        }
    }
}
