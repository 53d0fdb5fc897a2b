//! A Service gets endpoints: the endpoint slice controller, and the one of endpoints before it.

use serde_json::{Value, json};

use crate::kubelet::{Kubelet, uid};
use crate::workloads::{PODS, schedule};
use crate::world::World;

const SERVICES: &str = "/api/v1/namespaces/default/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

#[tokio::test]
async fn a_service_gets_endpoints() {
    let world = World::start(&[]).await;
    let kubelet = Kubelet::register(&world, "node-1").await;
    let ports = json!([{"name": "http", "port": 80, "targetPort": "web"}]);
    let service = json!({
        "metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}, "ports": ports},
    });
    let service = world.make(SERVICES, "v1/Service", service).await;
    let container = json!({
        "name": "web", "image": "registry.example/web:1", "ports": [{"name": "web", "containerPort": 8080}],
    });
    for name in ["web-1", "web-2"] {
        let pod = json!({
            "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
            "spec": {"containers": [container]},
        });
        world.make(PODS, "v1/Pod", pod).await;
    }
    schedule(&world, "node-1").await;
    kubelet.run_all(&world).await;
    let pods = world.get(&format!("{PODS}?labelSelector=app%3Dweb")).await;
    let endpoint = |pod: &Value| {
        json!({
            "addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "targetRef": {"kind": "Pod", "namespace": "default", "name": pod["metadata"]["name"], "uid": uid(pod)},
        })
    };
    let ready: Vec<Value> = pods["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(endpoint)
        .collect();
    let owner = json!([{
        "apiVersion": "v1", "kind": "Service", "name": "web", "uid": uid(&service), "controller": true,
        "blockOwnerDeletion": true,
    }]);
    let slice = json!({
        "metadata": {
            "generateName": "web-", "namespace": "default", "ownerReferences": owner,
            "labels": {
                "kubernetes.io/service-name": "web",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"},
        },
        "addressType": "IPv4", "endpoints": ready,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    });
    let kind = "discovery.k8s.io/v1/EndpointSlice";
    let made = world.make(SLICES, kind, slice).await;
    let list = world
        .get(&format!(
            "{SLICES}?labelSelector=kubernetes.io/service-name%3Dweb"
        ))
        .await;
    let slices = list["items"].as_array().expect("a list");
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0]["endpoints"].as_array().map(Vec::len), Some(2));
    // A pod goes; its endpoint says so before it does.
    let mut changed = made.clone();
    changed["endpoints"][0]["conditions"] =
        json!({"ready": false, "serving": true, "terminating": true});
    let path = format!(
        "{SLICES}/{}",
        made["metadata"]["name"].as_str().expect("a name")
    );
    let changed = world.replace(&path, kind, changed).await;
    assert_eq!(changed["metadata"]["generation"], 2);
    let address = |pod: &Value| {
        json!({
            "ip": pod["status"]["podIP"], "nodeName": "node-1",
            "targetRef": {"kind": "Pod", "namespace": "default", "name": pod["metadata"]["name"], "uid": uid(pod)},
        })
    };
    let addresses: Vec<Value> = pods["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(address)
        .collect();
    let endpoints = json!({
        "metadata": {"name": "web", "namespace": "default"},
        "subsets": [{"addresses": addresses, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}],
    });
    let path = "/api/v1/namespaces/default/endpoints";
    let made = world.make(path, "v1/Endpoints", endpoints).await;
    assert_eq!(
        made["subsets"][0]["addresses"].as_array().map(Vec::len),
        Some(2)
    );
    // The service controller of a cloud.
    let mut balanced = world.get(&format!("{SERVICES}/web")).await;
    balanced["spec"]["type"] = "LoadBalancer".into();
    let mut balanced = world
        .replace(&format!("{SERVICES}/web"), "v1/Service", balanced)
        .await;
    assert!(balanced["spec"]["ports"][0]["nodePort"].is_number());
    balanced["status"] =
        json!({"loadBalancer": {"ingress": [{"ip": "198.51.100.7", "ipMode": "VIP"}]}});
    let path = format!("{SERVICES}/web/status");
    let said = world.replace(&path, "v1/Service", balanced).await;
    assert_eq!(
        said["status"]["loadBalancer"]["ingress"][0]["ip"],
        "198.51.100.7"
    );
}
