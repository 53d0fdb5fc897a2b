//! Jobs.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::name::dns1123_label;
use pintle_runtime::value::Record;
use pintle_runtime::view::StringMap;

use super::{job_spec, job_status};
use crate::batch::v1::{Job, JobSpec};
use crate::core::v1::{PodSpec, PodSpecMut, PodTemplateSpec, PodTemplateSpecMut};
use crate::validation::immutable::{immutable, is_same};
use crate::validation::labels::{self, Values};
use crate::validation::{Rules, workload};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", job_status::update)],
};

/// The labels of a job's pods, those of older servers first.
const LABELS: [(&str, &str); 2] = [
    ("controller-uid", "job-name"),
    (
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
    ),
];

fn create(new: &Record, errors: &mut ErrorList) {
    let job = Job::from_record(new);
    generated_selector(job, true, errors);
    spec(job.spec(), None, errors);
    host_names(job, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (Job::from_record(new), Job::from_record(old));
    let before = old.spec().template().metadata().labels();
    let (uid, name) = LABELS[1];
    let prefixed = before.contains_key(uid) && before.contains_key(name);
    // Upstream looks twice, as at a new object and as at a change, and says everything twice.
    generated_selector(new, prefixed, errors);
    spec(new.spec(), Some(old.spec()), errors);
    host_names(new, errors);
    spec(new.spec(), Some(old.spec()), errors);
    changes(new.spec(), old, errors);
}

/// Unless the client chose the selector, it is by labels that the server gave.
fn generated_selector(job: Job<'_>, prefixed: bool, errors: &mut ErrorList) {
    let spec = job.spec();
    let Some(selector) = spec.selector() else {
        return;
    };
    if spec.manual_selector() == Some(true) {
        return;
    }
    let meta = job.metadata();
    if meta.uid().is_empty() {
        errors.required(&Path::new("metadata").child("uid"), "");
    }
    let given = spec.template().metadata().labels();
    let all = if prefixed { &LABELS[..] } else { &LABELS[..1] };
    for (uid, name) in all {
        has_label(given, uid, meta.uid(), errors);
        has_label(given, name, meta.name(), errors);
    }
    let expected = |key: &str| value_of(key, all, meta);
    if workload::parsed(Some(selector)).is_some_and(|selector| !selector.matches(expected)) {
        errors.invalid(
            &Path::new("spec").child("selector"),
            selector.record(),
            "`selector` not auto-generated",
        );
    }
}

fn value_of<'a>(key: &str, all: &[(&str, &str)], meta: ObjectMeta<'a>) -> Option<&'a str> {
    all.iter().find_map(|(uid, name)| match key {
        key if key == *uid => Some(meta.uid()),
        key if key == *name => Some(meta.name()),
        _ => None,
    })
}

fn has_label(labels: StringMap<'_>, key: &str, expected: &str, errors: &mut ErrorList) {
    let metadata = Path::new("spec.template.metadata");
    let path = metadata.child("labels");
    let detail = || format!("must be '{expected}'");
    match labels.get(key) {
        None => errors.required(&path.key(key), detail()),
        Some(found) if found != expected => {
            errors.invalid(&path.key(key), workload::labels_shown(labels), detail());
        }
        Some(_) => {}
    }
}

fn spec(spec: JobSpec<'_>, old: Option<JobSpec<'_>>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    job_spec::common(spec, old, &path, errors);
    let at = path.child("selector");
    if spec.selector().is_none() {
        errors.required(&at, "");
    } else {
        let values = Values::as_before(old.and_then(|old| old.selector()));
        labels::selector(spec.selector(), values, &at, errors);
    }
    if let Some(parsed) = workload::parsed(spec.selector()) {
        workload::selected(&parsed, spec.template(), &path.child("template"), errors);
    }
}

/// Pods of an indexed job are hosts by the names of the job and their index.
fn host_names(job: Job<'_>, errors: &mut ErrorList) {
    let completions = job.spec().completions().unwrap_or(0);
    if !job_spec::is_indexed(job.spec()) || completions <= 0 {
        return;
    }
    let name = job.metadata().name();
    let last = format!("{name}-{}", completions - 1);
    if !dns1123_label(&last).is_empty() {
        errors.invalid(
            &Path::new("metadata").child("name"),
            name,
            format!("will not able to create pod with invalid DNS label: {last}"),
        );
    }
}

fn changes(new: JobSpec<'_>, old: Job<'_>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let before = old.spec();
    completions(new, before, &path.child("completions"), errors);
    immutable(
        new.selector().map(|part| part.record()),
        before.selector().map(|part| part.record()),
        &path.child("selector"),
        errors,
    );
    template(new, old, &path, errors);
    immutable(
        new.completion_mode(),
        before.completion_mode(),
        &path.child("completionMode"),
        errors,
    );
    immutable(
        new.pod_failure_policy().map(|part| part.record()),
        before.pod_failure_policy().map(|part| part.record()),
        &path.child("podFailurePolicy"),
        errors,
    );
    immutable(
        new.backoff_limit_per_index(),
        before.backoff_limit_per_index(),
        &path.child("backoffLimitPerIndex"),
        errors,
    );
    immutable(
        new.managed_by(),
        before.managed_by(),
        &path.child("managedBy"),
        errors,
    );
    immutable(
        new.success_policy().map(|part| part.record()),
        before.success_policy().map(|part| part.record()),
        &path.child("successPolicy"),
        errors,
    );
}

/// Completions stay, save that an indexed job grows and shrinks with its parallelism.
fn completions(new: JobSpec<'_>, old: JobSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if !job_spec::is_indexed(new) {
        return immutable(new.completions(), old.completions(), path, errors);
    }
    if let Some(wanted) = new.completions()
        && old.completions() != Some(wanted)
        && new.parallelism() != Some(wanted)
    {
        errors.invalid(
            path,
            wanted,
            "can only be modified in tandem with spec.parallelism",
        );
    }
}

/// The template stays, save where pods run while the job is suspended, and what they use of a node.
fn template(new: JobSpec<'_>, old: Job<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let suspended = old.spec().suspend() == Some(true);
    let status = old.status();
    let rests = suspended && job_status::has(status, "Suspended");
    let may_move = suspended && (status.start_time().is_none() || rests);
    let mut before = old.spec().template().record().clone();
    if may_move {
        let mut view = PodTemplateSpecMut::from_record(&mut before);
        take_scheduling(&mut view, new.template());
    }
    if !rests {
        let before = PodTemplateSpec::from_record(&before);
        return immutable(
            new.template().record(),
            before.record(),
            &path.child("template"),
            errors,
        );
    }
    let mut view = PodTemplateSpecMut::from_record(&mut before);
    take_resources(&mut view.spec_mut(), new.template().spec());
    let before = PodTemplateSpec::from_record(&before);
    immutable(
        new.template().spec().record(),
        before.spec().record(),
        &path.child("template.spec"),
        errors,
    );
}

/// What says where pods run is as in `new`.
fn take_scheduling(old: &mut PodTemplateSpecMut<'_>, new: PodTemplateSpec<'_>) {
    let mut metadata = old.metadata_mut();
    copy(
        metadata.record(),
        new.metadata().record(),
        &["labels", "annotations"],
    );
    let mut spec = old.spec_mut();
    let wanted = new.spec().affinity();
    if wanted.is_some() {
        spec.affinity_or_new();
    }
    if let Some(mut affinity) = spec.affinity_mut() {
        match wanted.and_then(|affinity| affinity.node_affinity()) {
            Some(nodes) => affinity.set_node_affinity(nodes.record().clone()),
            None => affinity.clear_node_affinity(),
        }
        let is_empty = is_same(
            affinity.view().record(),
            &Record::new(affinity.view().record().type_ref().clone()),
        );
        if wanted.is_none() && is_empty {
            spec.clear_affinity();
        }
    }
    copy(
        spec.record(),
        new.spec().record(),
        &["nodeSelector", "tolerations", "schedulingGates"],
    );
}

/// Containers of the same names use as much as in `new`.
fn take_resources(old: &mut PodSpecMut<'_>, new: PodSpec<'_>) {
    if old.view().containers().len() == new.containers().len() {
        for (mut old, new) in old.containers_mut().iter_mut().zip(new.containers()) {
            if old.view().name() == new.name() {
                copy(old.record(), new.record(), &["resources"]);
            }
        }
    }
    if old.view().init_containers().len() == new.init_containers().len() {
        for (mut old, new) in old
            .init_containers_mut()
            .iter_mut()
            .zip(new.init_containers())
        {
            if old.view().name() == new.name() {
                copy(old.record(), new.record(), &["resources"]);
            }
        }
    }
}

fn copy(to: &mut Record, from: &Record, names: &[&str]) {
    for at in names.iter().filter_map(|name| from.ty().field_index(name)) {
        match from.get(at) {
            Some(value) => to.set(at, value.clone()),
            None => to.remove(at),
        };
    }
}
