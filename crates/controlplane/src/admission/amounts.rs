//! Amounts by resource name, and what a pod asks for in total.

use std::collections::BTreeMap;

use pintle_api::core::v1::{Container, PodSpec, ResourceRequirements};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::view::StringMap;

/// Amounts by resource name. A name that is absent was not spoken of, which is not the same as zero.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// The amounts in a field such as `requests`. Validation has refused, or will refuse, what is no quantity.
pub(crate) fn amounts(map: StringMap<'_>) -> Amounts {
    map.iter()
        .map(|(name, text)| (name.to_owned(), quantity(text)))
        .collect()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap_or(Quantity::ZERO)
}

/// Adds `more` to `to`, name by name.
pub(crate) fn add(to: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        to.entry(name.clone())
            .and_modify(|sum| *sum += *amount)
            .or_insert(*amount);
    }
}

/// Raises `to` to `other`, name by name.
fn raise(to: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        to.entry(name.clone())
            .and_modify(|highest| *highest = (*highest).max(*amount))
            .or_insert(*amount);
    }
}

/// Which side of `resources` is summed up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Requests,
    Limits,
}

impl Side {
    fn of(self, resources: ResourceRequirements<'_>) -> Amounts {
        amounts(match self {
            Self::Requests => resources.requests(),
            Self::Limits => resources.limits(),
        })
    }
}

/// What a pod asks for: its containers and sidecars together, or the largest moment of its start if that is more; where
/// the pod itself says, that. Overhead is not in it.
pub(crate) fn of_pod(spec: PodSpec<'_>, side: Side) -> Amounts {
    let mut total = Amounts::new();
    for container in spec.containers() {
        add(&mut total, &side.of(container.resources()));
    }
    let (mut sidecars, mut start) = (Amounts::new(), Amounts::new());
    for container in spec.init_containers() {
        let own = side.of(container.resources());
        if is_sidecar(container) {
            add(&mut total, &own);
            add(&mut sidecars, &own);
            raise(&mut start, &sidecars);
        } else {
            let mut moment = own;
            add(&mut moment, &sidecars);
            raise(&mut start, &moment);
        }
    }
    raise(&mut total, &start);
    for (name, amount) in spec
        .resources()
        .map(|resources| side.of(resources))
        .unwrap_or_default()
    {
        if is_pod_level(&name) {
            total.insert(name, amount);
        }
    }
    total
}

/// The same with the overhead of the pod's runtime class. Limits have it only where they are.
pub(crate) fn of_pod_with_overhead(spec: PodSpec<'_>, side: Side) -> Amounts {
    let mut total = of_pod(spec, side);
    for (name, overhead) in amounts(spec.overhead()) {
        match total.get_mut(&name) {
            Some(amount) if side == Side::Requests || !amount.is_zero() => *amount += overhead,
            None if side == Side::Requests => {
                total.insert(name, overhead);
            }
            _ => {}
        }
    }
    total
}

/// Whether an init container runs along with the others.
fn is_sidecar(container: Container<'_>) -> bool {
    container.restart_policy() == Some("Always")
}

/// What `spec.resources` of a pod may speak of.
fn is_pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}
