//! A Job completes, and a namespace disappears.

use serde_json::{Value, json};

use crate::kubelet::Kubelet;
use crate::workloads::{PODS, owner, schedule};
use crate::world::World;

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// The job controller: it says what it sees.
async fn report(world: &World, status: Value) -> Value {
    let path = format!("{JOBS}/sum");
    let mut job = world.get(&path).await;
    job["status"] = status;
    world
        .replace(&format!("{path}/status"), "batch/v1/Job", job)
        .await
}

#[tokio::test]
async fn a_job_completes() {
    let world = World::start(&[]).await;
    let kubelet = Kubelet::register(&world, "node-1").await;
    let container = json!({"name": "sum", "image": "registry.example/sum:1"});
    let spec = json!({"restartPolicy": "Never", "containers": [container]});
    let job = json!({
        "metadata": {"name": "sum", "namespace": "default"}, "spec": {"template": {"spec": spec}},
    });
    let job = world.make(JOBS, "batch/v1/Job", job).await;
    let labels = &job["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        labels["batch.kubernetes.io/controller-uid"],
        job["metadata"]["uid"]
    );
    report(
        &world,
        json!({"startTime": "2026-01-01T00:00:00Z", "active": 0, "ready": 0}),
    )
    .await;
    let pod = json!({
        "metadata": {
            "generateName": "sum-", "namespace": "default", "labels": labels, "finalizers": [TRACKING],
            "ownerReferences": owner("Job", &job),
        },
        "spec": job["spec"]["template"]["spec"],
    });
    let pod = world.make(PODS, "v1/Pod", pod).await;
    let name = pod["metadata"]["name"].as_str().expect("a name").to_owned();
    let started = json!({"startTime": "2026-01-01T00:00:00Z", "active": 1, "ready": 0});
    report(&world, started).await;
    schedule(&world, "node-1").await;
    kubelet.say(&world, &name, "Running", "192.0.2.100").await;
    kubelet.say(&world, &name, "Succeeded", "192.0.2.100").await;
    // First it is counted, then the pod is let go, then the count is final.
    let uncounted = json!({"succeeded": [pod["metadata"]["uid"]]});
    let status = json!({
        "startTime": "2026-01-01T00:00:00Z", "active": 0, "ready": 0, "uncountedTerminatedPods": uncounted,
    });
    report(&world, status).await;
    let patch = json!({"metadata": {"uid": pod["metadata"]["uid"], "$deleteFromPrimitiveList/finalizers": [TRACKING]}});
    let path = format!("{PODS}/{name}");
    let freed = world
        .patch(&path, "application/strategic-merge-patch+json", &patch)
        .await;
    assert!(freed["metadata"]["finalizers"].is_null(), "{freed}");
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "CompletionsReached",
            "message": "Reached expected number of succeeded pods",
            "lastProbeTime": "2026-01-01T00:00:20Z", "lastTransitionTime": "2026-01-01T00:00:20Z",
        })
    };
    let done = json!({
        "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:20Z", "succeeded": 1, "ready": 0,
        "terminating": 0, "uncountedTerminatedPods": {},
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    });
    let done = report(&world, done).await;
    assert_eq!(done["status"]["succeeded"], 1);
    // What is complete stays so.
    let mut again = done.clone();
    again["status"]["conditions"] = json!([]);
    let path = format!("{JOBS}/sum/status");
    let (status, said) = world.send("PUT", &path, "batch/v1/Job", again).await;
    assert_eq!(status, 422, "{said}");
}

#[tokio::test]
async fn a_namespace_disappears() {
    let world = World::start(&[]).await;
    let namespaces = "/api/v1/namespaces";
    world
        .make(
            namespaces,
            "v1/Namespace",
            json!({"metadata": {"name": "blue"}}),
        )
        .await;
    let map = json!({"metadata": {"name": "m", "namespace": "blue"}});
    world
        .make(
            "/api/v1/namespaces/blue/configmaps",
            "v1/ConfigMap",
            map.clone(),
        )
        .await;
    let path = format!("{namespaces}/blue");
    let going = world.delete(&path, json!({})).await;
    assert_eq!(going["status"]["phase"], "Terminating");
    let maps = "/api/v1/namespaces/blue/configmaps";
    let (status, said) = world.send("POST", maps, "v1/ConfigMap", map).await;
    assert_eq!(status, 403, "{said}");
    // The namespace controller: everything that can be deleted as a collection is, then it looks whether anything is
    // left, says so, and takes its finalizer back.
    for (version, resources) in discovered(&world).await {
        for resource in resources {
            world
                .delete(&format!("{version}/namespaces/blue/{resource}"), json!({}))
                .await;
            let left = world
                .names(&format!("{version}/namespaces/blue/{resource}"))
                .await;
            assert!(left.is_empty(), "{resource}: {left:?}");
        }
    }
    let condition = |kind: &str, reason: &str| json!({"type": kind, "status": "False", "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let mut namespace = world.get(&path).await;
    namespace["status"]["conditions"] = json!([
        condition("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered"),
        condition("NamespaceContentRemaining", "ContentRemoved"),
    ]);
    let kind = "v1/Namespace";
    let mut namespace = world
        .replace(&format!("{path}/status"), kind, namespace)
        .await;
    assert_eq!(
        namespace["status"]["conditions"].as_array().map(Vec::len),
        Some(2)
    );
    namespace["spec"]["finalizers"] = json!([]);
    world
        .replace(&format!("{path}/finalize"), kind, namespace)
        .await;
    assert_eq!(world.status_of(&path).await, 404);
}

/// What discovery says lives in namespaces and is deleted as a collection, by group version.
async fn discovered(world: &World) -> Vec<(String, Vec<String>)> {
    let mut versions = vec!["/api/v1".to_owned()];
    let groups = world.get("/apis").await;
    for group in groups["groups"].as_array().into_iter().flatten() {
        let version = group["preferredVersion"]["groupVersion"]
            .as_str()
            .expect("a version");
        versions.push(format!("/apis/{version}"));
    }
    let mut found = Vec::new();
    for version in versions {
        let list = world.get(&version).await;
        let resources = list["resources"].as_array().into_iter().flatten();
        let wanted = resources.filter(|it| {
            let verbs = it["verbs"].as_array().into_iter().flatten();
            it["namespaced"] == true && verbs.clone().any(|verb| verb == "deletecollection")
        });
        let names = wanted
            .filter_map(|it| it["name"].as_str())
            .map(str::to_owned)
            .collect();
        found.push((version, names));
    }
    assert!(
        found
            .iter()
            .map(|(_, names): &(_, Vec<_>)| names.len())
            .sum::<usize>()
            > 25
    );
    found
}
