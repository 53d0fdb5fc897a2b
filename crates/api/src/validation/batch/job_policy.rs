//! When a job has failed, and when it is done.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::object_meta::{validate_label_name, validate_nonnegative};
use pintle_runtime::value::Value;

use super::indexes;
use crate::batch::v1::{
    JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule, SuccessPolicy, SuccessPolicyRule,
};
use crate::validation::internal_form;

const RULES: usize = 20;
const EXIT_CODES: usize = 255;
const PATTERNS: usize = 20;
const INDEXES: usize = 64 * 1024;

/// What the failure of a pod means.
pub(super) fn failure(
    spec: JobSpec<'_>,
    policy: PodFailurePolicy<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("rules");
    not_more(policy.rules().len(), RULES, &at, errors);
    for (index, rule) in policy.rules().iter().enumerate() {
        failure_rule(spec, rule, &at.index(index), errors);
    }
}

fn failure_rule(
    spec: JobSpec<'_>,
    rule: PodFailurePolicyRule<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("action");
    match rule.action() {
        "FailIndex" if spec.backoff_limit_per_index().is_none() => errors.invalid(
            &at,
            BadValue::json_string("FailIndex"),
            "requires the backoffLimitPerIndex to be set",
        ),
        action => one_of(
            action,
            &["Count", "FailIndex", "FailJob", "Ignore"],
            &at,
            errors,
        ),
    }
    let conditions = rule.on_pod_conditions();
    if let Some(codes) = rule.on_exit_codes() {
        exit_codes(spec, codes, &path.child("onExitCodes"), errors);
    }
    if !conditions.is_empty() {
        let at = path.child("onPodConditions");
        not_more(conditions.len(), PATTERNS, &at, errors);
        for (index, pattern) in conditions.iter().enumerate() {
            pod_condition(pattern, &at.index(index), errors);
        }
    }
    let detail = match (rule.on_exit_codes().is_some(), conditions.is_empty()) {
        (true, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    errors.invalid(path, BadValue::Omitted, detail);
}

fn pod_condition(
    pattern: PodFailurePolicyOnPodConditionsPattern<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    validate_label_name(pattern.type_(), &path.child("type"), errors);
    let statuses = ["False", "True", "Unknown"];
    one_of(pattern.status(), &statuses, &path.child("status"), errors);
}

/// A choice that has to be made.
fn one_of(value: &str, supported: &[&str], path: &Path<'_>, errors: &mut ErrorList) {
    if value.is_empty() {
        let quoted: Vec<String> = supported
            .iter()
            .map(|value| format!("\"{value}\""))
            .collect();
        errors.required(path, format!("valid values: [{}]", quoted.join(" ")));
    } else if !supported.contains(&value) {
        errors.not_supported(path, BadValue::json_string(value), supported);
    }
}

fn exit_codes(
    spec: JobSpec<'_>,
    codes: PodFailurePolicyOnExitCodesRequirement<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let operator = codes.operator();
    one_of(operator, &["In", "NotIn"], &path.child("operator"), errors);
    if let Some(name) = codes.container_name() {
        let pod = spec.template().spec();
        let mut containers = pod.containers().iter().chain(pod.init_containers().iter());
        if !containers.any(|container| container.name() == name) {
            errors.invalid(
                &path.child("containerName"),
                name,
                "must be one of the container or initContainer names in the pod template",
            );
        }
    }
    let at = path.child("values");
    let values = codes.values();
    let shown = || internal_form::shown_list(values);
    if values.is_empty() {
        let value = codes.record().get_by_name("values");
        let value = value.map_or_else(BadValue::null, BadValue::from);
        errors.invalid(&at, value, "at least one value is required");
    }
    not_more(values.len(), EXIT_CODES, &at, errors);
    let numbers: Vec<i64> = values.iter().filter_map(Value::as_int).collect();
    let mut seen = BTreeSet::new();
    for (index, &number) in numbers.iter().enumerate() {
        if operator == "In" && number == 0 {
            let detail = "must not be 0 for the In operator";
            errors.invalid(&at.index(index), number, detail);
        }
        if !seen.insert(number) {
            errors.duplicate(&at.index(index), number);
        }
    }
    if !numbers.is_sorted() {
        errors.invalid(&at, shown(), "must be ordered");
    }
}

/// When enough pods have succeeded.
pub(super) fn success(
    spec: JobSpec<'_>,
    policy: SuccessPolicy<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("rules");
    if policy.rules().is_empty() {
        errors.required(
            &at,
            "at least one rules must be specified when the successPolicy is specified",
        );
    }
    not_more(policy.rules().len(), RULES, &at, errors);
    for (index, rule) in policy.rules().iter().enumerate() {
        success_rule(spec, rule, &at.index(index), errors);
    }
}

fn success_rule(
    spec: JobSpec<'_>,
    rule: SuccessPolicyRule<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if rule.succeeded_count().is_none() && rule.succeeded_indexes().is_none() {
        errors.required(
            path,
            "at least one of succeededCount or succeededIndexes must be specified",
        );
    }
    let completions = spec.completions().unwrap_or(0);
    let mut total = 0;
    if let Some(text) = rule.succeeded_indexes() {
        let at = path.child("succeededIndexes");
        if text.len() > INDEXES {
            errors.push(FieldError::too_long(&at, INDEXES));
        }
        match indexes::count(text, completions) {
            Ok(count) => total = count,
            Err(problem) => errors.invalid(
                &at,
                text,
                format!("error parsing succeededIndexes: {problem}"),
            ),
        }
    }
    let Some(count) = rule.succeeded_count() else {
        return;
    };
    let at = path.child("succeededCount");
    validate_nonnegative(count.into(), &at, errors);
    if count > completions {
        errors.invalid(
            &at,
            count,
            format!(
                "must be less than or equal to {completions} (the number of specified completions)"
            ),
        );
    }
    if rule.succeeded_indexes().is_some() && count > total {
        errors.invalid(
            &at,
            count,
            format!(
                "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            ),
        );
    }
}

fn not_more(found: usize, limit: usize, path: &Path<'_>, errors: &mut ErrorList) {
    if found > limit {
        errors.push(FieldError::too_many(path, found, limit));
    }
}
