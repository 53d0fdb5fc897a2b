//! What containers and pods ask for and may have at most.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::{dns1123_label, label_key};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::view::{List, StringMap};

use super::leeway::Leeway;
use super::typed;
use crate::core::v1::{Container, PodSpec, ResourceClaim, ResourceRequirements};
use crate::validation::quantity::{
    amount, is_extended, is_huge_pages, is_native, is_standard, is_standard_container, of_resource,
};

/// How the name of a resource is checked.
type CheckName = fn(&str, &Path<'_>, &mut ErrorList);

/// Checks what a container asks for (`ValidateContainerResourceRequirements`).
pub(super) fn of_container(
    wanted: ResourceRequirements<'_>,
    claims: &BTreeSet<&str>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    requirements(wanted, container_name, claims, leeway, path, errors);
}

/// Checks what a pod asks for as a whole.
pub(super) fn of_pod(
    wanted: ResourceRequirements<'_>,
    claims: &BTreeSet<&str>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    requirements(wanted, pod_name, claims, leeway, path, errors);
}

/// Checks what running a pod costs on top. As upstream, it counts as a limit.
pub(super) fn overhead(
    overhead: StringMap<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    amounts(
        overhead,
        StringMap::default(),
        container_name,
        leeway,
        path,
        errors,
    );
}

fn requirements(
    wanted: ResourceRequirements<'_>,
    check_name: CheckName,
    claims: &BTreeSet<&str>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    amounts(
        wanted.limits(),
        wanted.requests(),
        check_name,
        leeway,
        path,
        errors,
    );
    claim_names(wanted.claims(), claims, &path.child("claims"), errors);
}

fn amounts(
    limits: StringMap<'_>,
    requests: StringMap<'_>,
    check_name: CheckName,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (at_limits, at_requests) = (path.child("limits"), path.child("requests"));
    let (mut has_huge_pages, mut has_compute) = (false, false);
    let mut note = |name: &str, value: &str, at: &Path<'_>, errors: &mut ErrorList| {
        has_compute |= matches!(name, "cpu" | "memory");
        if is_huge_pages(name) {
            has_huge_pages = true;
            if !leeway.parted_huge_pages && is_parted_huge_page(name, value) {
                let detail = format!("{value} is not positive integer multiple of {name}");
                errors.invalid(at, value, detail);
            }
        }
    };
    for (name, value) in limits.iter() {
        let at = at_limits.key(name);
        check_name(name, &at, errors);
        of_resource(name, value, &at, errors);
        note(name, value, &at, errors);
    }
    for (name, value) in requests.iter() {
        let at = at_requests.key(name);
        check_name(name, &at, errors);
        of_resource(name, value, &at, errors);
        // What is not shared is had as a whole: a request is the limit.
        let is_shared = is_native(name) && !is_huge_pages(name);
        match limits.get(name) {
            Some(limit) if !is_shared && amount(value) != amount(limit) => {
                let detail = format!("must be equal to {name} limit of {limit}");
                errors.invalid(&at_requests, value, detail);
            }
            Some(limit) if amount(value) > amount(limit) => {
                let detail = format!("must be less than or equal to {name} limit of {limit}");
                errors.invalid(&at_requests, value, detail);
            }
            None if !is_shared => errors.required(
                &at_limits,
                "Limit must be set for non overcommitable resources",
            ),
            _ => {}
        }
        note(name, value, &at, errors);
    }
    if has_huge_pages && !has_compute {
        errors.forbidden(path, "HugePages require cpu or memory");
    }
}

/// Whether an amount of huge pages is no number of whole pages.
pub(super) fn is_parted_huge_page(name: &str, value: &str) -> bool {
    let Some(size) = name.strip_prefix("hugepages-") else {
        return false;
    };
    let Ok(size) = Quantity::parse(size) else {
        return true;
    };
    size.signum() <= 0
        || size.milli_value() % 1000 != 0
        || amount(value).value() % size.value() != 0
}

fn any_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let before = errors.len();
    for fault in label_key(name) {
        errors.invalid(path, typed(name), fault);
    }
    if errors.len() == before && !name.contains('/') && !is_standard(name) {
        errors.invalid(
            path,
            typed(name),
            "must be a standard resource type or fully qualified",
        );
    }
}

fn container_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    any_name(name, path, errors);
    if name.split('/').count() == 1 {
        if !is_standard_container(name) {
            errors.invalid(
                path,
                typed(name),
                "must be a standard resource for containers",
            );
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.invalid(
            path,
            typed(name),
            "doesn't follow extended resource name standard",
        );
    }
}

fn pod_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let before = errors.len();
    any_name(name, path, errors);
    if errors.len() == before && !matches!(name, "cpu" | "memory") && !is_huge_pages(name) {
        errors.not_supported(path, typed(name), ["cpu", "hugepages-", "memory"]);
    }
}

fn claim_names(
    claims: List<'_, ResourceClaim<'_>>,
    known: &BTreeSet<&str>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut seen: HashSet<String> = HashSet::new();
    for (index, claim) in claims.iter().enumerate() {
        let (at, name, request) = (path.index(index), claim.name(), claim.request());
        if name.is_empty() {
            errors.required(&at, "");
            continue;
        }
        if seen.contains(name) {
            errors.duplicate(&at, name);
        } else {
            let mut key = name.to_owned();
            if !request.is_empty() {
                errors.invalid_each(&at.child("request"), request, dns1123_label(request));
                key = format!("{name}/{request}");
            }
            if seen.contains(&key) {
                errors.duplicate(&at, key.as_str());
            } else if request.is_empty() {
                let of_it = |key: &&String| key.split_once('/').is_some_and(|(of, _)| of == name);
                for _ in seen.iter().filter(of_it) {
                    errors.duplicate(&at, name);
                }
            }
            seen.insert(key);
        }
        if !known.contains(name) {
            let names: Vec<&str> = known.iter().copied().collect();
            let which = if names.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", names.join(", "))
            };
            errors.push(FieldError {
                detail: format!("must be one of the names in pod.spec.resourceClaims{which}"),
                ..FieldError::not_found(&at, name)
            });
        }
    }
}

type Amounts<'a> = BTreeMap<&'a str, Quantity>;

/// Adds up what containers have by `of`; what runs before them counts where it is more
/// (`AggregateContainerRequests`).
pub(crate) fn of_all_containers<'a>(
    spec: PodSpec<'a>,
    of: impl Fn(Container<'a>) -> StringMap<'a>,
) -> Amounts<'a> {
    let add = |sum: &mut Amounts<'a>, more: &Amounts<'a>| {
        for (name, value) in more {
            *sum.entry(name).or_insert(Quantity::ZERO) += *value;
        }
    };
    let read = |container| -> Amounts<'a> {
        let amounts = of(container);
        amounts
            .iter()
            .map(|(name, value)| (name, amount(value)))
            .collect()
    };
    let (mut sum, mut staying, mut most) = (Amounts::new(), Amounts::new(), Amounts::new());
    for container in spec.containers() {
        add(&mut sum, &read(container));
    }
    for container in spec.init_containers() {
        let mut wanted = read(container);
        if container.restart_policy() == Some("Always") {
            add(&mut sum, &wanted);
            add(&mut staying, &wanted);
            wanted.clone_from(&staying);
        } else {
            add(&mut wanted, &staying);
        }
        raise(&mut most, wanted);
    }
    raise(&mut sum, most);
    sum
}

fn raise<'a>(to: &mut Amounts<'a>, at_least: Amounts<'a>) {
    for (name, value) in at_least {
        let found = to.entry(name).or_insert(value);
        if value > *found {
            *found = value;
        }
    }
}

/// What a pod asks for must hold what its containers ask for (`validatePodResourceConsistency`).
pub(super) fn hold_those_of_containers(
    spec: PodSpec<'_>,
    pod: ResourceRequirements<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("requests");
    for (name, sum) in of_all_containers(spec, |container| container.resources().requests()) {
        if let Some(value) = pod.requests().get(name)
            && sum > amount(value)
        {
            let detail =
                format!("must be greater than or equal to aggregate container requests of {sum}");
            errors.invalid(&at.key(name), value, detail);
        }
    }
    let at = path.child("limits");
    for (name, sum) in of_all_containers(spec, |container| container.resources().limits()) {
        if let Some(value) = pod.limits().get(name)
            && is_huge_pages(name)
            && sum > amount(value)
        {
            let detail =
                format!("must be greater than or equal to aggregate container limits of {sum}");
            errors.invalid(&at.key(name), value, detail);
        }
    }
    let at = path.child("containers");
    for (index, container) in spec.containers().iter().enumerate() {
        let at = at.index(index);
        for (name, limit) in container.resources().limits().iter() {
            if let Some(of_pod) = pod.limits().get(name)
                && amount(limit) > amount(of_pod)
            {
                errors.invalid(
                    &at.key(name).child("limits"),
                    BadValue::from(limit),
                    format!("must be less than or equal to pod limits of {of_pod}"),
                );
            }
        }
    }
}
