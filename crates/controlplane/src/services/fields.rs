//! Fields of a Service that belong together or were allocated: what a client means that leaves them out.

use std::collections::HashMap;

use pintle_api::core::v1::{ServiceMut, ServiceSpec, ServiceSpecMut};
use pintle_api::validation::service::{is_external, needs_health_check};
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};

use super::families::is_same;

/// Whether the type has addresses of the cluster.
pub fn needs_cluster_ip(spec: ServiceSpec<'_>) -> bool {
    spec.type_() != "ExternalName"
}

/// Whether the type has a port on every node that nobody needs to ask for.
pub fn needs_node_port(spec: ServiceSpec<'_>) -> bool {
    match spec.type_() {
        "NodePort" => true,
        "LoadBalancer" => spec.allocate_load_balancer_node_ports().unwrap_or(true),
        _ => false,
    }
}

/// Brings `clusterIP` and `clusterIPs` together: who knows one of them means both.
pub(super) fn normalize(mut new: ServiceSpecMut<'_>, old: Option<ServiceSpec<'_>>) {
    let ip = new.view().cluster_ip().to_owned();
    let none = new.view().cluster_ips().is_empty();
    let Some(old) = old else {
        if !ip.is_empty() && none {
            set_one(new, ip);
        }
        return;
    };
    let had = old.cluster_ip();
    if none && ip == had {
        copy_ips(&mut new, old);
    }
    if ip != had && is_same(new.view().cluster_ips(), old.cluster_ips()) {
        if ip.is_empty() {
            new.clear_cluster_ips();
        } else {
            set_one(new, ip);
        }
    }
}

fn set_one(mut spec: ServiceSpecMut<'_>, ip: String) {
    spec.set_cluster_ips(vec![Value::String(ip.into())]);
}

fn copy_ips(new: &mut ServiceSpecMut<'_>, old: ServiceSpec<'_>) {
    if old.cluster_ips().is_present() {
        new.set_cluster_ips(old.cluster_ips().values().to_vec());
    }
}

/// Puts back what was allocated where an update leaves it out.
pub(super) fn keep_allocated(mut new: ServiceSpecMut<'_>, old: ServiceSpec<'_>) {
    if needs_cluster_ip(new.view()) && needs_cluster_ip(old) {
        if new.view().cluster_ip().is_empty() {
            new.set_cluster_ip(Text::from(old.cluster_ip().to_owned()));
        }
        if new.view().cluster_ips().is_empty() && new.view().cluster_ip() == old.cluster_ip() {
            copy_ips(&mut new, old);
        }
    }
    if needs_node_port(new.view()) && needs_node_port(old) {
        keep_node_ports(&mut new, old);
    }
    if needs_health_check(new.view())
        && needs_health_check(old)
        && new.view().health_check_node_port() == 0
    {
        new.set_health_check_node_port(old.health_check_node_port());
    }
}

/// A port without a node port gets that of the old port of its name, if no other has it.
fn keep_node_ports(new: &mut ServiceSpecMut<'_>, old: ServiceSpec<'_>) {
    let had: HashMap<&str, i32> = old
        .ports()
        .iter()
        .map(|port| (port.name(), port.node_port()))
        .collect();
    let named = new.view();
    let named = named.ports().iter().map(|port| port.node_port());
    let mut used: Vec<i32> = named
        .filter(|port| had.values().any(|had| had == port))
        .collect();
    for mut port in new.ports_mut().iter_mut() {
        if port.view().node_port() != 0 {
            continue;
        }
        if let Some(had) = had.get(port.view().name()).copied()
            && had != 0
            && !used.contains(&had)
        {
            port.set_node_port(had);
            used.push(had);
        }
    }
}

/// Takes away what only the old type had, unless the update says something new of it.
pub fn drop_type_dependent(new: &mut Record, old: ServiceSpec<'_>) {
    let mut service = ServiceMut::from_record(new);
    let mut new = service.spec_mut();
    if needs_cluster_ip(old) && !needs_cluster_ip(new.view()) {
        if is_same(new.view().cluster_ips(), old.cluster_ips()) {
            new.clear_cluster_ip();
            new.clear_cluster_ips();
        }
        if is_same(new.view().ip_families(), old.ip_families()) {
            new.clear_ip_families();
        }
        if new.view().ip_family_policy() == old.ip_family_policy() {
            new.clear_ip_family_policy();
        }
        if new.view().internal_traffic_policy() == old.internal_traffic_policy() {
            new.clear_internal_traffic_policy();
        }
    }
    if needs_node_port(old) && !needs_node_port(new.view()) && adds_no_node_port(new.view(), old) {
        for mut port in new.ports_mut().iter_mut() {
            port.clear_node_port();
        }
    }
    if needs_health_check(old)
        && !needs_health_check(new.view())
        && new.view().health_check_node_port() == old.health_check_node_port()
    {
        new.clear_health_check_node_port();
    }
    let balanced = |spec: ServiceSpec<'_>| spec.type_() == "LoadBalancer";
    if balanced(old) && !balanced(new.view()) {
        if new.view().allocate_load_balancer_node_ports() == old.allocate_load_balancer_node_ports()
        {
            new.clear_allocate_load_balancer_node_ports();
        }
        if new.view().load_balancer_class() == old.load_balancer_class() {
            new.clear_load_balancer_class();
        }
    }
    if is_external(old)
        && !is_external(new.view())
        && new.view().external_traffic_policy() == old.external_traffic_policy()
    {
        new.clear_external_traffic_policy();
    }
}

fn adds_no_node_port(new: ServiceSpec<'_>, old: ServiceSpec<'_>) -> bool {
    let had = |number: i32| old.ports().iter().any(|port| port.node_port() == number);
    let mut numbers = new.ports().iter().map(|port| port.node_port());
    numbers.all(|number| number == 0 || had(number))
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use pintle_api::core::v1::Service;
    use pintle_runtime::codec::{Problems, json};

    use super::*;

    /// A Service called `a` with this `spec` and defaults.
    #[track_caller]
    pub(in crate::services) fn service(spec: &str) -> Record {
        let ty = pintle_api::type_by_kind("", "v1", "Service").expect("a kind");
        let body = Bytes::from(format!(r#"{{"metadata":{{"name":"a"}},"spec":{spec}}}"#));
        let mut record = json::decode(&ty, &body, &mut Problems::ignored()).expect("an object");
        pintle_api::defaults::apply(&mut record);
        record
    }

    fn shown(record: &Record) -> String {
        let mut out = Vec::new();
        json::encode(Service::from_record(record).spec().record(), &mut out);
        String::from_utf8(out).expect("text")
    }

    /// What an update makes of `new`, without what has defaults.
    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let (old, mut record) = (service(old), service(new));
        let old = Service::from_record(&old).spec();
        keep_allocated(ServiceMut::from_record(&mut record).spec_mut(), old);
        normalize(ServiceMut::from_record(&mut record).spec_mut(), Some(old));
        drop_type_dependent(&mut record, old);
        assert_eq!(shown(&record), shown(&service(expected)), "{new}");
    }

    const ONE: &str = r#"{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack"}"#;

    #[test]
    fn addresses_that_are_left_out_stay() {
        let kept = r#"{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"]}"#;
        check(ONE, "{}", kept);
        check(ONE, r#"{"clusterIP":"10.0.0.1"}"#, kept);
        check(ONE, r#"{"clusterIPs":["10.0.0.1"]}"#, kept);
        let other = r#"{"clusterIP":"10.0.0.2","clusterIPs":["10.0.0.2"]}"#;
        check(
            ONE,
            r#"{"clusterIP":"10.0.0.2","clusterIPs":["10.0.0.1"]}"#,
            other,
        );
    }

    #[test]
    fn node_ports_stay_with_the_name() {
        let old = r#"{"type":"NodePort","ports":[{"name":"a","port":1,"nodePort":30001},{"name":"b","port":2,"nodePort":30002}]}"#;
        check(
            old,
            r#"{"type":"NodePort","ports":[{"name":"b","port":3},{"name":"c","port":4}]}"#,
            r#"{"type":"NodePort","ports":[{"name":"b","port":3,"nodePort":30002},{"name":"c","port":4}]}"#,
        );
        check(
            old,
            r#"{"type":"NodePort","ports":[{"name":"a","port":1},{"name":"c","port":4,"nodePort":30001}]}"#,
            r#"{"type":"NodePort","ports":[{"name":"a","port":1},{"name":"c","port":4,"nodePort":30001}]}"#,
        );
        check(
            old,
            &old.replace("NodePort\",", "ClusterIP\","),
            r#"{"ports":[{"name":"a","port":1},{"name":"b","port":2}]}"#,
        );
    }

    #[test]
    fn what_only_the_old_type_had_goes() {
        let name = r#""type":"ExternalName","externalName":"a.b""#;
        check(
            ONE,
            &ONE.replacen('{', &format!("{{{name},"), 1),
            &format!("{{{name}}}"),
        );
        check(
            r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":30003,"loadBalancerClass":"a/b"}"#,
            r#"{"type":"ClusterIP","externalTrafficPolicy":"Local","healthCheckNodePort":30003,"loadBalancerClass":"a/b","allocateLoadBalancerNodePorts":true}"#,
            r#"{"type":"ClusterIP"}"#,
        );
    }
}
