//! `Node`.

use std::cmp::Ordering;
use std::collections::HashSet;

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::name::{config_map_key, dns1123_label, dns1123_subdomain, label_value};
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::quote::Quoted;
use pintle_runtime::schema::Ref;
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, StringMap, Strings};

use crate::core::v1::{
    AvoidPods, ConfigMapNodeConfigSource, Node, NodeConfigSource, NodeSpec, NodeStatus, Taint,
    tables,
};
use crate::validation::node_selector::taint_effect;
use crate::validation::{Rules, internal_form, quantity};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", changed)],
};

const TAINTS_ANNOTATION: &str = "scheduler.alpha.kubernetes.io/taints";
const AVOID_ANNOTATION: &str = "scheduler.alpha.kubernetes.io/preferAvoidPods";
/// Upstream looks for taints below `metadata`, and clients see it.
const TAINTS: Path<'static> = Path::new("metadata.taints");

fn create(new: &Record, errors: &mut ErrorList) {
    let node = Node::from_record(new);
    annotated(node, errors);
    taints(node.spec().taints(), &TAINTS, errors);
    resources(node.status(), errors);
    swap(node.status(), errors);
    declared_features(node.status().declared_features(), errors);
    pod_cidrs(node.spec().pod_cidrs(), errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    create(new, errors);
    changed(new, old, errors);
}

fn changed(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (node, before) = (Node::from_record(new), Node::from_record(old));
    let (spec, old_spec) = (node.spec(), before.spec());
    annotated(node, errors);
    resources(node.status(), errors);
    declared_features(node.status().declared_features(), errors);
    addresses(node.status(), errors);
    let (cidrs, old_cidrs) = (spec.pod_cidrs(), old_spec.pod_cidrs());
    if !old_cidrs.is_empty() {
        let changes = if cidrs.len() == old_cidrs.len() {
            cidrs
                .iter()
                .zip(old_cidrs.iter())
                .filter(|(new, old)| new != old)
                .count()
        } else {
            1
        };
        for _ in 0..changes {
            errors.forbidden(
                &Path::new("spec.podCIDRs"),
                "node updates may not change podCIDR except from \"\" to valid",
            );
        }
    }
    if !old_spec.provider_id().is_empty() && old_spec.provider_id() != spec.provider_id() {
        errors.forbidden(
            &Path::new("spec.providerID"),
            "node updates may not change providerID except from \"\" to valid",
        );
    }
    if let Some(source) = spec.config_source() {
        config_source(
            source,
            Source::Wanted,
            &Path::new("spec.configSource"),
            errors,
        );
    }
    if let Some(config) = node.status().config() {
        let path = Path::new("status.config");
        let sources = [
            ("assigned", config.assigned()),
            ("active", config.active()),
            ("lastKnownGood", config.last_known_good()),
        ];
        for (field, source) in sources {
            if let Some(source) = source {
                config_source(source, Source::Used, &path.child(field), errors);
            }
        }
    }
    taints(spec.taints(), &TAINTS, errors);
    if spec.external_id() != old_spec.external_id() {
        errors.forbidden(&Path::new("spec.externalID"), "may not be updated");
    }
}

/// Taints from before there was a field for them, and pods that a node would rather not have.
fn annotated(node: Node<'_>, errors: &mut ErrorList) {
    let path = Path::new("metadata.annotations");
    let annotations = node.metadata().annotations();
    let text = |key: &str| annotations.get(key).filter(|text| !text.is_empty());
    let decoded = |text: String, table| {
        let body = Bytes::from(text);
        json::decode(&Ref::Static(table), &body, &mut Problems::ignored())
    };
    if let Some(text) = text(TAINTS_ANNOTATION) {
        match decoded(format!("{{\"taints\":{text}}}"), &tables::NODE_SPEC) {
            Err(error) => errors.invalid(&path, TAINTS_ANNOTATION, error.to_string()),
            Ok(spec) => taints(
                NodeSpec::from_record(&spec).taints(),
                &path.child(TAINTS_ANNOTATION),
                errors,
            ),
        }
    }
    if let Some(text) = text(AVOID_ANNOTATION) {
        match decoded(text.to_owned(), &tables::AVOID_PODS) {
            Err(error) => errors.invalid(
                &path.child("AvoidPods"),
                AVOID_ANNOTATION,
                error.to_string(),
            ),
            Ok(avoided) => {
                let at = path.child(AVOID_ANNOTATION);
                avoided_pods(AvoidPods::from_record(&avoided), &at, errors);
            }
        }
    }
}

/// Pods are known by what controls them.
fn avoided_pods(avoided: AvoidPods<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, entry) in avoided.prefer_avoid_pods().iter().enumerate() {
        let at = path.index(index);
        let at = at.child("PodSignature");
        match entry.pod_signature().pod_controller() {
            None => errors.required(&at, ""),
            Some(owner) if owner.controller() != Some(true) => errors.invalid(
                &at.child("PodController").child("Controller"),
                false,
                "must point to a controller",
            ),
            Some(_) => {}
        }
    }
}

fn taints(taints: List<'_, Taint<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut seen = HashSet::new();
    for (at, taint) in taints.iter().enumerate() {
        let path = path.index(at);
        validate_label_name(taint.key(), &path.child("key"), errors);
        let problems = label_value(taint.value());
        if !problems.is_empty() {
            errors.invalid(&path.child("value"), taint.value(), problems.join(";"));
        }
        taint_effect(taint.effect(), false, &path.child("effect"), errors);
        if !seen.insert((taint.effect(), taint.key())) {
            let mut error =
                FieldError::duplicate(&path, internal_form::shown(Some(taint.record())));
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
    }
}

fn resources(status: NodeStatus<'_>, errors: &mut ErrorList) {
    let mut check = |amounts: StringMap<'_>, field: &str| {
        let path = Path::new("status");
        let path = path.child(field);
        for (name, amount) in amounts.iter() {
            quantity::of_resource(name, amount, &path.child(name), errors);
        }
    };
    check(status.capacity(), "capacity");
    check(status.allocatable(), "allocatable");
}

/// Upstream looks for the swap below `metadata`, too.
fn swap(status: NodeStatus<'_>, errors: &mut ErrorList) {
    let capacity = status.node_info().swap().and_then(|swap| swap.capacity());
    if let Some(capacity) = capacity.filter(|capacity| *capacity <= 0) {
        errors.invalid(
            &Path::new("metadata.nodeSwapStatus.capacity"),
            capacity,
            "must be greater than zero",
        );
    }
}

/// How many bytes the name of a feature may have.
const LONGEST_FEATURE: usize = 253;

/// Well formed, sorted, none twice.
fn declared_features(features: Strings<'_>, errors: &mut ErrorList) {
    let path = Path::new("status.declaredFeatures");
    let mut before = None;
    for (at, name) in features.iter().enumerate() {
        match before.map(|before: &str| before.cmp(name)) {
            Some(Ordering::Equal) => errors.duplicate(&path.index(at), name),
            Some(Ordering::Greater) => {
                errors.invalid(&path.index(at), name, "list must be sorted alphabetically");
            }
            Some(Ordering::Less) | None => {}
        }
        let problem = if name.len() > LONGEST_FEATURE {
            Some("must be no more than 253 characters")
        } else if is_feature(name) {
            None
        } else {
            Some(
                "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
            )
        };
        if let Some(problem) = problem {
            let text = format!("invalid feature name {}: {problem}", Quoted(name));
            errors.invalid(&path.index(at), name, text);
        }
        before = Some(name);
    }
}

/// Whether a name is letters and digits, in parts between slashes, each of which starts with a
/// letter, the first with a capital one.
fn is_feature(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.split('/').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic())
                && part
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric())
        })
}

fn addresses(status: NodeStatus<'_>, errors: &mut ErrorList) {
    let path = Path::new("status.addresses");
    let mut seen = HashSet::new();
    for (at, address) in status.addresses().iter().enumerate() {
        if !seen.insert((address.type_(), address.address())) {
            errors.duplicate(
                &path.index(at),
                internal_form::shown(Some(address.record())),
            );
        }
    }
}

/// One of each family at most.
fn pod_cidrs(cidrs: Strings<'_>, errors: &mut ErrorList) {
    let path = Path::new("spec.podCIDRs");
    for (at, cidr) in cidrs.iter().enumerate() {
        ip::validate_legacy_cidr(cidr, &[], &path.index(at), errors);
    }
    if cidrs.len() < 2 {
        return;
    }
    let parsed: Vec<Option<Cidr>> = cidrs.iter().map(Cidr::parse).collect();
    let bad = parsed.iter().position(Option::is_none);
    if let Some(at) = bad {
        let text = cidrs.get(at).unwrap_or("");
        errors.push(FieldError::internal(
            &path,
            format!(
                "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{at}]: <nil> (invalid CIDR address: {text})"
            ),
        ));
    }
    let families: HashSet<bool> = parsed.into_iter().flatten().map(Cidr::is_ipv6).collect();
    if bad.is_some() || families.len() < 2 || cidrs.len() > 2 {
        errors.invalid(
            &path,
            BadValue::strings(cidrs.iter()),
            "may specify no more than one CIDR for each IP family",
        );
    }
}

/// Whether a source of configuration is what somebody wants, or what a kubelet has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Wanted,
    Used,
}

fn config_source(
    source: NodeConfigSource<'_>,
    kind: Source,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    match source.config_map() {
        Some(map) => config_map_source(map, kind, &path.child("configMap"), errors),
        None => errors.invalid(
            path,
            internal_form::shown(Some(source.record())),
            "exactly one reference subfield must be non-nil",
        ),
    }
}

fn config_map_source(
    source: ConfigMapNodeConfigSource<'_>,
    kind: Source,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (field, value) in [
        ("uid", source.uid()),
        ("resourceVersion", source.resource_version()),
    ] {
        match kind {
            Source::Wanted if !value.is_empty() => {
                errors.forbidden(
                    &path.child(field),
                    format!("{field} must not be set in spec"),
                );
            }
            Source::Used if value.is_empty() => {
                errors.required(&path.child(field), format!("{field} must be set in status"));
            }
            _ => {}
        }
    }
    let names = [
        (
            "namespace",
            source.namespace(),
            dns1123_label as fn(&str) -> _,
        ),
        ("name", source.name(), dns1123_subdomain),
        (
            "kubeletConfigKey",
            source.kubelet_config_key(),
            config_map_key,
        ),
    ];
    for (field, value, check) in names {
        let path = path.child(field);
        if value.is_empty() {
            errors.required(&path, format!("{field} must be set"));
        } else {
            errors.invalid_each(&path, value, check(value));
        }
    }
}
