//! Counts that may be shares.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::percent;
use pintle_runtime::object_meta::validate_nonnegative;
use pintle_runtime::view::IntOrString;

/// A count that is not negative, or a share (`ValidatePositiveIntOrPercent`).
pub(crate) fn nonnegative(value: IntOrString<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    match value {
        IntOrString::Int(count) => validate_nonnegative(count.into(), path, errors),
        IntOrString::String(share) => {
            for problem in percent(share) {
                errors.invalid(path, BadValue::json_string(share), problem);
            }
        }
    }
}

/// A share must not be more than everything.
pub(crate) fn at_most_all(value: IntOrString<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if share(value).is_some_and(|share| share > 100) {
        errors.invalid(path, shown(value), "must not be greater than 100%");
    }
}

/// The share, if it is one.
pub(crate) fn share(value: IntOrString<'_>) -> Option<i64> {
    match value {
        IntOrString::String(text) if percent(text).is_empty() => {
            text.strip_suffix('%')?.parse().ok()
        }
        _ => None,
    }
}

/// A value as messages show it.
pub(crate) fn shown(value: IntOrString<'_>) -> BadValue {
    match value {
        IntOrString::Int(count) => BadValue::Json(count.to_string()),
        IntOrString::String(text) => BadValue::json_string(text),
    }
}
