//! Taints that a pod does not mind.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::label_value;
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::view::List;

use super::leeway::Leeway;
use super::spec::supported;
use super::typed;
use crate::core::v1::Toleration;

/// Checks tolerations (`ValidateTolerations`).
pub(super) fn check(
    tolerations: List<'_, Toleration<'_>>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let at = path.index(index);
        one(toleration, leeway.comparing_tolerations, &at, errors);
    }
}

fn one(toleration: Toleration<'_>, may_compare: bool, path: &Path<'_>, errors: &mut ErrorList) {
    let (key, operator) = (toleration.key(), toleration.operator());
    let (value, effect) = (toleration.value(), toleration.effect());
    let at = path.child("operator");
    if !key.is_empty() {
        validate_label_name(key, &path.child("key"), errors);
    } else if operator != "Exists" {
        errors.invalid(
            &at,
            typed(operator),
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
        );
    }
    if toleration.toleration_seconds().is_some() && effect != "NoExecute" {
        errors.invalid(
            &path.child("effect"),
            typed(effect),
            "effect must be 'NoExecute' when `tolerationSeconds` is set",
        );
    }
    match operator {
        "Equal" | "" => {
            let faults = label_value(value);
            if !faults.is_empty() {
                errors.invalid(&at, value, faults.join(";"));
            }
        }
        "Exists" if !value.is_empty() => {
            errors.invalid(
                &at,
                value,
                "value must be empty when `operator` is 'Exists'",
            );
        }
        "Exists" => {}
        "Lt" | "Gt" if may_compare => number(value, &path.child("value"), errors),
        "Lt" | "Gt" => {
            errors.not_supported(&at, typed(operator), ["Equal", "Exists", "Lt", "Gt"]);
        }
        _ => errors.not_supported(&at, typed(operator), ["Equal", "Exists"]),
    }
    if !effect.is_empty() {
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        supported(effect, &effects, &path.child("effect"), errors);
    }
}

/// A number that is compared: 64 bits, without anything that is not needed.
fn number(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let good = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (value == "0" || !digits.starts_with('0'));
    if !good {
        errors.invalid(
            path,
            value,
            "must be a valid decimal integer in canonical form",
        );
    }
    if value.parse::<i64>().is_err() {
        let why = if good {
            "value out of range"
        } else {
            "invalid syntax"
        };
        let quoted = pintle_runtime::quote::Quoted(value);
        errors.invalid(
            path,
            value,
            format!("strconv.ParseInt: parsing {quoted}: {why}"),
        );
    }
}
