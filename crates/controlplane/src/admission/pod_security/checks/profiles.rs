//! What keeps a container inside itself: AppArmor, SELinux, seccomp, and what it sees of /proc.

use std::collections::BTreeSet;

use pintle_api::core::v1::SELinuxOptions;
use pintle_runtime::quote::Quoted;

use super::{Any, Subject, Violation, plural, quoted, setters, violation};

pub(super) fn app_armor(it: Subject<'_>) -> Option<Violation> {
    let bad = |profile: Option<&str>| {
        profile
            .filter(|profile| !matches!(*profile, "RuntimeDefault" | "Localhost"))
            .map(str::to_owned)
    };
    let of_container = |container: Any<'_>| {
        let profile = container.security.and_then(|it| it.app_armor_profile());
        bad(profile.map(|it| it.type_()))
    };
    let security = it.spec.security_context();
    let pod = bad(security
        .and_then(|it| it.app_armor_profile())
        .map(|it| it.type_()));
    let names = it.names(|container| of_container(container).is_some());
    let mut values: BTreeSet<String> = it.containers().filter_map(of_container).collect();
    let is_pod = pod.is_some();
    values.extend(pod);
    let prefix = "container.apparmor.security.beta.kubernetes.io/";
    let annotations: Vec<String> = it
        .annotations
        .iter()
        .filter(|(key, value)| {
            let fine = matches!(*value, "" | "runtime/default") || value.starts_with("localhost/");
            key.starts_with(prefix) && !fine
        })
        .map(|(key, value)| format!("{key}={}", Quoted(value)))
        .collect();
    let mut who: Vec<String> = setters(is_pod, &names).into_iter().collect();
    if !annotations.is_empty() {
        who.push(plural(annotations.len(), "annotation", "annotations").to_owned());
    }
    if who.is_empty() {
        return None;
    }
    let all: Vec<&str> = values
        .iter()
        .chain(&annotations)
        .map(String::as_str)
        .collect();
    let reason = if all.len() == 1 {
        "forbidden AppArmor profile"
    } else {
        "forbidden AppArmor profiles"
    };
    let detail = format!(
        "{} must not set AppArmor profile type to {}",
        who.join(" and "),
        quoted(all)
    );
    violation(reason, detail)
}

pub(super) fn proc_mount(it: Subject<'_>) -> Option<Violation> {
    if it.has_own_users() {
        return None;
    }
    proc_mount_restricted(it)
}

pub(super) fn proc_mount_restricted(it: Subject<'_>) -> Option<Violation> {
    let unmasked = |container: Any<'_>| {
        let mount = container.security.and_then(|it| it.proc_mount());
        mount.filter(|it| *it != "Default").map(str::to_owned)
    };
    let names = it.names(|container| unmasked(container).is_some());
    let who = setters(false, &names)?;
    let kinds: BTreeSet<String> = it.containers().filter_map(unmasked).collect();
    let kinds = quoted(kinds.iter().map(String::as_str));
    violation(
        "procMount",
        format!("{who} must not set securityContext.procMount to {kinds}"),
    )
}

pub(super) fn se_linux(it: Subject<'_>) -> Option<Violation> {
    let is_bad_type = |ty: &str| match ty {
        "" | "container_t" | "container_init_t" | "container_kvm_t" => false,
        "container_engine_t" => !it.version.has(31),
        _ => true,
    };
    let is_bad = |it: &SELinuxOptions<'_>| {
        is_bad_type(it.type_()) || !it.user().is_empty() || !it.role().is_empty()
    };
    let of_container = |container: Any<'_>| {
        let options = container.security.and_then(|it| it.se_linux_options());
        options.is_some_and(|it| is_bad(&it))
    };
    let pod = it.spec.security_context();
    let pod = pod.and_then(|it| it.se_linux_options()).filter(is_bad);
    let who = setters(pod.is_some(), &it.names(of_container))?;
    let options = it.containers();
    let options = options.filter_map(|it| it.security.and_then(|it| it.se_linux_options()));
    let all: Vec<_> = pod.into_iter().chain(options).collect();
    let types: BTreeSet<&str> = all
        .iter()
        .map(|it| it.type_())
        .filter(|it| is_bad_type(it))
        .collect();
    let mut parts = Vec::new();
    if !types.is_empty() {
        let word = plural(types.len(), "type", "types");
        parts.push(format!("{word} {}", quoted(types)));
    }
    if all.iter().any(|it| !it.user().is_empty()) {
        parts.push("user may not be set".to_owned());
    }
    if all.iter().any(|it| !it.role().is_empty()) {
        parts.push("role may not be set".to_owned());
    }
    let detail = format!(
        "{who} set forbidden securityContext.seLinuxOptions: {}",
        parts.join("; ")
    );
    violation("seLinuxOptions", detail)
}

fn seccomp_of(container: Any<'_>) -> Option<&str> {
    let profile = container.security.and_then(|it| it.seccomp_profile());
    profile.map(|it| it.type_())
}

fn is_good_seccomp(profile: &str) -> bool {
    matches!(profile, "Localhost" | "RuntimeDefault")
}

/// Who says of a seccomp profile what it must not.
fn bad_seccomp(it: Subject<'_>) -> Option<Violation> {
    let bad = |profile: Option<&str>| profile.filter(|it| !is_good_seccomp(it)).map(str::to_owned);
    let pod = it
        .spec
        .security_context()
        .and_then(|it| it.seccomp_profile());
    let pod = bad(pod.map(|it| it.type_()));
    let names = it.names(|container| bad(seccomp_of(container)).is_some());
    let who = setters(pod.is_some(), &names)?;
    let mut values: BTreeSet<String> = it
        .containers()
        .filter_map(|it| bad(seccomp_of(it)))
        .collect();
    values.extend(pod);
    let values = quoted(values.iter().map(String::as_str));
    let detail = format!("{who} must not set securityContext.seccompProfile.type to {values}");
    violation("seccompProfile", detail)
}

pub(super) fn seccomp_baseline(it: Subject<'_>) -> Option<Violation> {
    if it.version.has(19) {
        return bad_seccomp(it);
    }
    let mut keys = vec!["seccomp.security.alpha.kubernetes.io/pod".to_owned()];
    keys.extend(
        it.containers()
            .map(|it| format!("container.seccomp.security.alpha.kubernetes.io/{}", it.name)),
    );
    let found: BTreeSet<String> = keys
        .iter()
        .filter_map(|key| {
            let value = it.annotations.get(key)?;
            let fine = matches!(value, "runtime/default" | "docker/default")
                || value.starts_with("localhost/");
            (!fine).then(|| format!("{key}={}", Quoted(value)))
        })
        .collect();
    if found.is_empty() {
        return None;
    }
    let word = plural(found.len(), "annotation", "annotations");
    let found = found.into_iter().collect::<Vec<_>>().join(", ");
    violation("seccompProfile", format!("forbidden {word} {found}"))
}

pub(super) fn seccomp_restricted(it: Subject<'_>) -> Option<Violation> {
    if it.is_windows() {
        return None;
    }
    if let Some(bad) = bad_seccomp(it) {
        return Some(bad);
    }
    let pod = it
        .spec
        .security_context()
        .and_then(|it| it.seccomp_profile());
    if pod.is_some_and(|it| is_good_seccomp(it.type_())) {
        return None;
    }
    let names = it.names(|container| seccomp_of(container).is_none());
    let who = setters(false, &names)?;
    let detail = format!(
        "pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""
    );
    violation("seccompProfile", detail)
}
