//! Which nodes and which company a pod likes and which not.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::LabelSelector;
use pintle_runtime::name::{dns1123_label, dns1123_subdomain, label_value};
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::view::{List, Strings};

use super::leeway::Leeway;
use super::typed;
use crate::core::v1::{
    NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm,
    PodSpec, WeightedPodAffinityTerm,
};
use crate::validation::labels::selector;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const OPERATOR: &str = "not a valid selector operator";
const WEIGHT: &str = "must be in the range 1-100";

/// Checks `affinity`.
pub(super) fn check(spec: PodSpec<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(affinity) = spec.affinity() else {
        return;
    };
    if let Some(to) = affinity.node_affinity() {
        nodes(to, leeway, &path.child("nodeAffinity"), errors);
    }
    if let Some(to) = affinity.pod_affinity() {
        let terms = (
            to.required_during_scheduling_ignored_during_execution(),
            to.preferred_during_scheduling_ignored_during_execution(),
        );
        pods(terms, leeway, &path.child("podAffinity"), errors);
    }
    if let Some(from) = affinity.pod_anti_affinity() {
        let terms = (
            from.required_during_scheduling_ignored_during_execution(),
            from.preferred_during_scheduling_ignored_during_execution(),
        );
        pods(terms, leeway, &path.child("podAntiAffinity"), errors);
    }
}

fn nodes(affinity: NodeAffinity<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(required) = affinity.required_during_scheduling_ignored_during_execution() {
        node_selector(required, !leeway.node_values, &path.child(REQUIRED), errors);
    }
    let preferred = affinity.preferred_during_scheduling_ignored_during_execution();
    let at = path.child(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        let at = at.index(index);
        weight(term.weight(), &at, errors);
        // What is only preferred may well match nothing.
        node_term(term.preference(), false, &at.child("preference"), errors);
    }
}

fn weight(weight: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if !(1..=100).contains(&weight) {
        errors.invalid(&path.child("weight"), weight, WEIGHT);
    }
}

/// Checks terms that select nodes, of which there must be one (`ValidateNodeSelector`). With
/// `check_values`, a value must be such as a label can have.
pub(crate) fn node_selector(
    selector: NodeSelector<'_>,
    check_values: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let terms = selector.node_selector_terms();
    let at = path.child("nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(&at, "must have at least one node selector term");
    }
    for (index, term) in terms.iter().enumerate() {
        node_term(term, check_values, &at.index(index), errors);
    }
}

fn node_term(
    term: NodeSelectorTerm<'_>,
    check_values: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("matchExpressions");
    for (index, expression) in term.match_expressions().iter().enumerate() {
        node_labels(expression, check_values, &at.index(index), errors);
    }
    let at = path.child("matchFields");
    for (index, expression) in term.match_fields().iter().enumerate() {
        node_fields(expression, &at.index(index), errors);
    }
}

fn node_labels(
    expression: NodeSelectorRequirement<'_>,
    check_values: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (values, at) = (expression.values(), path.child("values"));
    match (expression.operator(), values.len()) {
        ("In" | "NotIn", 0) => {
            errors.required(&at, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        ("Exists" | "DoesNotExist", 1..) => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.forbidden(&at, detail);
        }
        ("Gt" | "Lt", 0 | 2..) => {
            let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            errors.required(&at, detail);
        }
        ("In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt", _) => {}
        (other, _) => errors.invalid(&path.child("operator"), typed(other), OPERATOR),
    }
    validate_label_name(expression.key(), &path.child("key"), errors);
    if check_values {
        for (index, value) in values.iter().enumerate() {
            errors.invalid_each(&at.index(index), value, label_value(value));
        }
    }
}

fn node_fields(expression: NodeSelectorRequirement<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (values, at) = (expression.values(), path.child("values"));
    match expression.operator() {
        "In" | "NotIn" if values.len() != 1 => errors.required(
            &at,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        ),
        "In" | "NotIn" => {}
        other => errors.invalid(&path.child("operator"), typed(other), OPERATOR),
    }
    if expression.key() != "metadata.name" {
        let detail = "not a valid field selector key";
        errors.invalid(&path.child("key"), expression.key(), detail);
        return;
    }
    for (index, value) in values.iter().enumerate() {
        errors.invalid_each(&at.index(index), value, dns1123_subdomain(value));
    }
}

type Terms<'a> = (
    List<'a, PodAffinityTerm<'a>>,
    List<'a, WeightedPodAffinityTerm<'a>>,
);

fn pods(terms: Terms<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let (required, preferred) = terms;
    let at = path.child(REQUIRED);
    for (index, found) in required.iter().enumerate() {
        term(found, leeway, &at.index(index), errors);
    }
    let at = path.child(PREFERRED);
    for (index, found) in preferred.iter().enumerate() {
        let at = at.index(index);
        weight(found.weight(), &at, errors);
        term(
            found.pod_affinity_term(),
            leeway,
            &at.child("podAffinityTerm"),
            errors,
        );
    }
}

fn term(term: PodAffinityTerm<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let values = leeway.selector_values;
    selector(
        term.label_selector(),
        values,
        &path.child("labelSelector"),
        errors,
    );
    let at = path.child("namespaceSelector");
    selector(term.namespace_selector(), values, &at, errors);
    for name in term.namespaces().iter() {
        errors.invalid_each(&path.child("namespace"), name, dns1123_label(name));
    }
    label_keys(
        term.match_label_keys(),
        term.mismatch_label_keys(),
        term.label_selector(),
        path,
        errors,
    );
    let at = path.child("topologyKey");
    if term.topology_key().is_empty() {
        errors.required(&at, "can not be empty");
    }
    validate_label_name(term.topology_key(), &at, errors);
}

/// Keys whose values the pod's own labels give (`ValidateMatchLabelKeysAndMismatchLabelKeys`). They
/// have been added to the selector already, so a key that is there twice was there before.
pub(super) fn label_keys(
    matching: Strings<'_>,
    other: Strings<'_>,
    selector: Option<LabelSelector<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (name, keys) in [("matchLabelKeys", matching), ("mismatchLabelKeys", other)] {
        let at = path.child(name);
        if keys.is_empty() {
            continue;
        }
        if selector.is_none() {
            errors.forbidden(&at, "must not be specified when labelSelector is not set");
            continue;
        }
        for (index, key) in keys.iter().enumerate() {
            validate_label_name(key, &at.index(index), errors);
        }
    }
    if let Some(selector) = selector {
        let mut seen: HashSet<&str> = selector.match_labels().iter().map(|(key, _)| key).collect();
        for expression in selector.match_expressions() {
            let key = expression.key();
            // The last of several that are alike, as of any map.
            let index = matching.iter().rposition(|found| found == key);
            if let Some(index) = index
                && seen.contains(key)
            {
                let detail = "exists in both matchLabelKeys and labelSelector";
                errors.invalid(&path.index(index), key, detail);
            }
            seen.insert(key);
        }
    }
    let at = path.child("matchLabelKeys");
    for (index, key) in matching.iter().enumerate() {
        if other.contains(key) {
            let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
            errors.invalid(&at.index(index), key, detail);
        }
    }
}
