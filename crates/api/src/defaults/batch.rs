//! Jobs.

use pintle_runtime::value::Record;

use super::{fill, pod};
use crate::batch::v1::{CronJobMut, JobMut, JobSpecMut};

pub(super) fn job(object: &mut Record) {
    let mut job = JobMut::from_record(object);
    let labels = job
        .view()
        .spec()
        .template()
        .metadata()
        .labels()
        .map()
        .cloned();
    if let Some(labels) = labels.filter(|labels| !labels.is_empty())
        && job.view().metadata().labels().is_empty()
    {
        *job.metadata_mut().labels_mut().map_mut() = labels;
    }
    let mut spec = job.spec_mut();
    if spec.view().completions().is_none() && spec.view().parallelism().is_none() {
        spec.set_completions(1);
    }
    let backoff = if spec.view().backoff_limit_per_index().is_some() {
        i32::MAX
    } else {
        6
    };
    let replacement = if spec.view().pod_failure_policy().is_some() {
        "Failed"
    } else {
        "TerminatingOrFailed"
    };
    fill!(spec;
        parallelism set_parallelism = 1,
        backoff_limit set_backoff_limit = backoff,
        completion_mode set_completion_mode = "NonIndexed",
        suspend set_suspend = false,
        pod_replacement_policy set_pod_replacement_policy = replacement,
        manual_selector set_manual_selector = false,
    );
    failure_policy(&mut spec);
    pod::template(&mut spec.template_mut());
}

fn failure_policy(spec: &mut JobSpecMut<'_>) {
    let Some(mut policy) = spec.pod_failure_policy_mut() else {
        return;
    };
    for mut rule in policy.rules_mut().iter_mut() {
        for mut pattern in rule.on_pod_conditions_mut().iter_mut() {
            fill!(pattern; status set_status = "True");
        }
    }
}

pub(super) fn cron_job(object: &mut Record) {
    let mut job = CronJobMut::from_record(object);
    let mut spec = job.spec_mut();
    fill!(spec;
        concurrency_policy set_concurrency_policy = "Allow",
        suspend set_suspend = false,
        successful_jobs_history_limit set_successful_jobs_history_limit = 3,
        failed_jobs_history_limit set_failed_jobs_history_limit = 1,
    );
    let mut template = spec.job_template_mut();
    let mut job = template.spec_mut();
    failure_policy(&mut job);
    pod::template(&mut job.template_mut());
}
