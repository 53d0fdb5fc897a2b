//! Stateful sets.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::dns1123_label;
use pintle_runtime::object_meta::{validate_annotations, validate_labels, validate_nonnegative};
use pintle_runtime::value::Record;

use crate::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetSpec, StatefulSetSpecMut,
    StatefulSetUpdateStrategy,
};
use crate::core::v1::{PodTemplateSpec, PodTemplateSpecMut};
use crate::validation::core::persistent_volume_claim::{self, Leeway};
use crate::validation::immutable::is_same;
use crate::validation::{Rules, internal_form, pod, workload};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update_status), ("scale", update)],
};

fn create(new: &Record, errors: &mut ErrorList) {
    spec(StatefulSet::from_record(new).spec(), None, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (
        StatefulSet::from_record(new).spec(),
        StatefulSet::from_record(old).spec(),
    );
    spec(new, Some(old), errors);
    if !is_same(&without_mutable(new), &without_mutable(old)) {
        errors.forbidden(
            &Path::new("spec"),
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        );
    }
}

/// What of a spec never changes.
fn without_mutable(spec: StatefulSetSpec<'_>) -> Record {
    let mut kept = spec.record().clone();
    let mut view = StatefulSetSpecMut::from_record(&mut kept);
    view.clear_replicas();
    view.clear_template();
    view.clear_update_strategy();
    view.clear_min_ready_seconds();
    view.clear_ordinals();
    view.clear_revision_history_limit();
    view.clear_persistent_volume_claim_retention_policy();
    kept
}

fn spec(spec: StatefulSetSpec<'_>, old: Option<StatefulSetSpec<'_>>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let at = path.child("podManagementPolicy");
    match spec.pod_management_policy() {
        "" => errors.required(&at, ""),
        "OrderedReady" | "Parallel" => {}
        other => errors.invalid(
            &at,
            BadValue::json_string(other),
            "must be 'OrderedReady' or 'Parallel'",
        ),
    }
    update_strategy(
        spec.update_strategy(),
        &path.child("updateStrategy"),
        errors,
    );
    if let Some(policy) = spec.persistent_volume_claim_retention_policy() {
        let path = path.child("persistentVolumeClaimRetentionPolicy");
        retention(policy.when_deleted(), &path.child("whenDeleted"), errors);
        retention(policy.when_scaled(), &path.child("whenScaled"), errors);
    }
    workload::nonnegative(
        spec.record(),
        &["replicas", "minReadySeconds"],
        &path,
        errors,
    );
    if let Some(ordinals) = spec.ordinals() {
        let at = path.child("ordinals.start");
        validate_nonnegative(ordinals.start().into(), &at, errors);
    }
    // An older server took other names, and a name never changes.
    if old.is_none() && !spec.service_name().is_empty() {
        let name = spec.service_name();
        errors.invalid_each(&path.child("serviceName"), name, dns1123_label(name));
    }
    pods(spec, old, &path, errors);
    if old.is_none() {
        let at = path.child("volumeClaimTemplates");
        for (index, claim) in spec.volume_claim_templates().iter().enumerate() {
            persistent_volume_claim::spec(
                claim.spec(),
                Leeway::NONE,
                &at.index(index).child("spec"),
                errors,
            );
        }
    }
}

fn retention(policy: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if !matches!(policy, "Retain" | "Delete") {
        errors.not_supported(path, BadValue::json_string(policy), ["Retain", "Delete"]);
    }
}

fn update_strategy(
    strategy: StatefulSetUpdateStrategy<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("rollingUpdate");
    match (strategy.type_(), strategy.rolling_update()) {
        ("", _) => errors.required(path, ""),
        ("OnDelete" | "RollingUpdate", None) => {}
        ("OnDelete", Some(rolling)) => errors.invalid(
            &at,
            internal_form::shown(Some(rolling.record())),
            "only allowed for updateStrategy 'RollingUpdate'",
        ),
        ("RollingUpdate", Some(rolling)) => rolling_update(rolling, &at, errors),
        _ => errors.invalid(
            path,
            internal_form::shown(Some(strategy.record())),
            "must be 'RollingUpdate' or 'OnDelete'",
        ),
    }
}

fn rolling_update(
    rolling: RollingUpdateStatefulSetStrategy<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    workload::nonnegative(rolling.record(), &["partition"], path, errors);
    let Some(unavailable) = rolling.max_unavailable() else {
        return;
    };
    let at = path.child("maxUnavailable");
    workload::count_or_percent(unavailable, &at, errors);
    if workload::amount(unavailable) == 0 {
        errors.invalid(&at, workload::shown(unavailable), "cannot be 0");
    }
    workload::not_more_than_all(unavailable, &at, errors);
}

fn pods(
    spec: StatefulSetSpec<'_>,
    old: Option<StatefulSetSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("selector");
    workload::selector(
        spec.selector(),
        "empty selector is invalid for statefulset",
        &at,
        errors,
    );
    let template = path.child("template");
    match workload::parsed(spec.selector()) {
        None => {
            let selector = spec.selector();
            let value = selector.map_or_else(BadValue::null, |found| found.record().into());
            errors.invalid(&at, value, "");
        }
        Some(parsed) => {
            if !parsed.is_everything() {
                workload::selected(&parsed, spec.template(), &template, errors);
            }
            // Upstream looks at these by themselves, and again with all else.
            let metadata = spec.template().metadata();
            validate_labels(metadata.labels(), &template.child("labels"), errors);
            let annotations = template.child("annotations");
            validate_annotations(metadata.annotations(), &annotations, errors);
            pod_template(spec, old, &template, errors);
        }
    }
    let kind = "StatefulSet";
    workload::endless(kind, spec.template(), &template, errors);
}

/// The template, whose pods have a volume for each claim as well. What is there already may stay as
/// it is even if it is wrong, because older servers did not look.
fn pod_template(
    spec: StatefulSetSpec<'_>,
    old: Option<StatefulSetSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let new = with_claims(spec);
    let new = PodTemplateSpec::from_record(&new);
    let Some(old) = old else {
        return pod::template(new, None, path, errors);
    };
    let old = with_claims(old);
    let old = PodTemplateSpec::from_record(&old);
    let mut before = ErrorList::new();
    pod::template(old, None, path, &mut before);
    if before.is_empty() {
        pod::template(new, Some(old), path, errors);
    }
}

fn with_claims(spec: StatefulSetSpec<'_>) -> Record {
    let mut template = spec.template().record().clone();
    let claims = spec.volume_claim_templates();
    if claims.is_empty() {
        return template;
    }
    let mut view = PodTemplateSpecMut::from_record(&mut template);
    let mut pod = view.spec_mut();
    let mut volumes = pod.volumes_mut();
    let is_claim = |name: &str| claims.iter().any(|claim| claim.metadata().name() == name);
    volumes.retain(|volume| !is_claim(volume.name()));
    for claim in claims {
        let name = claim.metadata().name();
        let mut volume = volumes.push_new();
        volume.set_name(name.to_owned());
        volume
            .persistent_volume_claim_or_new()
            .set_claim_name(name.to_owned());
    }
    template
}

fn update_status(new: &Record, old: &Record, errors: &mut ErrorList) {
    let status = StatefulSet::from_record(new).status();
    let path = Path::new("status");
    workload::nonnegative(
        status.record(),
        &[
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
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
            ("readyReplicas", status.ready_replicas(), replicas, all),
            ("currentReplicas", status.current_replicas(), replicas, all),
            ("updatedReplicas", status.updated_replicas(), replicas, all),
            ("availableReplicas", available, replicas, all),
            (
                "availableReplicas",
                available,
                status.ready_replicas(),
                "cannot be greater than status.readyReplicas",
            ),
        ],
        &path,
        errors,
    );
    let old = StatefulSet::from_record(old).status();
    workload::collisions(status.collision_count(), old.collision_count(), errors);
}
