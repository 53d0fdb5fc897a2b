//! The rest of the core group, and EndpointSlices.

use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{IntOrString, StringMapMut};

use super::fill;
use super::pod::quantities;
use crate::core::v1::{
    EndpointsMut, LimitRangeItemMut, LimitRangeMut, NamespaceMut, NodeMut, NodeSpecMut,
    ResourceQuotaMut, SecretMut, ServiceMut,
};
use crate::discovery::v1::EndpointSliceMut;
use crate::node::v1::RuntimeClassMut;

/// Three hours.
const AFFINITY_SECONDS: i32 = 10_800;

pub(super) fn service(object: &mut Record) {
    let mut service = ServiceMut::from_record(object);
    let mut spec = service.spec_mut();
    fill!(spec; session_affinity set_session_affinity = "None");
    match spec.view().session_affinity() {
        "None" => spec.clear_session_affinity_config(),
        "ClientIP" => {
            let mut config = spec.session_affinity_config_or_new();
            fill!(config.client_ip_or_new(); timeout_seconds set_timeout_seconds = AFFINITY_SECONDS);
        }
        _ => {}
    }
    fill!(spec; type_ set_type = "ClusterIP");
    for mut port in spec.ports_mut().iter_mut() {
        fill!(port; protocol set_protocol = "TCP");
        if matches!(
            port.view().target_port(),
            IntOrString::Int(0) | IntOrString::String("")
        ) {
            let same = port.view().port();
            port.set_target_port(IntOrString::Int(same));
        }
    }
    let (internal, external, balanced) = match spec.view().type_() {
        "NodePort" => (true, true, false),
        "LoadBalancer" => (true, true, true),
        "ClusterIP" => (true, !spec.view().external_ips().is_empty(), false),
        _ => (false, false, false),
    };
    if external {
        fill!(spec; external_traffic_policy set_external_traffic_policy = "Cluster");
    }
    if internal {
        fill!(spec; internal_traffic_policy set_internal_traffic_policy = "Cluster");
    }
    if balanced {
        fill!(spec; allocate_load_balancer_node_ports set_allocate_load_balancer_node_ports = true);
        let mut status = service.status_mut();
        for mut ingress in status.load_balancer_mut().ingress_mut().iter_mut() {
            if !ingress.view().ip().is_empty() {
                fill!(ingress; ip_mode set_ip_mode = "VIP");
            }
        }
    }
}

/// Text that a client writes as `stringData` is `data` to everybody else.
pub(super) fn secret(object: &mut Record) {
    let mut secret = SecretMut::from_record(object);
    let texts = secret.view().string_data().map().cloned();
    for (key, text) in texts.into_iter().flatten() {
        let bytes = text.as_str().unwrap_or("").to_owned().into_bytes();
        secret.data_mut().insert(key, Value::Bytes(bytes.into()));
    }
    secret.clear_string_data();
    fill!(secret; type_ set_type = "Opaque");
}

pub(super) fn namespace(object: &mut Record) {
    let mut namespace = NamespaceMut::from_record(object);
    let name = namespace.view().metadata().name().to_owned();
    if !name.is_empty() {
        namespace
            .metadata_mut()
            .labels_mut()
            .insert("kubernetes.io/metadata.name", name);
    }
    fill!(namespace.status_mut(); phase set_phase = "Active");
}

pub(super) fn node(object: &mut Record) {
    let mut node = NodeMut::from_record(object);
    pod_networks(&mut node.spec_mut());
    let mut status = node.status_mut();
    quantities(status.capacity_mut());
    quantities(status.allocatable_mut());
    let missing = !status.view().allocatable().is_present();
    if missing && let Some(capacity) = status.view().capacity().map().cloned() {
        *status.allocatable_mut().map_mut() = capacity;
    }
}

/// A node had one network before it had several; the one is the first of them. Where they disagree, the
/// one counts, as kubelets from before the others write it.
fn pod_networks(spec: &mut NodeSpecMut<'_>) {
    let one = spec.view().pod_cidr().to_owned();
    let first = spec.view().pod_cidrs().first().unwrap_or("").to_owned();
    if !one.is_empty() && one != first {
        spec.clear_pod_cidrs();
        spec.pod_cidrs_mut().push(one);
    } else if one.is_empty() && !first.is_empty() {
        spec.set_pod_cidr(first);
    }
}

pub(super) fn endpoints(object: &mut Record) {
    for mut subset in EndpointsMut::from_record(object).subsets_mut().iter_mut() {
        for mut port in subset.ports_mut().iter_mut() {
            fill!(port; protocol set_protocol = "TCP");
        }
    }
}

pub(super) fn endpoint_slice(object: &mut Record) {
    for mut port in EndpointSliceMut::from_record(object).ports_mut().iter_mut() {
        fill!(port; name set_name = "", protocol set_protocol = "TCP");
    }
}

pub(super) fn limit_range(object: &mut Record) {
    let mut range = LimitRangeMut::from_record(object);
    for mut item in range.spec_mut().limits_mut().iter_mut() {
        if item.view().type_() == "Container" {
            container_limits(&mut item);
        }
        quantities(item.max_mut());
        quantities(item.min_mut());
        quantities(item.default_mut());
        quantities(item.default_request_mut());
        quantities(item.max_limit_request_ratio_mut());
    }
}

pub(super) fn resource_quota(object: &mut Record) {
    let mut quota = ResourceQuotaMut::from_record(object);
    quantities(quota.spec_mut().hard_mut());
    let mut status = quota.status_mut();
    quantities(status.hard_mut());
    quantities(status.used_mut());
}

pub(super) fn runtime_class(object: &mut Record) {
    if let Some(mut overhead) = RuntimeClassMut::from_record(object).overhead_mut() {
        quantities(overhead.pod_fixed_mut());
    }
}

/// A limit that is not given is the maximum; a request that is not given is the limit, or the minimum.
fn container_limits(item: &mut LimitRangeItemMut<'_>) {
    let of = |map: pintle_runtime::view::StringMap<'_>| -> Vec<(String, String)> {
        map.iter()
            .map(|(name, amount)| (name.to_owned(), amount.to_owned()))
            .collect()
    };
    let (max, min) = (of(item.view().max()), of(item.view().min()));
    add_missing(item.default_mut(), max);
    let limits = of(item.view().default());
    add_missing(item.default_request_mut(), limits);
    add_missing(item.default_request_mut(), min);
}

fn add_missing(mut map: StringMapMut<'_>, entries: Vec<(String, String)>) {
    for (name, amount) in entries {
        if !map.view().contains_key(&name) {
            map.insert(name, amount);
        }
    }
}
