//! A kubelet: it registers its node, tells that it is alive, and runs what is bound to it.

use serde_json::{Value, json};

use crate::workloads::PODS;
use crate::world::World;

const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// The uid of an object.
pub(crate) fn uid(object: &Value) -> Value {
    object["metadata"]["uid"].clone()
}

/// A kubelet and the name of its node.
pub(crate) struct Kubelet {
    node: String,
}

impl Kubelet {
    /// Makes the node, its CSINode and its lease, and says that the node is ready.
    pub(crate) async fn register(world: &World, node: &str) -> Self {
        let labels = json!({"kubernetes.io/hostname": node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"});
        let object = json!({
            "metadata": {"name": node, "labels": labels},
            "status": {
                "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "allocatable": {"cpu": "4", "memory": "7Gi", "pods": "110"},
                "addresses": [{"type": "InternalIP", "address": "192.0.2.10"}, {"type": "Hostname", "address": node}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            },
        });
        let made = world.make("/api/v1/nodes", "v1/Node", object).await;
        let taint = &made["spec"]["taints"][0];
        assert_eq!(
            taint["key"], "node.kubernetes.io/not-ready",
            "until it says that it is ready"
        );
        let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid(&made)}]);
        let csi =
            json!({"metadata": {"name": node, "ownerReferences": owner}, "spec": {"drivers": []}});
        world
            .make(
                "/apis/storage.k8s.io/v1/csinodes",
                "storage.k8s.io/v1/CSINode",
                csi,
            )
            .await;
        let lease = json!({
            "metadata": {"name": node, "namespace": "kube-node-lease", "ownerReferences": owner},
            "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": "2026-01-01T00:00:00.000000Z"},
        });
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
        world
            .make(leases, "coordination.k8s.io/v1/Lease", lease)
            .await;
        let kubelet = Self { node: node.into() };
        kubelet.beat(world, "2026-01-01T00:00:10Z").await;
        // The node lifecycle controller, once the node is ready.
        let path = format!("/api/v1/nodes/{node}");
        world
            .patch(&path, STRATEGIC, &json!({"spec": {"taints": null}}))
            .await;
        kubelet
    }

    /// A heartbeat: the lease by PUT, the conditions by a strategic merge patch.
    pub(crate) async fn beat(&self, world: &World, now: &str) {
        let path = format!(
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{}",
            self.node
        );
        let mut lease = world.get(&path).await;
        lease["spec"]["renewTime"] = now.replace('Z', ".000000Z").into();
        world
            .replace(&path, "coordination.k8s.io/v1/Lease", lease)
            .await;
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now, "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let patch = json!({"status": {
            "$setElementOrder/conditions": [{"type": "MemoryPressure"}, {"type": "Ready"}],
            "conditions": [{
                "type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory",
                "lastHeartbeatTime": now, "lastTransitionTime": "2026-01-01T00:00:00Z",
            }, ready],
        }});
        let path = format!("/api/v1/nodes/{}/status", self.node);
        let said = world.patch(&path, STRATEGIC, &patch).await;
        let conditions = said["status"]["conditions"].as_array().expect("a list");
        assert_eq!(conditions.len(), 2, "merged by type: {conditions:?}");
        assert_eq!(conditions[1]["lastHeartbeatTime"], now);
    }

    /// Runs every pod that is bound to the node.
    pub(crate) async fn run_all(&self, world: &World) {
        let selector = format!("fieldSelector=spec.nodeName%3D{}", self.node);
        for (at, name) in world
            .names(&format!("/api/v1/pods?{selector}"))
            .await
            .iter()
            .enumerate()
        {
            self.say(world, name, "Running", &format!("192.0.2.{}", 100 + at))
                .await;
        }
    }

    /// Says how a pod is, as kubelets do: only what has changed, and for this pod alone.
    pub(crate) async fn say(&self, world: &World, name: &str, phase: &str, address: &str) -> Value {
        let pod = world.get(&format!("{PODS}/{name}")).await;
        let ready = if phase == "Running" { "True" } else { "False" };
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let image = pod["spec"]["containers"][0]["image"].clone();
        let state = match phase {
            "Running" => json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}),
            _ => json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
        };
        let patch = json!({
            "metadata": {"uid": uid(&pod)},
            "status": {
                "$setElementOrder/conditions": [{"type": "Initialized"}, {"type": "Ready"}, {"type": "PodScheduled"}],
                "conditions": [condition("Initialized", "True"), condition("Ready", ready)],
                "containerStatuses": [{
                    "name": pod["spec"]["containers"][0]["name"], "image": image, "imageID": image, "lastState": {},
                    "ready": phase == "Running", "started": phase == "Running", "restartCount": 0, "state": state,
                }],
                "hostIP": "192.0.2.10", "phase": phase, "podIP": address, "podIPs": [{"ip": address}],
                "startTime": "2026-01-01T00:00:00Z",
            },
        });
        let said = world
            .patch(&format!("{PODS}/{name}/status"), STRATEGIC, &patch)
            .await;
        assert_eq!(said["status"]["phase"], phase);
        let kinds: Vec<_> = said["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(kinds.len(), 3, "what the scheduler said stays: {kinds:?}");
        said
    }

    /// Ends a pod whose deletion has begun: it says that nothing runs any more, and lets it go.
    pub(crate) async fn finish(&self, world: &World, name: &str) {
        let path = format!("{PODS}/{name}");
        let pod = world.get(&path).await;
        assert!(pod["metadata"]["deletionTimestamp"].is_string(), "{pod}");
        let address = pod["status"]["podIP"].as_str().expect("an address");
        self.say(world, name, "Succeeded", address).await;
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": uid(&pod)}});
        world.delete(&path, options).await;
        assert_eq!(world.status_of(&path).await, 404);
    }
}

#[tokio::test]
async fn who_leads_is_settled_by_a_lease() {
    let world = World::start(&[]).await;
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let path = format!("{leases}/kube-controller-manager");
    let kind = "coordination.k8s.io/v1/Lease";
    let held_by = |who: &str| {
        json!({
            "metadata": {"name": "kube-controller-manager", "namespace": "kube-system"},
            "spec": {
                "holderIdentity": who, "leaseDurationSeconds": 15, "leaseTransitions": 0,
                "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
            },
        })
    };
    assert_eq!(world.status_of(&path).await, 404);
    let first = world.make(leases, kind, held_by("one")).await;
    let (status, said) = world.send("POST", leases, kind, held_by("two")).await;
    assert_eq!((status, &said["reason"]), (409, &json!("AlreadyExists")));
    let mut renewed = first.clone();
    renewed["spec"]["renewTime"] = "2026-01-01T00:00:02.000000Z".into();
    world.replace(&path, kind, renewed).await;
    let mut stolen = first;
    stolen["spec"]["holderIdentity"] = "two".into();
    let (status, said) = world.send("PUT", &path, kind, stolen).await;
    assert_eq!((status, &said["reason"]), (409, &json!("Conflict")));
    let held = world.get(&path).await;
    assert_eq!(held["spec"]["holderIdentity"], "one");
    assert_eq!(held["spec"]["renewTime"], "2026-01-01T00:00:02.000000Z");
}

#[tokio::test]
async fn an_event_that_happens_again_is_counted() {
    let world = World::start(&[]).await;
    let events = "/api/v1/namespaces/default/events";
    let event = json!({
        "metadata": {"name": "web.1", "namespace": "default"}, "reason": "BackOff", "type": "Warning", "count": 1,
        "message": "Back-off restarting failed container", "source": {"component": "kubelet", "host": "node-1"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web", "apiVersion": "v1"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
    });
    world.make(events, "v1/Event", event).await;
    let patch = json!({"count": 2, "lastTimestamp": "2026-01-01T00:00:10Z"});
    let said = world
        .patch(&format!("{events}/web.1"), STRATEGIC, &patch)
        .await;
    assert_eq!(
        (&said["count"], &said["reason"]),
        (&json!(2), &json!("BackOff"))
    );
    let path = "/apis/events.k8s.io/v1/namespaces/default/events/web.1";
    assert_eq!(world.get(path).await["deprecatedCount"], 2);
}
