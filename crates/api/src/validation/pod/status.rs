//! What may change in a pod's status.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::ip::{is_ipv4, is_ipv6, validate_legacy};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain, group_id, label_key, user_id};
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::value::Value;
use pintle_runtime::view::List;

use super::leeway::Leeway;
use super::spec::supported;
use super::visit::integers;
use super::{typed, update};
use crate::core::v1::{Container, ContainerStatus, Pod, PodSpec, PodStatus, ResourceStatus};
use crate::validation::internal_form;
use crate::validation::quantity::{amount, is_native};

const NEGATIVE: &str = "must be a non-negative integer";
/// How much may be said of the health of a resource.
const HEALTH_MESSAGE: usize = 1024;

/// A change through the status endpoint (`ValidatePodStatusUpdate`).
pub(super) fn update(new: Pod<'_>, old: Pod<'_>, errors: &mut ErrorList) {
    let (now, before) = (new.metadata().annotations(), old.metadata().annotations());
    if !now.is_empty() || !before.is_empty() {
        update::of_annotations(new, old, &Leeway::of_pod(Some(old)), errors);
    }
    let path = Path::new("status");
    conditions(new.status(), &path.child("conditions"), errors);
    nominated_node(new, old, &path, errors);
    let status = new.status();
    if status.observed_generation() < 0 {
        let at = path.child("observedGeneration");
        errors.invalid(&at, status.observed_generation(), NEGATIVE);
    }
    if status.qos_class() != old.status().qos_class() {
        errors.invalid(
            &path.child("qosClass"),
            typed(status.qos_class()),
            IMMUTABLE,
        );
    }
    transitions(new, old, &path, errors);
    resource_claims(new, &path, errors);
    addresses(status, old.status(), &path, errors);
    let lists = [
        ("containerStatuses", status.container_statuses()),
        ("initContainerStatuses", status.init_container_statuses()),
        (
            "ephemeralContainerStatuses",
            status.ephemeral_container_statuses(),
        ),
    ];
    for (name, list) in lists {
        users(list, new.spec(), &path.child(name), errors);
    }
    let spec = new.spec();
    for ((name, list), containers) in
        lists
            .into_iter()
            .zip([Some(spec.containers()), Some(spec.init_containers()), None])
    {
        allocated(list, containers, &path.child(name), errors);
    }
}

fn conditions(status: PodStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, condition) in status.conditions().iter().enumerate() {
        let (at, name) = (path.index(index), condition.type_());
        if condition.observed_generation() < 0 {
            let at = at.child("observedGeneration");
            errors.invalid(&at, condition.observed_generation(), NEGATIVE);
        }
        if !matches!(name, "PodScheduled" | "Ready" | "Initialized") {
            errors.invalid_each(&at.child("Type"), name, label_key(name));
        }
    }
}

fn nominated_node(new: Pod<'_>, old: Pod<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let name = new.status().nominated_node_name();
    if name.is_empty() || name == old.status().nominated_node_name() {
        return;
    }
    let at = path.child("nominatedNodeName");
    errors.invalid_each(&at, name, dns1123_subdomain(name));
    if !old.spec().node_name().is_empty() {
        errors.forbidden(
            &at,
            "may not be set on pods that are already bound to a node",
        );
    }
}

/// A container that has ended only begins again if it is to be started again.
fn transitions(new: Pod<'_>, old: Pod<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (now, before, spec) = (new.status(), old.status(), old.spec());
    let restarts_all = spec
        .containers()
        .iter()
        .chain(spec.init_containers().iter())
        .flat_map(Container::restart_policy_rules)
        .any(|rule| rule.action() == "RestartAllContainers");
    if !restarts_all {
        let may = |containers: List<'_, Container<'_>>, name: &str, code: i32| {
            containers
                .iter()
                .find(|container| container.name() == name)
                .is_some_and(|container| is_restarted(container, spec, code))
        };
        ended_stays(
            (now.container_statuses(), before.container_statuses()),
            |name, code| may(spec.containers(), name, code),
            &path.child("containerStatuses"),
            errors,
        );
        ended_stays(
            (
                now.init_container_statuses(),
                before.init_container_statuses(),
            ),
            |name, code| may(spec.init_containers(), name, code),
            &path.child("initContainerStatuses"),
            errors,
        );
    }
    ended_stays(
        (
            now.ephemeral_container_statuses(),
            before.ephemeral_container_statuses(),
        ),
        |_, _| false,
        &path.child("ephemeralContainerStatuses"),
        errors,
    );
}

type Statuses<'a> = List<'a, ContainerStatus<'a>>;

fn ended_stays(
    (new, old): (Statuses<'_>, Statuses<'_>),
    may_begin: impl Fn(&str, i32) -> bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, before) in old.iter().enumerate() {
        let Some(end) = before.state().terminated() else {
            continue;
        };
        let began = new
            .iter()
            .any(|now| now.name() == before.name() && now.state().terminated().is_none());
        if began && !may_begin(before.name(), end.exit_code()) {
            errors.forbidden(
                &path.index(index).child("state"),
                "may not be transitioned to non-terminated state",
            );
        }
    }
}

/// Whether a container that ended with `code` is started again (`ContainerShouldRestart`).
fn is_restarted(container: Container<'_>, spec: PodSpec<'_>, code: i32) -> bool {
    let policy = container.restart_policy();
    let rule = container.restart_policy_rules().iter().find(|rule| {
        rule.exit_codes().is_some_and(|codes| {
            let listed = integers(codes.values()).any(|listed| listed == i64::from(code));
            listed == (codes.operator() == "In")
        })
    });
    if policy.is_some() && rule.is_some_and(|rule| rule.action() == "Restart") {
        return true;
    }
    match policy.unwrap_or(spec.restart_policy()) {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    }
}

fn resource_claims(pod: Pod<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (status, spec) = (pod.status(), pod.spec());
    let at = path.child("resourceClaimStatuses");
    let mut seen = HashSet::new();
    for (index, claim) in status.resource_claim_statuses().iter().enumerate() {
        let (at, name) = (at.index(index), claim.name());
        if !spec
            .resource_claims()
            .iter()
            .any(|claim| claim.name() == name)
        {
            errors.invalid(
                &at.child("name"),
                name,
                "must match the name of an entry in `spec.resourceClaims`",
            );
        }
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
        if let Some(name) = claim.resource_claim_name() {
            let at = at.child("resourceClaimName");
            errors.invalid_each(&at, name, dns1123_subdomain(name));
        }
    }
    extended_claim(
        status,
        spec,
        &path.child("extendedResourceClaimStatus"),
        errors,
    );
    node_claims(
        status,
        spec,
        &path.child("nodeAllocatableResourceClaimStatuses"),
        errors,
    );
}

/// The claim that was made for extended resources (`validatePodExtendedResourceClaimStatus`).
fn extended_claim(
    status: PodStatus<'_>,
    spec: PodSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(claim) = status.extended_resource_claim_status() else {
        return;
    };
    let mappings = path.child("requestMappings");
    if claim.request_mappings().is_empty() {
        errors.required(&mappings, "at least one request mapping is required");
    }
    let mut seen = HashSet::new();
    for (index, mapping) in claim.request_mappings().iter().enumerate() {
        let at = mappings.index(index);
        let fields = [
            ("containerName", mapping.container_name()),
            ("resourceName", mapping.resource_name()),
            ("requestName", mapping.request_name()),
        ];
        let [(_, container), (_, resource), (_, request)] = fields;
        let found = spec
            .init_containers()
            .iter()
            .chain(spec.containers().iter())
            .rfind(|it| it.name() == container);
        match found {
            None => errors.invalid(
                &at.child("containerName"),
                container,
                "must match the name of an entry in spec.initContainers.name or spec.containers.name",
            ),
            Some(it) if !it.resources().requests().contains_key(resource) => errors.invalid(
                &at.child("resourceName"),
                resource,
                "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests",
            ),
            Some(_) => {}
        }
        errors.invalid_each(&path.child("requestName"), request, dns1123_label(request));
        if !seen.insert((container, resource, request)) {
            for (name, value) in fields {
                errors.duplicate(&at.child(name), value);
            }
        }
    }
    match claim.resource_claim_name() {
        "" => errors.required(&path.child("resourceClaimName"), ""),
        name => {
            let at = path.child("resourceClaimName");
            errors.invalid_each(&at, name, dns1123_subdomain(name));
        }
    }
}

fn node_claims(status: PodStatus<'_>, spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, found) in status
        .node_allocatable_resource_claim_statuses()
        .iter()
        .enumerate()
    {
        let (at, name) = (path.index(index), found.resource_claim_name());
        if name.is_empty() {
            errors.required(&at.child("resourceClaimName"), "must not be empty");
        }
        let known = spec
            .resource_claims()
            .iter()
            .filter_map(|claim| claim.resource_claim_name())
            .chain(
                status
                    .resource_claim_statuses()
                    .iter()
                    .filter_map(|claim| claim.resource_claim_name()),
            )
            .any(|known| known == name);
        if !known {
            let detail = "no mapping found in pod reference";
            errors.invalid(&at.child("resourceClaimName"), name, detail);
        }
        if found.containers().is_empty() {
            errors.required(&at.child("containers"), "must not be empty");
        }
        let at = at.child("resources");
        if found.resources().is_empty() {
            errors.required(&at, "must not be empty");
        }
        for (resource, value) in found.resources().iter() {
            let at = at.key(resource);
            if !is_native(resource) {
                let detail = "must be a node allocatable resource name";
                errors.invalid(&at, typed(resource), detail);
            }
            if amount(value).signum() < 0 {
                errors.invalid(&at, value, "must be non-negative");
            }
        }
    }
}

fn addresses(new: PodStatus<'_>, old: PodStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let before: Vec<&str> = old.pod_ips().iter().map(|it| it.ip()).collect();
    let now: Vec<&str> = new.pod_ips().iter().map(|it| it.ip()).collect();
    one_of_each_family(
        &now,
        &before,
        new.pod_ips().values(),
        &path.child("podIPs"),
        errors,
    );
    let before: Vec<&str> = old.host_ips().iter().map(|it| it.ip()).collect();
    let now: Vec<&str> = new.host_ips().iter().map(|it| it.ip()).collect();
    let at = path.child("hostIPs");
    if let Some(&first) = now.first()
        && first != new.host_ip()
    {
        errors.invalid(&at.index(0).child("ip"), first, "must be equal to `hostIP`");
    }
    one_of_each_family(&now, &before, new.host_ips().values(), &at, errors);
}

fn one_of_each_family(
    now: &[&str],
    before: &[&str],
    shown: &[Value],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, address) in now.iter().enumerate() {
        validate_legacy(address, before, &path.index(index), errors);
    }
    if now.len() < 2 {
        return;
    }
    let (v4, v6): (Vec<bool>, Vec<bool>) = now.iter().map(|ip| (is_ipv4(ip), is_ipv6(ip))).unzip();
    if let Some(at) = v4.iter().zip(&v6).position(|(v4, v6)| !v4 && !v6) {
        let detail = format!("failed to check for dual stack with error:invalid IP[{at}]: <nil>");
        errors.push(FieldError::internal(path, detail));
    }
    let dual = v4.contains(&true) && v6.contains(&true);
    if !dual || now.len() > 2 {
        errors.invalid(
            path,
            internal_form::shown_list(shown),
            "may specify no more than one IP for each IP family",
        );
    }
}

fn users(statuses: Statuses<'_>, spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, status) in statuses.iter().enumerate() {
        let Some(user) = status.user().and_then(|user| user.linux()) else {
            continue;
        };
        let at = path.index(index);
        let at = at.child("user");
        let at = at.child("linux");
        match spec.os().map_or("linux", |os| os.name()) {
            "windows" => errors.forbidden(&at, "cannot be set for a windows pod"),
            "linux" => {
                for fault in user_id(user.uid()) {
                    errors.invalid(&at.child("uid"), user.uid(), fault);
                }
                for fault in group_id(user.gid()) {
                    errors.invalid(&at.child("gid"), user.gid(), fault);
                }
                let groups = at.child("supplementalGroups");
                for (index, group) in integers(user.supplemental_groups()).enumerate() {
                    for fault in group_id(group) {
                        errors.invalid(&groups.index(index), group, fault);
                    }
                }
            }
            _ => {}
        }
    }
}

fn allocated(
    statuses: Statuses<'_>,
    containers: Option<List<'_, Container<'_>>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, status) in statuses.iter().enumerate() {
        let at = path.index(index);
        let at = at.child("allocatedResourcesStatus");
        let resources = status.allocated_resources_status();
        let Some(containers) = containers else {
            if !resources.is_empty() {
                errors.forbidden(&at, "must not be specified in container status");
            }
            continue;
        };
        let container = containers.iter().find(|it| it.name() == status.name());
        for (index, resource) in resources.iter().enumerate() {
            let at = at.index(index);
            if let Some(container) = container {
                is_asked_for(resource.name(), container, &at.child("name"), errors);
            }
            health(resource, &at.child("resources"), errors);
        }
    }
}

fn is_asked_for(name: &str, container: Container<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let resources = container.resources();
    let (found, detail) = match name.strip_prefix("claim:") {
        Some(claim) => (
            resources.claims().iter().any(|it| match it.request() {
                "" => it.name() == claim,
                request => claim.split_once('/') == Some((it.name(), request)),
            }),
            "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty",
        ),
        None => (
            resources.requests().contains_key(name),
            "must match one of the container's resource requests",
        ),
    };
    if !found {
        errors.invalid(path, typed(name), detail);
    }
}

fn health(resource: ResourceStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut seen = HashSet::new();
    for (index, one) in resource.resources().iter().enumerate() {
        let at = path.index(index);
        let states = ["Healthy", "Unhealthy", "Unknown"];
        supported(one.health(), &states, &at.child("health"), errors);
        if let Some(message) = one.message() {
            let at = at.child("message");
            if message.is_empty() {
                errors.required(&at, "must be non-empty if specified");
            } else if message.len() > HEALTH_MESSAGE {
                errors.push(FieldError::too_long(&at, HEALTH_MESSAGE));
            }
        }
        if !seen.insert(one.resource_id()) {
            let value: BadValue = typed(one.resource_id());
            errors.duplicate(&at.child("resourceID"), value);
        }
    }
}
