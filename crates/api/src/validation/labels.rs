//! Label selectors as fields of objects.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::meta::{LabelSelector, LabelSelectorRequirement};
use pintle_runtime::name::label_value;
use pintle_runtime::object_meta::{validate_label_name, validate_labels};

/// Whether the values of a selector's expressions must be such as a label can have. Some kinds let
/// an object keep what it has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    Checked,
    Kept,
}

impl Values {
    /// [`Values::Kept`] if the selector that was there before has a value that no label can have.
    pub(crate) fn as_before(old: Option<LabelSelector<'_>>) -> Self {
        let odd = |expression: LabelSelectorRequirement<'_>| {
            let mut values = expression.values().iter();
            values.any(|value| !label_value(value).is_empty())
        };
        if old.is_some_and(|old| old.match_expressions().iter().any(odd)) {
            Self::Kept
        } else {
            Self::Checked
        }
    }
}

/// Checks a selector that must be well-formed (`ValidateLabelSelector`); none is fine.
pub(crate) fn selector(
    selector: Option<LabelSelector<'_>>,
    values: Values,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(selector) = selector else { return };
    validate_labels(selector.match_labels(), &path.child("matchLabels"), errors);
    let expressions = path.child("matchExpressions");
    for (index, expression) in selector.match_expressions().iter().enumerate() {
        requirement(expression, values, &expressions.index(index), errors);
    }
}

/// Checks one expression of a selector.
pub(crate) fn requirement(
    requirement: LabelSelectorRequirement<'_>,
    values: Values,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let given = requirement.values();
    let at = path.child("values");
    match requirement.operator() {
        "In" | "NotIn" if given.is_empty() => {
            errors.required(&at, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !given.is_empty() => {
            errors.forbidden(
                &at,
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            );
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.invalid(
            &path.child("operator"),
            BadValue::json_string(other),
            "not a valid selector operator",
        ),
    }
    validate_label_name(requirement.key(), &path.child("key"), errors);
    if values == Values::Checked {
        for (index, value) in given.iter().enumerate() {
            errors.invalid_each(&at.index(index), value, label_value(value));
        }
    }
}

/// Whether a selector selects everything: it is there and says nothing.
pub(crate) fn is_empty(selector: LabelSelector<'_>) -> bool {
    selector.match_labels().is_empty() && selector.match_expressions().is_empty()
}
