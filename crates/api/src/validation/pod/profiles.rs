//! Profiles of seccomp and AppArmor, as fields and as annotations.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::view::StringMap;

use super::annotations::{APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD};
use super::sources::descending_path;
use super::typed;
use super::visit::for_each_container;
use crate::core::v1::{AppArmorProfile, PodSpec, SeccompProfile};
use crate::validation::internal_form;

const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
/// The longest path that Linux knows.
const LONGEST: usize = 4095;

/// Checks a seccomp profile.
pub(super) fn seccomp(profile: SeccompProfile<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("type");
    match profile.type_() {
        "" => errors.required(&at, "type is required when seccompProfile is set"),
        known if TYPES.contains(&known) => {}
        other => errors.not_supported(&at, typed(other), TYPES),
    }
    let at = path.child("localhostProfile");
    match (profile.type_(), profile.localhost_profile()) {
        ("Localhost", None) => {
            errors.required(&at, "must be set when seccomp type is Localhost");
        }
        ("Localhost", Some(file)) => descending_path(file, &at, errors),
        (_, Some(_)) => errors.invalid(
            &at,
            internal_form::shown(Some(profile.record())),
            "can only be set when seccomp type is Localhost",
        ),
        (_, None) => {}
    }
}

/// Checks an AppArmor profile.
pub(super) fn app_armor(profile: AppArmorProfile<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("localhostProfile");
    let needed = "must be set when AppArmor type is Localhost";
    match (profile.type_(), profile.localhost_profile()) {
        ("Localhost", None) => errors.required(&at, needed),
        ("Localhost", Some(name)) => {
            if name.trim() != name {
                errors.invalid(&at, name, "must not be padded with whitespace");
            } else if name.is_empty() {
                errors.required(&at, needed);
            }
            if name.len() > LONGEST {
                errors.push(FieldError::too_long(&at, LONGEST));
            }
        }
        ("RuntimeDefault" | "Unconfined", Some(name)) => {
            errors.invalid(&at, name, "can only be set when AppArmor type is Localhost");
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("", _) => errors.required(
            &path.child("type"),
            "type is required when appArmorProfile is set",
        ),
        (other, _) => errors.not_supported(&path.child("type"), typed(other), TYPES),
    }
}

/// Whether a field says what an annotation says; `forms` are how annotations say it.
fn matches(
    what: &str,
    (kind, file): (&str, Option<&str>),
    annotation: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let is_type = match kind {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => {
            annotation == "runtime/default" || (what == "seccomp" && annotation == "docker/default")
        }
        "Localhost" => annotation.starts_with("localhost/"),
        _ => return,
    };
    if !is_type {
        let detail = format!("{what} type in annotation and field must match");
        errors.forbidden(&path.child("type"), detail);
    } else if kind == "Localhost" && annotation.strip_prefix("localhost/") != file {
        let detail = format!("{what} profile in annotation and field must match");
        errors.forbidden(&path.child("localhostProfile"), detail);
    }
}

/// Where seccomp profiles are given twice, they are the same (`validateSeccompAnnotationsAndFields`).
pub(super) fn seccomp_matches_annotations(
    annotations: StringMap<'_>,
    spec: PodSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if annotations.is_empty() {
        return;
    }
    let said = |profile: SeccompProfile<'_>, key: &str, at: &Path<'_>, errors: &mut ErrorList| {
        if let Some(annotation) = annotations.get(key) {
            let field = (profile.type_(), profile.localhost_profile());
            matches(
                "seccomp",
                field,
                annotation,
                &at.child("seccompProfile"),
                errors,
            );
        }
    };
    let of_pod = spec.security_context().and_then(|it| it.seccomp_profile());
    if let Some(profile) = of_pod {
        said(profile, SECCOMP_POD, &path.child("securityContext"), errors);
    }
    for_each_container(spec, path, &mut |container, at| {
        let own = container
            .security_context()
            .and_then(|it| it.seccomp_profile());
        if let Some(profile) = own {
            let key = format!("{SECCOMP_CONTAINER}{}", container.name());
            said(profile, &key, &at.child("securityContext"), errors);
        }
    });
}

/// The same for AppArmor (`validateAppArmorAnnotationsAndFieldsMatchOnCreate`).
pub(super) fn app_armor_matches_annotations(
    annotations: StringMap<'_>,
    spec: PodSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if annotations.is_empty() || spec.os().is_some_and(|os| os.name() == "windows") {
        return;
    }
    let of_pod = spec
        .security_context()
        .and_then(|it| it.app_armor_profile());
    let of_pod = of_pod.map(|it| (it.type_(), it.localhost_profile()));
    for_each_container(spec, path, &mut |container, at| {
        let own = container
            .security_context()
            .and_then(|it| it.app_armor_profile());
        let own = own.map(|it| (it.type_(), it.localhost_profile()));
        let Some(profile) = own.or(of_pod) else {
            return;
        };
        let key = format!("{APP_ARMOR}{}", container.name());
        if let Some(annotation) = annotations.get(&key) {
            let at = at.child("securityContext");
            matches(
                "apparmor",
                profile,
                annotation,
                &at.child("appArmorProfile"),
                errors,
            );
        }
    });
}
