//! What the kinds that make pods have in common.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::meta;
use pintle_runtime::object_meta::validate_nonnegative;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{IntOrString, StringMap};

use super::immutable::{Content, immutable};
use super::labels::{self, Values};
use crate::core::v1::PodTemplateSpec;

/// A selector that can be asked; none if it makes no sense. An absent one selects nothing.
pub(super) fn parsed(selector: Option<meta::LabelSelector<'_>>) -> Option<LabelSelector> {
    LabelSelector::try_from(selector).ok()
}

/// A selector of pods: it must be there, be well-formed and say something.
pub(super) fn selector(
    selector: Option<meta::LabelSelector<'_>>,
    nothing: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(found) = selector else {
        return errors.required(path, "");
    };
    labels::selector(selector, Values::Checked, path, errors);
    not_empty(found, nothing, path, errors);
}

/// The selector in a spec stays what it was.
pub(super) fn same_selector(
    new: Option<meta::LabelSelector<'_>>,
    old: Option<meta::LabelSelector<'_>>,
    errors: &mut ErrorList,
) {
    immutable(
        new.map(|selector| selector.record()),
        old.map(|selector| selector.record()),
        &Path::new("spec").child("selector"),
        errors,
    );
}

/// A selector must say something; `nothing` is what is said of one that does not.
pub(super) fn not_empty(
    selector: meta::LabelSelector<'_>,
    nothing: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if labels::is_empty(selector) {
        errors.invalid(path, BadValue::from(selector.record()), nothing);
    }
}

/// The template at `path` must have the labels by which its pods are found.
pub(super) fn selected(
    selector: &LabelSelector,
    template: PodTemplateSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let labels = template.metadata().labels();
    if !selector.matches(|key| labels.get(key)) {
        errors.invalid(
            &path.child("metadata.labels"),
            labels_shown(labels),
            "`selector` does not match template `labels`",
        );
    }
}

/// Labels as a message shows them; without any, Go's nil map.
pub(super) fn labels_shown(labels: StringMap<'_>) -> BadValue {
    if labels.is_empty() {
        BadValue::null()
    } else {
        labels.shown()
    }
}

/// Pods of the template at `path` are started again and again, and have all the time in the world.
pub(super) fn endless(
    kind: &str,
    template: PodTemplateSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let spec = path.child("spec");
    if template.spec().restart_policy() != "Always" {
        errors.not_supported(
            &spec.child("restartPolicy"),
            BadValue::json_string(template.spec().restart_policy()),
            ["Always"],
        );
    }
    if template.spec().active_deadline_seconds().is_some() {
        errors.forbidden(
            &spec.child("activeDeadlineSeconds"),
            format!("activeDeadlineSeconds in {kind} is not Supported"),
        );
    }
}

/// None of the fields of `record` by these names may be negative.
pub(super) fn nonnegative(
    record: &Record,
    names: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for name in names {
        if let Some(number) = record.get_by_name(name).and_then(Value::as_int) {
            validate_nonnegative(number, &path.child(name), errors);
        }
    }
}

/// Each field is a number that must not pass its limit, which `detail` names.
pub(super) fn within(fields: &[(&str, i32, i32, &str)], path: &Path<'_>, errors: &mut ErrorList) {
    for &(name, value, limit, detail) in fields {
        if value > limit {
            errors.invalid(&path.child(name), value, detail);
        }
    }
}

/// A count of collisions only grows.
pub(super) fn collisions(new: Option<i32>, old: Option<i32>, errors: &mut ErrorList) {
    let (Some(old), now) = (old, new.unwrap_or(0)) else {
        return;
    };
    if new.is_none() || now < old {
        errors.invalid(
            &Path::new("status").child("collisionCount"),
            now,
            "cannot be decremented",
        );
    }
}

/// How many of the pods may be missing or too many: a number or a share.
pub(super) fn count_or_percent(value: IntOrString<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    match value {
        IntOrString::Int(number) => validate_nonnegative(number.into(), path, errors),
        IntOrString::String(text) => {
            for message in pintle_runtime::name::percent(text) {
                errors.invalid(path, shown(value), message);
            }
        }
    }
}

/// A share is not more than everything.
pub(super) fn not_more_than_all(value: IntOrString<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if percent(value).is_some_and(|percent| percent > 100) {
        errors.invalid(path, shown(value), "must not be greater than 100%");
    }
}

/// The number, or that before `%`; zero for what is neither.
pub(super) fn amount(value: IntOrString<'_>) -> i64 {
    percent(value).unwrap_or_else(|| value.int_value())
}

fn percent(value: IntOrString<'_>) -> Option<i64> {
    let IntOrString::String(text) = value else {
        return None;
    };
    if pintle_runtime::name::percent(text).is_empty() {
        Some(text.trim_end_matches('%').parse().unwrap_or(i64::MAX))
    } else {
        None
    }
}

/// A number or text as a message shows it.
pub(super) fn shown(value: IntOrString<'_>) -> BadValue {
    match value {
        IntOrString::Int(number) => number.into(),
        IntOrString::String(text) => BadValue::json_string(text),
    }
}
