//! Which nodes and which company a pod likes and which not.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::LabelSelector;
use pintle_runtime::name::dns1123_label;
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::view::{List, Strings};

use super::leeway::Leeway;
use crate::core::v1::{NodeAffinity, PodAffinityTerm, PodSpec, WeightedPodAffinityTerm};
use crate::validation::labels::{Values, selector};
use crate::validation::node_selector;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
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
        let values = if leeway.node_values {
            Values::Kept
        } else {
            Values::Checked
        };
        node_selector::selector(required, values, &path.child(REQUIRED), errors);
    }
    let preferred = affinity.preferred_during_scheduling_ignored_during_execution();
    let at = path.child(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        let at = at.index(index);
        weight(term.weight(), &at, errors);
        // What is only preferred may well match nothing.
        node_selector::term(
            term.preference(),
            Values::Kept,
            &at.child("preference"),
            errors,
        );
    }
}

fn weight(weight: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if !(1..=100).contains(&weight) {
        errors.invalid(&path.child("weight"), weight, WEIGHT);
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
