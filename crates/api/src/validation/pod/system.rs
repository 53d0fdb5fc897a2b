//! What goes with the operating system of a pod, and with users of its own.

use pintle_runtime::field_path::{ErrorList, Path};

use super::leeway::Leeway;
use super::typed;
use super::visit::for_each_container;
use crate::core::v1::{PodSecurityContext, PodSpec, SecurityContext};

const NOT_ON_WINDOWS: &str = "cannot be set for a windows pod";
const NOT_ON_LINUX: &str = "windows options cannot be set for a linux pod";
const OWN_USERS: &str = "when `hostUsers` is false";

/// Checks `os`, and what may not be set where it is what it is.
pub(super) fn check(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    match spec.os().map(|os| os.name()) {
        None => {}
        Some("") => errors.required(&path.child("os").child("name"), ""),
        Some("linux") => linux(spec, path, errors),
        Some("windows") => windows(spec, path, errors),
        Some(other) => {
            errors.not_supported(&path.child("os"), typed(other), ["linux", "windows"]);
        }
    }
}

fn linux(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let context = spec.security_context();
    if context.is_some_and(|context| context.windows_options().is_some()) {
        let at = path.child("securityContext");
        errors.forbidden(&at.child("windowsOptions"), NOT_ON_LINUX);
    }
    for_each_container(spec, path, &mut |container, at| {
        let context = container.security_context();
        if context.is_some_and(|context| context.windows_options().is_some()) {
            let at = at.child("securityContext");
            errors.forbidden(&at.child("windowsOptions"), NOT_ON_LINUX);
        }
    });
}

fn windows(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let empty = PodSecurityContext::empty();
    let context = spec.security_context().unwrap_or(empty);
    let of_context = path.child("securityContext");
    let fields = [
        (
            &of_context,
            "appArmorProfile",
            context.app_armor_profile().is_some(),
        ),
        (
            &of_context,
            "seLinuxOptions",
            context.se_linux_options().is_some(),
        ),
        (path, "hostUsers", spec.host_users().is_some()),
        (path, "hostPID", spec.host_pid()),
        (path, "hostIPC", spec.host_ipc()),
        (
            &of_context,
            "seccompProfile",
            context.seccomp_profile().is_some(),
        ),
        (&of_context, "fsGroup", context.fs_group().is_some()),
        (
            &of_context,
            "fsGroupChangePolicy",
            context.fs_group_change_policy().is_some(),
        ),
        (&of_context, "sysctls", !context.sysctls().is_empty()),
        (
            path,
            "shareProcessNamespace",
            spec.share_process_namespace().is_some(),
        ),
        (&of_context, "runAsUser", context.run_as_user().is_some()),
        (&of_context, "runAsGroup", context.run_as_group().is_some()),
        (
            &of_context,
            "supplementalGroups",
            !context.supplemental_groups().is_empty(),
        ),
        (
            &of_context,
            "supplementalGroupsPolicy",
            context.supplemental_groups_policy().is_some(),
        ),
        (
            &of_context,
            "seLinuxChangePolicy",
            context.se_linux_change_policy().is_some(),
        ),
    ];
    for (at, name, is_set) in fields {
        if is_set {
            errors.forbidden(&at.child(name), NOT_ON_WINDOWS);
        }
    }
    for_each_container(spec, path, &mut |container, at| {
        if let Some(context) = container.security_context() {
            windows_container(context, &at.child("securityContext"), errors);
        }
    });
}

fn windows_container(context: SecurityContext<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (name, is_set) in [
        ("appArmorProfile", context.app_armor_profile().is_some()),
        ("seLinuxOptions", context.se_linux_options().is_some()),
        ("seccompProfile", context.seccomp_profile().is_some()),
        ("capabilities", context.capabilities().is_some()),
        (
            "readOnlyRootFilesystem",
            context.read_only_root_filesystem().is_some(),
        ),
        ("privileged", context.privileged().is_some()),
        (
            "allowPrivilegeEscalation",
            context.allow_privilege_escalation().is_some(),
        ),
        ("procMount", context.proc_mount().is_some()),
        ("runAsUser", context.run_as_user().is_some()),
        ("runAsGroup", context.run_as_group().is_some()),
    ] {
        if is_set {
            errors.forbidden(&path.child(name), NOT_ON_WINDOWS);
        }
    }
}

/// A pod with users of its own shares little else with the host (`validateHostUsers`).
pub(super) fn host_users(
    spec: PodSpec<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if spec.host_users() != Some(false) {
        return;
    }
    for (name, shares) in [
        (
            "hostNetwork",
            spec.host_network() && !leeway.host_network_users,
        ),
        ("HostPID", spec.host_pid()),
        ("HostIPC", spec.host_ipc()),
    ] {
        if shares {
            errors.forbidden(&path.child(name), OWN_USERS);
        }
    }
    if leeway.device_users {
        return;
    }
    for_each_container(spec, path, &mut |container, at| {
        if !container.volume_devices().is_empty() {
            errors.forbidden(&at.child("volumeDevices"), OWN_USERS);
        }
    });
}
