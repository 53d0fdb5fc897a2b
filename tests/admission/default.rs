//! Plug-ins that are there without flags.

use serde_json::{Value, json};

use crate::{PODS, World, pod};

#[tokio::test]
async fn limits_fill_in_what_containers_do_not_say_and_bound_what_they_do() {
    let world = World::start(&[]).await;
    let limits = json!([
        {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"}, "min": {"cpu": "50m"},
         "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "5"}},
        {"type": "Pod", "max": {"cpu": "1500m"}},
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}},
    ]);
    let range = json!({"metadata": {"name": "l"}, "spec": {"limits": limits}});
    world
        .make("/api/v1/namespaces/default/limitranges", range)
        .await;
    let plain = json!({"initContainers": [{"name": "i"}]});
    let made = world.make(PODS, pod("plain", plain)).await;
    assert_eq!(
        made["spec"]["containers"][0]["resources"]["requests"]["cpu"],
        "100m"
    );
    assert_eq!(
        made["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c; cpu request for init container \
         i; cpu limit for init container i"
    );
    let container = |requests: &str, limits: &str| {
        let resources = json!({"requests": {"cpu": requests}, "limits": {"cpu": limits}});
        json!({"name": "c", "resources": resources})
    };
    for (containers, expected) in [
        (
            json!([container("10m", "40m")]),
            "minimum cpu usage per Container is 50m, but request is 10m",
        ),
        (
            json!([container("900m", "2")]),
            "[maximum cpu usage per Container is 1, but limit is 2, maximum cpu usage per Pod is 1500m, but limit is 2]",
        ),
        (
            json!([container("100m", "900m")]),
            "cpu max limit to request ratio per Container is 5, but provided ratio is 9.000000",
        ),
    ] {
        let expected = format!("pods \"b\" is forbidden: {expected}");
        world
            .refused(PODS, pod("b", json!({"containers": containers})), &expected)
            .await;
    }
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    for (size, expected) in [
        (
            "512Mi",
            "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi",
        ),
        (
            "3Gi",
            "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi",
        ),
    ] {
        let expected = format!("persistentvolumeclaims \"v\" is forbidden: {expected}");
        world
            .refused(claims, claim("v", size, None), &expected)
            .await;
    }
}

fn claim(name: &str, size: &str, class: Option<&str>) -> Value {
    json!({"metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, "storageClassName": class,
    }})
}

#[tokio::test]
async fn pods_run_as_accounts_that_are_there() {
    let world = World::start(&[]).await;
    let made = world.make(PODS, pod("a", json!({}))).await;
    assert_eq!(made["spec"]["serviceAccountName"], "default");
    let volume = &made["spec"]["volumes"][0];
    assert!(
        volume["name"]
            .as_str()
            .is_some_and(|it| it.starts_with("kube-api-access-"))
    );
    let sources = &volume["projected"]["sources"];
    assert_eq!(sources[0]["serviceAccountToken"]["expirationSeconds"], 3607);
    let mount = &made["spec"]["containers"][0]["volumeMounts"][0];
    assert_eq!(
        mount["mountPath"],
        "/var/run/secrets/kubernetes.io/serviceaccount"
    );
    assert_eq!(mount["name"], volume["name"]);
    world
        .refused(
            PODS,
            pod("b", json!({"serviceAccountName": "none"})),
            "pods \"b\" is forbidden: error looking up service account default/none: serviceaccount \"none\" not found",
        )
        .await;
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    let account = json!({
        "metadata": {"name": "own", "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}},
        "imagePullSecrets": [{"name": "pull"}], "automountServiceAccountToken": false,
    });
    world.make(accounts, account).await;
    let made = world
        .make(PODS, pod("c", json!({"serviceAccountName": "own"})))
        .await;
    assert_eq!(made["spec"]["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(made["spec"]["volumes"], Value::Null);
    let secret = json!({"serviceAccountName": "own", "volumes": [{"name": "s", "secret": {"secretName": "x"}}]});
    world
        .refused(
            PODS,
            pod("d", secret),
            "pods \"d\" is forbidden: volume with secret.secretName=\"x\" is not allowed because service account own \
             does not reference that secret",
        )
        .await;
}

#[tokio::test]
async fn priorities_come_from_classes() {
    let world = World::start(&[]).await;
    let classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    let class = |name: &str, default: bool| json!({"metadata": {"name": name}, "value": 500, "globalDefault": default, "preemptionPolicy": "Never"});
    let made = world.make(PODS, pod("before", json!({}))).await;
    assert_eq!(made["spec"]["priority"], 0);
    assert_eq!(made["spec"]["preemptionPolicy"], "PreemptLowerPriority");
    world.make(classes, class("usual", true)).await;
    let made = world.make(PODS, pod("after", json!({}))).await;
    assert_eq!(made["spec"]["priorityClassName"], "usual");
    assert_eq!(made["spec"]["priority"], 500);
    assert_eq!(made["spec"]["preemptionPolicy"], "Never");
    let computed = "must not be provided in pod spec; priority admission controller computed";
    let by_hand = format!(
        "pods \"b\" is forbidden: the integer value of priority (7) {computed} 500 from the given PriorityClass name"
    );
    for (path, body, expected) in [
        (PODS, pod("b", json!({"priority": 7})), by_hand.as_str()),
        (
            PODS,
            pod("b", json!({"priorityClassName": "none"})),
            "pods \"b\" is forbidden: no PriorityClass with name none was found",
        ),
        (
            classes,
            class("another", true),
            "priorityclasses.scheduling.k8s.io \"another\" is forbidden: PriorityClass usual is already marked as \
             default. Only one default can exist",
        ),
    ] {
        world.refused(path, body, expected).await;
    }
}

#[tokio::test]
async fn pods_tolerate_broken_nodes_for_a_while() {
    let world = World::start(&["--default-not-ready-toleration-seconds=7"]).await;
    let made = world.make(PODS, pod("a", json!({}))).await;
    assert_eq!(made["spec"]["tolerations"][0]["tolerationSeconds"], 7);
    assert_eq!(made["spec"]["tolerations"][1]["tolerationSeconds"], 300);
    let everything = json!({"tolerations": [{"operator": "Exists"}]});
    let made = world.make(PODS, pod("b", everything)).await;
    assert_eq!(made["spec"]["tolerations"], json!([{"operator": "Exists"}]));
}

#[tokio::test]
async fn classes_by_default() {
    let world = World::start(&[]).await;
    let default = |group: &str| json!({format!("{group}/is-default-class"): "true"});
    let classes = "/apis/storage.k8s.io/v1/storageclasses";
    let class = json!({
        "metadata": {"name": "gold", "annotations": default("storageclass.kubernetes.io")}, "provisioner": "x",
    });
    world.make(classes, class).await;
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    let made = world.make(claims, claim("a", "1Gi", None)).await;
    assert_eq!(made["spec"]["storageClassName"], "gold");
    assert_eq!(
        made["metadata"]["finalizers"],
        json!(["kubernetes.io/pvc-protection"])
    );
    let made = world.make(claims, claim("b", "1Gi", Some(""))).await;
    assert_eq!(made["spec"]["storageClassName"], "");
    let class = json!({
        "metadata": {"name": "front", "annotations": default("ingressclass.kubernetes.io")},
        "spec": {"controller": "example.com/front"},
    });
    world
        .make("/apis/networking.k8s.io/v1/ingressclasses", class)
        .await;
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    let ingress = json!({"metadata": {"name": "i"}, "spec": {"defaultBackend": backend}});
    let ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
    let made = world.make(ingresses, ingress).await;
    assert_eq!(made["spec"]["ingressClassName"], "front");
}

#[tokio::test]
async fn new_nodes_are_not_ready() {
    let world = World::start(&[]).await;
    let made = world
        .make("/api/v1/nodes", json!({"metadata": {"name": "n"}}))
        .await;
    let taint = json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]);
    assert_eq!(made["spec"]["taints"], taint);
}

#[tokio::test]
async fn runtime_classes_bring_overhead_and_places() {
    let world = World::start(&[]).await;
    let class = json!({
        "metadata": {"name": "vm"}, "handler": "vm", "overhead": {"podFixed": {"cpu": "250m"}},
        "scheduling": {"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm", "operator": "Exists"}]},
    });
    world
        .make("/apis/node.k8s.io/v1/runtimeclasses", class)
        .await;
    let made = world
        .make(PODS, pod("a", json!({"runtimeClassName": "vm"})))
        .await;
    assert_eq!(made["spec"]["overhead"], json!({"cpu": "250m"}));
    assert_eq!(made["spec"]["nodeSelector"], json!({"vm": "yes"}));
    assert_eq!(
        made["spec"]["tolerations"][2],
        json!({"key": "vm", "operator": "Exists"})
    );
    for (spec, expected) in [
        (
            json!({"runtimeClassName": "none"}),
            "pod rejected: RuntimeClass \"none\" not found",
        ),
        (
            json!({"runtimeClassName": "vm", "overhead": {"cpu": "1"}}),
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            json!({"overhead": {"cpu": "1"}}),
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            json!({"runtimeClassName": "vm", "nodeSelector": {"vm": "no"}}),
            "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
        ),
    ] {
        let expected = format!("pods \"b\" is forbidden: {expected}");
        world.refused(PODS, pod("b", spec), &expected).await;
    }
}

#[tokio::test]
async fn namespaces_have_to_be_there_and_some_stay() {
    let world = World::start(&[]).await;
    let map = json!({"metadata": {"name": "m"}});
    world
        .refused(
            "/api/v1/namespaces/none/configmaps",
            map,
            "namespaces \"none\" not found",
        )
        .await;
    let said = world
        .send("DELETE", "/api/v1/namespaces/default", &Value::Null)
        .await;
    assert_eq!(said.status, 403);
    assert_eq!(
        said.body["message"],
        "namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}

#[tokio::test]
async fn namespaces_say_how_safe_their_pods_are() {
    let world = World::start(&[]).await;
    let label = |value: &str| json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": value}}});
    let namespace = "/api/v1/namespaces/default";
    world.make(PODS, pod("old", json!({}))).await;
    let said = world.send("PATCH", namespace, &label("restricted")).await;
    assert_eq!(said.status, 200);
    assert_eq!(said.warnings.len(), 2, "{:?}", said.warnings);
    let said = world
        .send("POST", PODS, &pod("new", json!({"hostPID": true})))
        .await;
    let message = said.body["message"].as_str().unwrap_or_default();
    let begin = "pods \"new\" is forbidden: violates PodSecurity \"restricted:latest\": host namespaces (hostPID=true), ";
    assert!(message.starts_with(begin), "{message}");
    let said = world.send("PATCH", namespace, &label("nonsense")).await;
    assert_eq!(said.status, 422);
}

#[tokio::test]
async fn quotas_hold_however_many_create_at_once() {
    let world = World::start(&[]).await;
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    let hard = json!({"configmaps": "3"});
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": hard}});
    world.make(quotas, quota).await;
    let status = json!({"status": {"hard": hard, "used": {"configmaps": "0"}}});
    let said = world
        .send("PATCH", &format!("{quotas}/q/status"), &status)
        .await;
    assert_eq!(said.status, 200, "{}", said.body);
    let many = (0..12).map(|at| {
        let map = json!({"metadata": {"name": format!("m{at}")}});
        let world = &world;
        async move {
            world
                .send("POST", "/api/v1/namespaces/default/configmaps", &map)
                .await
                .status
        }
    });
    let statuses = futures_util::future::join_all(many).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        3,
        "{statuses:?}"
    );
    let said = world
        .send("GET", &format!("{quotas}/q"), &Value::Null)
        .await;
    assert_eq!(said.body["status"]["used"]["configmaps"], "3");
}

#[tokio::test]
async fn the_older_way_to_name_a_class_is_warned_of_once() {
    let world = World::start(&[]).await;
    let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
    let annotations = json!({"kubernetes.io/ingress.class": "c"});
    let ingress = json!({
        "metadata": {"name": "i", "annotations": annotations}, "spec": {"rules": [{"host": "example.com"}]},
    });
    let said = world.send("POST", path, &ingress).await;
    assert_eq!(
        said.warnings,
        [
            "299 - \"annotation \\\"kubernetes.io/ingress.class\\\" is deprecated, please use 'spec.ingressClassName' instead\""
        ]
    );
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let said = world.send("PATCH", &format!("{path}/i"), &label).await;
    assert_eq!((said.status, said.warnings.len()), (200, 0));
}
