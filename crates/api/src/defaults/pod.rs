//! Pods and pod templates.

use std::borrow::Cow;

use pintle_runtime::meta::{ObjectMeta, ObjectMetaMut};
use pintle_runtime::quantity::{Quantity, Scale};
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::StringMapMut;

use super::{fill, image, pod_resources, volume};
use crate::core::v1::{
    ContainerMut, EphemeralContainerMut, HTTPGetActionMut, LifecycleHandlerMut, PodMut, PodSpecMut,
    PodStatusMut, PodTemplateMut, PodTemplateSpecMut, ProbeMut, ResourceRequirementsMut,
};

pub(super) fn pod(object: &mut Record) {
    let mut pod = PodMut::from_record(object);
    let mut spec = pod.spec_mut();
    fill!(spec; enable_service_links set_enable_service_links = true);
    pod_spec(&mut spec);
    let host_network = spec.view().host_network();
    for at in 0..spec.view().init_containers().len() {
        if let Some(mut container) = spec.init_containers_mut().get_mut(at) {
            of_a_pod_alone(&mut container, host_network);
        }
    }
    for at in 0..spec.view().containers().len() {
        if let Some(mut container) = spec.containers_mut().get_mut(at) {
            of_a_pod_alone(&mut container, host_network);
        }
    }
    pod_resources::fill(&mut spec);
    if spec
        .view()
        .termination_grace_period_seconds()
        .is_some_and(|seconds| seconds < 0)
    {
        spec.set_termination_grace_period_seconds(1);
    }
    if has_old_annotations(pod.view().metadata()) {
        without_old_annotations(&mut pod.metadata_mut());
    }
    of_status(&mut pod.status_mut());
    let status = pod.view().status();
    if !status.pod_ip().is_empty() || !status.pod_ips().is_empty() {
        addresses(&mut pod.status_mut());
    }
}

/// Annotations that once said what fields say now.
const OLD_ANNOTATIONS: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

fn has_old_annotations(metadata: ObjectMeta<'_>) -> bool {
    let annotations = metadata.annotations();
    OLD_ANNOTATIONS
        .iter()
        .any(|name| annotations.contains_key(name))
}

fn without_old_annotations(metadata: &mut ObjectMetaMut<'_>) {
    for name in OLD_ANNOTATIONS {
        metadata.annotations_mut().remove(name);
    }
}

/// The one address and the many agree; where they differ, older kubelets are right.
fn addresses(status: &mut PodStatusMut<'_>) {
    let one = status.view().pod_ip().to_owned();
    let first = status
        .view()
        .pod_ips()
        .get(0)
        .map(|address| address.ip().to_owned());
    match first {
        Some(first) if one.is_empty() => status.set_pod_ip(first),
        Some(first) if first == one => {}
        None if one.is_empty() => {}
        _ => {
            status.clear_pod_ips();
            status.pod_ips_mut().push_new().set_ip(one);
        }
    }
}

/// What a node says that a pod has is counted as finely as what it asks for.
fn of_status(status: &mut PodStatusMut<'_>) {
    macro_rules! each {
        ($($list:ident),+) => {
            $(for mut container in status.$list().iter_mut() {
                quantities(container.allocated_resources_mut());
                if let Some(mut resources) = container.resources_mut() {
                    of_resources(&mut resources);
                }
            })+
        };
    }
    each!(
        init_container_statuses_mut,
        container_statuses_mut,
        ephemeral_container_statuses_mut
    );
    quantities(status.allocated_resources_mut());
    if let Some(mut resources) = status.resources_mut() {
        of_resources(&mut resources);
    }
}

/// What a container gets in a pod and not in a template: requests from limits, host ports.
fn of_a_pod_alone(container: &mut ContainerMut<'_>, host_network: bool) {
    requests_from_limits(&mut container.resources_mut());
    if host_network {
        for mut port in container.ports_mut().iter_mut() {
            let same = port.view().container_port();
            fill!(port; host_port set_host_port = same);
        }
    }
}

fn requests_from_limits(resources: &mut ResourceRequirementsMut<'_>) {
    let limits: Vec<(String, String)> = resources
        .view()
        .limits()
        .iter()
        .map(|(name, limit)| (name.to_owned(), limit.to_owned()))
        .collect();
    for (name, limit) in limits {
        if !resources.view().requests().contains_key(&name) {
            resources.requests_mut().insert(name, limit);
        }
    }
}

pub(super) fn pod_template(object: &mut Record) {
    template(&mut PodTemplateMut::from_record(object).template_mut());
}

pub(super) fn template(template: &mut PodTemplateSpecMut<'_>) {
    if has_old_annotations(template.view().metadata()) {
        without_old_annotations(&mut template.metadata_mut());
    }
    pod_spec(&mut template.spec_mut());
}

fn pod_spec(spec: &mut PodSpecMut<'_>) {
    for mut found in spec.volumes_mut().iter_mut() {
        volume::of_pod(&mut found);
    }
    fill!(spec;
        dns_policy set_dns_policy = "ClusterFirst",
        restart_policy set_restart_policy = "Always",
        termination_grace_period_seconds set_termination_grace_period_seconds = 30i64,
        scheduler_name set_scheduler_name = "default-scheduler",
    );
    spec.security_context_or_new();
    // Of the two names of the account the newer one counts.
    let account = match spec.view().service_account_name() {
        "" => spec.view().service_account().to_owned(),
        name => name.to_owned(),
    };
    if spec.view().service_account() != account {
        spec.set_service_account(account.clone());
    }
    if spec.view().service_account_name() != account {
        spec.set_service_account_name(account);
    }
    for mut found in spec.init_containers_mut().iter_mut() {
        container(&mut found);
    }
    for mut found in spec.containers_mut().iter_mut() {
        container(&mut found);
    }
    for mut found in spec.ephemeral_containers_mut().iter_mut() {
        ephemeral_container(&mut found);
    }
    quantities(spec.overhead_mut());
    if let Some(mut resources) = spec.resources_mut() {
        of_resources(&mut resources);
    }
}

/// The defaults of both sorts of containers, which have the same fields.
macro_rules! container_defaults {
    ($name:ident, $view:ident) => {
        fn $name(container: &mut $view<'_>) {
            if container.view().image_pull_policy().is_empty() {
                let policy = image::pull_policy(container.view().image());
                container.set_image_pull_policy(policy);
            }
            fill!(container;
                termination_message_path set_termination_message_path = "/dev/termination-log",
                termination_message_policy set_termination_message_policy = "File",
            );
            for mut port in container.ports_mut().iter_mut() {
                fill!(port; protocol set_protocol = "TCP");
            }
            for mut variable in container.env_mut().iter_mut() {
                let Some(mut from) = variable.value_from_mut() else { continue };
                if let Some(mut field) = from.field_ref_mut() {
                    fill!(field; api_version set_api_version = "v1");
                }
                if let Some(mut file) = from.file_key_ref_mut() {
                    fill!(file; optional set_optional = false);
                }
            }
            of_resources(&mut container.resources_mut());
            if let Some(probed) = container.liveness_probe_mut() {
                probe(probed);
            }
            if let Some(probed) = container.readiness_probe_mut() {
                probe(probed);
            }
            if let Some(probed) = container.startup_probe_mut() {
                probe(probed);
            }
            if let Some(mut lifecycle) = container.lifecycle_mut() {
                if let Some(mut handler) = lifecycle.post_start_mut() {
                    of_handler(&mut handler);
                }
                if let Some(mut handler) = lifecycle.pre_stop_mut() {
                    of_handler(&mut handler);
                }
            }
        }
    };
}

container_defaults!(container, ContainerMut);
container_defaults!(ephemeral_container, EphemeralContainerMut);

fn of_resources(resources: &mut ResourceRequirementsMut<'_>) {
    quantities(resources.limits_mut());
    quantities(resources.requests_mut());
}

fn of_handler(handler: &mut LifecycleHandlerMut<'_>) {
    if let Some(action) = handler.http_get_mut() {
        http_get(action);
    }
}

fn http_get(mut action: HTTPGetActionMut<'_>) {
    fill!(action; path set_path = "/", scheme set_scheme = "HTTP");
}

fn probe(mut probe: ProbeMut<'_>) {
    fill!(probe;
        timeout_seconds set_timeout_seconds = 1,
        period_seconds set_period_seconds = 10,
        success_threshold set_success_threshold = 1,
        failure_threshold set_failure_threshold = 3,
    );
    if let Some(action) = probe.http_get_mut() {
        http_get(action);
    }
    if let Some(mut action) = probe.grpc_mut() {
        fill!(action; service set_service = "");
    }
}

/// Resource amounts are kept to thousandths: finer ones are rounded up.
pub(super) fn quantities(mut map: StringMapMut<'_>) {
    if !map.view().is_present() {
        return;
    }
    for (_, value) in map.map_mut().iter_mut() {
        // Only these suffixes are finer than a thousandth.
        let Some(text) = value
            .as_str()
            .filter(|text| text.ends_with(['u', 'n', '.']) || text.contains(['e', 'E']))
        else {
            continue;
        };
        if let Ok(Cow::Owned(rounded)) = Quantity::canonicalize_rounded(text, Scale::MILLI) {
            *value = Value::String(Text::from(rounded));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};

    #[test]
    fn what_a_pod_has_is_counted_in_thousandths() {
        let fields = |amount: &str| {
            let has = format!(
                r#""allocatedResources":{{"cpu":"{amount}"}},"resources":{{"limits":{{"cpu":"{amount}"}}}}"#
            );
            format!(r#"{{"containerStatuses":[{{"name":"c",{has}}}],{has}}}"#)
        };
        let ty = crate::type_by_kind("", "v1", "Pod").expect("a kind");
        let status = |amount: &str| {
            let body = Bytes::from(format!(r#"{{"status":{}}}"#, fields(amount)));
            let mut pod = json::decode(&ty, &body, &mut Problems::ignored()).expect("a pod");
            crate::defaults::apply(&mut pod);
            crate::core::v1::Pod::from_record(&pod)
                .status()
                .record()
                .clone()
        };
        assert_eq!(status("1500u"), status("2m"));
    }
}
