//! `ReplicationController`: the oldest kind that makes pods.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::object_meta::validate_nonnegative;
use pintle_runtime::value::{Record, Value};

use super::{template, typed};
use crate::core::v1::{
    PodTemplateSpec, ReplicationController, ReplicationControllerSpec, ReplicationControllerStatus,
};
use crate::validation::Rules;

pub(super) const RULES: Rules = Rules {
    create: |new, errors| controller(new, None, errors),
    update: |new, old, errors| controller(new, Some(old), errors),
    subresources: &[("status", |new, _, errors| {
        status(ReplicationController::from_record(new).status(), errors);
    })],
};

fn controller(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let spec = ReplicationController::from_record(new).spec();
    let old = old.and_then(|old| ReplicationController::from_record(old).spec().template());
    let path = Path::new("spec");
    validate_nonnegative(
        spec.min_ready_seconds().into(),
        &path.child("minReadySeconds"),
        errors,
    );
    if spec.selector().is_empty() {
        errors.required(&path.child("selector"), "");
    }
    match spec.replicas() {
        None => errors.required(&path.child("replicas"), ""),
        Some(count) => validate_nonnegative(count.into(), &path.child("replicas"), errors),
    }
    let at = path.child("template");
    match spec.template() {
        None => errors.required(&at, ""),
        Some(pods) => of_controller(pods, old, spec, &at, errors),
    }
}

/// A template that the selector selects, for pods that do not end (`ValidatePodTemplateSpecForRC`).
fn of_controller(
    pods: PodTemplateSpec<'_>,
    old: Option<PodTemplateSpec<'_>>,
    spec: ReplicationControllerSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let labels = pods.metadata().labels();
    if spec
        .selector()
        .iter()
        .any(|(key, value)| labels.get(key) != Some(value))
    {
        errors.invalid(
            &path.child("metadata").child("labels"),
            labels.map().map_or_else(BadValue::null, |map| {
                BadValue::from(&Value::Map(map.clone()))
            }),
            "`selector` does not match template `labels`",
        );
    }
    template(pods, old, path, errors);
    let at = path.child("spec");
    let policy = pods.spec().restart_policy();
    if policy != "Always" {
        errors.not_supported(&at.child("restartPolicy"), typed(policy), ["Always"]);
    }
    if pods.spec().active_deadline_seconds().is_some() {
        errors.forbidden(
            &at.child("activeDeadlineSeconds"),
            "activeDeadlineSeconds in ReplicationController is not Supported",
        );
    }
}

fn status(status: ReplicationControllerStatus<'_>, errors: &mut ErrorList) {
    let path = Path::new("status");
    let counts = [
        ("replicas", i64::from(status.replicas())),
        (
            "fullyLabeledReplicas",
            status.fully_labeled_replicas().into(),
        ),
        ("readyReplicas", status.ready_replicas().into()),
        ("availableReplicas", status.available_replicas().into()),
        ("observedGeneration", status.observed_generation()),
    ];
    for (name, count) in counts {
        validate_nonnegative(count, &path.child(name), errors);
    }
    for (name, count) in &counts[1..4] {
        if *count > counts[0].1 {
            errors.invalid(
                &path.child(name),
                *count,
                "cannot be greater than status.replicas",
            );
        }
    }
    if status.available_replicas() > status.ready_replicas() {
        errors.invalid(
            &path.child("availableReplicas"),
            status.available_replicas(),
            "cannot be greater than readyReplicas",
        );
    }
}
