//! Replica sets, and what deployments share with them.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::meta::LabelSelector;
use pintle_runtime::value::Record;

use crate::apps::v1::{ReplicaSet, ReplicaSetSpec};
use crate::core::v1::PodTemplateSpec;
use crate::validation::{Rules, pod, workload};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update_status), ("scale", update)],
};

fn create(new: &Record, errors: &mut ErrorList) {
    spec(ReplicaSet::from_record(new).spec(), None, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (
        ReplicaSet::from_record(new).spec(),
        ReplicaSet::from_record(old).spec(),
    );
    spec(new, Some(old), errors);
    workload::same_selector(new.selector(), old.selector(), errors);
}

fn spec(spec: ReplicaSetSpec<'_>, old: Option<ReplicaSetSpec<'_>>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    workload::nonnegative(
        spec.record(),
        &["replicas", "minReadySeconds"],
        &path,
        errors,
    );
    pods(
        spec.selector(),
        spec.template(),
        old.map(|old| old.template()),
        &path,
        errors,
    );
}

/// The selector of the pods and the template that they are made from, in the spec at `path`.
pub(super) fn pods(
    selector: Option<LabelSelector<'_>>,
    template: PodTemplateSpec<'_>,
    old: Option<PodTemplateSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("selector");
    workload::selector(
        selector,
        "empty selector is invalid for deployment",
        &at,
        errors,
    );
    let Some(parsed) = workload::parsed(selector) else {
        let value = selector.map_or_else(BadValue::null, |found| BadValue::from(found.record()));
        return errors.invalid(&at, value, "invalid label selector");
    };
    let at = path.child("template");
    if !parsed.is_everything() {
        workload::selected(&parsed, template, &at, errors);
    }
    pod::template(template, old, &at, errors);
    workload::endless("ReplicaSet", template, &at, errors);
}

fn update_status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let status = ReplicaSet::from_record(new).status();
    let path = Path::new("status");
    workload::nonnegative(
        status.record(),
        &[
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
            "terminatingReplicas",
        ],
        &path,
        errors,
    );
    let all = "cannot be greater than status.replicas";
    let replicas = status.replicas();
    let available = status.available_replicas();
    workload::within(
        &[
            (
                "fullyLabeledReplicas",
                status.fully_labeled_replicas(),
                replicas,
                all,
            ),
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
}
