//! How well a pod is served when there is not enough for all.

use std::collections::BTreeMap;

use pintle_runtime::quantity::Quantity;
use pintle_runtime::view::StringMap;

use crate::core::v1::PodSpec;
use crate::validation::quantity::amount;

/// The quality of service that a pod's requests and limits amount to (`ComputePodQOS`): `Guaranteed`,
/// `Burstable` or `BestEffort`.
pub fn quality_of_service(spec: PodSpec<'_>) -> &'static str {
    let (mut requests, mut limits) = (Sum::new(), Sum::new());
    let mut guaranteed = true;
    if let Some(of_pod) = spec.resources() {
        add(&mut requests, of_pod.requests());
        let limited = add(&mut limits, of_pod.limits());
        guaranteed = of_pod.limits().is_empty() || limited == 2;
    } else {
        for container in spec
            .containers()
            .iter()
            .chain(spec.init_containers().iter())
        {
            let resources = container.resources();
            add(&mut requests, resources.requests());
            guaranteed &= add(&mut limits, resources.limits()) == 2;
        }
    }
    match (
        requests.is_empty() && limits.is_empty(),
        guaranteed && requests == limits,
    ) {
        (true, _) => "BestEffort",
        (false, true) => "Guaranteed",
        (false, false) => "Burstable",
    }
}

type Sum<'a> = BTreeMap<&'a str, Quantity>;

/// Adds amounts of processors and memory, and says of how many there is something.
fn add<'a>(sum: &mut Sum<'a>, amounts: StringMap<'a>) -> usize {
    let mut found = 0;
    for (name, value) in amounts.iter() {
        let value = amount(value);
        if matches!(name, "cpu" | "memory") && value.signum() > 0 {
            found += 1;
            *sum.entry(name).or_insert(Quantity::ZERO) += value;
        }
    }
    found
}
