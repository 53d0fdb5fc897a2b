//! The checks of the Pod Security Standards: what each level forbids, since which release, in which words.

mod host;
mod privileges;
mod profiles;
mod volumes;

use pintle_api::core::v1::{
    Container, ContainerPort, EphemeralContainer, LifecycleHandler, PodSpec, Probe, SecurityContext,
};
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
    (None, profiles::app_armor),
    (Some(22), privileges::capabilities_baseline),
    (None, host::host_namespaces),
    (Some(0), volumes::host_path),
    (None, host::host_ports),
    (None, host::host_probes),
    (None, privileges::privileged),
    (Some(35), profiles::proc_mount),
    (None, profiles::se_linux),
    (Some(19), profiles::seccomp_baseline),
    (None, host::sysctls),
    (None, host::windows_host_process),
];

/// Checks that the restricted level adds, and since when.
const RESTRICTED: &[(u32, Check)] = &[
    (8, privileges::privilege_escalation),
    (22, privileges::capabilities_restricted),
    (35, profiles::proc_mount_restricted),
    (0, volumes::restricted_volumes),
    (0, privileges::run_as_non_root),
    (23, privileges::run_as_user),
    (19, profiles::seccomp_restricted),
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
