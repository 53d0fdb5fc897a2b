//! Pods.

use pintle_api::core::v1::{Container, Pod, PodMut, PodSpec, PodSpecMut, PodStatus};
use pintle_api::settings::is_on;
use pintle_api::validation::pod::{app_armor_profile, for_each_container_mut, quality_of_service};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::meta::LabelSelectorMut;
use pintle_runtime::value::{Record, Value};

use super::replication::host_name;
use crate::particular::pods::{drop_disabled, of_pod};
use crate::particular::{Particular, ResetFields};

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Pods.
pub(super) struct Pods;

impl Particular for Pods {
    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        let mut pod = PodMut::from_record(new);
        let class = quality_of_service(pod.view().spec());
        pod.status_mut().set_phase("Pending");
        pod.status_mut().set_qos_class(class);
        drop_disabled(&mut pod.spec_mut(), None);
        if !pod.view().spec().scheduling_gates().is_empty() {
            let mut status = pod.status_mut();
            let mut conditions = status.conditions_mut();
            let mut condition = conditions.push_new();
            condition.set_type("PodScheduled");
            condition.set_status("False");
            condition.set_reason("SchedulingGated");
            condition.set_message("Scheduling is blocked due to non-empty scheduling gates");
            condition.set_last_transition_time(cx.now().truncate_to_seconds());
        }
        select_by_own_labels(&mut pod);
        take_app_armor_from_annotations(cx, &mut pod);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let mut pod = PodMut::from_record(new);
        drop_disabled(&mut pod.spec_mut(), Some(Pod::from_record(old).spec()));
    }

    fn prepare_subresource(
        &self,
        _: &RequestContext,
        subresource: &str,
        new: &mut Record,
        old: &Record,
    ) {
        let (mut new, old) = (PodMut::from_record(new), Pod::from_record(old));
        match subresource {
            "status" => prepare_status(&mut new, old),
            "ephemeralcontainers" => only_ephemeral_containers(&mut new, old),
            "resize" => only_resources(&mut new, old),
            _ => {}
        }
    }

    fn reset_fields(&self, subresource: &str) -> Option<ResetFields> {
        match subresource {
            "status" => Some(&[
                &["spec"],
                &["metadata", "deletionTimestamp"],
                &["metadata", "ownerReferences"],
            ]),
            // Who names a field comes to own it, though it stays as it was.
            "ephemeralcontainers" | "resize" => Some(&[]),
            _ => None,
        }
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        // Hardly any human changes a pod, and those that do change it often.
        if old.is_some() {
            return Vec::new();
        }
        let pod = Pod::from_record(new);
        let mut warnings: Vec<String> = host_name(pod.metadata(), "the Pod's hostname")
            .into_iter()
            .collect();
        warnings.extend(of_pod(pod.metadata(), pod.spec()));
        warnings
    }

    fn subresource_warnings(&self, subresource: &str, new: &Record) -> Vec<String> {
        let mut warnings = Vec::new();
        if subresource == "status" {
            let status = Pod::from_record(new).status();
            let path = Path::new("status");
            let at = path.child("podIPs");
            for (index, address) in status.pod_ips().iter().enumerate() {
                ip::warnings(address.ip(), &at.index(index).child("ip"), &mut warnings);
            }
            let at = path.child("hostIPs");
            for (index, address) in status.host_ips().iter().enumerate() {
                ip::warnings(address.ip(), &at.index(index).child("ip"), &mut warnings);
            }
        }
        warnings
    }
}

/// Adds to selectors what `matchLabelKeys` and `mismatchLabelKeys` say by the pod's own labels.
fn select_by_own_labels(pod: &mut PodMut<'_>) {
    let spec = pod.view().spec();
    if spec.affinity().is_none() && spec.topology_spread_constraints().is_empty() {
        return;
    }
    let labels: Vec<(String, String)> = pod
        .view()
        .metadata()
        .labels()
        .iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let add =
        |selector: Option<LabelSelectorMut<'_>>, keys: Vec<String>, operator: &'static str| {
            let Some(mut selector) = selector else { return };
            for key in keys {
                let Some((_, value)) = labels.iter().find(|(name, _)| *name == key) else {
                    continue;
                };
                let mut expressions = selector.match_expressions_mut();
                let mut expression = expressions.push_new();
                expression.set_key(key);
                expression.set_operator(operator);
                expression.values_mut().push(value.clone());
            }
        };
    let mut spec = pod.spec_mut();
    for mut constraint in spec.topology_spread_constraints_mut().iter_mut() {
        let keys = owned(constraint.view().match_label_keys().iter());
        add(constraint.label_selector_mut(), keys, "In");
    }
    let Some(mut affinity) = spec.affinity_mut() else {
        return;
    };
    macro_rules! terms {
        ($affinity:expr) => {
            if let Some(mut affinity) = $affinity {
                let mut preferred =
                    affinity.preferred_during_scheduling_ignored_during_execution_mut();
                for mut term in preferred.iter_mut() {
                    let mut term = term.pod_affinity_term_mut();
                    let keys = owned(term.view().match_label_keys().iter());
                    add(term.label_selector_mut(), keys, "In");
                    let keys = owned(term.view().mismatch_label_keys().iter());
                    add(term.label_selector_mut(), keys, "NotIn");
                }
                let mut required =
                    affinity.required_during_scheduling_ignored_during_execution_mut();
                for mut term in required.iter_mut() {
                    let keys = owned(term.view().match_label_keys().iter());
                    add(term.label_selector_mut(), keys, "In");
                    let keys = owned(term.view().mismatch_label_keys().iter());
                    add(term.label_selector_mut(), keys, "NotIn");
                }
            }
        };
    }
    terms!(affinity.pod_affinity_mut());
    terms!(affinity.pod_anti_affinity_mut());
}

fn owned<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.map(str::to_owned).collect()
}

/// What annotations say of AppArmor becomes a field, and the client is told
/// (`applyAppArmorVersionSkew`).
fn take_app_armor_from_annotations(cx: &RequestContext, pod: &mut PodMut<'_>) {
    let view = pod.view();
    let is_windows = view.spec().os().is_some_and(|os| os.name() == "windows");
    let profiles: Vec<(String, String)> = view
        .metadata()
        .annotations()
        .iter()
        .filter_map(|(key, value)| {
            let container = key.strip_prefix(APP_ARMOR)?;
            Some((container.to_owned(), value.to_owned()))
        })
        .collect();
    if is_windows || profiles.is_empty() {
        return;
    }
    let of_pod = view
        .spec()
        .security_context()
        .and_then(|context| context.app_armor_profile())
        .map(|profile| {
            let file = profile.localhost_profile().map(str::to_owned);
            (profile.type_().to_owned(), file)
        });
    for_each_container_mut(&mut pod.spec_mut(), &mut |mut container| {
        let name = container.view().name().to_owned();
        let Some((_, annotation)) = profiles.iter().find(|(of, _)| *of == name) else {
            return;
        };
        let own = container.view().security_context();
        if own.is_some_and(|context| context.app_armor_profile().is_some()) {
            return;
        }
        let profile = app_armor_profile(annotation)
            .filter(|(_, file)| file.is_none_or(|file| file.trim() == file && file.len() <= 4095));
        let differs = match (profile, &of_pod) {
            (Some((kind, file)), Some((of_kind, of_file))) => {
                kind != of_kind || file != of_file.as_deref()
            }
            _ => true,
        };
        if !differs {
            return;
        }
        if let Some((kind, file)) = profile {
            let mut context = container.security_context_or_new();
            let mut field = context.app_armor_profile_or_new();
            field.set_type(kind);
            if let Some(file) = file {
                field.set_localhost_profile(file.to_owned());
            }
        }
        let path = Path::new("metadata.annotations");
        let key = format!("{APP_ARMOR}{name}");
        cx.warn(format!(
            "{}: deprecated since v1.30; use the \"appArmorProfile\" field instead",
            path.key(&key)
        ));
    });
}

/// What a kubelet forgets in a status is kept.
fn prepare_status(new: &mut PodMut<'_>, old: Pod<'_>) {
    let before = old.status();
    let mut status = new.status_mut();
    if status.view().qos_class().is_empty() && !before.qos_class().is_empty() {
        status.set_qos_class(before.qos_class().to_owned());
    }
    if status.view().observed_generation() == 0 && before.observed_generation() != 0 {
        status.set_observed_generation(before.observed_generation());
    }
    keep_observed_generations(status.record(), before);
    if before.node_allocatable_resource_claim_statuses().is_empty() {
        status.clear_node_allocatable_resource_claim_statuses();
    }
    drop_volume_statuses(status.record(), before);
}

/// The first condition of a type keeps what the first of that type had, the second what the second had.
fn keep_observed_generations(status: &mut Record, before: PodStatus<'_>) {
    let mut left: Vec<(&str, i64)> = before
        .conditions()
        .iter()
        .map(|condition| (condition.type_(), condition.observed_generation()))
        .collect();
    let mut status = pintle_api::core::v1::PodStatusMut::from_record(status);
    for mut condition in status.conditions_mut().iter_mut() {
        let at = left
            .iter()
            .position(|(name, _)| *name == condition.view().type_());
        let had = at.map_or(0, |at| left.remove(at).1);
        if condition.view().observed_generation() == 0 && had != 0 {
            condition.set_observed_generation(had);
        }
    }
}

/// The digests of image volumes are behind `ImageVolumeWithDigest`.
fn drop_volume_statuses(status: &mut Record, before: PodStatus<'_>) {
    let has_digest = |status: PodStatus<'_>| {
        [
            status.container_statuses(),
            status.init_container_statuses(),
            status.ephemeral_container_statuses(),
        ]
        .into_iter()
        .flat_map(|list| list.iter().collect::<Vec<_>>())
        .flat_map(|status| status.volume_mounts())
        .any(|mount| mount.volume_status().is_some())
    };
    let status_has = has_digest(PodStatus::from_record(status));
    if !status_has || has_digest(before) || is_on("ImageVolumeWithDigest") {
        return;
    }
    let mut status = pintle_api::core::v1::PodStatusMut::from_record(status);
    macro_rules! clear {
        ($list:ident) => {
            for mut container in status.$list().iter_mut() {
                for mut mount in container.volume_mounts_mut().iter_mut() {
                    mount.clear_volume_status();
                }
            }
        };
    }
    clear!(container_statuses_mut);
    clear!(init_container_statuses_mut);
    clear!(ephemeral_container_statuses_mut);
}

/// Metadata is not for subresources to change (`ResetObjectMetaForStatus`).
fn keep_metadata(new: &mut PodMut<'_>, old: Pod<'_>) {
    let before = old.metadata().record();
    let mut metadata = new.metadata_mut();
    let record = metadata.record();
    for name in [
        "deletionTimestamp",
        "generation",
        "selfLink",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    ] {
        let Some(at) = record.ty().field_index(name) else {
            continue;
        };
        match before.get(at) {
            Some(value) => record.set(at, value.clone()),
            None => record.remove(at),
        };
    }
}

fn only_ephemeral_containers(new: &mut PodMut<'_>, old: Pod<'_>) {
    let containers = take_field(new.spec_mut(), "ephemeralContainers");
    new.set_spec(old.spec().record().clone());
    put_field(new.spec_mut(), "ephemeralContainers", containers);
    keep_metadata(new, old);
    drop_disabled(&mut new.spec_mut(), Some(old.spec()));
}

/// Resources and resize policies come from `new`. Where containers came, went or moved, all does:
/// validation will say so.
fn only_resources(new: &mut PodMut<'_>, old: Pod<'_>) {
    let (now, before) = (new.view().spec(), old.spec());
    if now.containers().len() != before.containers().len()
        || now.init_containers().len() != before.init_containers().len()
    {
        return;
    }
    let containers = with_resources(now.containers().iter(), before.containers().iter());
    let init = with_resources(
        now.init_containers().iter(),
        before.init_containers().iter(),
    );
    let (containers, init) = (
        containers.or_else(|| field(now, "containers")),
        init.or_else(|| field(now, "initContainers")),
    );
    let of_pod = take_field(new.spec_mut(), "resources");
    new.set_spec(before.record().clone());
    put_field(new.spec_mut(), "containers", containers);
    put_field(new.spec_mut(), "initContainers", init);
    put_field(new.spec_mut(), "resources", of_pod);
    keep_metadata(new, old);
    drop_disabled(&mut new.spec_mut(), Some(before));
}

/// The old containers with the resources of the new ones; nothing if they are not in the same order.
fn with_resources<'a>(
    new: impl Iterator<Item = Container<'a>>,
    old: impl Iterator<Item = Container<'a>>,
) -> Option<Value> {
    let mut containers = Vec::new();
    for (new, old) in new.zip(old) {
        if new.name() != old.name() {
            return None;
        }
        let mut container = old.record().clone();
        for name in ["resources", "resizePolicy"] {
            let Some(at) = container.ty().field_index(name) else {
                continue;
            };
            match new.record().get(at) {
                Some(value) => container.set(at, value.clone()),
                None => container.remove(at),
            };
        }
        containers.push(Value::Record(container));
    }
    Some(Value::List(containers))
}

fn field(spec: PodSpec<'_>, name: &str) -> Option<Value> {
    spec.record().get_by_name(name).cloned()
}

fn take_field(mut spec: PodSpecMut<'_>, name: &str) -> Option<Value> {
    let record = spec.record();
    let at = record.ty().field_index(name)?;
    record.remove(at)
}

fn put_field(mut spec: PodSpecMut<'_>, name: &str, value: Option<Value>) {
    let record = spec.record();
    let Some(at) = record.ty().field_index(name) else {
        return;
    };
    match value {
        Some(Value::List(items)) if items.is_empty() => record.remove(at),
        Some(value) => record.set(at, value),
        None => record.remove(at),
    };
}
