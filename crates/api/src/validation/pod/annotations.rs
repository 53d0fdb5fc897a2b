//! Annotations of pods that mean something.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::schema::Ref;
use pintle_runtime::view::StringMap;

use super::leeway::Leeway;
use super::sources::descending_path;
use super::tolerations;
use super::visit::for_each_container;
use crate::core::v1::{PodSpec, tables};

/// A kubelet says by it that it runs a pod by itself.
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";
/// Which of a controller's pods goes first.
pub(super) const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
/// Seccomp, before it was a field.
pub(super) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// The same of one container, whose name follows.
pub(super) const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// AppArmor, before it was a field, of the container whose name follows.
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Checks the annotations that mean something (`ValidatePodSpecificAnnotations`).
pub(super) fn check(
    annotations: StringMap<'_>,
    spec: PodSpec<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if annotations.is_empty() {
        return;
    }
    if let Some(value) = annotations.get(MIRROR)
        && spec.node_name().is_empty()
    {
        errors.invalid(
            &path.key(MIRROR),
            value,
            "must set spec.nodeName if mirror pod annotation is set",
        );
    }
    if let Some(text) = annotations.get(TOLERATIONS).filter(|text| !text.is_empty()) {
        of_tolerations(text, leeway, path, errors);
    }
    if !leeway.deletion_cost
        && let Err(cost) = deletion_cost(annotations)
    {
        errors.invalid(&path.key(DELETION_COST), cost, "must be a 32bit integer");
    }
    if let Some(profile) = annotations.get(SECCOMP_POD) {
        seccomp_profile(profile, &path.child(SECCOMP_POD), errors);
    }
    for (key, profile) in annotations.iter() {
        if key.starts_with(SECCOMP_CONTAINER) {
            seccomp_profile(profile, &path.child(key), errors);
        }
    }
    for (key, profile) in annotations.iter() {
        let Some(container) = key.strip_prefix(APP_ARMOR) else {
            continue;
        };
        if !has_container(spec, container) {
            errors.invalid(&path.key(key), container, "container not found");
        }
        if !matches!(profile, "" | "runtime/default" | "unconfined")
            && !profile.starts_with("localhost/")
        {
            let quoted = pintle_runtime::quote::Quoted(profile);
            errors.invalid(
                &path.key(key),
                profile,
                format!("invalid AppArmor profile name: {quoted}"),
            );
        }
    }
}

fn has_container(spec: PodSpec<'_>, name: &str) -> bool {
    let mut found = false;
    for_each_container(spec, &Path::NOWHERE, &mut |container, _| {
        found |= container.name() == name;
    });
    found
}

/// Checks what changed in annotations that must not change (`ValidatePodSpecificAnnotationUpdates`).
pub(super) fn check_update(
    new: StringMap<'_>,
    old: StringMap<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (key, value) in old.iter() {
        if new.get(key) == Some(value) {
            continue;
        }
        if key.starts_with(APP_ARMOR) {
            errors.forbidden(
                &path.key(key),
                "may not remove or update AppArmor annotations",
            );
        }
        if key == MIRROR {
            errors.forbidden(
                &path.key(key),
                "may not remove or update mirror pod annotation",
            );
        }
    }
    for (key, _) in new.iter().filter(|(key, _)| !old.contains_key(key)) {
        if key.starts_with(APP_ARMOR) {
            errors.forbidden(&path.key(key), "may not add AppArmor annotations");
        }
        if key == MIRROR {
            errors.forbidden(&path.key(key), "may not add mirror pod annotation");
        }
    }
}

/// What deleting the pod costs, 0 if nothing is said.
///
/// # Errors
/// What is said if it is no 32-bit number without zeros or a plus before it.
pub(super) fn deletion_cost(annotations: StringMap<'_>) -> Result<i32, &str> {
    let Some(text) = annotations.get(DELETION_COST) else {
        return Ok(0);
    };
    if text == "0" || text.starts_with(|c: char| c == '-' || ('1'..='9').contains(&c)) {
        text.parse().map_err(|_| text)
    } else {
        Err(text)
    }
}

fn of_tolerations(text: &str, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let body = Bytes::from(format!("{{\"tolerations\":{text}}}"));
    let ty = Ref::Static(&tables::POD_SPEC);
    match json::decode(&ty, &body, &mut Problems::ignored()) {
        Err(error) => errors.invalid(path, TOLERATIONS, error.to_string()),
        Ok(spec) => tolerations::check(
            PodSpec::from_record(&spec).tolerations(),
            leeway,
            &path.child(TOLERATIONS),
            errors,
        ),
    }
}

fn seccomp_profile(profile: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if matches!(profile, "runtime/default" | "docker/default" | "unconfined") {
        return;
    }
    match profile.strip_prefix("localhost/") {
        Some(file) => descending_path(file, path, errors),
        None => errors.push(FieldError::invalid(
            path,
            profile,
            "must be a valid seccomp profile",
        )),
    }
}

/// The type and the file of the AppArmor profile that an annotation asks for, if it makes sense.
pub fn app_armor_profile(annotation: &str) -> Option<(&'static str, Option<&str>)> {
    match annotation {
        "unconfined" => Some(("Unconfined", None)),
        "runtime/default" => Some(("RuntimeDefault", None)),
        other => {
            let file = other
                .strip_prefix("localhost/")
                .filter(|file| !file.is_empty())?;
            Some(("Localhost", Some(file)))
        }
    }
}
