//! What a status endpoint leaves of metadata as it was.

use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{JSON, MERGE, Writer, body};

#[tokio::test]
async fn a_status_endpoint_keeps_of_metadata_what_its_kind_keeps() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let namespace = client.get("/api/v1/namespaces/default").await;
    // Pods need it, and a controller may be slower.
    let account = json!({"metadata": {"name": "default"}}).to_string();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    client.send("POST", accounts, JSON, account).await;
    let owner = json!({"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": namespace["metadata"]["uid"]});
    let change = json!({"metadata": {"labels": {"changed": "x"}, "annotations": {"changed": "x"}, "ownerReferences": [owner]}});
    let selector = json!({"matchLabels": {"a": "b"}});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "c"}]}});
    let workload = json!({"selector": selector, "template": template});
    let schema = json!({"openAPIV3Schema": {"type": "object"}});
    let definition = json!({
        "group": "a.example.com", "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
    });
    let service = json!({"group": "b.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1});
    let flow =
        json!({"matchingPrecedence": 9, "priorityLevelConfiguration": {"name": "catch-all"}});
    let all = ["labels", "annotations", "ownerReferences"];
    let cases: [(&str, &str, &Value, &[&str]); 6] = [
        (
            "/api/v1/namespaces/default/pods",
            "p",
            &template["spec"],
            &["labels", "annotations"],
        ),
        (
            "/apis/apps/v1/namespaces/default/replicasets",
            "r",
            &workload,
            &all,
        ),
        (
            "/apis/apps/v1/namespaces/default/deployments",
            "d",
            &workload,
            &["annotations", "ownerReferences"],
        ),
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "things.a.example.com",
            &definition,
            &all,
        ),
        (
            "/apis/apiregistration.k8s.io/v1/apiservices",
            "v1.b.example.com",
            &service,
            &[],
        ),
        (
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
            "f",
            &flow,
            &[],
        ),
    ];
    for (path, name, spec, written) in cases {
        client
            .create(path, &json!({"metadata": {"name": name}, "spec": spec}))
            .await;
        let status = format!("{path}/{name}/status");
        let answer = client.patch(&status, MERGE, &change).await;
        let metadata = &body(&answer)["metadata"];
        let found: Vec<&str> = all
            .into_iter()
            .filter(|field| {
                let value = &metadata[*field];
                value["changed"] == "x" || value[0]["name"] == "default"
            })
            .collect();
        assert_eq!(found, written, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_node_does_not_say_how_it_is_configured() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let source = json!({"configMap": {"name": "a", "namespace": "b", "kubeletConfigKey": "c"}});
    let node = json!({
        "metadata": {"name": "n"},
        "spec": {"configSource": source},
        "status": {"config": {"assigned": source}, "phase": "Running"},
    });
    let nodes = "/api/v1/nodes";
    client.create(nodes, &node).await;
    let found = client.get("/api/v1/nodes/n").await;
    assert_eq!(found["spec"]["configSource"], Value::Null);
    assert_eq!(found["status"]["config"], Value::Null);
    assert_eq!(found["status"]["phase"], "Running");
}

#[tokio::test]
async fn addresses_of_load_balancers_that_are_odd_are_warned_of() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let services = "/api/v1/namespaces/default/services";
    let spec = json!({"type": "LoadBalancer", "ports": [{"port": 80}]});
    let object = json!({"metadata": {"name": "s"}, "spec": spec});
    client.create(services, &object).await;
    let addresses = json!([{"ip": "192.0.2.1"}, {"ip": "2001:DB8::1"}]);
    let change = json!({"status": {"loadBalancer": {"ingress": addresses}}});
    let path = format!("{services}/s/status");
    let answer = client.patch(&path, MERGE, &change).await;
    assert_eq!(
        answer.header("warning"),
        Some(
            r#"299 - "status.loadBalancer.ingress[1]: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")""#
        ),
        "{}",
        answer.text()
    );
}
