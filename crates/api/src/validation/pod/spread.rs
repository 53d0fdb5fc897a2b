//! How evenly pods are spread.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::view::Strings;

use super::affinity;
use super::leeway::Leeway;
use super::spec::supported;
use crate::core::v1::{PodSpec, TopologySpreadConstraint};
use crate::validation::labels::{Values, selector};
use crate::validation::quantity::NOT_POSITIVE;

/// Checks `topologySpreadConstraints`.
pub(super) fn check(spec: PodSpec<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let constraints: Vec<_> = spec.topology_spread_constraints().iter().collect();
    for (index, constraint) in constraints.iter().enumerate() {
        let at = path.index(index);
        one(*constraint, &constraints[index + 1..], &at, errors);
        if leeway.old_label_keys {
            older_label_keys(*constraint, &at.child("matchLabelKeys"), errors);
        } else {
            keys(*constraint, &at, errors);
        }
        if !leeway.spread_selectors {
            let found = constraint.label_selector();
            selector(found, Values::Checked, &at.child("labelSelector"), errors);
        }
    }
}

fn one(
    constraint: TopologySpreadConstraint<'_>,
    rest: &[TopologySpreadConstraint<'_>],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (key, otherwise) = (constraint.topology_key(), constraint.when_unsatisfiable());
    if constraint.max_skew() <= 0 {
        errors.invalid(&path.child("maxSkew"), constraint.max_skew(), NOT_POSITIVE);
    }
    if key.is_empty() {
        errors.required(&path.child("topologyKey"), "can not be empty");
    }
    supported(
        otherwise,
        &["DoNotSchedule", "ScheduleAnyway"],
        &path.child("whenUnsatisfiable"),
        errors,
    );
    let is_same = |other: &TopologySpreadConstraint<'_>| {
        other.topology_key() == key && other.when_unsatisfiable() == otherwise
    };
    if rest.iter().any(is_same) {
        errors.duplicate(
            &path.child("{topologyKey, whenUnsatisfiable}"),
            format!("{{{key}, {otherwise}}}"),
        );
    }
    if let Some(domains) = constraint.min_domains() {
        let at = path.child("minDomains");
        if domains <= 0 {
            errors.invalid(&at, domains, NOT_POSITIVE);
        }
        if otherwise != "DoNotSchedule" {
            let detail = format!(
                "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {otherwise}"
            );
            errors.invalid(&at, domains, detail);
        }
    }
    for (name, policy) in [
        ("nodeAffinityPolicy", constraint.node_affinity_policy()),
        ("nodeTaintsPolicy", constraint.node_taints_policy()),
    ] {
        if let Some(policy) = policy {
            supported(policy, &["Honor", "Ignore"], &path.child(name), errors);
        }
    }
}

fn keys(constraint: TopologySpreadConstraint<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    affinity::label_keys(
        constraint.match_label_keys(),
        Strings::default(),
        constraint.label_selector(),
        path,
        errors,
    );
}

/// The rule from before keys were added to selectors (`ValidateMatchLabelKeysInTopologySpread`).
fn older_label_keys(
    constraint: TopologySpreadConstraint<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let keys = constraint.match_label_keys();
    if keys.is_empty() {
        return;
    }
    let mut selected = HashSet::new();
    match constraint.label_selector() {
        None => errors.forbidden(path, "must not be specified when labelSelector is not set"),
        Some(selector) => {
            selected.extend(selector.match_labels().iter().map(|(key, _)| key));
            selected.extend(selector.match_expressions().iter().map(|it| it.key()));
        }
    }
    for (index, key) in keys.iter().enumerate() {
        validate_label_name(key, &path.index(index), errors);
        if selected.contains(key) {
            let detail = "exists in both matchLabelKeys and labelSelector";
            errors.invalid(&path.index(index), key, detail);
        }
    }
}

/// What is wrong with the selectors alone.
pub(super) fn selectors(spec: PodSpec<'_>, errors: &mut ErrorList) {
    for constraint in spec.topology_spread_constraints() {
        selector(
            constraint.label_selector(),
            Values::Checked,
            &Path::NOWHERE,
            errors,
        );
    }
}

/// What is wrong with `matchLabelKeys` alone.
pub(super) fn label_keys(spec: PodSpec<'_>, errors: &mut ErrorList) {
    for constraint in spec.topology_spread_constraints() {
        keys(constraint, &Path::NOWHERE, errors);
    }
}
