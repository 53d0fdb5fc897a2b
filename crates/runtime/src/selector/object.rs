//! Selectors that are part of an object: `spec.selector` of a deployment and its like.

use super::{Expression, LabelSelector, SelectorError};
use crate::field_path::{BadValue, ErrorList, Path};
use crate::meta;
use crate::name::label_value;
use crate::object_meta::{validate_label_name, validate_labels};

/// What is made of a value that no label can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidValues {
    /// It is refused.
    Refused,
    /// It is let through, because the stored object has such a value already.
    Kept,
}

impl TryFrom<Option<meta::LabelSelector<'_>>> for LabelSelector {
    type Error = SelectorError;

    /// An absent selector matches nothing, an empty one everything.
    fn try_from(object: Option<meta::LabelSelector<'_>>) -> Result<Self, SelectorError> {
        let Some(object) = object else {
            return Ok(Self::nothing());
        };
        Self::from_object(
            object.match_labels().iter(),
            object
                .match_expressions()
                .into_iter()
                .map(|requirement| Expression {
                    key: requirement.key(),
                    operator: requirement.operator(),
                    values: requirement.values().iter().collect(),
                }),
        )
    }
}

/// Checks a selector that is part of an object.
pub fn validate_label_selector(
    selector: meta::LabelSelector<'_>,
    invalid_values: InvalidValues,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    validate_labels(selector.match_labels(), &path.child("matchLabels"), errors);
    for (index, requirement) in selector.match_expressions().into_iter().enumerate() {
        validate_requirement(
            requirement,
            invalid_values,
            &path.child("matchExpressions").index(index),
            errors,
        );
    }
}

fn validate_requirement(
    requirement: meta::LabelSelectorRequirement<'_>,
    invalid_values: InvalidValues,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let values = requirement.values();
    match requirement.operator() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(
                &path.child("values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            );
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.forbidden(&path.child("values"), detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.invalid(
            &path.child("operator"),
            BadValue::json_string(other),
            "not a valid selector operator",
        ),
    }
    validate_label_name(requirement.key(), &path.child("key"), errors);
    if invalid_values == InvalidValues::Refused {
        for (index, value) in values.iter().enumerate() {
            errors.invalid_each(
                &path.child("values").index(index),
                value,
                label_value(value),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::{Problems, json};
    use crate::schema::Ref;
    use crate::value::Record;

    fn record(json: &'static str) -> Record {
        json::decode(
            &Ref::Static(&meta::tables::LABEL_SELECTOR),
            &Bytes::from_static(json.as_bytes()),
            &mut Problems::ignored(),
        )
        .expect("valid JSON")
    }

    #[track_caller]
    fn check(json: &'static str, expected: &str) {
        let record = record(json);
        let selector = LabelSelector::try_from(Some(meta::LabelSelector::from_record(&record)));
        assert_eq!(selector.expect("a selector").to_string(), expected);
    }

    #[test]
    fn an_object_is_all_of_its_labels_and_expressions() {
        check("{}", "");
        check(
            r#"{"matchLabels":{"b":"2","a":"1"},"matchExpressions":[{"key":"x","operator":"NotIn","values":["q","p"]}]}"#,
            "a=1,b=2,x notin (p,q)",
        );
        assert!(LabelSelector::try_from(None).is_ok_and(|selector| selector.is_nothing()));
    }

    #[test]
    fn every_fault_is_found_in_order() {
        let record = record(
            r#"{"matchLabels":{"a b":"1"},"matchExpressions":[{"key":"","operator":"In"},{"key":"x","operator":"Exists","values":["-"]},{"key":"x","operator":"Near"}]}"#,
        );
        let selector = meta::LabelSelector::from_record(&record);
        let found = |invalid_values| -> Vec<String> {
            let mut errors = ErrorList::new();
            validate_label_selector(selector, invalid_values, &Path::new("s"), &mut errors);
            errors.iter().map(ToString::to_string).collect()
        };
        let starts = [
            "s.matchLabels: Invalid value: \"a b\": name part",
            "s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            "s.matchExpressions[0].key: Invalid value: \"\": name part must be non-empty",
            "s.matchExpressions[0].key: Invalid value: \"\": name part must consist",
            "s.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            "s.matchExpressions[1].values[0]: Invalid value: \"-\": a valid label must",
            "s.matchExpressions[2].operator: Invalid value: \"Near\": not a valid selector operator",
        ];
        let refused = found(InvalidValues::Refused);
        assert_eq!(refused.len(), starts.len(), "{refused:#?}");
        for (found, start) in refused.iter().zip(starts) {
            assert!(
                found.starts_with(start),
                "{found} does not start with {start}"
            );
        }
        assert_eq!(found(InvalidValues::Kept).len(), starts.len() - 1);
    }
}
