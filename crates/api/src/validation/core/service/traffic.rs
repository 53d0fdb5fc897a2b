//! Where traffic goes: the policies.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::port_number;

use super::{is_external, needs_health_check, one_of};
use crate::core::v1::ServiceSpec;

const POLICIES: [&str; 2] = ["Cluster", "Local"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];

pub(super) fn validate(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let external = path.child("externalTrafficPolicy");
    let policy = spec.external_traffic_policy();
    if is_external(spec) {
        one_of(policy, &POLICIES, &external, errors);
    } else if !policy.is_empty() {
        errors.invalid(
            &external,
            BadValue::json_string(policy),
            "may only be set for externally-accessible services",
        );
    }
    validate_health_check(spec, &path.child("healthCheckNodePort"), errors);
    let internal = path.child("internalTrafficPolicy");
    match spec.internal_traffic_policy() {
        None if matches!(spec.type_(), "NodePort" | "LoadBalancer" | "ClusterIP") => {
            errors.required(&internal, "");
        }
        Some(policy) if !POLICIES.contains(&policy) => {
            errors.not_supported(&internal, BadValue::json_string(policy), POLICIES);
        }
        _ => {}
    }
    if let Some(distribution) = spec.traffic_distribution()
        && !DISTRIBUTIONS.contains(&distribution)
    {
        let path = path.child("trafficDistribution");
        errors.not_supported(&path, distribution, DISTRIBUTIONS);
    }
}

fn validate_health_check(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let port = spec.health_check_node_port();
    match (needs_health_check(spec), port) {
        (true, 0) => errors.required(path, ""),
        (true, _) => {
            for why in port_number(port.into()) {
                errors.invalid(path, port, why);
            }
        }
        (false, 0) => {}
        (false, _) => errors.invalid(
            path,
            port,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
    }
}
