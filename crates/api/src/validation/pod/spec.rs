//! A pod's spec, field by field.

use std::collections::{BTreeSet, HashSet};

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::name::{dns1123_label, dns1123_subdomain, label_key};
use pintle_runtime::object_meta::validate_labels;
use pintle_runtime::view::List;

use super::containers::{self, Around};
use super::leeway::Leeway;
use super::{
    affinity, is_static, mounts, network, resources, security, spread, system, tolerations, typed,
    volumes, windows,
};
use crate::core::v1::{PodResourceClaim, PodSchedulingGate, PodSpec};
use crate::validation::internal_form;

const ALWAYS_UP: &str = "must be between 1 and 2147483647, inclusive";

/// All that is wrong with a spec (`ValidatePodSpec`). The metadata is that of a real pod.
pub(super) fn check(
    spec: PodSpec<'_>,
    meta: Option<ObjectMeta<'_>>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if spec.termination_grace_period_seconds().is_none() {
        errors.required(&path.child("terminationGracePeriodSeconds"), "");
    }
    let volumes = volumes::check(spec.volumes(), meta, leeway, &path.child("volumes"), errors);
    let claims = spec.resource_claims();
    resource_claims(claims, meta, &path.child("resourceClaims"), errors);
    let around = Around {
        volumes,
        claims: claims
            .iter()
            .map(|claim| claim.name())
            .filter(|name| !name.is_empty())
            .collect(),
        grace: spec.termination_grace_period_seconds(),
        restart_policy: spec.restart_policy(),
        host_users: spec.host_users() != Some(false),
        system: spec.os().map(|os| os.name()),
        leeway,
    };
    containers::check(spec, &around, path, errors);
    pod_resources(spec, &around.claims, leeway, path, errors);
    network::host_ports(spec, leeway, path, errors);
    policies(spec, path, errors);
    validate_labels(spec.node_selector(), &path.child("nodeSelector"), errors);
    security::of_pod(spec, leeway, &path.child("securityContext"), errors);
    affinity::check(spec, leeway, &path.child("affinity"), errors);
    network::dns_config(spec, &path.child("dnsConfig"), errors);
    for (index, gate) in spec.readiness_gates().iter().enumerate() {
        let name = gate.condition_type();
        let at = path.child("readinessGates");
        errors.invalid_each(
            &at.index(index).child("conditionType"),
            name,
            label_key(name),
        );
    }
    scheduling_gates(
        spec.scheduling_gates(),
        &path.child("schedulingGates"),
        errors,
    );
    spread::check(
        spec,
        leeway,
        &path.child("topologySpreadConstraints"),
        errors,
    );
    windows::host_processes(spec, path, errors);
    system::host_users(spec, leeway, path, errors);
    network::hostname_override(spec, path, errors);
    names(spec, path, errors);
    tolerations::check(
        spec.tolerations(),
        leeway,
        &path.child("tolerations"),
        errors,
    );
    network::host_aliases(spec.host_aliases(), &path.child("hostAliases"), errors);
    classes(spec, leeway, path, errors);
    system::check(spec, path, errors);
    if let Some(group) = spec.scheduling_group() {
        let at = path.child("schedulingGroup");
        let at = at.child("podGroupName");
        match group.pod_group_name() {
            None => errors.invalid(
                &at,
                pintle_runtime::field_path::BadValue::null(),
                "must specify one of: `podGroupName`",
            ),
            Some(name) => errors.invalid_each(&at, name, dns1123_subdomain(name)),
        }
    }
    mounts::env_files(spec, path, errors);
}

/// `restartPolicy` and `dnsPolicy`, which have defaults.
fn policies(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let choices: [(&str, &str, &[&str]); 2] = [
        (
            "restartPolicy",
            spec.restart_policy(),
            &["Always", "OnFailure", "Never"],
        ),
        (
            "dnsPolicy",
            spec.dns_policy(),
            &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        ),
    ];
    for (name, value, allowed) in choices {
        one_of(value, allowed, &path.child(name), errors);
    }
}

/// A value must be there, and one of some.
pub(super) fn one_of(value: &str, allowed: &[&str], path: &Path<'_>, errors: &mut ErrorList) {
    if value.is_empty() {
        errors.required(path, "");
    } else {
        supported(value, allowed, path, errors);
    }
}

/// A value must be one of some.
pub(super) fn supported(value: &str, allowed: &[&str], path: &Path<'_>, errors: &mut ErrorList) {
    if !allowed.contains(&value) {
        errors.not_supported(path, typed(value), allowed);
    }
}

/// What refers to others by name, and the deadline between.
fn names(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut subdomain = |name: &str, value: &str| {
        if !value.is_empty() {
            errors.invalid_each(&path.child(name), value, dns1123_subdomain(value));
        }
    };
    subdomain("serviceAccountName", spec.service_account_name());
    subdomain("nodeName", spec.node_name());
    if let Some(seconds) = spec.active_deadline_seconds()
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        errors.invalid(&path.child("activeDeadlineSeconds"), seconds, ALWAYS_UP);
    }
    for (name, value) in [
        ("hostname", spec.hostname()),
        ("subdomain", spec.subdomain()),
    ] {
        if !value.is_empty() {
            errors.invalid_each(&path.child(name), value, dns1123_label(value));
        }
    }
}

/// Classes, preemption and overhead.
fn classes(spec: PodSpec<'_>, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let class = spec.priority_class_name();
    if !class.is_empty() {
        errors.invalid_each(
            &path.child("priorityClassName"),
            class,
            dns1123_subdomain(class),
        );
    }
    if let Some(class) = spec.runtime_class_name() {
        errors.invalid_each(
            &path.child("runtimeClassName"),
            class,
            dns1123_subdomain(class),
        );
    }
    if let Some(policy) = spec.preemption_policy() {
        let allowed = ["PreemptLowerPriority", "Never"];
        one_of(policy, &allowed, &path.child("preemptionPolicy"), errors);
    }
    resources::overhead(spec.overhead(), leeway, &path.child("overhead"), errors);
}

fn scheduling_gates(
    gates: List<'_, PodSchedulingGate<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut seen = HashSet::new();
    for (index, gate) in gates.iter().enumerate() {
        let at = path.index(index);
        errors.invalid_each(&at, gate.name(), label_key(gate.name()));
        if !seen.insert(gate.name()) {
            errors.duplicate(&at, gate.name());
        }
    }
}

fn resource_claims(
    claims: List<'_, PodResourceClaim<'_>>,
    meta: Option<ObjectMeta<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut seen = HashSet::new();
    for (index, claim) in claims.iter().enumerate() {
        if meta.is_some_and(is_static) {
            errors.forbidden(&Path::new(""), "static pods do not support resource claims");
            continue;
        }
        let at = path.index(index);
        let name = at.child("name");
        if claim.name().is_empty() {
            errors.required(&name, "");
        } else if seen.insert(claim.name()) {
            errors.invalid_each(&name, claim.name(), dns1123_label(claim.name()));
        } else {
            errors.duplicate(&name, claim.name());
        }
        let sources = [
            ("resourceClaimName", claim.resource_claim_name()),
            (
                "resourceClaimTemplateName",
                claim.resource_claim_template_name(),
            ),
        ];
        let fault = match sources.iter().filter(|(_, name)| name.is_some()).count() {
            0 => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            1 => "",
            _ => {
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            }
        };
        if !fault.is_empty() {
            errors.invalid(&at, internal_form::shown(Some(claim.record())), fault);
        }
        for (field, name) in sources {
            if let Some(name) = name {
                errors.invalid_each(&at.child(field), name, dns1123_subdomain(name));
            }
        }
    }
}

/// What the pod asks for as a whole (`validatePodResources`).
fn pod_resources(
    spec: PodSpec<'_>,
    claims: &BTreeSet<&str>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(wanted) = spec.resources() else {
        return;
    };
    let at = path.child("resources");
    if spec.os().is_some_and(|os| os.name() == "windows") {
        errors.forbidden(&at, "may not be set for a windows pod");
        return;
    }
    if wanted.claims().is_present() {
        errors.forbidden(
            &at.child("claims"),
            "claims may not be set for Resources at pod-level",
        );
    }
    resources::of_pod(wanted, claims, leeway, &at, errors);
    resources::hold_those_of_containers(spec, wanted, &at, errors);
}
