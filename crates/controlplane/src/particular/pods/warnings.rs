//! What is odd about pods and templates for pods, though they are valid.

use std::collections::{HashMap, HashSet};

use pintle_api::core::v1::{
    Container, ContainerPort, NodeSelectorTerm, PodAffinityTerm, PodSpec, PodTemplateSpec, Volume,
    WeightedPodAffinityTerm,
};
use pintle_api::validation::pod::for_each_container;
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::name::label_value;
use pintle_runtime::quantity::Quantity;
use pintle_runtime::quote::Quoted;
use pintle_runtime::view::{List, StringMap};

use super::paths;
use crate::particular::core::{claim_warnings, label_warning};

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const USE_SECCOMP: &str = r#"non-functional in v1.27+; use the "seccompProfile" field instead"#;
const USE_APP_ARMOR: &str = r#"deprecated since v1.30; use the "appArmorProfile" field instead"#;
const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

const ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        r#"non-functional in v1.16+; use the "priorityClassName" field instead"#,
    ),
    (
        "security.alpha.kubernetes.io/sysctls",
        r#"non-functional in v1.11+; use the "sysctls" field instead"#,
    ),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        r#"non-functional in v1.11+; use the "sysctls" field instead"#,
    ),
];

/// What is odd about a pod (`GetWarningsForPod`).
pub(crate) fn of_pod(meta: ObjectMeta<'_>, spec: PodSpec<'_>) -> Vec<String> {
    Odd {
        meta,
        spec,
        path: Path::NOWHERE,
        is_template: false,
        warnings: Vec::new(),
    }
    .all()
}

/// What is odd about a template at `path` (`GetWarningsForPodTemplate`).
pub(crate) fn of_template(template: PodTemplateSpec<'_>, path: &Path<'_>) -> Vec<String> {
    Odd {
        meta: template.metadata(),
        spec: template.spec(),
        path: *path,
        is_template: true,
        warnings: Vec::new(),
    }
    .all()
}

struct Odd<'a> {
    meta: ObjectMeta<'a>,
    spec: PodSpec<'a>,
    path: Path<'a>,
    is_template: bool,
    warnings: Vec<String>,
}

impl Odd<'_> {
    fn all(mut self) -> Vec<String> {
        let root = self.path;
        let path = root.child("spec");
        self.node_labels(&path);
        self.spread(&path);
        self.annotations(&root.child("metadata").child("annotations"));
        let at = path.child("volumes");
        for (index, found) in self.spec.volumes().iter().enumerate() {
            volume(found, &at.index(index), &mut self.warnings);
        }
        paths::check(self.spec, &mut self.warnings);
        self.aliases_and_secrets(&path);
        let overhead = self.spec.overhead();
        fractions(overhead, &path.child("overhead"), &mut self.warnings);
        self.containers(&root, &path);
        self.ports(&path);
        if self
            .spec
            .termination_grace_period_seconds()
            .is_some_and(|it| it < 0)
        {
            let at = path.child("terminationGracePeriodSeconds");
            self.warnings.push(format!(
                "{at}: must be >= 0; negative values are invalid and will be treated as 1"
            ));
        }
        self.affinity(&path.child("affinity"));
        self.warnings
    }

    fn node_labels(&mut self, path: &Path<'_>) {
        let at = path.child("nodeSelector");
        for (key, _) in self.spec.node_selector().iter() {
            if let Some(what) = label_warning(key) {
                self.warnings.push(format!("{}: {what}", at.key(key)));
            }
        }
        let affinity = self.spec.affinity().and_then(|it| it.node_affinity());
        let Some(affinity) = affinity else { return };
        let path = path.child("affinity");
        let path = path.child("nodeAffinity");
        if let Some(required) = affinity.required_during_scheduling_ignored_during_execution() {
            let at = path.child(REQUIRED);
            let at = at.child("nodeSelectorTerms");
            for (index, found) in required.node_selector_terms().iter().enumerate() {
                node_term(found, false, &at.index(index), &mut self.warnings);
            }
        }
        let preferred = affinity.preferred_during_scheduling_ignored_during_execution();
        let at = path.child(PREFERRED);
        for (index, found) in preferred.iter().enumerate() {
            let at = at.index(index);
            node_term(
                found.preference(),
                true,
                &at.child("preference"),
                &mut self.warnings,
            );
        }
    }

    fn spread(&mut self, path: &Path<'_>) {
        let at = path.child("topologySpreadConstraints");
        for (index, constraint) in self.spec.topology_spread_constraints().iter().enumerate() {
            let (at, key) = (at.index(index), constraint.topology_key());
            if let Some(what) = label_warning(key) {
                self.warnings
                    .push(format!("{}: {key} is {what}", at.child("topologyKey")));
            }
            if constraint.label_selector().is_none() {
                self.warnings
                    .push(format!("{}: {NO_SELECTOR}", at.child("labelSelector")));
            }
        }
    }

    fn annotations(&mut self, path: &Path<'_>) {
        for (key, what) in ANNOTATIONS {
            if self.meta.annotations().contains_key(key) {
                self.warnings.push(format!("{}: {what}", path.key(key)));
            }
        }
    }

    fn aliases_and_secrets(&mut self, path: &Path<'_>) {
        let mut seen = HashSet::new();
        let at = path.child("hostAliases");
        for (index, alias) in self.spec.host_aliases().iter().enumerate() {
            let at = at.index(index);
            let at = at.child("ip");
            if !seen.insert(alias.ip()) {
                self.warnings
                    .push(format!("{at}: duplicate ip {}", Quoted(alias.ip())));
            }
            ip::warnings(alias.ip(), &at, &mut self.warnings);
        }
        let mut seen = HashSet::new();
        let at = path.child("imagePullSecrets");
        let secrets = self.spec.image_pull_secrets();
        for (index, secret) in secrets.iter().enumerate() {
            if !seen.insert(secret.name()) {
                let at = at.index(index);
                let name = Quoted(secret.name());
                self.warnings
                    .push(format!("{}: duplicate name {name}", at.child("name")));
            }
        }
        for (index, secret) in secrets.iter().enumerate() {
            if secret.name().is_empty() {
                let at = at.index(index);
                self.warnings
                    .push(format!("{}: invalid empty name \"\"", at.child("name")));
            }
        }
        let servers = self
            .spec
            .dns_config()
            .map(|it| it.nameservers())
            .unwrap_or_default();
        let at = path.child("dnsConfig");
        let at = at.child("nameservers");
        for (index, server) in servers.iter().enumerate() {
            ip::warnings(server, &at.index(index), &mut self.warnings);
        }
    }

    fn containers(&mut self, root: &Path<'_>, path: &Path<'_>) {
        let annotations = self.meta.annotations();
        let at_annotations = root.child("metadata");
        let at_annotations = at_annotations.child("annotations");
        let context = self.spec.security_context();
        let has_seccomp = context.is_some_and(|it| it.seccomp_profile().is_some());
        let has_app_armor = context.is_some_and(|it| it.app_armor_profile().is_some());
        if !has_seccomp && annotations.contains_key(SECCOMP_POD) {
            let at = at_annotations.key(SECCOMP_POD);
            self.warnings.push(format!("{at}: {USE_SECCOMP}"));
        }
        let (is_template, warnings) = (self.is_template, &mut self.warnings);
        for_each_container(self.spec, path, &mut |container, at| {
            let own = container.security_context();
            let mut annotation = |prefix: &str, what: &str, applies: bool| {
                let key = format!("{prefix}{}", container.name());
                if applies && annotations.contains_key(&key) {
                    warnings.push(format!("{}: {what}", at_annotations.key(&key)));
                }
            };
            if !annotations.is_empty() {
                let none = own.is_none_or(|it| it.seccomp_profile().is_none());
                annotation(SECCOMP_CONTAINER, USE_SECCOMP, none);
                let some = has_app_armor || own.is_some_and(|it| it.app_armor_profile().is_some());
                annotation(APP_ARMOR, USE_APP_ARMOR, is_template && !some);
            }
            let resources = at.child("resources");
            let (limits, requests) = (resources.child("limits"), resources.child("requests"));
            let wanted = container.resources();
            // Upstream goes by resource first and by limit or request second.
            for name in ["memory", "ephemeral-storage"] {
                fraction(name, wanted.limits(), &limits, warnings);
                fraction(name, wanted.requests(), &requests, warnings);
            }
            hidden_variables(container, at, warnings);
        });
    }

    fn ports(&mut self, path: &Path<'_>) {
        struct Known {
            at: String,
            host_ip: String,
            host_port: i32,
        }
        let mut all: HashMap<(i32, String), Vec<Known>> = HashMap::new();
        let warnings = &mut self.warnings;
        for_each_container(self.spec, path, &mut |container, at| {
            let at = at.child("ports");
            for (index, port) in container.ports().iter().enumerate() {
                let at = at.index(index);
                let (host_ip, host_port) = (port.host_ip(), port.host_port());
                if !host_ip.is_empty() && host_port == 0 {
                    let port = shown(port);
                    warnings.push(format!("{at}: hostIP set without hostPort: {port}"));
                }
                let key = (port.container_port(), port.protocol().to_owned());
                let others = all.entry(key).or_default();
                for other in others.iter() {
                    let what = if host_ip == other.host_ip && host_port == other.host_port {
                        "duplicate"
                    } else if host_port == 0 || other.host_port == 0 {
                        "overlapping"
                    } else if host_port == other.host_port
                        && (host_ip.is_empty() != other.host_ip.is_empty())
                    {
                        "dangerously ambiguous"
                    } else {
                        continue;
                    };
                    warnings.push(format!("{at}: {what} port definition with {}", other.at));
                }
                others.push(Known {
                    at: at.to_string(),
                    host_ip: host_ip.to_owned(),
                    host_port,
                });
            }
        });
    }

    fn affinity(&mut self, path: &Path<'_>) {
        let Some(affinity) = self.spec.affinity() else {
            return;
        };
        if let Some(to) = affinity.pod_affinity() {
            pod_terms(
                to.required_during_scheduling_ignored_during_execution(),
                to.preferred_during_scheduling_ignored_during_execution(),
                &path.child("podAffinity"),
                &mut self.warnings,
            );
        }
        if let Some(from) = affinity.pod_anti_affinity() {
            pod_terms(
                from.required_during_scheduling_ignored_during_execution(),
                from.preferred_during_scheduling_ignored_during_execution(),
                &path.child("podAntiAffinity"),
                &mut self.warnings,
            );
        }
    }
}

fn pod_terms(
    required: List<'_, PodAffinityTerm<'_>>,
    preferred: List<'_, WeightedPodAffinityTerm<'_>>,
    path: &Path<'_>,
    warnings: &mut Vec<String>,
) {
    let at = path.child(REQUIRED);
    for (index, term) in required.iter().enumerate() {
        if term.label_selector().is_none() {
            let at = at.index(index);
            warnings.push(format!("{}: {NO_SELECTOR}", at.child("labelSelector")));
        }
    }
    let at = path.child(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        if term.pod_affinity_term().label_selector().is_none() {
            let at = at.index(index);
            let at = at.child("podAffinityTerm");
            warnings.push(format!("{}: {NO_SELECTOR}", at.child("labelSelector")));
        }
    }
}

fn node_term(
    term: NodeSelectorTerm<'_>,
    check_values: bool,
    path: &Path<'_>,
    warnings: &mut Vec<String>,
) {
    let at = path.child("matchExpressions");
    for (index, expression) in term.match_expressions().iter().enumerate() {
        let (at, key) = (at.index(index), expression.key());
        if let Some(what) = label_warning(key) {
            warnings.push(format!("{}: {key} is {what}", at.child("key")));
        }
        if !check_values {
            continue;
        }
        let at = at.child("values");
        for (index, value) in expression.values().iter().enumerate() {
            for fault in label_value(value) {
                warnings.push(format!("{}: {value} is invalid, {fault}", at.index(index)));
            }
        }
    }
}

fn volume(volume: Volume<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    let mut say = |is_there: bool, name: &str, what: &str| {
        if is_there {
            warnings.push(format!("{}: {what}", path.child(name)));
        }
    };
    say(
        volume.photon_persistent_disk().is_some(),
        "photonPersistentDisk",
        "deprecated in v1.11, non-functional in v1.16+",
    );
    say(
        volume.git_repo().is_some(),
        "gitRepo",
        "deprecated in v1.11, and disabled by default in v1.33+",
    );
    say(
        volume.scale_io().is_some(),
        "scaleIO",
        "deprecated in v1.16, non-functional in v1.22+",
    );
    let gone = "deprecated in v1.22, non-functional in v1.25+";
    say(volume.flocker().is_some(), "flocker", gone);
    say(volume.storageos().is_some(), "storageOS", gone);
    say(volume.quobyte().is_some(), "quobyte", gone);
    say(
        volume.glusterfs().is_some(),
        "glusterfs",
        "deprecated in v1.25, non-functional in v1.26+",
    );
    let template = volume.ephemeral().and_then(|it| it.volume_claim_template());
    if let Some(template) = template {
        let at = path.child("ephemeral");
        let at = at.child("volumeClaimTemplate");
        claim_warnings(template.spec(), &at.child("spec"), warnings);
    }
    let gone = "deprecated in v1.28, non-functional in v1.31+";
    for (is_there, name) in [
        (volume.cephfs().is_some(), "cephfs"),
        (volume.rbd().is_some(), "rbd"),
    ] {
        if is_there {
            warnings.push(format!("{}: {gone}", path.child(name)));
        }
    }
}

fn fractions(amounts: StringMap<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        fraction(name, amounts, path, warnings);
    }
}

/// Half a byte is no amount of memory.
pub(crate) fn fraction(
    name: &str,
    amounts: StringMap<'_>,
    path: &Path<'_>,
    warnings: &mut Vec<String>,
) {
    let Some(text) = amounts.get(name) else {
        return;
    };
    let is_whole = Quantity::parse(text).is_ok_and(|amount| amount.milli_value() % 1000 == 0);
    if !is_whole {
        warnings.push(format!(
            "{}: fractional byte value {} is invalid, must be an integer",
            path.key(name),
            Quoted(text)
        ));
    }
}

/// A variable that hides another without building on it.
fn hidden_variables(container: Container<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    let mut seen = HashSet::new();
    let at = path.child("env");
    for (index, variable) in container.env().iter().enumerate() {
        let name = variable.name();
        if seen.insert(name) {
            continue;
        }
        let reference = format!("$({name})");
        let value = variable.value();
        if variable.value_from().is_some() || value == reference || !value.contains(&reference) {
            warnings.push(format!(
                "{}: hides previous definition of {}, which may be dropped when using apply",
                at.index(index),
                Quoted(name)
            ));
        }
    }
}

/// A port as Go shows a struct.
fn shown(port: ContainerPort<'_>) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        port.name(),
        port.host_port(),
        port.container_port(),
        port.protocol(),
        port.host_ip()
    )
}
