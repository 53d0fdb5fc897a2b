//! What may change in the resources of a pod that runs.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{List, StringMap};

use super::leeway::Leeway;
use super::quality::quality_of_service;
use super::{is_static, object, typed};
use crate::core::v1::{
    Container, ContainerMut, Pod, PodSpec, PodSpecMut, ResourceRequirements,
    ResourceRequirementsMut,
};
use crate::validation::immutable::is_same;

const ONLY: &str = "only cpu and memory resources are mutable";

/// A change through the resize endpoint (`ValidatePodResize`).
pub(super) fn update(new: Pod<'_>, old: Pod<'_>, errors: &mut ErrorList) {
    if is_static(old.metadata()) {
        errors.forbidden(&Path::new(""), "static pods cannot be resized");
        return;
    }
    if old.spec().os().is_some_and(|os| os.name() == "windows") {
        errors.forbidden(&Path::new(""), "windows pods cannot be resized");
        return;
    }
    object(new, &Leeway::of_pod(Some(old)), errors);
    let path = Path::new("spec");
    let before = match old.status().qos_class() {
        "" => quality_of_service(old.spec()),
        class => class,
    };
    if before != quality_of_service(new.spec()) {
        errors.invalid(
            &path,
            typed(new.status().qos_class()),
            "Pod QOS Class may not change as a result of resizing",
        );
    }
    if !may_be_resized(old) {
        errors.forbidden(&path, "Pod running on node without support for resize");
    }
    let mut rest = new.spec().record().clone();
    if has_resources(new.spec()) || has_resources(old.spec()) {
        of_pod(new.spec(), old.spec(), &mut rest, &path, errors);
    }
    if !old
        .status()
        .node_allocatable_resource_claim_statuses()
        .is_empty()
    {
        errors.forbidden(
            &path,
            "pods with node allocatable resource claims cannot be resized",
        );
    }
    if !are_in_order(new.spec(), old.spec(), &path, errors) {
        return;
    }
    for (name, now, before) in [
        (
            "initContainers",
            new.spec().init_containers(),
            old.spec().init_containers(),
        ),
        (
            "containers",
            new.spec().containers(),
            old.spec().containers(),
        ),
    ] {
        let at = path.child(name);
        for (index, (now, before)) in now.iter().zip(before).enumerate() {
            let at = at.index(index);
            let (now, before) = (now.resources(), before.resources());
            keeps(now, before, "resource", &at.child("resources"), errors);
        }
    }
    only_amounts(&mut rest, old.spec(), &path, errors);
    if errors.is_empty() && !is_same(&rest, old.spec().record()) {
        errors.forbidden(&path, ONLY);
    }
}

fn has_resources(spec: PodSpec<'_>) -> bool {
    spec.resources()
        .is_some_and(|it| !it.requests().is_empty() || !it.limits().is_empty())
}

/// A node that knows of resizing says of a container that runs what it has.
fn may_be_resized(pod: Pod<'_>) -> bool {
    pod.status()
        .container_statuses()
        .iter()
        .find(|status| status.state().running().is_some())
        .is_none_or(|status| status.resources().is_some())
}

/// What the pod has as a whole. Takes back in `rest` what may change.
fn of_pod(
    new: PodSpec<'_>,
    old: PodSpec<'_>,
    rest: &mut Record,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("resources");
    let before = old.resources();
    let Some(now) = new.resources() else {
        errors.forbidden(&at, "pod-level resources cannot be removed");
        return;
    };
    if let Some(before) = before {
        keeps(now, before, "pod-level resource", &at, errors);
    }
    let mut rest = PodSpecMut::from_record(rest);
    let empty = ResourceRequirements::empty();
    if let Some(resources) = rest.resources_mut() {
        take_back(resources, before.unwrap_or(empty));
    }
    let left = rest.view().resources();
    let nothing = left.is_some_and(|it| is_same(it.record(), empty.record()));
    if before.is_none() && nothing {
        rest.clear_resources();
    }
    let same = match (rest.view().resources(), before) {
        (Some(now), Some(before)) => is_same(now.record(), before.record()),
        (None, None) => true,
        _ => false,
    };
    if !same {
        errors.forbidden(
            path,
            "only cpu and memory resources are mutable at pod-level",
        );
    }
}

/// Nothing that was asked for may be given up.
fn keeps(
    new: ResourceRequirements<'_>,
    old: ResourceRequirements<'_>,
    what: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let lacks = |new: StringMap<'_>, old: StringMap<'_>| {
        old.iter().any(|(name, _)| !new.contains_key(name))
    };
    if lacks(new.requests(), old.requests()) {
        let detail = format!("{what} requests cannot be removed");
        errors.forbidden(&path.child("requests"), detail);
    }
    if lacks(new.limits(), old.limits()) {
        let detail = format!("{what} limits cannot be removed");
        errors.forbidden(&path.child("limits"), detail);
    }
}

fn are_in_order(
    new: PodSpec<'_>,
    old: PodSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) -> bool {
    let before = errors.len();
    for (name, now, then) in [
        ("containers", new.containers(), old.containers()),
        (
            "initContainers",
            new.init_containers(),
            old.init_containers(),
        ),
    ] {
        let at = path.child(name);
        if now.len() != then.len() {
            let detail = format!("{name} may not be added or removed on resize");
            errors.forbidden(&at, detail);
            continue;
        }
        for (index, (now, then)) in now.iter().zip(then).enumerate() {
            if now.name() != then.name() {
                let detail = format!("{name} may not be renamed or reordered on resize");
                errors.forbidden(&at.index(index).child("name"), detail);
            }
        }
    }
    errors.len() == before
}

/// Nothing but amounts of processors and memory changes. Takes those back in `rest`.
fn only_amounts(rest: &mut Record, old: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut rest = PodSpecMut::from_record(rest);
    let before: List<'_, Container<'_>> = old.containers();
    for (mut now, before) in rest.containers_mut().iter_mut().zip(before) {
        take_back_container(&mut now, before);
        if !is_same(now.view().record(), before.record()) {
            errors.forbidden(path, ONLY);
        }
    }
    let at = path.child("initContainers");
    let pairs = rest.init_containers_mut();
    let mut pairs = pairs;
    for (index, (mut now, before)) in pairs.iter_mut().zip(old.init_containers()).enumerate() {
        let changed = !is_same(now.view().record(), before.record());
        take_back_container(&mut now, before);
        let now = now.view();
        if !is_same(now.record(), before.record()) {
            errors.forbidden(
                &at.index(index),
                "only cpu and memory resources for init or sidecar containers are mutable",
            );
        }
        if !changed || now.restart_policy() == Some("Always") {
            continue;
        }
        for policy in now.resize_policy() {
            if policy.restart_policy() == "RestartContainer" {
                errors.forbidden(
                    &at.index(index),
                    "non-sidecar init containers with a resize policy of RestartContainer cannot be resized",
                );
            }
        }
    }
}

/// Gives a container the processors and the memory that it had; claims on devices go, as upstream
/// forgets them when it compares.
fn take_back_container(container: &mut ContainerMut<'_>, old: Container<'_>) {
    take_back(container.resources_mut(), old.resources());
}

fn take_back(mut new: ResourceRequirementsMut<'_>, old: ResourceRequirements<'_>) {
    for (name, before) in [("limits", old.limits()), ("requests", old.requests())] {
        let record = new.record();
        let Some(at) = record.ty().field_index(name) else {
            continue;
        };
        let mut map = match record.get(at) {
            Some(Value::Map(map)) => map.clone(),
            _ => pintle_runtime::value::Map::new(),
        };
        for resource in ["cpu", "memory"] {
            map.remove(resource);
            if let Some(amount) = before.get(resource) {
                map.insert(resource, Value::String(amount.to_owned().into()));
            }
        }
        record.set(at, Value::Map(map));
    }
}
