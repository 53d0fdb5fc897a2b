//! Daemon sets.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::value::Record;
use pintle_runtime::view::IntOrString;

use crate::apps::v1::{DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet};
use crate::validation::labels::{self, Values};
use crate::validation::{Rules, internal_form, pod, workload};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update_status)],
};

fn create(new: &Record, errors: &mut ErrorList) {
    spec(DaemonSet::from_record(new).spec(), None, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (
        DaemonSet::from_record(new).spec(),
        DaemonSet::from_record(old).spec(),
    );
    spec(new, Some(old), errors);
    workload::same_selector(new.selector(), old.selector(), errors);
}

fn spec(spec: DaemonSetSpec<'_>, old: Option<DaemonSetSpec<'_>>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let at = path.child("selector");
    let values = Values::as_before(old.and_then(|old| old.selector()));
    labels::selector(spec.selector(), values, &at, errors);
    let template = path.child("template");
    if let Some(parsed) = workload::parsed(spec.selector()) {
        workload::selected(&parsed, spec.template(), &template, errors);
    }
    if let Some(selector) = spec.selector() {
        workload::not_empty(
            selector,
            "empty selector is invalid for daemonset",
            &at,
            errors,
        );
    }
    let before = old.map(|old| old.template());
    pod::template(spec.template(), before, &template, errors);
    workload::endless("DaemonSet", spec.template(), &template, errors);
    workload::nonnegative(spec.record(), &["minReadySeconds"], &path, errors);
    update_strategy(
        spec.update_strategy(),
        &path.child("updateStrategy"),
        errors,
    );
    workload::nonnegative(spec.record(), &["revisionHistoryLimit"], &path, errors);
}

fn update_strategy(strategy: DaemonSetUpdateStrategy<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("rollingUpdate");
    match (strategy.type_(), strategy.rolling_update()) {
        ("OnDelete", _) => {}
        ("RollingUpdate", None) => errors.required(&at, ""),
        ("RollingUpdate", Some(rolling)) => rolling_update(rolling, &at, errors),
        _ => errors.not_supported(
            path,
            internal_form::shown(Some(strategy.record())),
            ["RollingUpdate", "OnDelete"],
        ),
    }
}

fn rolling_update(rolling: RollingUpdateDaemonSet<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let zero = IntOrString::Int(0);
    let unavailable = rolling.max_unavailable().unwrap_or(zero);
    let surge = rolling.max_surge().unwrap_or(zero);
    let (at_unavailable, at_surge) = (path.child("maxUnavailable"), path.child("maxSurge"));
    workload::count_or_percent(unavailable, &at_unavailable, errors);
    workload::count_or_percent(surge, &at_surge, errors);
    workload::not_more_than_all(unavailable, &at_unavailable, errors);
    workload::not_more_than_all(surge, &at_surge, errors);
    match (workload::amount(unavailable), workload::amount(surge)) {
        (0, 0) => errors.required(&at_unavailable, "cannot be 0 when maxSurge is 0"),
        (0, _) | (_, 0) => {}
        _ => errors.invalid(
            &at_surge,
            workload::shown(surge),
            "may not be set when maxUnavailable is non-zero",
        ),
    }
}

fn update_status(new: &Record, old: &Record, errors: &mut ErrorList) {
    let status = DaemonSet::from_record(new).status();
    workload::nonnegative(
        status.record(),
        &[
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ],
        &Path::new("status"),
        errors,
    );
    let old = DaemonSet::from_record(old).status();
    workload::collisions(status.collision_count(), old.collision_count(), errors);
}
