//! Plug-ins that flags turn on, and the settings of plug-ins.

use serde_json::{Value, json};

use crate::{PODS, World, pod};

async fn with(plugins: &str) -> World {
    World::start(&[&format!("--enable-admission-plugins={plugins}")]).await
}

#[tokio::test]
async fn images_are_always_pulled() {
    let world = with("AlwaysPullImages").await;
    let containers = json!([{"name": "c", "imagePullPolicy": "Never"}]);
    let made = world
        .make(PODS, pod("a", json!({"containers": containers})))
        .await;
    assert_eq!(made["spec"]["containers"][0]["imagePullPolicy"], "Always");
}

#[tokio::test]
async fn pods_keep_others_from_their_host_alone() {
    let world = with("LimitPodHardAntiAffinityTopology").await;
    let term = json!([{"topologyKey": "zone", "labelSelector": {}}]);
    let affinity =
        json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}});
    world
        .refused(
            PODS,
            pod("a", json!({"affinity": affinity})),
            "pods \"a\" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key \
             kubernetes.io/hostname is allowed",
        )
        .await;
}

#[tokio::test]
async fn devices_are_tolerated_by_those_that_want_them() {
    let world = with("ExtendedResourceToleration").await;
    let device = json!({"example.com/gpu": "1"});
    let resources = json!({"requests": device, "limits": device});
    let containers = json!([{"name": "c", "resources": resources}]);
    let made = world
        .make(PODS, pod("a", json!({"containers": containers})))
        .await;
    let wanted = json!({"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule"});
    let tolerations = made["spec"]["tolerations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(tolerations.contains(&wanted), "{tolerations:?}");
}

#[tokio::test]
async fn external_ips_are_denied() {
    let world = with("DenyServiceExternalIPs").await;
    let service = json!({
        "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]},
    });
    world
        .refused(
            "/api/v1/namespaces/default/services",
            service,
            "services \"s\" is forbidden: Use of external IPs is denied by admission control",
        )
        .await;
}

#[tokio::test]
async fn namespaces_come_into_being() {
    let world = with("NamespaceAutoProvision").await;
    world
        .make(
            "/api/v1/namespaces/new/configmaps",
            json!({"metadata": {"name": "m"}}),
        )
        .await;
    let said = world
        .send("GET", "/api/v1/namespaces/new", &Value::Null)
        .await;
    assert_eq!(said.body["status"]["phase"], "Active");
}

#[tokio::test]
async fn namespaces_say_where_pods_run_and_what_they_tolerate() {
    let world = with("PodNodeSelector,PodTolerationRestriction").await;
    let prefix = "scheduler.alpha.kubernetes.io";
    let annotations = json!({"metadata": {"annotations": {
        format!("{prefix}/node-selector"): "env=test",
        format!("{prefix}/defaultTolerations"): "[{\"key\":\"a\",\"operator\":\"Exists\"}]",
    }}});
    let said = world
        .send("PATCH", "/api/v1/namespaces/default", &annotations)
        .await;
    assert_eq!(said.status, 200, "{}", said.body);
    let made = world.make(PODS, pod("a", json!({}))).await;
    assert_eq!(made["spec"]["nodeSelector"], json!({"env": "test"}));
    assert_eq!(
        made["spec"]["tolerations"][0],
        json!({"key": "a", "operator": "Exists"})
    );
    world
        .refused(
            PODS,
            pod("b", json!({"nodeSelector": {"env": "other"}})),
            "pods \"b\" is forbidden: pod node label selector conflicts with its namespace node label selector",
        )
        .await;
}

#[tokio::test]
async fn settings_come_from_a_file() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("admission.yaml");
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  \
                configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: \
                PodSecurityConfiguration\n    defaults: {enforce: baseline}\n    exemptions: {namespaces: \
                [kube-system]}\n- name: EventRateLimit\n  path: events.yaml\n";
    std::fs::write(&file, text).expect("the file can be written");
    let events = "limits:\n- {type: Server, qps: 1, burst: 1}\n";
    std::fs::write(folder.path().join("events.yaml"), events).expect("the file can be written");
    let world = World::start(&[
        &format!("--admission-control-config-file={}", file.display()),
        "--enable-admission-plugins=EventRateLimit",
    ])
    .await;
    world
        .refused(
            PODS,
            pod("a", json!({"hostPID": true})),
            "pods \"a\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostPID=true)",
        )
        .await;
    let event = |name: &str| {
        let object = json!({"kind": "Pod", "namespace": "default", "name": "p"});
        json!({"metadata": {"name": name}, "involvedObject": object})
    };
    let path = "/api/v1/namespaces/default/events";
    let mut statuses = Vec::new();
    for name in ["a", "b", "c"] {
        statuses.push(world.send("POST", path, &event(name)).await.status);
    }
    assert!(
        statuses.contains(&201) && statuses.contains(&429),
        "{statuses:?}"
    );
}
