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
    // The name of one that has none yet is not what it begins with.
    let mut unnamed = pod("", json!({"nodeSelector": {"env": "other"}}));
    unnamed["metadata"] = json!({"generateName": "c-"});
    world
        .refused(
            PODS,
            unnamed,
            "pods is forbidden: pod node label selector conflicts with its namespace node label selector",
        )
        .await;
}

#[tokio::test]
async fn what_pods_tolerate_at_most_is_said_for_a_namespace_or_for_all() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("admission.yaml");
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: \
                PodTolerationRestriction\n  configuration:\n    apiVersion: \
                podtolerationrestriction.admission.k8s.io/v1alpha1\n    kind: Configuration\n    whitelist:\n    - {key: a, \
                operator: Exists}\n";
    std::fs::write(&file, text).expect("the file can be written");
    let world = World::start(&[
        &format!("--admission-control-config-file={}", file.display()),
        "--enable-admission-plugins=PodTolerationRestriction",
        "--disable-admission-plugins=DefaultTolerationSeconds",
    ])
    .await;
    let tolerates = |name: &str, key: &str| {
        pod(
            name,
            json!({"tolerations": [{"key": key, "operator": "Exists"}]}),
        )
    };
    world.make(PODS, tolerates("a", "a")).await;
    let refused = |scope: &str| {
        format!(
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its {scope} whitelist"
        )
    };
    world
        .refused(PODS, tolerates("b", "b"), &refused("cluster"))
        .await;
    let annotation = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
    let annotations = json!({"metadata": {"annotations": {annotation: "[{\"key\":\"b\",\"operator\":\"Exists\"}]"}}});
    let namespace = "/api/v1/namespaces/default";
    let said = world.send("PATCH", namespace, &annotations).await;
    assert_eq!(said.status, 200, "{}", said.body);
    world.make(PODS, tolerates("b", "b")).await;
    world
        .refused(PODS, tolerates("c", "a"), &refused("namespace"))
        .await;
}

#[tokio::test]
async fn owners_wait_for_those_whose_makers_may_finalize_them() {
    let world = with("OwnerReferencesPermissionEnforcement").await;
    let maps = "/api/v1/namespaces/default/configmaps";
    let owned = |name: &str, kind: &str| {
        let owner = json!({"apiVersion": "v1", "kind": kind, "name": "o", "uid": "u", "blockOwnerDeletion": true});
        json!({"metadata": {"name": name, "ownerReferences": [owner]}})
    };
    // Whoever may finalize anything need not say what it is.
    world.make(maps, owned("a", "Unknown")).await;
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let rule =
        json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "delete"]});
    let role = json!({"metadata": {"name": "r"}, "rules": [rule]});
    world.make(&format!("{rbac}/clusterroles"), role).await;
    let group = "rbac.authorization.k8s.io";
    let subject = json!({"apiGroup": group, "kind": "User", "name": "alice"});
    let role = json!({"apiGroup": group, "kind": "ClusterRole", "name": "r"});
    let binding = json!({"metadata": {"name": "b"}, "subjects": [subject], "roleRef": role});
    world
        .make(&format!("{rbac}/clusterrolebindings"), binding)
        .await;
    let said = world
        .send_as("alice", "POST", maps, &owned("b", "Secret"))
        .await;
    assert_eq!(
        said.body["message"],
        "configmaps \"b\" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set \
         finalizers on: , <nil>"
    );
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
    let events = "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits:\n- {type: Server, qps: \
                  1, burst: 1}\n";
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

#[tokio::test]
async fn privileged_containers_need_a_flag() {
    let containers = json!([{"name": "c", "securityContext": {"privileged": true}}]);
    let object = pod("a", json!({"containers": containers}));
    World::start(&[])
        .await
        .refused(
            PODS,
            object.clone(),
            "Pod \"a\" is invalid: spec.containers[0].securityContext.privileged: Forbidden: disallowed by cluster policy",
        )
        .await;
    let world = World::start(&["--allow-privileged=true"]).await;
    world.make(PODS, object).await;
}

#[tokio::test]
async fn fields_of_features_are_kept_while_these_are_on() {
    let signal = json!({"stopSignal": "SIGUSR1"});
    let containers = json!([{"name": "c", "lifecycle": signal}]);
    let object = pod(
        "a",
        json!({"os": {"name": "linux"}, "containers": containers}),
    );
    let kept = |made: &Value| made["spec"]["containers"][0]["lifecycle"].clone();
    let made = World::start(&[]).await.make(PODS, object.clone()).await;
    assert_eq!(kept(&made), Value::Null);
    let world = World::start(&["--feature-gates=ContainerStopSignals=true"]).await;
    assert_eq!(kept(&world.make(PODS, object).await), signal);
}

#[tokio::test]
async fn a_pod_changes_only_as_its_node_can_follow() {
    let world = World::start(&[]).await;
    let capacity = json!({"cpu": "4", "memory": "8Gi", "pods": "10"});
    let node = json!({
        "metadata": {"name": "n", "labels": {"kubernetes.io/os": "linux"}},
        "status": {"capacity": capacity, "allocatable": capacity},
    });
    world.make("/api/v1/nodes", node).await;
    let sized = |cpu: &str, first: &str| {
        let amount = |cpu: &str| json!({"requests": {"cpu": cpu}});
        json!({
            "nodeName": "n",
            "initContainers": [{"name": "i", "image": "i", "resources": amount(first)}],
            "containers": [{"name": "c", "image": "i", "resources": amount(cpu)}],
        })
    };
    let mut made = world.make(PODS, pod("a", sized("1", "1"))).await;
    let path = format!("{PODS}/a/resize");
    let mut resized = |cpu: &str, first: &str| {
        let sized = sized(cpu, first);
        for list in ["initContainers", "containers"] {
            made["spec"][list][0]["resources"] = sized[list][0]["resources"].clone();
        }
        made["metadata"]
            .as_object_mut()
            .map(|it| it.remove("resourceVersion"));
        made.clone()
    };
    let said = world.send("PUT", &path, &resized("2", "1")).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let grown = resized("2", "2");
    let said = world.send("PUT", &path, &grown).await;
    assert_eq!(
        said.body["message"],
        "pods \"a\" is forbidden: pod update requires features InPlacePodVerticalScalingInitContainers which are not available on node \"n\""
    );
    let features =
        json!({"status": {"declaredFeatures": ["InPlacePodVerticalScalingInitContainers"]}});
    let said = world
        .send("PATCH", "/api/v1/nodes/n/status", &features)
        .await;
    assert_eq!(said.status, 200, "{}", said.body);
    let said = world.send("PUT", &path, &grown).await;
    assert_eq!(said.status, 200, "{}", said.body);
}

#[tokio::test]
async fn admission_is_measured() {
    let world = World::start(&[]).await;
    world.make(PODS, pod("a", json!({}))).await;
    let mut client = world.server.client();
    let headers = world.server.authorization();
    let answer = client.request("GET", "/metrics", &headers, None).await;
    let text = answer.expect("the server answers").text();
    for line in [
        "apiserver_admission_controller_admission_duration_seconds_count{name=\"LimitRanger\",operation=\"CREATE\",rejected=\"false\",type=\"admit\"}",
        "apiserver_admission_step_admission_duration_seconds_bucket{operation=\"CREATE\",rejected=\"false\",type=\"validate\",le=\"0.005\"}",
    ] {
        assert!(text.contains(line), "{line}");
    }
}
