//! `batch`.

use pintle_api::batch::v1::{CronJob, CronJobMut, Job, JobMut, JobSpec};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::value::Record;

use super::Particular;
use super::pods::{drop_disabled_of_template, of_template};
use super::workload::{is_new_generation, name_in_pods};

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "cronjobs" => &CronJobs,
        "jobs" => &Jobs,
        _ => return None,
    })
}

struct Jobs;

const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";

impl Particular for Jobs {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut job = JobMut::from_record(new);
        drop_disabled_of_template(&mut job.spec_mut().template_mut(), None);
        let job = Job::from_record(new);
        if job.spec().manual_selector() == Some(true) {
            return;
        }
        let uid = job.metadata().uid().to_owned();
        let name = job.metadata().name().to_owned();
        let mut job = JobMut::from_record(new);
        let mut spec = job.spec_mut();
        let mut template = spec.template_mut();
        let mut metadata = template.metadata_mut();
        let mut labels = metadata.labels_mut();
        // What the client gave stays, and is refused if it is wrong.
        for (key, value) in [
            ("job-name", &name),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            (CONTROLLER_UID, &uid),
        ] {
            if !labels.view().contains_key(key) {
                labels.insert(key, value.clone());
            }
        }
        let mut selector = spec.selector_or_new();
        let mut selected = selector.match_labels_mut();
        if !selected.view().contains_key(CONTROLLER_UID) {
            selected.insert(CONTROLLER_UID, uid);
        }
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = Job::from_record(old).spec().template();
        let mut job = JobMut::from_record(new);
        drop_disabled_of_template(&mut job.spec_mut().template_mut(), Some(old));
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let mut warnings = name_in_pods(new, old);
        if is_new_generation(new, old) {
            let spec = Job::from_record(new).spec();
            warnings.extend(of_spec(spec, &Path::new("spec")));
        }
        warnings
    }
}

struct CronJobs;

impl Particular for CronJobs {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut job = CronJobMut::from_record(new);
        let mut spec = job.spec_mut();
        let mut template = spec.job_template_mut();
        drop_disabled_of_template(&mut template.spec_mut().template_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = CronJob::from_record(old).spec().job_template();
        let mut job = CronJobMut::from_record(new);
        let mut spec = job.spec_mut();
        let mut template = spec.job_template_mut();
        let old = old.spec().template();
        drop_disabled_of_template(&mut template.spec_mut().template_mut(), Some(old));
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let mut warnings = name_in_pods(new, old);
        let spec = CronJob::from_record(new).spec();
        if is_new_generation(new, old) {
            let path = Path::new("spec.jobTemplate.spec");
            warnings.extend(of_spec(spec.job_template().spec(), &path));
        }
        if spec.schedule().contains("TZ") {
            warnings.push(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead".to_owned(),
            );
        }
        warnings
    }
}

fn of_spec(spec: JobSpec<'_>, path: &Path<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let many =
        spec.completions().unwrap_or(0) > 100_000 && spec.parallelism().unwrap_or(0) > 10_000;
    if many && spec.completion_mode() == Some("Indexed") {
        warnings.push(format!(
            "{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        ));
    }
    warnings.extend(of_template(spec.template(), &path.child("template")));
    warnings
}
