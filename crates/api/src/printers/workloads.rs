//! What makes pods: replica sets, deployments, jobs and their like.

use pintle_runtime::gvk::GroupVersion;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_runtime::view::IntOrString;

use super::Cells;
use super::age::{age_cell, between, human_duration};
use super::cell::cells;
use super::text::{NONE, TRUE, UNSET, containers, labels, selector};
use crate::apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet};
use crate::autoscaling::v1::Scale;
use crate::batch::v1::{CronJob, Job};
use crate::core::v1::{PodSpec, ReplicationController};
use crate::policy::v1::PodDisruptionBudget;

/// What stands for a limit of a disruption budget that is not given.
const NOT_APPLICABLE: &str = "N/A";

pub(super) fn replication_controller(object: &Record, now: Time) -> Cells<'_> {
    let object = ReplicationController::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let template = spec
        .template()
        .map_or_else(PodSpec::empty, |template| template.spec());
    let (names, images) = containers(template);
    cells![
        meta.name(),
        spec.replicas().unwrap_or(0),
        status.replicas(),
        status.ready_replicas(),
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
        labels(spec.selector()),
    ]
}

pub(super) fn replica_set(object: &Record, now: Time) -> Cells<'_> {
    let object = ReplicaSet::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let (names, images) = containers(spec.template().spec());
    cells![
        meta.name(),
        spec.replicas().unwrap_or(0),
        status.replicas(),
        status.ready_replicas(),
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
        selector(spec.selector()),
    ]
}

/// Unlike everyone else's, an empty selector of a deployment is shown as nothing.
pub(super) fn deployment(object: &Record, now: Time) -> Cells<'_> {
    let object = Deployment::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let (names, images) = containers(spec.template().spec());
    let selector = LabelSelector::try_from(spec.selector())
        .map_or_else(|_| "<invalid>".to_owned(), |selector| selector.to_string());
    cells![
        meta.name(),
        format!(
            "{}/{}",
            status.ready_replicas(),
            spec.replicas().unwrap_or(0)
        ),
        status.updated_replicas(),
        status.available_replicas(),
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
        selector,
    ]
}

pub(super) fn daemon_set(object: &Record, now: Time) -> Cells<'_> {
    let object = DaemonSet::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let template = spec.template().spec();
    let (names, images) = containers(template);
    cells![
        meta.name(),
        status.desired_number_scheduled(),
        status.current_number_scheduled(),
        status.number_ready(),
        status.updated_number_scheduled(),
        status.number_available(),
        labels(template.node_selector()),
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
        selector(spec.selector()),
    ]
}

pub(super) fn stateful_set(object: &Record, now: Time) -> Cells<'_> {
    let object = StatefulSet::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let (names, images) = containers(spec.template().spec());
    cells![
        meta.name(),
        format!(
            "{}/{}",
            object.status().ready_replicas(),
            spec.replicas().unwrap_or(0)
        ),
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
    ]
}

pub(super) fn controller_revision(object: &Record, now: Time) -> Cells<'_> {
    let object = ControllerRevision::from_record(object);
    let meta = object.metadata();
    let owner = meta
        .owner_references()
        .iter()
        .find(|owner| owner.controller() == Some(true));
    let controller = owner.map_or_else(
        || NONE.to_owned(),
        |owner| {
            // It was checked with the object that it is a group and a version.
            let group = GroupVersion::parse(owner.api_version())
                .map(|version| version.group)
                .unwrap_or_default();
            let dot = if group.is_empty() { "" } else { "." };
            let kind = format!("{}{dot}{group}", owner.kind()).to_lowercase();
            format!("{kind}/{}", owner.name())
        },
    );
    cells![
        meta.name(),
        controller,
        object.revision(),
        age_cell(meta.creation_timestamp(), now)
    ]
}

pub(super) fn job(object: &Record, now: Time) -> Cells<'_> {
    let object = Job::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let succeeded = status.succeeded();
    let completions = match (spec.completions(), spec.parallelism().unwrap_or(0)) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism @ 2..) => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let duration = status.start_time().map_or("".into(), |start| {
        human_duration(between(start, status.completion_time().unwrap_or(now)))
    });
    let (names, images) = containers(spec.template().spec());
    cells![
        meta.name(),
        job_status(object),
        completions,
        duration,
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
        selector(spec.selector()),
    ]
}

fn job_status(job: Job<'_>) -> &'static str {
    let conditions = job.status().conditions();
    let has = |ty: &str| {
        conditions
            .iter()
            .find(|condition| condition.type_() == ty)
            .is_some_and(|condition| condition.status() == TRUE)
    };
    if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if job.metadata().deletion_timestamp().is_some() {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

pub(super) fn cron_job(object: &Record, now: Time) -> Cells<'_> {
    let object = CronJob::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let job = spec.job_template().spec();
    let (names, images) = containers(job.template().spec());
    let suspend = match spec.suspend() {
        None => UNSET,
        Some(true) => TRUE,
        Some(false) => "False",
    };
    let last = status.last_schedule_time();
    cells![
        meta.name(),
        spec.schedule(),
        spec.time_zone().unwrap_or(NONE),
        suspend,
        status.active().len(),
        last.map_or(NONE.into(), |last| age_cell(Some(last), now)),
        age_cell(meta.creation_timestamp(), now),
        names,
        images,
        selector(job.selector()),
    ]
}

pub(super) fn pod_disruption_budget(object: &Record, now: Time) -> Cells<'_> {
    let object = PodDisruptionBudget::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let limit = |limit: Option<IntOrString<'_>>| {
        limit.map_or_else(|| NOT_APPLICABLE.to_owned(), |limit| limit.to_string())
    };
    cells![
        meta.name(),
        limit(spec.min_available()),
        limit(spec.max_unavailable()),
        object.status().disruptions_allowed(),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn scale(object: &Record, now: Time) -> Cells<'_> {
    let object = Scale::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.spec().replicas(),
        object.status().replicas(),
        age_cell(meta.creation_timestamp(), now),
    ]
}

#[cfg(test)]
mod tests;
