//! What may change in a pod.

use std::collections::HashMap;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::quote::Quoted;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::List;

use super::leeway::Leeway;
use super::{annotations, is_static, object, tolerations};
use crate::core::v1::{
    Container, NodeAffinity, NodeSelectorTerm, Pod, PodSchedulingGate, PodSpec, PodSpecMut,
    Toleration,
};
use crate::validation::immutable::is_same;
use crate::validation::internal_form;

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const TERMS: &str = "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";

/// A change of the pod itself (`ValidatePodUpdate`).
pub(super) fn pod(new: Pod<'_>, old: Pod<'_>, errors: &mut ErrorList) {
    let leeway = Leeway::of_pod(Some(old));
    whole(new, old, &leeway, errors);
    let path = Path::new("spec");
    let (new, old) = (new.spec(), old.spec());
    for (name, new, old) in [
        ("containers", new.containers(), old.containers()),
        (
            "initContainers",
            new.init_containers(),
            old.init_containers(),
        ),
    ] {
        let at = path.child(name);
        if new.len() != old.len() {
            errors.forbidden(&at, "pod updates may not add or remove containers");
            return;
        }
        images(new, &at, errors);
    }
    if !deadline(new, old, &path.child("activeDeadlineSeconds"), errors) {
        return;
    }
    more_tolerations(new, old, &leeway, &path.child("tolerations"), errors);
    fewer_gates(
        new.scheduling_gates(),
        old.scheduling_gates(),
        &path.child("schedulingGates"),
        errors,
    );
    if is_same(new.record(), old.record()) {
        return;
    }
    let mut rest = new.record().clone();
    take_back(&mut PodSpecMut::from_record(&mut rest), old);
    if !old.scheduling_gates().is_empty() {
        gated(&mut rest, old, &path, errors);
    }
    if !is_same(&rest, old.record()) {
        let difference = internal_form::difference(old.record(), &rest);
        errors.forbidden(
            &path,
            format!("pod updates may not change fields other than {UPDATABLE}\n{difference}"),
        );
    }
}

/// What holds of every changed pod, and of its annotations.
pub(super) fn whole(new: Pod<'_>, old: Pod<'_>, leeway: &Leeway, errors: &mut ErrorList) {
    object(new, leeway, errors);
    of_annotations(new, old, leeway, errors);
}

/// What holds of the annotations of a changed pod (`ValidatePodSpecificAnnotationUpdates`).
pub(super) fn of_annotations(new: Pod<'_>, old: Pod<'_>, leeway: &Leeway, errors: &mut ErrorList) {
    let at = Path::new("metadata.annotations");
    let (now, before) = (new.metadata().annotations(), old.metadata().annotations());
    annotations::check_update(now, before, &at, errors);
    annotations::check(now, new.spec(), leeway, &at, errors);
}

fn images(containers: List<'_, Container<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, container) in containers.iter().enumerate() {
        let at = path.index(index);
        let (at, image) = (at.child("image"), container.image());
        if image.is_empty() {
            errors.required(&at, "");
        }
        if image.trim().len() != image.len() {
            errors.invalid(&at, image, "must not have leading or trailing whitespace");
        }
    }
}

/// A deadline may be set, and brought nearer. Says whether it makes sense to go on.
fn deadline(new: PodSpec<'_>, old: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) -> bool {
    match (new.active_deadline_seconds(), old.active_deadline_seconds()) {
        (Some(seconds), _) if !(0..=i64::from(i32::MAX)).contains(&seconds) => {
            errors.invalid(path, seconds, "must be between 0 and 2147483647, inclusive");
            false
        }
        (Some(seconds), Some(before)) if before < seconds => {
            errors.invalid(
                path,
                seconds,
                "must be less than or equal to previous value",
            );
            false
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            errors.invalid(path, BadValue::null(), detail);
            true
        }
        _ => true,
    }
}

fn more_tolerations(
    new: PodSpec<'_>,
    old: PodSpec<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let key = |it: Toleration<'_>| -> (String, String, String, String) {
        let text = str::to_owned;
        (
            text(it.key()),
            text(it.operator()),
            text(it.value()),
            text(it.effect()),
        )
    };
    let now: std::collections::HashSet<_> = new.tolerations().iter().map(key).collect();
    if old.tolerations().iter().any(|it| !now.contains(&key(it))) {
        errors.forbidden(
            path,
            "existing toleration can not be modified except its tolerationSeconds",
        );
        return;
    }
    tolerations::check(new.tolerations(), leeway, path, errors);
}

fn fewer_gates(
    new: List<'_, PodSchedulingGate<'_>>,
    old: List<'_, PodSchedulingGate<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, gate) in new.iter().enumerate() {
        let name = gate.name();
        // A gate that is there twice is told of once, where it is last.
        let is_last = !new.iter().skip(index + 1).any(|gate| gate.name() == name);
        if is_last && !old.iter().any(|gate| gate.name() == name) {
            let detail =
                format!("only deletion is allowed, but found new scheduling gate '{name}'");
            errors.forbidden(&path.index(index).child("name"), detail);
        }
    }
}

/// Gives fields that may change the value they had.
fn take_back(new: &mut PodSpecMut<'_>, old: PodSpec<'_>) {
    for (mut container, old) in new.containers_mut().iter_mut().zip(old.containers()) {
        container.set_image(old.image().to_owned());
    }
    for (mut container, old) in new
        .init_containers_mut()
        .iter_mut()
        .zip(old.init_containers())
    {
        container.set_image(old.image().to_owned());
    }
    match old.active_deadline_seconds() {
        Some(seconds) => new.set_active_deadline_seconds(seconds),
        None => new.clear_active_deadline_seconds(),
    }
    as_before(new.record(), old.record(), "schedulingGates");
    as_before(new.record(), old.record(), "tolerations");
    let grace = old.termination_grace_period_seconds();
    if let Some(before) = grace.filter(|seconds| *seconds < 0)
        && new.view().termination_grace_period_seconds() == Some(1)
    {
        new.set_termination_grace_period_seconds(before);
    }
}

/// Gives a field the value that it had.
fn as_before(new: &mut Record, old: &Record, name: &str) {
    let Some(at) = new.ty().field_index(name) else {
        return;
    };
    match old.get(at) {
        Some(value) => new.set(at, value.clone()),
        None => new.remove(at),
    };
}

/// A pod that is not to be scheduled yet may become more particular about its node.
fn gated(rest: &mut Record, old: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let new = PodSpec::from_record(rest).node_selector();
    if old
        .node_selector()
        .iter()
        .any(|(key, value)| new.get(key) != Some(value))
    {
        let map = new.map().cloned().unwrap_or_default();
        errors.invalid(
            &path.child("nodeSelector"),
            BadValue::from(&Value::Map(map)),
            "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
        );
    }
    as_before(rest, old.record(), "nodeSelector");
    let before = old.affinity().and_then(|affinity| affinity.node_affinity());
    let now = PodSpec::from_record(rest)
        .affinity()
        .and_then(|affinity| affinity.node_affinity());
    let same = match (now, before) {
        (Some(now), Some(before)) => is_same(now.record(), before.record()),
        (None, None) => true,
        _ => false,
    };
    if same {
        return;
    }
    node_affinity(
        now,
        before,
        &path.child("affinity").child("nodeAffinity"),
        errors,
    );
    let mut rest = PodSpecMut::from_record(rest);
    match before {
        Some(before) => {
            let mut affinity = rest.affinity_or_new();
            affinity.set_node_affinity(before.record().clone());
        }
        None => {
            let alone = rest.view().affinity().is_some_and(|affinity| {
                affinity.pod_affinity().is_none() && affinity.pod_anti_affinity().is_none()
            });
            if alone && old.affinity().is_none() {
                rest.clear_affinity();
            } else if let Some(mut affinity) = rest.affinity_mut() {
                affinity.clear_node_affinity();
            }
        }
    }
}

/// Terms may get more requirements (`validateNodeAffinityMutation`).
fn node_affinity(
    new: Option<NodeAffinity<'_>>,
    old: Option<NodeAffinity<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let required = |affinity: Option<NodeAffinity<'_>>| -> Vec<Value> {
        affinity
            .and_then(|it| it.required_during_scheduling_ignored_during_execution())
            .map(|required| required.node_selector_terms().values().to_vec())
            .unwrap_or_default()
    };
    let (now, before) = (required(new), required(old));
    if before.is_empty() {
        return;
    }
    let at = path.child(TERMS);
    if now.len() != before.len() {
        errors.invalid(
            &at,
            if now.is_empty() {
                BadValue::null()
            } else {
                internal_form::shown_list(&now)
            },
            "no additions/deletions to non-empty NodeSelectorTerms list are allowed",
        );
        return;
    }
    for (index, (now, before)) in now.iter().zip(&before).enumerate() {
        let (Some(now), Some(before)) = (now.as_record(), before.as_record()) else {
            continue;
        };
        if !has_only_more(
            NodeSelectorTerm::from_record(now),
            NodeSelectorTerm::from_record(before),
        ) {
            errors.invalid(
                &at.index(index),
                internal_form::shown(Some(now)),
                "only additions are allowed (no mutations or deletions)",
            );
        }
    }
}

fn has_only_more(new: NodeSelectorTerm<'_>, old: NodeSelectorTerm<'_>) -> bool {
    let (labels, fields) = (old.match_expressions(), old.match_fields());
    if labels.is_empty() && fields.is_empty() {
        // A term without requirements matches nothing: with some, it would match more.
        return new.match_expressions().is_empty() && new.match_fields().is_empty();
    }
    let begins_with = |new: &[Value], old: &[Value]| {
        new.len() >= old.len()
            && new.iter().zip(old).all(|pair| match pair {
                (Value::Record(new), Value::Record(old)) => is_same(new, old),
                (new, old) => new == old,
            })
    };
    begins_with(new.match_expressions().values(), labels.values())
        && begins_with(new.match_fields().values(), fields.values())
}

/// A change of ephemeral containers alone (`ValidatePodEphemeralContainersUpdate`).
pub(super) fn ephemeral_containers(new: Pod<'_>, old: Pod<'_>, errors: &mut ErrorList) {
    if is_static(old.metadata()) {
        errors.forbidden(
            &Path::new(""),
            "static pods do not support ephemeral containers",
        );
        return;
    }
    whole(new, old, &Leeway::of_pod(Some(old)), errors);
    let path = Path::new("spec.ephemeralContainers");
    let new = new.spec().ephemeral_containers();
    let named: HashMap<&str, _> = new.iter().map(|it| (it.name(), it.record())).collect();
    for before in old.spec().ephemeral_containers() {
        let name = Quoted(before.name());
        match named.get(before.name()) {
            None => errors.forbidden(
                &path,
                format!("existing ephemeral containers {name} may not be removed\n"),
            ),
            Some(now) if !is_same(now, before.record()) => {
                let difference = internal_form::difference(before.record(), now);
                errors.forbidden(
                    &path,
                    format!(
                        "existing ephemeral containers {name} may not be changed\n{difference}"
                    ),
                );
            }
            Some(_) => {}
        }
    }
}
