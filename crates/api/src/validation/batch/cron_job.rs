//! Cron jobs.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::Record;

use super::{job_spec, schedule, zones};
use crate::batch::v1::{CronJob, CronJobSpec, JobTemplateSpec};
use crate::validation::{Rules, workload};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update_status)],
};

/// The names of jobs have eleven characters more, and 63 at most.
const NAME_LIMIT: usize = 52;

fn create(new: &Record, errors: &mut ErrorList) {
    let job = CronJob::from_record(new);
    spec(job.spec(), None, errors);
    let name = job.metadata().name();
    if name.len() > NAME_LIMIT {
        errors.invalid(
            &Path::new("metadata").child("name"),
            name,
            format!("must be no more than {NAME_LIMIT} characters"),
        );
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (CronJob::from_record(new), CronJob::from_record(old));
    spec(new.spec(), Some(old.spec()), errors);
}

fn update_status(_new: &Record, _old: &Record, _errors: &mut ErrorList) {}

fn spec(spec: CronJobSpec<'_>, old: Option<CronJobSpec<'_>>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let at = path.child("schedule");
    if spec.schedule().is_empty() {
        errors.required(&at, "");
    } else {
        let had_zone = old.is_some_and(|old| old.schedule().contains("TZ"));
        timing(spec, had_zone, &at, errors);
    }
    workload::nonnegative(spec.record(), &["startingDeadlineSeconds"], &path, errors);
    if old.is_none_or(|old| old.time_zone() != spec.time_zone())
        && let Some(zone) = spec.time_zone()
    {
        zones::check(zone, &path.child("timeZone"), errors);
    }
    let at = path.child("concurrencyPolicy");
    match spec.concurrency_policy() {
        "Allow" | "Forbid" | "Replace" => {}
        "" => errors.required(&at, ""),
        other => errors.not_supported(
            &at,
            BadValue::json_string(other),
            ["Allow", "Forbid", "Replace"],
        ),
    }
    let before = old.map(|old| old.job_template());
    job_template(
        spec.job_template(),
        before,
        &path.child("jobTemplate"),
        errors,
    );
    workload::nonnegative(
        spec.record(),
        &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"],
        &path,
        errors,
    );
}

/// The schedule. The zone has a field of its own; older objects have it here.
fn timing(spec: CronJobSpec<'_>, had_zone: bool, path: &Path<'_>, errors: &mut ErrorList) {
    let text = spec.schedule();
    if let Err(problem) = schedule::check(text) {
        errors.invalid(path, text, problem);
    }
    let detail = match (text.contains("TZ"), had_zone) {
        (true, true) if spec.time_zone().is_some() => {
            "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        }
        (true, false) => "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        _ => return,
    };
    errors.invalid(path, text, detail);
}

fn job_template(
    template: JobTemplateSpec<'_>,
    old: Option<JobTemplateSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let path = path.child("spec");
    let spec = template.spec();
    job_spec::common(spec, old.map(|old| old.spec()), &path, errors);
    if let Some(selector) = spec.selector() {
        errors.invalid(
            &path.child("selector"),
            selector.record(),
            "`selector` will be auto-generated",
        );
    }
    if spec.manual_selector() == Some(true) {
        errors.not_supported(&path.child("manualSelector"), true, ["nil", "false"]);
    }
}
