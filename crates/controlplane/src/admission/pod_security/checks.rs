//! The checks of the Pod Security Standards: what each level forbids, since which release, in which words.

use std::collections::BTreeSet;

use pintle_api::core::v1::{
    Container, ContainerPort, EphemeralContainer, LifecycleHandler, PodSpec, Probe, SELinuxOptions,
    SecurityContext, Volume,
};
use pintle_runtime::quote::Quoted;
use pintle_runtime::view::{List, StringMap};

use super::policy::{Level, LevelVersion, Version};

/// What a check forbids of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub reason: &'static str,
    pub detail: String,
}

/// What is checked: a pod, or the template of one.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub annotations: StringMap<'a>,
    pub spec: PodSpec<'a>,
    version: Version,
}

/// What all sorts of containers have that is looked at.
#[derive(Clone, Copy)]
struct Any<'a> {
    name: &'a str,
    security: Option<SecurityContext<'a>>,
    ports: List<'a, ContainerPort<'a>>,
    probes: [Option<Probe<'a>>; 3],
    handlers: [Option<LifecycleHandler<'a>>; 2],
}

impl<'a> From<Container<'a>> for Any<'a> {
    fn from(it: Container<'a>) -> Self {
        let lifecycle = it.lifecycle();
        Self {
            name: it.name(),
            security: it.security_context(),
            ports: it.ports(),
            probes: [
                it.liveness_probe(),
                it.readiness_probe(),
                it.startup_probe(),
            ],
            handlers: [
                lifecycle.and_then(|it| it.post_start()),
                lifecycle.and_then(|it| it.pre_stop()),
            ],
        }
    }
}

impl<'a> From<EphemeralContainer<'a>> for Any<'a> {
    fn from(it: EphemeralContainer<'a>) -> Self {
        let lifecycle = it.lifecycle();
        Self {
            name: it.name(),
            security: it.security_context(),
            ports: it.ports(),
            probes: [
                it.liveness_probe(),
                it.readiness_probe(),
                it.startup_probe(),
            ],
            handlers: [
                lifecycle.and_then(|it| it.post_start()),
                lifecycle.and_then(|it| it.pre_stop()),
            ],
        }
    }
}

impl<'a> Subject<'a> {
    fn containers(self) -> impl Iterator<Item = Any<'a>> {
        let init = self.spec.init_containers().iter().map(Any::from);
        let regular = self.spec.containers().iter().map(Any::from);
        let debugging = self.spec.ephemeral_containers().iter().map(Any::from);
        init.chain(regular).chain(debugging)
    }

    /// Names of the containers of which something holds.
    fn names(self, holds: impl Fn(Any<'a>) -> bool) -> Vec<&'a str> {
        let found = self.containers().filter(|container| holds(*container));
        found.map(|container| container.name).collect()
    }

    /// Root in such a pod is nobody on the host.
    fn has_own_users(self) -> bool {
        self.version.has(35) && self.spec.host_users() == Some(false)
    }

    /// Windows has none of what is asked for since 1.25.
    fn is_windows(self) -> bool {
        self.version.has(25) && self.spec.os().is_some_and(|os| os.name() == "windows")
    }
}

type Check = fn(Subject<'_>) -> Option<Violation>;

/// Checks of the baseline: since which release there is a stricter one in its place, and what it is.
const BASELINE: &[(Option<u32>, Check)] = &[
    (None, app_armor),
    (Some(22), capabilities_baseline),
    (None, host_namespaces),
    (Some(0), host_path),
    (None, host_ports),
    (None, host_probes),
    (None, privileged),
    (Some(35), proc_mount),
    (None, se_linux),
    (Some(19), seccomp_baseline),
    (None, sysctls),
    (None, windows_host_process),
];

/// Checks that the restricted level adds, and since when.
const RESTRICTED: &[(u32, Check)] = &[
    (8, privilege_escalation),
    (22, capabilities_restricted),
    (35, proc_mount_restricted),
    (0, restricted_volumes),
    (0, run_as_non_root),
    (23, run_as_user),
    (19, seccomp_restricted),
];

/// All that a level forbids of a pod, in upstream's order.
pub(super) fn evaluate(
    level: LevelVersion,
    annotations: StringMap<'_>,
    spec: PodSpec<'_>,
) -> Vec<Violation> {
    let LevelVersion { level, version } = level;
    if level == Level::Privileged {
        return Vec::new();
    }
    let subject = Subject {
        annotations,
        spec,
        version,
    };
    let restricted = level == Level::Restricted;
    let baseline = BASELINE.iter().filter_map(|(replaced, check)| {
        let is_replaced = replaced.is_some_and(|minor| restricted && version.has(minor));
        (!is_replaced).then_some(check)
    });
    let more = RESTRICTED.iter().filter_map(|(since, check)| {
        let counts = restricted && version.has(*since);
        counts.then_some(check)
    });
    baseline
        .chain(more)
        .filter_map(|check| check(subject))
        .collect()
}

/// Reasons and details as one text.
pub(super) fn details(violations: &[Violation]) -> String {
    let text = |it: &Violation| match it.detail.as_str() {
        "" => it.reason.to_owned(),
        detail => format!("{} ({detail})", it.reason),
    };
    violations.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Reasons alone.
pub(super) fn reasons(violations: &[Violation]) -> String {
    let reasons: Vec<_> = violations.iter().map(|it| it.reason).collect();
    reasons.join(", ")
}

fn plural<'t>(count: usize, one: &'t str, many: &'t str) -> &'t str {
    if count == 1 { one } else { many }
}

fn quoted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    // Quotes in what is quoted stay as they are.
    let texts = texts.into_iter().map(|text| format!("\"{text}\""));
    texts.collect::<Vec<_>>().join(", ")
}

/// `container "a"`, `containers "a", "b"`
fn containers(names: &[&str]) -> String {
    let word = plural(names.len(), "container", "containers");
    format!("{word} {}", quoted(names.iter().copied()))
}

/// `pod and container "a"`; `None` if it is nobody.
fn setters(pod: bool, names: &[&str]) -> Option<String> {
    match (pod, names.is_empty()) {
        (false, true) => None,
        (true, true) => Some("pod".to_owned()),
        (true, false) => Some(format!("pod and {}", containers(names))),
        (false, false) => Some(containers(names)),
    }
}

fn violation(reason: &'static str, detail: String) -> Option<Violation> {
    Some(Violation { reason, detail })
}

fn app_armor(it: Subject<'_>) -> Option<Violation> {
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

fn capabilities_baseline(it: Subject<'_>) -> Option<Violation> {
    let beyond = added(it, &DEFAULT_CAPABILITIES)?;
    violation("non-default capabilities", must_not_add(beyond))
}

fn capabilities_restricted(it: Subject<'_>) -> Option<Violation> {
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

fn host_namespaces(it: Subject<'_>) -> Option<Violation> {
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

/// `volume "a"`, `volumes "a", "b"`
fn volumes(names: &[&str]) -> String {
    let word = plural(names.len(), "volume", "volumes");
    format!("{word} {}", quoted(names.iter().copied()))
}

fn host_path(it: Subject<'_>) -> Option<Violation> {
    let found = it
        .spec
        .volumes()
        .iter()
        .filter(|it| it.host_path().is_some());
    let names: Vec<&str> = found.map(|volume| volume.name()).collect();
    (!names.is_empty())
        .then(|| volumes(&names))
        .and_then(|detail| violation("hostPath volumes", detail))
}

fn host_ports(it: Subject<'_>) -> Option<Violation> {
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

fn host_probes(it: Subject<'_>) -> Option<Violation> {
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

fn privileged(it: Subject<'_>) -> Option<Violation> {
    let names =
        it.names(|container| container.security.and_then(|it| it.privileged()) == Some(true));
    let who = setters(false, &names)?;
    violation(
        "privileged",
        format!("{who} must not set securityContext.privileged=true"),
    )
}

fn proc_mount(it: Subject<'_>) -> Option<Violation> {
    if it.has_own_users() {
        return None;
    }
    proc_mount_restricted(it)
}

fn proc_mount_restricted(it: Subject<'_>) -> Option<Violation> {
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

fn se_linux(it: Subject<'_>) -> Option<Violation> {
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

fn seccomp_baseline(it: Subject<'_>) -> Option<Violation> {
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

fn seccomp_restricted(it: Subject<'_>) -> Option<Violation> {
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

fn sysctls(it: Subject<'_>) -> Option<Violation> {
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

fn windows_host_process(it: Subject<'_>) -> Option<Violation> {
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

fn privilege_escalation(it: Subject<'_>) -> Option<Violation> {
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

/// What sort of volume is none of those that a restricted pod may have.
fn restricted_type(it: Volume<'_>) -> Option<&'static str> {
    let allowed = it.config_map().is_some()
        || it.csi().is_some()
        || it.downward_api().is_some()
        || it.empty_dir().is_some()
        || it.ephemeral().is_some()
        || it.image().is_some()
        || it.persistent_volume_claim().is_some()
        || it.projected().is_some()
        || it.secret().is_some();
    if allowed {
        return None;
    }
    let is_set = |name: &&&str| it.record().get_by_name(name).is_some();
    let known = RESTRICTED_VOLUMES.iter().find(is_set);
    Some(known.copied().unwrap_or("unknown"))
}

const RESTRICTED_VOLUMES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

fn restricted_volumes(it: Subject<'_>) -> Option<Violation> {
    let found = it.spec.volumes().iter();
    let found = found.filter_map(|volume| Some((volume.name(), restricted_type(volume)?)));
    let (names, types): (Vec<&str>, BTreeSet<&str>) = found.unzip();
    if names.is_empty() {
        return None;
    }
    let detail = format!(
        "{} {} {} {}",
        volumes(&names),
        plural(names.len(), "uses", "use"),
        plural(
            types.len(),
            "restricted volume type",
            "restricted volume types"
        ),
        quoted(types)
    );
    violation("restricted volume types", detail)
}

fn run_as_non_root(it: Subject<'_>) -> Option<Violation> {
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

fn run_as_user(it: Subject<'_>) -> Option<Violation> {
    if it.has_own_users() {
        return None;
    }
    let pod = it.spec.security_context().and_then(|it| it.run_as_user()) == Some(0);
    let names = it.names(|container| container.security.and_then(|it| it.run_as_user()) == Some(0));
    let who = setters(pod, &names)?;
    violation("runAsUser=0", format!("{who} must not set runAsUser=0"))
}
