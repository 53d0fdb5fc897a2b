//! Which nodes: selectors by labels and by name, and taints.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_subdomain, label_value};
use pintle_runtime::object_meta::validate_label_name;

use super::labels::Values;
use crate::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm};

const NOT_AN_OPERATOR: &str = "not a valid selector operator";

/// Checks a node selector, which must have a term.
pub(crate) fn selector(
    selector: NodeSelector<'_>,
    values: Values,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let path = path.child("nodeSelectorTerms");
    if selector.node_selector_terms().is_empty() {
        errors.required(&path, "must have at least one node selector term");
    }
    for (at, item) in selector.node_selector_terms().iter().enumerate() {
        term(item, values, &path.index(at), errors);
    }
}

/// Checks one term of a node selector.
pub(crate) fn term(
    term: NodeSelectorTerm<'_>,
    values: Values,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let expressions = path.child("matchExpressions");
    for (at, item) in term.match_expressions().iter().enumerate() {
        requirement(item, values, &expressions.index(at), errors);
    }
    let fields = path.child("matchFields");
    for (at, item) in term.match_fields().iter().enumerate() {
        field_requirement(item, &fields.index(at), errors);
    }
}

fn requirement(
    requirement: NodeSelectorRequirement<'_>,
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
        "Gt" | "Lt" if given.len() != 1 => {
            errors.required(
                &at,
                "must be specified single value when `operator` is 'Lt' or 'Gt'",
            );
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.invalid(
            &path.child("operator"),
            BadValue::json_string(other),
            NOT_AN_OPERATOR,
        ),
    }
    validate_label_name(requirement.key(), &path.child("key"), errors);
    if values == Values::Checked {
        for (index, value) in given.iter().enumerate() {
            errors.invalid_each(&at.index(index), value, label_value(value));
        }
    }
}

/// By a field, which can only be the name.
fn field_requirement(
    requirement: NodeSelectorRequirement<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let given = requirement.values();
    let at = path.child("values");
    match requirement.operator() {
        "In" | "NotIn" if given.len() != 1 => errors.required(
            &at,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        ),
        "In" | "NotIn" => {}
        other => errors.invalid(
            &path.child("operator"),
            BadValue::json_string(other),
            NOT_AN_OPERATOR,
        ),
    }
    if requirement.key() != "metadata.name" {
        return errors.invalid(
            &path.child("key"),
            requirement.key(),
            "not a valid field selector key",
        );
    }
    for (index, value) in given.iter().enumerate() {
        errors.invalid_each(&at.index(index), value, dns1123_subdomain(value));
    }
}

/// Whether a term has a value that no label can have; what had one may keep such.
pub(crate) fn kept_values(old: Option<NodeSelector<'_>>) -> Values {
    let odd = |term: NodeSelectorTerm<'_>| {
        let mut values = term
            .match_expressions()
            .into_iter()
            .flat_map(|item| item.values().iter());
        values.any(|value| !label_value(value).is_empty())
    };
    if old.is_some_and(|old| old.node_selector_terms().iter().any(odd)) {
        Values::Kept
    } else {
        Values::Checked
    }
}

/// Checks what a taint does; a toleration may name no effect, which means all.
pub(crate) fn taint_effect(
    effect: &str,
    may_be_empty: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if effect.is_empty() && !may_be_empty {
        errors.required(path, "");
    } else if !EFFECTS.contains(&effect) {
        errors.not_supported(path, BadValue::json_string(effect), EFFECTS);
    }
}
