//! Deployments.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::object_meta::validate_nonnegative;
use pintle_runtime::value::Record;
use pintle_runtime::view::IntOrString;

use super::replica_set;
use crate::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use crate::validation::{Rules, internal_form, workload};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update_status), ("scale", update)],
};

fn create(new: &Record, errors: &mut ErrorList) {
    spec(Deployment::from_record(new).spec(), None, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (
        Deployment::from_record(new).spec(),
        Deployment::from_record(old).spec(),
    );
    spec(new, Some(old), errors);
    workload::same_selector(new.selector(), old.selector(), errors);
}

fn spec(spec: DeploymentSpec<'_>, old: Option<DeploymentSpec<'_>>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    workload::nonnegative(spec.record(), &["replicas"], &path, errors);
    replica_set::pods(
        spec.selector(),
        spec.template(),
        old.map(|old| old.template()),
        &path,
        errors,
    );
    strategy(spec.strategy(), &path.child("strategy"), errors);
    workload::nonnegative(
        spec.record(),
        &[
            "minReadySeconds",
            "revisionHistoryLimit",
            "progressDeadlineSeconds",
        ],
        &path,
        errors,
    );
    if let Some(deadline) = spec.progress_deadline_seconds()
        && deadline <= spec.min_ready_seconds()
    {
        errors.invalid(
            &path.child("progressDeadlineSeconds"),
            deadline,
            "must be greater than minReadySeconds",
        );
    }
}

fn strategy(strategy: DeploymentStrategy<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("rollingUpdate");
    match (strategy.type_(), strategy.rolling_update()) {
        ("Recreate", Some(_)) => errors.forbidden(
            &at,
            "may not be specified when strategy `type` is 'Recreate'",
        ),
        ("Recreate", None) => {}
        ("RollingUpdate", Some(rolling)) => rolling_update(rolling, &at, errors),
        ("RollingUpdate", None) => {
            errors.required(&at, "this should be defaulted and never be nil");
        }
        _ => errors.not_supported(
            path,
            internal_form::shown(Some(strategy.record())),
            ["Recreate", "RollingUpdate"],
        ),
    }
}

fn rolling_update(rolling: RollingUpdateDeployment<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let zero = IntOrString::Int(0);
    let unavailable = rolling.max_unavailable().unwrap_or(zero);
    let surge = rolling.max_surge().unwrap_or(zero);
    let at = path.child("maxUnavailable");
    workload::count_or_percent(unavailable, &at, errors);
    workload::count_or_percent(surge, &path.child("maxSurge"), errors);
    if workload::amount(unavailable) == 0 && workload::amount(surge) == 0 {
        errors.invalid(
            &at,
            workload::shown(unavailable),
            "may not be 0 when `maxSurge` is 0",
        );
    }
    workload::not_more_than_all(unavailable, &at, errors);
}

fn update_status(new: &Record, old: &Record, errors: &mut ErrorList) {
    let status = Deployment::from_record(new).status();
    let path = Path::new("status");
    validate_nonnegative(
        status.observed_generation(),
        &path.child("observedGeneration"),
        errors,
    );
    workload::nonnegative(
        status.record(),
        &[
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ],
        &path,
        errors,
    );
    let all = "cannot be greater than status.replicas";
    let replicas = status.replicas();
    let available = status.available_replicas();
    workload::within(
        &[
            ("updatedReplicas", status.updated_replicas(), replicas, all),
            ("readyReplicas", status.ready_replicas(), replicas, all),
            ("availableReplicas", available, replicas, all),
            (
                "availableReplicas",
                available,
                status.ready_replicas(),
                "cannot be greater than readyReplicas",
            ),
        ],
        &path,
        errors,
    );
    let old = Deployment::from_record(old).status();
    workload::collisions(status.collision_count(), old.collision_count(), errors);
}
