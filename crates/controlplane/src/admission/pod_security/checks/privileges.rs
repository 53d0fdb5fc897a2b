//! What processes of a pod may be, and become.

use std::collections::BTreeSet;

use super::{Any, Subject, Violation, containers, quoted, setters, violation};

const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Containers that add capabilities beyond those, and which.
fn added<'a>(it: Subject<'a>, allowed: &[&str]) -> Option<(Vec<&'a str>, BTreeSet<&'a str>)> {
    let beyond = |container: Any<'a>| {
        let capabilities = container.security.and_then(|it| it.capabilities());
        let added = capabilities.into_iter().flat_map(|it| it.add().iter());
        added
            .filter(|name| !allowed.contains(name))
            .collect::<Vec<&'a str>>()
    };
    let names = it.names(|container| !beyond(container).is_empty());
    let all = it.containers().flat_map(beyond).collect();
    (!names.is_empty()).then_some((names, all))
}

fn must_not_add((names, added): (Vec<&str>, BTreeSet<&str>)) -> String {
    format!(
        "{} must not include {} in securityContext.capabilities.add",
        containers(&names),
        quoted(added)
    )
}

pub(super) fn capabilities_baseline(it: Subject<'_>) -> Option<Violation> {
    let beyond = added(it, &DEFAULT_CAPABILITIES)?;
    violation("non-default capabilities", must_not_add(beyond))
}

pub(super) fn capabilities_restricted(it: Subject<'_>) -> Option<Violation> {
    if it.is_windows() {
        return None;
    }
    let keeps = it.names(|container| {
        let capabilities = container.security.and_then(|it| it.capabilities());
        !capabilities.is_some_and(|it| it.drop().contains("ALL"))
    });
    let mut parts = Vec::new();
    if !keeps.is_empty() {
        let who = containers(&keeps);
        parts.push(format!(
            "{who} must set securityContext.capabilities.drop=[\"ALL\"]"
        ));
    }
    parts.extend(added(it, &["NET_BIND_SERVICE"]).map(must_not_add));
    (!parts.is_empty())
        .then(|| parts.join("; "))
        .and_then(|detail| violation("unrestricted capabilities", detail))
}

pub(super) fn privileged(it: Subject<'_>) -> Option<Violation> {
    let names =
        it.names(|container| container.security.and_then(|it| it.privileged()) == Some(true));
    let who = setters(false, &names)?;
    violation(
        "privileged",
        format!("{who} must not set securityContext.privileged=true"),
    )
}

pub(super) fn privilege_escalation(it: Subject<'_>) -> Option<Violation> {
    if it.is_windows() {
        return None;
    }
    let names = it.names(|container| {
        let security = container.security;
        security.and_then(|it| it.allow_privilege_escalation()) != Some(false)
    });
    let who = setters(false, &names)?;
    let detail = format!("{who} must set securityContext.allowPrivilegeEscalation=false");
    violation("allowPrivilegeEscalation != false", detail)
}

pub(super) fn run_as_non_root(it: Subject<'_>) -> Option<Violation> {
    if it.has_own_users() {
        return None;
    }
    let reason = "runAsNonRoot != true";
    let said = |container: Any<'_>| container.security.and_then(|it| it.run_as_non_root());
    let pod = it
        .spec
        .security_context()
        .and_then(|it| it.run_as_non_root());
    let names = it.names(|container| said(container) == Some(false));
    if let Some(who) = setters(pod == Some(false), &names) {
        let detail = format!("{who} must not set securityContext.runAsNonRoot=false");
        return violation(reason, detail);
    }
    if pod == Some(true) {
        return None;
    }
    let names = it.names(|container| said(container).is_none());
    let who = setters(false, &names)?;
    violation(
        reason,
        format!("pod or {who} must set securityContext.runAsNonRoot=true"),
    )
}

pub(super) fn run_as_user(it: Subject<'_>) -> Option<Violation> {
    if it.has_own_users() {
        return None;
    }
    let pod = it.spec.security_context().and_then(|it| it.run_as_user()) == Some(0);
    let names = it.names(|container| container.security.and_then(|it| it.run_as_user()) == Some(0));
    let who = setters(pod, &names)?;
    violation("runAsUser=0", format!("{who} must not set runAsUser=0"))
}
