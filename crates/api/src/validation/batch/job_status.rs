//! What a job's controller may say of it.
//!
//! Any controller may be a job's, so the server sees to it that a job's story makes sense. What an
//! object already had is let be: a rule is applied when something changes that it is about.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_runtime::view::Strings;

use super::{indexes, job_spec};
use crate::batch::v1::{Job, JobSpec, JobStatus};
use crate::validation::immutable::is_same;
use crate::validation::{internal_form, workload};

/// Whether a condition is true.
pub(super) fn has(status: JobStatus<'_>, condition: &str) -> bool {
    let mut conditions = status.conditions().iter();
    conditions.any(|found| found.type_() == condition && found.status() == "True")
}

fn is_finished(status: JobStatus<'_>) -> bool {
    has(status, "Complete") || has(status, "Failed")
}

/// Checks a change through `status`.
pub(super) fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (job, old) = (Job::from_record(new), Job::from_record(old));
    let (new, old, spec) = (job.status(), old.status(), job.spec());
    let path = Path::new("status");
    workload::nonnegative(
        new.record(),
        &["active", "succeeded", "failed", "ready", "terminating"],
        &path,
        errors,
    );
    uncounted(new, &path.child("uncountedTerminatedPods"), errors);
    let changes = Changes::between(new, old);
    ends(new, &changes, &path, errors);
    finished(new, &changes, &path, errors);
    which(new, spec, &changes, &path, errors);
    pods(new, &changes, &path, errors);
    success(new, spec, &path.child("conditions"), errors);
    transitions(new, old, spec, &path, errors);
}

/// What is not as it was.
struct Changes {
    finished: bool,
    complete: bool,
    failed: bool,
    failure_target: bool,
    success_criteria: bool,
    completed_indexes: bool,
    failed_indexes: bool,
    active: bool,
    start: bool,
    completion: bool,
    uncounted: bool,
    ready: bool,
    terminating: bool,
}

impl Changes {
    fn between(new: JobStatus<'_>, old: JobStatus<'_>) -> Self {
        let condition = |name| has(new, name) != has(old, name);
        let uncounted = match (
            new.uncounted_terminated_pods(),
            old.uncounted_terminated_pods(),
        ) {
            (Some(new), Some(old)) => !is_same(new.record(), old.record()),
            (new, old) => new.is_some() != old.is_some(),
        };
        Self {
            finished: is_finished(new) != is_finished(old),
            complete: condition("Complete"),
            failed: condition("Failed"),
            failure_target: condition("FailureTarget"),
            success_criteria: condition("SuccessCriteriaMet"),
            completed_indexes: new.completed_indexes() != old.completed_indexes(),
            failed_indexes: new.failed_indexes() != old.failed_indexes(),
            active: new.active() != old.active(),
            start: new.start_time() != old.start_time(),
            completion: new.completion_time() != old.completion_time(),
            uncounted,
            ready: new.ready() != old.ready(),
            terminating: new.terminating() != old.terminating(),
        }
    }
}

fn uncounted(status: JobStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(pods) = status.uncounted_terminated_pods() else {
        return;
    };
    let mut seen = HashSet::new();
    let mut list = |name: &str, uids: Strings<'_>| {
        let at = path.child(name);
        for (index, uid) in uids.iter().enumerate() {
            let value = BadValue::json_string(uid);
            if uid.is_empty() {
                errors.invalid(&at.index(index), value, "must not be empty");
            } else if !seen.insert(uid.to_owned()) {
                errors.duplicate(&at.index(index), value);
            }
        }
    };
    list("succeeded", pods.succeeded());
    list("failed", pods.failed());
}

fn refuse(detail: &str, path: &Path<'_>, errors: &mut ErrorList) {
    errors.invalid(&path.child("conditions"), BadValue::Omitted, detail);
}

/// How and when it ended.
fn ends(status: JobStatus<'_>, changes: &Changes, path: &Path<'_>, errors: &mut ErrorList) {
    let (complete, failed) = (has(status, "Complete"), has(status, "Failed"));
    if (changes.complete || changes.failed) && complete && failed {
        refuse(
            "cannot set Complete=True and Failed=true conditions",
            path,
            errors,
        );
    }
    if (changes.complete || changes.failure_target) && complete && has(status, "FailureTarget") {
        refuse(
            "cannot set Complete=True and FailureTarget=true conditions",
            path,
            errors,
        );
    }
    let at = path.child("completionTime");
    let completion = status.completion_time();
    if changes.complete || changes.completion {
        match completion {
            Some(time) if !complete => errors.invalid(
                &at,
                shown(time),
                "cannot set completionTime when there is no Complete=True condition",
            ),
            None if complete => {
                errors.required(&at, "completionTime is required for Complete jobs");
            }
            _ => {}
        }
    }
    if (changes.start || changes.completion)
        && let (Some(start), Some(completion)) = (status.start_time(), completion)
        && completion < start
    {
        errors.invalid(
            &at,
            shown(completion),
            "must be equal to or after `startTime`",
        );
    }
    if (changes.failed || changes.failed_indexes) && failed && !has(status, "FailureTarget") {
        refuse(
            "cannot set Failed=True condition without the FailureTarget=true condition",
            path,
            errors,
        );
    }
    if (changes.complete || changes.success_criteria)
        && complete
        && !has(status, "SuccessCriteriaMet")
    {
        refuse(
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            path,
            errors,
        );
    }
}

fn shown(time: Time) -> BadValue {
    let mut json = b"\"".to_vec();
    time.write_seconds(&mut json);
    json.push(b'"');
    BadValue::Json(String::from_utf8_lossy(&json).into_owned())
}

/// What a job that has ended cannot have.
fn finished(status: JobStatus<'_>, changes: &Changes, path: &Path<'_>, errors: &mut ErrorList) {
    if !is_finished(status) {
        return;
    }
    if (changes.finished || changes.active) && status.active() > 0 {
        errors.invalid(
            &path.child("active"),
            status.active(),
            "active>0 is invalid for finished job",
        );
    }
    if (changes.finished || changes.start) && status.start_time().is_none() {
        errors.required(
            &path.child("startTime"),
            "startTime is required for finished job",
        );
    }
    if (changes.finished || changes.uncounted)
        && let Some(pods) = status.uncounted_terminated_pods()
        && !(pods.succeeded().is_empty() && pods.failed().is_empty())
    {
        errors.invalid(
            &path.child("uncountedTerminatedPods"),
            internal_form::shown(Some(pods.record())),
            "must be empty for finished job",
        );
    }
}

/// Which pods succeeded and failed.
fn which(
    status: JobStatus<'_>,
    spec: JobSpec<'_>,
    changes: &Changes,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (at_completed, at_failed) = (path.child("completedIndexes"), path.child("failedIndexes"));
    let completed = status.completed_indexes();
    if changes.completed_indexes
        && let Some(all) = spec.completions()
        && let Err(problem) = indexes::count(completed, all)
    {
        let detail = format!("error parsing completedIndexes: {problem}");
        errors.invalid(&at_completed, completed, detail);
    }
    if changes.failed_indexes
        && spec.backoff_limit_per_index().is_some()
        && let (Some(all), Some(failed)) = (spec.completions(), status.failed_indexes())
        && let Err(problem) = indexes::count(failed, all)
    {
        let detail = format!("error parsing failedIndexes: {problem}");
        errors.invalid(&at_failed, failed, detail);
    }
    if changes.completed_indexes && !completed.is_empty() && !job_spec::is_indexed(spec) {
        errors.invalid(
            &at_completed,
            completed,
            "cannot set non-empty completedIndexes when non-indexed completion mode",
        );
    }
    let Some(failed) = status.failed_indexes() else {
        return;
    };
    if changes.failed_indexes && spec.backoff_limit_per_index().is_none() {
        errors.invalid(
            &at_failed,
            failed,
            "cannot set non-null failedIndexes when backoffLimitPerIndex is null",
        );
    }
    if (changes.failed_indexes || changes.completed_indexes)
        && let Some(all) = spec.completions()
        && let Some(both) = indexes::overlap(completed, failed, all)
    {
        let detail = format!("failedIndexes and completedIndexes overlap at index: {both}");
        errors.invalid(&at_failed, failed, detail);
    }
}

fn pods(status: JobStatus<'_>, changes: &Changes, path: &Path<'_>, errors: &mut ErrorList) {
    if (changes.finished || changes.terminating)
        && is_finished(status)
        && let Some(terminating) = status.terminating()
        && terminating > 0
    {
        errors.invalid(
            &path.child("terminating"),
            terminating,
            "terminating>0 is invalid for finished job",
        );
    }
    if (changes.ready || changes.active)
        && let Some(ready) = status.ready()
        && ready > status.active()
    {
        errors.invalid(
            &path.child("ready"),
            ready,
            "cannot set more ready pods than active",
        );
    }
}

fn success(status: JobStatus<'_>, spec: JobSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let met = has(status, "SuccessCriteriaMet");
    let mut refuse = |detail: &str| errors.invalid(path, BadValue::Omitted, detail);
    if met && has(status, "Failed") {
        refuse("cannot set SuccessCriteriaMet=True and Failed=true conditions");
    }
    if met && has(status, "FailureTarget") {
        refuse("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    }
    if spec.success_policy().is_some() && !met && has(status, "Complete") {
        refuse(
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        );
    }
}

/// What cannot be taken back.
fn transitions(
    new: JobStatus<'_>,
    old: JobStatus<'_>,
    spec: JobSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for condition in ["Failed", "Complete", "FailureTarget"] {
        if has(old, condition) && !has(new, condition) {
            let detail = format!("cannot disable the terminal {condition}=True condition");
            refuse(&detail, path, errors);
        }
    }
    if new.failed() < old.failed() {
        let detail = "cannot decrease the failed counter";
        errors.invalid(&path.child("failed"), new.failed(), detail);
    }
    let shrinks = job_spec::is_indexed(spec) && spec.completions() == spec.parallelism();
    if !shrinks && new.succeeded() < old.succeeded() {
        let detail = "cannot decrease the succeeded counter";
        errors.invalid(&path.child("succeeded"), new.succeeded(), detail);
    }
    if let (Some(completion), Some(before)) = (new.completion_time(), old.completion_time())
        && completion != before
    {
        errors.invalid(&path.child("completionTime"), shown(completion), IMMUTABLE);
    }
    let suspended = spec.suspend() == Some(true);
    if old.start_time().is_some() && old.start_time() != new.start_time() && !suspended {
        let started = new.start_time().map_or_else(BadValue::null, shown);
        errors.invalid(
            &path.child("startTime"),
            started,
            "field is immutable for unsuspended job once set",
        );
    }
    let (met, met_before) = (
        has(new, "SuccessCriteriaMet"),
        has(old, "SuccessCriteriaMet"),
    );
    if met_before && !met {
        refuse(
            "cannot disable the SuccessCriteriaMet=True condition",
            path,
            errors,
        );
    }
    if has(old, "Complete") && !met_before && met {
        refuse(
            "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
            path,
            errors,
        );
    }
}
