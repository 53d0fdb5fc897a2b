//! Conditions of the shape that most kinds share (`metav1.Condition`).

use std::collections::HashSet;

use super::labels::validate_label_name;
use crate::field_path::{BadValue, ErrorList, FieldError, Path};
use crate::meta::Condition;
use crate::view::List;

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const REASON_LIMIT: usize = 1 << 10;
const MESSAGE_LIMIT: usize = 32 << 10;
const REASON: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

/// Checks conditions, of which there is one of a type.
pub fn validate_conditions(
    conditions: List<'_, Condition<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut types = HashSet::new();
    for (index, condition) in conditions.into_iter().enumerate() {
        let path = path.index(index);
        if !types.insert(condition.type_()) {
            errors.duplicate(&path.child("type"), condition.type_());
        }
        validate_condition(condition, &path, errors);
    }
}

/// Checks one condition.
pub fn validate_condition(condition: Condition<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    validate_label_name(condition.type_(), &path.child("type"), errors);
    if !STATUSES.contains(&condition.status()) {
        errors.not_supported(
            &path.child("status"),
            BadValue::json_string(condition.status()),
            STATUSES,
        );
    }
    let generation = condition.observed_generation();
    if generation < 0 {
        errors.invalid(
            &path.child("observedGeneration"),
            generation,
            "must be greater than or equal to zero",
        );
    }
    if condition.last_transition_time().is_none() {
        errors.required(&path.child("lastTransitionTime"), "");
    }
    validate_reason(condition.reason(), &path.child("reason"), errors);
    if condition.message().len() > MESSAGE_LIMIT {
        errors.push(FieldError::too_long(&path.child("message"), MESSAGE_LIMIT));
    }
}

fn validate_reason(reason: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = reason.starts_with(|c: char| c.is_ascii_alphabetic())
        && reason.chars().all(|c| is_word(c) || matches!(c, ',' | ':'))
        && reason.ends_with(is_word);
    if reason.is_empty() {
        errors.required(path, "");
    } else if !good {
        errors.invalid(path, reason, REASON);
    }
    if reason.len() > REASON_LIMIT {
        errors.push(FieldError::too_long(path, REASON_LIMIT));
    }
}
