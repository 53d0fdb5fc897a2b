//! What of the host a pod must leave alone.

use std::collections::BTreeSet;

use super::{Any, Subject, Violation, containers, plural, quoted, setters, violation};

pub(super) fn host_namespaces(it: Subject<'_>) -> Option<Violation> {
    let spec = it.spec;
    let used = [
        (spec.host_network(), "hostNetwork=true"),
        (spec.host_pid(), "hostPID=true"),
        (spec.host_ipc(), "hostIPC=true"),
    ];
    let used: Vec<_> = used
        .into_iter()
        .filter(|(used, _)| *used)
        .map(|(_, it)| it)
        .collect();
    (!used.is_empty())
        .then(|| used.join(", "))
        .and_then(|detail| violation("host namespaces", detail))
}

pub(super) fn host_ports(it: Subject<'_>) -> Option<Violation> {
    let used = |container: Any<'_>| {
        let ports = container.ports.iter().map(|port| port.host_port());
        ports.filter(|port| *port != 0).collect::<Vec<_>>()
    };
    let names = it.names(|container| !used(container).is_empty());
    if names.is_empty() {
        return None;
    }
    let ports: BTreeSet<String> = it
        .containers()
        .flat_map(used)
        .map(|port| port.to_string())
        .collect();
    let detail = format!(
        "{} {} {} {}",
        containers(&names),
        plural(names.len(), "uses", "use"),
        plural(ports.len(), "hostPort", "hostPorts"),
        ports.into_iter().collect::<Vec<_>>().join(", ")
    );
    violation("hostPort", detail)
}

pub(super) fn host_probes(it: Subject<'_>) -> Option<Violation> {
    if !it.version.has(34) {
        return None;
    }
    let hosts = |container: Any<'_>| {
        let probes = container.probes.into_iter().flatten();
        let probes = probes.flat_map(|it| {
            [
                it.http_get().map(|it| it.host()),
                it.tcp_socket().map(|it| it.host()),
            ]
        });
        let handlers = container.handlers.into_iter().flatten();
        let handlers = handlers.flat_map(|it| {
            [
                it.http_get().map(|it| it.host()),
                it.tcp_socket().map(|it| it.host()),
            ]
        });
        probes
            .chain(handlers)
            .flatten()
            .filter(|host| !host.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let names: BTreeSet<&str> = it
        .names(|container| !hosts(container).is_empty())
        .into_iter()
        .collect();
    if names.is_empty() {
        return None;
    }
    let used: BTreeSet<String> = it.containers().flat_map(hosts).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let detail = format!(
        "{} {} {} {}",
        containers(&names),
        plural(names.len(), "uses", "use"),
        plural(
            used.len(),
            "probe or lifecycle host",
            "probe or lifecycle hosts"
        ),
        quoted(used.iter().map(String::as_str))
    );
    violation("probe or lifecycle host", detail)
}

/// Kernel settings that concern nobody else, and since when they count as such.
const SYSCTLS: &[(&str, u32)] = &[
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

pub(super) fn sysctls(it: Subject<'_>) -> Option<Violation> {
    let allowed = |name: &str| {
        let mut known = SYSCTLS.iter();
        known.any(|(known, since)| *known == name && it.version.has(*since))
    };
    let security = it.spec.security_context()?;
    let names = security.sysctls();
    let names: Vec<&str> = names
        .iter()
        .map(|it| it.name())
        .filter(|it| !allowed(it))
        .collect();
    (!names.is_empty())
        .then(|| names.join(", "))
        .and_then(|detail| violation("forbidden sysctls", detail))
}

pub(super) fn windows_host_process(it: Subject<'_>) -> Option<Violation> {
    let pod = it
        .spec
        .security_context()
        .and_then(|it| it.windows_options());
    let pod = pod.and_then(|it| it.host_process()) == Some(true);
    let names = it.names(|container| {
        let options = container.security.and_then(|it| it.windows_options());
        options.and_then(|it| it.host_process()) == Some(true)
    });
    let who = setters(pod, &names)?;
    let detail = format!("{who} must not set securityContext.windowsOptions.hostProcess=true");
    violation("hostProcess", detail)
}
