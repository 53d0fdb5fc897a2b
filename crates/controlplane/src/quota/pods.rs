//! What pods use.

use std::collections::{BTreeMap, BTreeSet};

use pintle_api::core::v1::{Pod, ResourceRequirements};
use pintle_runtime::time::Time;
use pintle_runtime::view::StringMap;

use super::{OF_DEVICE_CLASS, units};
use crate::admission::amounts::{self, Amounts, Side};

const NAMES: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

/// What every container has to say if it is counted.
const REQUIRED: &[&str] = &[
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];

pub(super) fn measures(name: &str) -> bool {
    NAMES.contains(&name)
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
        || name.strip_prefix("requests.").is_some_and(is_extended)
}

/// Whether a resource is of a device plug-in, or stands for a class of devices.
pub(super) fn is_extended(name: &str) -> bool {
    name.starts_with(OF_DEVICE_CLASS) || (name.contains('/') && !name.contains("kubernetes.io/"))
}

/// Whether a pod is to end by itself, which is what some quotas are about.
pub(super) fn ends(pod: Pod<'_>) -> bool {
    let deadline = pod.spec().active_deadline_seconds();
    deadline.is_some_and(|seconds| seconds >= 0)
}

/// A pod that has ended, or should long be gone, uses nothing but its place in the store.
fn counts(pod: Pod<'_>, now: Time) -> bool {
    if matches!(pod.status().phase(), "Succeeded" | "Failed") {
        return false;
    }
    let metadata = pod.metadata();
    let end = metadata
        .deletion_timestamp()
        .zip(metadata.deletion_grace_period_seconds());
    end.is_none_or(|(from, grace)| now <= from.plus_seconds(grace))
}

pub(super) fn add_usage(pod: Pod<'_>, now: Time, usage: &mut Amounts) {
    if counts(pod, now) {
        let requests = amounts::of_pod_with_overhead(pod.spec(), Side::Requests);
        let limits = amounts::of_pod_with_overhead(pod.spec(), Side::Limits);
        usage.extend(named(&requests, &limits));
    }
}

/// Requests and limits by the names that quotas have for them.
fn named(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut usage = Amounts::from([("pods".to_owned(), units(1))]);
    for (name, amount) in requests {
        match name.as_str() {
            "cpu" | "memory" | "ephemeral-storage" => {
                usage.insert(name.clone(), *amount);
            }
            hugepages if hugepages.starts_with("hugepages-") => {
                usage.insert(name.clone(), *amount);
            }
            extended if is_extended(extended) => {}
            _ => continue,
        }
        usage.insert(format!("requests.{name}"), *amount);
    }
    for (name, amount) in limits {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            usage.insert(format!("limits.{name}"), *amount);
        }
    }
    usage
}

/// Which of `required` containers do not say, and which containers.
pub(super) fn unsaid(required: &[String], pod: Pod<'_>) -> Option<String> {
    let said = |resources: ResourceRequirements<'_>| {
        named(
            &amounts::amounts(resources.requests()),
            &amounts::amounts(resources.limits()),
        )
    };
    let spec = pod.spec();
    // A pod that speaks for itself as a whole need not let its containers do so.
    let of_whole = spec.resources().is_some_and(|resources| {
        let names = [resources.requests(), resources.limits()];
        let mut names = names.iter().flat_map(StringMap::iter);
        names.any(|(name, _)| matches!(name, "cpu" | "memory") || name.starts_with("hugepages-"))
    });
    if of_whole {
        return None;
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for container in spec
        .containers()
        .iter()
        .chain(spec.init_containers().iter())
    {
        let said = said(container.resources());
        for name in required {
            let counts = REQUIRED.contains(&name.as_str());
            if counts && !said.contains_key(name) {
                missing.entry(name).or_default().insert(container.name());
            }
        }
    }
    if missing.is_empty() {
        return None;
    }
    let texts = missing.into_iter().map(|(name, containers)| {
        let containers: Vec<_> = containers.into_iter().collect();
        format!("{name} for: {}", containers.join(","))
    });
    let texts: Vec<_> = texts.collect();
    Some(format!("must specify {}", texts.join("; ")))
}
