//! A Deployment reaches its replicas: deployment controller, replica set controller, scheduler and kubelet in turn.

use pintle_tests::http::Headers;
use serde_json::{Value, json};

use crate::kubelet::{Kubelet, uid};
use crate::world::{World, decoded};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";
pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";

/// Who an object belongs to.
pub(crate) fn owner(kind: &str, of: &Value) -> Value {
    let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    json!([{
        "apiVersion": api_version, "kind": kind, "name": of["metadata"]["name"], "uid": uid(of),
        "controller": true, "blockOwnerDeletion": true,
    }])
}

fn template(labels: &Value) -> Value {
    json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [{
            "name": "web", "image": "registry.example/web:1", "ports": [{"name": "http", "containerPort": 8080}],
        }]},
    })
}

/// The deployment controller: a replica set for the template, whose name says which.
async fn roll_out(world: &World, deployment: &Value, hash: &str) -> Value {
    let labels = json!({"app": "web", "pod-template-hash": hash});
    let name = format!("web-{hash}");
    let annotations = json!({
        "deployment.kubernetes.io/desired-replicas": "2", "deployment.kubernetes.io/max-replicas": "3",
        "deployment.kubernetes.io/revision": "1",
    });
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"] = labels.clone();
    let set = json!({
        "metadata": {
            "name": name, "namespace": "default", "labels": labels, "annotations": annotations,
            "ownerReferences": owner("Deployment", deployment),
        },
        "spec": {
            "replicas": deployment["spec"]["replicas"], "selector": {"matchLabels": labels}, "template": template,
        },
    });
    world.make(SETS, "apps/v1/ReplicaSet", set).await
}

/// The replica set controller: pods from the template.
async fn fill(world: &World, set: &Value) {
    for _ in 0..set["spec"]["replicas"].as_u64().expect("a number") {
        let pod = json!({
            "metadata": {
                "generateName": format!("{}-", set["metadata"]["name"].as_str().expect("a name")),
                "namespace": "default", "labels": set["spec"]["template"]["metadata"]["labels"],
                "ownerReferences": owner("ReplicaSet", set),
            },
            "spec": set["spec"]["template"]["spec"],
        });
        world.make(PODS, "v1/Pod", pod).await;
    }
}

/// The scheduler: what waits for a node gets one.
pub(crate) async fn schedule(world: &World, node: &str) {
    let waiting = "fieldSelector=spec.nodeName%3D,status.phase!%3DSucceeded,status.phase!%3DFailed";
    for name in world.names(&format!("/api/v1/pods?{waiting}")).await {
        let pod = world.get(&format!("{PODS}/{name}")).await;
        let binding = json!({
            "metadata": {"name": name, "namespace": "default", "uid": uid(&pod)},
            "target": {"kind": "Node", "name": node},
        });
        let path = format!("{PODS}/{name}/binding");
        let said = world.make(&path, "v1/Binding", binding.clone()).await;
        assert_eq!(said["status"], "Success", "{said}");
        let (status, said) = world.send("POST", &path, "v1/Binding", binding).await;
        assert_eq!(status, 409, "a pod is bound once: {said}");
        let event = json!({
            "metadata": {"name": format!("{name}.1"), "namespace": "default"},
            "eventTime": "2026-01-01T00:00:00.000001Z", "reportingController": "default-scheduler",
            "reportingInstance": "default-scheduler-here", "action": "Binding", "reason": "Scheduled", "type": "Normal",
            "regarding": {"kind": "Pod", "namespace": "default", "name": name, "uid": uid(&pod), "apiVersion": "v1"},
            "note": format!("Successfully assigned default/{name} to {node}"),
        });
        let path = "/apis/events.k8s.io/v1/namespaces/default/events";
        world.make(path, "events.k8s.io/v1/Event", event).await;
    }
}

/// What a controller says of its replicas.
async fn report(world: &World, path: &str, kind: &str, status: Value) -> Value {
    let mut object = world.get(path).await;
    object["status"] = status;
    object["status"]["observedGeneration"] = object["metadata"]["generation"].clone();
    world.replace(&format!("{path}/status"), kind, object).await
}

#[tokio::test]
async fn a_deployment_reaches_its_replicas() {
    let world = World::start(&[]).await;
    let kubelet = Kubelet::register(&world, "node-1").await;
    let labels = json!({"app": "web"});
    let deployment = json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template(&labels)},
    });
    let deployment = world
        .make(DEPLOYMENTS, "apps/v1/Deployment", deployment)
        .await;
    assert_eq!(deployment["spec"]["strategy"]["type"], "RollingUpdate");
    let set = roll_out(&world, &deployment, "5d4f8c7b9").await;
    fill(&world, &set).await;
    schedule(&world, "node-1").await;
    let mine = world
        .names("/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1")
        .await;
    assert_eq!(mine.len(), 2);
    kubelet.run_all(&world).await;
    let replicas = json!({"replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
    let path = format!("{SETS}/web-5d4f8c7b9");
    report(&world, &path, "apps/v1/ReplicaSet", replicas).await;
    let condition = json!({
        "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
        "message": "Deployment has minimum availability.",
        "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let status = json!({
        "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "conditions": [condition],
    });
    let path = format!("{DEPLOYMENTS}/web");
    let done = report(&world, &path, "apps/v1/Deployment", status).await;
    assert_eq!(done["status"]["availableReplicas"], 2);
    assert_eq!(
        done["metadata"]["generation"], 1,
        "a status is no new generation"
    );

    // `kubectl scale`, and the controllers after it.
    let scale = json!({
        "metadata": {"name": "web", "namespace": "default"}, "spec": {"replicas": 1},
    });
    let scaled = world
        .replace(&format!("{path}/scale"), "autoscaling/v1/Scale", scale)
        .await;
    assert_eq!(
        (&scaled["spec"]["replicas"], &scaled["status"]["replicas"]),
        (&json!(1), &json!(2))
    );
    let names = world.names(PODS).await;
    let pod = world.get(&format!("{PODS}/{}", names[0])).await;
    let options = json!({"preconditions": {"uid": uid(&pod)}});
    let going = world.delete(&format!("{PODS}/{}", names[0]), options).await;
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 30);
    kubelet.finish(&world, &names[0]).await;
    assert_eq!(world.names(PODS).await.len(), 1);
}

#[tokio::test]
async fn informers_learn_of_everything_in_order() {
    let world = World::start(&[]).await;
    for name in ["a", "b"] {
        let map = json!({"metadata": {"name": name, "namespace": "default"}});
        world
            .make("/api/v1/namespaces/default/configmaps", "v1/ConfigMap", map)
            .await;
    }
    let headers: Headers = vec![
        (
            "authorization".into(),
            format!("Bearer {}", world.server.token()),
        ),
        (
            "accept".into(),
            "application/vnd.kubernetes.protobuf;stream=watch,application/json;stream=watch".into(),
        ),
    ];
    let path = "/api/v1/namespaces/default/configmaps?watch=true&sendInitialEvents=true\
                &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=300";
    let mut connection = world
        .server
        .endpoint()
        .connect()
        .await
        .expect("a connection");
    let answer = connection
        .open("GET", path, &headers, None)
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut events = Events {
        body: answer.into_body(),
        read: Vec::new(),
    };
    for expected in ["ADDED a", "ADDED b"] {
        assert_eq!(events.next().await.0, expected);
    }
    let (said, bookmark) = events.next().await;
    assert_eq!(said, "BOOKMARK ");
    assert_eq!(
        bookmark["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    let map = json!({"metadata": {"name": "c", "namespace": "default"}});
    world
        .make("/api/v1/namespaces/default/configmaps", "v1/ConfigMap", map)
        .await;
    world
        .delete("/api/v1/namespaces/default/configmaps/a", json!({}))
        .await;
    for expected in ["ADDED c", "DELETED a"] {
        assert_eq!(events.next().await.0, expected);
    }
}

/// The events of a watch in protobuf: each behind its length, in four bytes.
struct Events {
    body: hyper::body::Incoming,
    read: Vec<u8>,
}

impl Events {
    /// What happened to what, and the object.
    async fn next(&mut self) -> (String, Value) {
        use http_body_util::BodyExt;
        loop {
            if let Some((length, rest)) = self.read.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*length) as usize;
                if rest.len() >= length {
                    let event = decoded_event(&rest[..length]);
                    self.read.drain(..4 + length);
                    return event;
                }
            }
            let frame = self
                .body
                .frame()
                .await
                .expect("the watch goes on")
                .expect("a frame");
            self.read
                .extend_from_slice(&frame.into_data().expect("data"));
        }
    }
}

/// A `WatchEvent`: its type, and in the raw extension the object in an envelope of its own.
fn decoded_event(bytes: &[u8]) -> (String, Value) {
    let (mut what, mut object, mut rest) = (String::new(), Value::Null, bytes);
    while let [tag, after @ ..] = rest {
        let (length, after) = varint(after);
        let (content, after) = after.split_at(length);
        match tag {
            0x0a => what = String::from_utf8_lossy(content).into_owned(),
            _ => {
                let (inner, raw) = varint(&content[1..]);
                object = decoded(&bytes::Bytes::copy_from_slice(&raw[..inner]));
            }
        }
        rest = after;
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    (format!("{what} {name}"), object)
}

/// A number as protobuf writes lengths, and what follows it.
fn varint(bytes: &[u8]) -> (usize, &[u8]) {
    let last = bytes
        .iter()
        .position(|byte| byte & 0x80 == 0)
        .expect("an end");
    let number = bytes[..=last]
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    (number, &bytes[last + 1..])
}
