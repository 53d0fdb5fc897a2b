//! Who the processes of a pod are and what they may do.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::{group_id, user_id};

use super::leeway::Leeway;
use super::network::host_namespace;
use super::spec::supported;
use super::visit::integers;
use super::{profiles, typed, windows};
use crate::core::v1::{PodSecurityContext, PodSpec, SecurityContext};
use crate::settings;
use crate::validation::internal_form;

const SYSCTL: &str = r"must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// Checks the security context of a pod (`validatePodSpecSecurityContext`).
pub(super) fn of_pod(spec: PodSpec<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    if spec.host_pid() && spec.share_process_namespace() == Some(true) {
        let context = spec.security_context();
        ids(context, path, errors);
        errors.invalid(
            &path.child("shareProcessNamespace"),
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    } else {
        ids(spec.security_context(), path, errors);
    }
    let Some(context) = spec.security_context() else {
        return;
    };
    sysctls(context, spec, leeway, &path.child("sysctls"), errors);
    let mut choice = |name: &str, value: Option<&str>, allowed: &[&str]| {
        if let Some(value) = value {
            supported(value, allowed, &path.child(name), errors);
        }
    };
    choice(
        "fsGroupChangePolicy",
        context.fs_group_change_policy(),
        &["Always", "OnRootMismatch"],
    );
    if let Some(profile) = context.seccomp_profile() {
        profiles::seccomp(profile, &path.child("seccompProfile"), errors);
    }
    if let Some(options) = context.windows_options() {
        windows::options(options, &path.child("windowsOptions"), errors);
    }
    if let Some(profile) = context.app_armor_profile() {
        profiles::app_armor(profile, &path.child("appArmorProfile"), errors);
    }
    let mut choice = |name: &str, value: Option<&str>, allowed: &[&str]| {
        if let Some(value) = value {
            supported(value, allowed, &path.child(name), errors);
        }
    };
    choice(
        "supplementalGroupsPolicy",
        context.supplemental_groups_policy(),
        &["Merge", "Strict"],
    );
    let policies: &[&str] = if leeway.any_se_linux_policy {
        &["MountOption", "Recursive"]
    } else {
        &["Recursive"]
    };
    choice(
        "seLinuxChangePolicy",
        context.se_linux_change_policy(),
        policies,
    );
}

fn ids(context: Option<PodSecurityContext<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(context) = context else { return };
    id("fsGroup", context.fs_group(), path, errors);
    id("runAsUser", context.run_as_user(), path, errors);
    id("runAsGroup", context.run_as_group(), path, errors);
    let at = path.child("supplementalGroups");
    for (index, group) in integers(context.supplemental_groups()).enumerate() {
        for fault in group_id(group) {
            errors.invalid(&at.index(index), group, fault);
        }
    }
}

/// The number of a user or of a group: the rules are the same.
fn id(name: &str, value: Option<i64>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(value) = value {
        for fault in user_id(value) {
            errors.invalid(&path.child(name), value, fault);
        }
    }
}

fn sysctls(
    context: PodSecurityContext<'_>,
    spec: PodSpec<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut names = HashSet::new();
    for (index, sysctl) in context.sysctls().iter().enumerate() {
        let at = path.index(index);
        let (at, name) = (at.child("name"), sysctl.name());
        if name.is_empty() {
            errors.required(&at, "");
        } else if !is_sysctl(name) {
            errors.invalid(&at, name, SYSCTL);
        } else if names.contains(name) {
            errors.duplicate(&at, name);
        }
        if !leeway.host_sysctls
            && let Some(shared) = host_namespace(name, spec)
        {
            let detail = format!("may not be specified when '{shared}' is true");
            errors.invalid(&at, name, detail);
        }
        names.insert(name);
    }
}

/// Segments between dots or slashes.
fn is_sysctl(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 253
        && name.split(['.', '/']).all(|segment| {
            let bytes = segment.as_bytes();
            bytes.first().is_some_and(|&byte| inner(byte))
                && bytes.last().is_some_and(|&byte| inner(byte))
                && bytes
                    .iter()
                    .all(|&byte| inner(byte) || matches!(byte, b'-' | b'_'))
        })
}

/// Checks the security context of a container (`ValidateSecurityContext`).
pub(super) fn of_container(
    context: SecurityContext<'_>,
    host_users: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if context.privileged() == Some(true) && !settings::allows_privileged() {
        errors.forbidden(&path.child("privileged"), "disallowed by cluster policy");
    }
    id("runAsUser", context.run_as_user(), path, errors);
    id("runAsGroup", context.run_as_group(), path, errors);
    if let Some(mount) = context.proc_mount() {
        let at = path.child("procMount");
        supported(mount, &["Default", "Unmasked"], &at, errors);
        if host_users && mount == "Unmasked" {
            let detail = "`hostUsers` must be false to use `Unmasked`";
            errors.invalid(&at, typed(mount), detail);
        }
    }
    if let Some(profile) = context.seccomp_profile() {
        profiles::seccomp(profile, &path.child("seccompProfile"), errors);
    }
    if context.allow_privilege_escalation() == Some(false) {
        let shown = || internal_form::shown(Some(context.record()));
        if context.privileged() == Some(true) {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.invalid(path, shown(), detail);
        }
        let added = context
            .capabilities()
            .map(|it| it.add())
            .unwrap_or_default();
        for _ in added.iter().filter(|name| *name == "CAP_SYS_ADMIN") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.invalid(path, shown(), detail);
        }
    }
    if let Some(options) = context.windows_options() {
        windows::options(options, &path.child("windowsOptions"), errors);
    }
    if let Some(profile) = context.app_armor_profile() {
        profiles::app_armor(profile, &path.child("appArmorProfile"), errors);
    }
}
