//! Containers, init containers and ephemeral containers.

use std::collections::{BTreeSet, HashMap, HashSet};

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::{dns1123_label, port_name, port_number};
use pintle_runtime::view::List;

use super::leeway::Leeway;
use super::spec::one_of;
use super::visit::as_container;
use super::{env, mounts, probes, resources, restart, security, typed};
use crate::core::v1::{Container, ContainerPort, EphemeralContainer, PodSpec, Volume};
use crate::validation::immutable::is_same;

const NOT_EPHEMERAL: &str = "cannot be set for an Ephemeral Container";
const NOT_INIT: &str = "may not be set for init containers without restartPolicy=Always";

/// What containers are checked against.
pub(super) struct Around<'a> {
    /// Volumes with which nothing is wrong, by name.
    pub(super) volumes: HashMap<&'a str, Volume<'a>>,
    /// Names of the pod's resource claims.
    pub(super) claims: BTreeSet<&'a str>,
    /// Seconds that the pod has to end.
    pub(super) grace: Option<i64>,
    /// The pod's restart policy.
    pub(super) restart_policy: &'a str,
    /// Whether the users of the host are those of the pod.
    pub(super) host_users: bool,
    /// The operating system, if one is named.
    pub(super) system: Option<&'a str>,
    /// What may be let through.
    pub(super) leeway: &'a Leeway,
}

/// Checks every container of a pod.
pub(super) fn check(
    spec: PodSpec<'_>,
    around: &Around<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    regular(spec, around, &path.child("containers"), errors);
    init(spec, around, &path.child("initContainers"), errors);
    ephemeral(spec, around, &path.child("ephemeralContainers"), errors);
}

fn regular(spec: PodSpec<'_>, around: &Around<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let containers = spec.containers();
    if containers.is_empty() {
        errors.required(path, "");
        return;
    }
    let mut names = HashSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = path.index(index);
        common(container, around, &at, errors);
        if !names.insert(container.name()) {
            errors.duplicate(&at.child("name"), container.name());
        }
        probes::check(container, around, &at, errors);
        restart::rules(container, &at, errors);
    }
    let mut taken = HashSet::new();
    for (index, container) in containers.iter().enumerate() {
        host_ports(container.ports(), &mut taken, &path.index(index), errors);
    }
}

fn init(spec: PodSpec<'_>, around: &Around<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if spec.init_containers().is_empty() {
        return;
    }
    let mut names: HashSet<&str> = spec.containers().iter().map(Container::name).collect();
    for (index, container) in spec.init_containers().iter().enumerate() {
        let at = path.index(index);
        common(container, around, &at, errors);
        if container.restart_policy().is_some() || container.restart_policy_rules().is_empty() {
            restart::rules(container, &at, errors);
        } else {
            errors.required(&at.child("restartPolicy"), restart::NEEDS_POLICY);
        }
        let name = container.name();
        if names.contains(name) {
            errors.duplicate(&at.child("name"), name);
        } else if !name.is_empty() {
            names.insert(name);
        }
        // Init containers run one by one, so each is looked at alone, as if it stood first.
        host_ports(
            container.ports(),
            &mut HashSet::new(),
            &path.index(0),
            errors,
        );
        let stays = container.restart_policy() == Some("Always");
        if stays {
            probes::check(container, around, &at, errors);
        } else {
            ends(container, around.leeway, &at, errors);
        }
    }
}

/// What an init container must not have that ends before the others begin.
fn ends(container: Container<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    for (name, is_there) in [
        ("lifecycle", container.lifecycle().is_some()),
        ("livenessProbe", container.liveness_probe().is_some()),
        ("readinessProbe", container.readiness_probe().is_some()),
        ("startupProbe", container.startup_probe().is_some()),
    ] {
        if is_there {
            errors.forbidden(&path.child(name), NOT_INIT);
        }
    }
    if leeway.restarted_init {
        return;
    }
    let at = path.child("resizePolicy");
    for (index, policy) in container.resize_policy().iter().enumerate() {
        if policy.restart_policy() == "RestartContainer" {
            errors.invalid(
                &at.index(index).child("restartPolicy"),
                typed(policy.restart_policy()),
                "must not be set to 'RestartContainer' for non-sidecar initContainers",
            );
        }
    }
}

fn ephemeral(spec: PodSpec<'_>, around: &Around<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if spec.ephemeral_containers().is_empty() {
        return;
    }
    let others: HashSet<&str> = spec
        .containers()
        .iter()
        .chain(spec.init_containers().iter())
        .map(Container::name)
        .collect();
    let mut names = others.clone();
    for (index, container) in spec.ephemeral_containers().iter().enumerate() {
        let at = path.index(index);
        let record = as_container(container);
        let as_any = Container::from_record(&record);
        common(as_any, around, &at, errors);
        of_a_pod(as_any, &at, errors);
        if !names.insert(container.name()) {
            errors.duplicate(&at.child("name"), container.name());
        }
        let target = container.target_container_name();
        if !target.is_empty() && !others.contains(target) {
            errors.push(FieldError::not_found(
                &at.child("targetContainerName"),
                target,
            ));
        }
        without_services(container, &at, errors);
        let mounts = at.child("volumeMounts");
        for (index, mount) in container.volume_mounts().iter().enumerate() {
            for (name, sub_path) in [
                ("subPath", mount.sub_path()),
                ("subPathExpr", mount.sub_path_expr()),
            ] {
                if !sub_path.is_empty() {
                    errors.forbidden(&mounts.index(index).child(name), NOT_EPHEMERAL);
                }
            }
        }
    }
}

/// Nothing can be relied upon that an ephemeral container does, so it has nothing that others rely on.
fn without_services(container: EphemeralContainer<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let resources = container.resources();
    for (name, is_there) in [
        ("ports", container.ports().is_present()),
        (
            "resources",
            !is_same(
                resources.record(),
                crate::core::v1::ResourceRequirements::empty().record(),
            ),
        ),
        ("resizePolicy", container.resize_policy().is_present()),
        ("restartPolicy", container.restart_policy().is_some()),
        (
            "restartPolicyRules",
            container.restart_policy_rules().is_present(),
        ),
        ("livenessProbe", container.liveness_probe().is_some()),
        ("readinessProbe", container.readiness_probe().is_some()),
        ("startupProbe", container.startup_probe().is_some()),
        ("lifecycle", container.lifecycle().is_some()),
    ] {
        if is_there {
            errors.forbidden(&path.child(name), NOT_EPHEMERAL);
        }
    }
}

/// What holds for containers of every sort (`validateContainerCommon`).
fn common(container: Container<'_>, around: &Around<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let name = container.name();
    if name.is_empty() {
        errors.required(&path.child("name"), "");
    } else {
        errors.invalid_each(&path.child("name"), name, dns1123_label(name));
    }
    if container.image().is_empty() {
        errors.required(&path.child("image"), "");
    }
    one_of(
        container.termination_message_policy(),
        &["File", "FallbackToLogsOnError"],
        &path.child("terminationMessagePolicy"),
        errors,
    );
    ports(container.ports(), &path.child("ports"), errors);
    env::check(container, path, errors);
    mounts::check(container, around, path, errors);
    one_of(
        container.image_pull_policy(),
        &["Always", "IfNotPresent", "Never"],
        &path.child("imagePullPolicy"),
        errors,
    );
    resources::of_container(
        container.resources(),
        &around.claims,
        around.leeway,
        &path.child("resources"),
        errors,
    );
    restart::resize_policy(
        container.resize_policy(),
        around.restart_policy,
        &path.child("resizePolicy"),
        errors,
    );
    if let Some(context) = container.security_context() {
        let at = path.child("securityContext");
        security::of_container(context, around.host_users, &at, errors);
    }
}

/// What holds for the containers of a pod, and not in templates.
pub(super) fn of_a_pod(container: Container<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let image = container.image();
    if image.trim().len() != image.len() {
        errors.invalid(
            &path.child("image"),
            image,
            "must not have leading or trailing whitespace",
        );
    }
}

fn ports(ports: List<'_, ContainerPort<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut names = HashSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = path.index(index);
        let name = port.name();
        if !name.is_empty() {
            let faults = port_name(name);
            if faults.is_empty() && !names.insert(name) {
                errors.duplicate(&at.child("name"), name);
            }
            errors.invalid_each(&at.child("name"), name, faults);
        }
        let number = |name: &str, value: i32, errors: &mut ErrorList| {
            for fault in port_number(value.into()) {
                errors.invalid(&at.child(name), value, fault);
            }
        };
        match port.container_port() {
            0 => errors.required(&at.child("containerPort"), ""),
            value => number("containerPort", value, errors),
        }
        if port.host_port() != 0 {
            number("hostPort", port.host_port(), errors);
        }
        let allowed = ["SCTP", "TCP", "UDP"];
        one_of(port.protocol(), &allowed, &at.child("protocol"), errors);
    }
}

/// No two containers can have the same port of the host.
fn host_ports(
    ports: List<'_, ContainerPort<'_>>,
    taken: &mut HashSet<String>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("ports");
    for (index, port) in ports.iter().enumerate() {
        if port.host_port() == 0 {
            continue;
        }
        let key = format!(
            "{}/{}/{}",
            port.protocol(),
            port.host_ip(),
            port.host_port()
        );
        if taken.contains(&key) {
            errors.duplicate(&at.index(index).child("hostPort"), key);
        } else {
            taken.insert(key);
        }
    }
}
