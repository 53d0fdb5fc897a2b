//! Names, addresses and ports of pods.

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::ip::validate_legacy;
use pintle_runtime::name::{dns1123_subdomain, dns1123_subdomain_with_underscore};
use pintle_runtime::view::List;

use super::leeway::Leeway;
use crate::core::v1::{HostAlias, PodSpec};

const NAMESERVERS: usize = 3;
const SEARCHES: usize = 32;
const SEARCH_CHARACTERS: usize = 2048;
const OVERRIDE: &str = "hostnameOverride";

/// On the host's network a container has the host's ports.
pub(super) fn host_ports(
    spec: PodSpec<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if !spec.host_network() {
        return;
    }
    let at = path.child("containers");
    for (index, container) in spec.containers().iter().enumerate() {
        let at = at.index(index);
        let at = at.child("ports");
        for (index, port) in container.ports().iter().enumerate() {
            let host = port.host_port();
            // A template may leave it open: the pod will get it.
            if (leeway.is_pod || host != 0) && host != port.container_port() {
                errors.invalid(
                    &at.index(index).child("hostPort"),
                    host,
                    "must match `containerPort` when `hostNetwork` is true",
                );
            }
        }
    }
}

/// Checks `dnsConfig` (`validatePodDNSConfig`).
pub(super) fn dns_config(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let alone = spec.dns_policy() == "None";
    let Some(config) = spec.dns_config() else {
        if alone {
            let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
            errors.required(path, detail);
        }
        return;
    };
    let (servers, at) = (config.nameservers(), path.child("nameservers"));
    if alone && servers.is_empty() {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        errors.required(&at, detail);
        return;
    }
    if servers.len() > NAMESERVERS {
        let detail = format!("must not have more than {NAMESERVERS} nameservers");
        errors.invalid(&at, BadValue::strings(servers.iter()), detail);
    }
    for (index, server) in servers.iter().enumerate() {
        validate_legacy(server, &[], &at.index(index), errors);
    }
    let (searches, at) = (config.searches(), path.child("searches"));
    if searches.len() > SEARCHES {
        let detail = format!("must not have more than {SEARCHES} search paths");
        errors.invalid(&at, BadValue::strings(searches.iter()), detail);
    }
    let characters: usize = searches.iter().map(|search| search.len() + 1).sum();
    if characters.saturating_sub(1) > SEARCH_CHARACTERS {
        let detail = format!(
            "must not have more than {SEARCH_CHARACTERS} characters (including spaces) in the search list"
        );
        errors.invalid(&at, BadValue::strings(searches.iter()), detail);
    }
    for (index, search) in searches.iter().enumerate() {
        if search != "." {
            let search = search.strip_suffix('.').unwrap_or(search);
            let faults = dns1123_subdomain_with_underscore(search);
            errors.invalid_each(&at.index(index), search, faults);
        }
    }
    let at = path.child("options");
    for (index, option) in config.options().iter().enumerate() {
        if option.name().is_empty() {
            errors.required(&at.index(index), "must not be empty");
        }
    }
}

/// Checks `hostAliases`.
pub(super) fn host_aliases(
    aliases: List<'_, HostAlias<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, alias) in aliases.iter().enumerate() {
        let at = path.index(index);
        validate_legacy(alias.ip(), &[], &at.child("ip"), errors);
        let at = at.child("hostnames");
        for (index, name) in alias.hostnames().iter().enumerate() {
            errors.invalid_each(&at.index(index), name, dns1123_subdomain(name));
        }
    }
}

/// Checks `hostnameOverride` (`validatePodHostName`).
pub(super) fn hostname_override(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(name) = spec.hostname_override() else {
        return;
    };
    let at = path.child(OVERRIDE);
    if spec.set_hostname_as_fqdn() == Some(true) {
        errors.forbidden(&at, "may not be specified when setHostnameAsFQDN is true");
    }
    if spec.host_network() {
        errors.forbidden(&at, "may not be specified when hostNetwork is true");
    }
    if name.len() > 64 {
        errors.push(FieldError::too_long(&at, 64));
    }
    errors.invalid_each(&at, name, dns1123_subdomain(name));
}

/// The field by which a pod shares the namespace of a sysctl with the host, if it does.
pub(super) fn host_namespace(sysctl: &str, spec: PodSpec<'_>) -> Option<&'static str> {
    let name = normal_sysctl(sysctl);
    if name.starts_with("net.") && spec.host_network() {
        return Some("hostNetwork");
    }
    let of_ipc = name.starts_with("fs.mqueue.")
        || matches!(
            name.as_str(),
            "kernel.sem"
                | "kernel.shmall"
                | "kernel.shmmax"
                | "kernel.shmmni"
                | "kernel.shm_rmid_forced"
        )
        || name.starts_with("kernel.msg");
    (of_ipc && spec.host_ipc()).then_some("hostIPC")
}

/// With dots between segments: a slash comes first where slashes separate.
fn normal_sysctl(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(at) if name.as_bytes()[at] == b'/' => name
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect(),
        _ => name.to_owned(),
    }
}
