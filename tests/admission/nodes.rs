//! `NodeRestriction`: what a kubelet is refused though it has every right.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::{PODS, World, pod};

const NODE: &str = "system:node:a";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";

/// A server whose nodes may do everything, but for the plug-in; with two of them.
async fn world() -> World {
    world_with(&[]).await
}

/// The same with further flags.
async fn world_with(flags: &[&str]) -> World {
    let flags = [flags, &["--enable-admission-plugins=NodeRestriction"]].concat();
    let world = World::start(&flags).await;
    let group = "rbac.authorization.k8s.io";
    let subject = json!({"apiGroup": group, "kind": "Group", "name": "system:nodes"});
    let role = json!({"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"});
    let binding = json!({"metadata": {"name": "nodes"}, "subjects": [subject], "roleRef": role});
    let path = format!("/apis/{group}/v1/clusterrolebindings");
    world.make(&path, binding).await;
    for name in ["a", "b"] {
        let node = json!({"metadata": {"name": name}});
        world.make("/api/v1/nodes", node).await;
    }
    world
}

impl World {
    /// What the node `a` is told.
    async fn told(&self, method: &str, path: &str, body: &Value) -> String {
        let said = self.send_as(NODE, method, path, body).await;
        match said.body["message"].as_str() {
            Some(message) => message.to_owned(),
            None => said.status.to_string(),
        }
    }
}

/// Every case: a method, a path, a body, and what is said of it.
async fn check(world: &World, cases: &[(&str, &str, Value, &str)]) {
    for (method, path, body, expected) in cases {
        let told = world.told(method, path, body).await;
        assert_eq!(told, *expected, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn a_node_changes_itself_but_not_what_steers_pods() {
    let world = world().await;
    let labels = |labels: Value| json!({"metadata": {"labels": labels}});
    let (own, other) = ("/api/v1/nodes/a", "/api/v1/nodes/b");
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
    check(
        &world,
        &[
            ("PATCH", own, labels(json!({"mine": "x", "kubernetes.io/os": "linux"})), "200"),
            (
                "PATCH",
                own,
                labels(json!({"node-restriction.kubernetes.io/b": "x", "k8s.io/a": "x"})),
                "nodes \"a\" is forbidden: is not allowed to modify labels: k8s.io/a, node-restriction.kubernetes.io/b",
            ),
            (
                "PATCH",
                own,
                json!({"spec": {"taints": []}}),
                "nodes \"a\" is forbidden: node \"a\" is not allowed to modify taints",
            ),
            (
                "PATCH",
                own,
                json!({"metadata": {"ownerReferences": [owner]}}),
                "nodes \"a\" is forbidden: node \"a\" is not allowed to modify ownerReferences",
            ),
            (
                "PATCH",
                other,
                labels(json!({"mine": "x"})),
                "nodes \"b\" is forbidden: node \"a\" is not allowed to modify node \"b\"",
            ),
            (
                "POST",
                "/api/v1/nodes",
                json!({"metadata": {"name": "c"}}),
                "nodes \"c\" is forbidden: node \"a\" is not allowed to modify node \"c\"",
            ),
            ("DELETE", own, Value::Null, "200"),
            (
                "POST",
                "/api/v1/nodes",
                json!({"metadata": {"name": "a", "labels": {"kubernetes.io/x": "y"}}}),
                "nodes \"a\" is forbidden: node \"a\" is not allowed to set the following labels: kubernetes.io/x",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_node_mirrors_pods_that_need_nothing_else() {
    let world = world().await;
    let node = world.send("GET", "/api/v1/nodes/a", &Value::Null).await;
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": "a", "controller": true, "uid": node.body["metadata"]["uid"]});
    let mirror = |name: &str, mut spec: Value, owners: Value| {
        spec["nodeName"] = "a".into();
        let mut pod = pod(name, spec);
        pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
        pod["metadata"]["ownerReferences"] = owners;
        pod
    };
    let own = json!([owner]);
    let with = |volume: Value| {
        let mut volume = volume;
        volume["name"] = "v".into();
        mirror("p", json!({"volumes": [volume]}), own.clone())
    };
    let from = json!([{"configMapRef": {"name": "m"}}]);
    let mut changed = owner.clone();
    changed["uid"] = "other".into();
    let uid = node.body["metadata"]["uid"].as_str().unwrap_or_default();
    let mismatch =
        format!("pods \"p\" is forbidden: node a UID mismatch: expected other got {uid}");
    let not = |what: &str| {
        format!("pods \"p\" is forbidden: node \"a\" can not create pods that reference {what}")
    };
    let cases = [
        (
            pod("p", json!({"nodeName": "a"})),
            "pods \"p\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" annotation, node \"a\" can only \
             create mirror pods"
                .to_owned(),
        ),
        (
            mirror("p", json!({}), json!([])),
            "pods \"p\" is forbidden: node \"a\" can only create pods with an owner reference set to itself".to_owned(),
        ),
        (mirror("p", json!({}), json!([changed])), mismatch),
        (
            with(json!({"secret": {"secretName": "s"}})),
            "pods \"p\" is forbidden: a mirror pod may not reference secrets".to_owned(),
        ),
        (with(json!({"configMap": {"name": "m"}})), not("configmaps")),
        (
            mirror("p", json!({"containers": [{"name": "c", "envFrom": from}]}), own.clone()),
            not("configmaps"),
        ),
        (
            with(json!({"persistentVolumeClaim": {"claimName": "c"}})),
            not("persistentvolumeclaims"),
        ),
        (with(json!({"csi": {"driver": "d"}})), not("csidrivers (via CSI volumes)")),
        (
            with(json!({"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}})),
            "pods \"p\" is forbidden: a mirror pod may not use service account token volume projections".to_owned(),
        ),
        (
            mirror("p", json!({"resourceClaims": [{"name": "c", "resourceClaimName": "c"}]}), own.clone()),
            not("resourceclaims"),
        ),
        (with(json!({"emptyDir": {}})), "201".to_owned()),
    ];
    for (pod, expected) in cases {
        assert_eq!(world.told("POST", PODS, &pod).await, expected, "{pod}");
    }
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    world.make(PODS, pod("q", json!({"nodeName": "b"}))).await;
    let (own, other) = (format!("{PODS}/p"), format!("{PODS}/q"));
    let eviction = json!({"metadata": {"name": "q"}});
    check(
        &world,
        &[
            (
                "PATCH",
                own.as_str(),
                labels.clone(),
                "pods \"p\" is forbidden: unexpected operation \"UPDATE\", node \"a\" can only create and delete mirror pods",
            ),
            (
                "PATCH",
                format!("{own}/status").as_str(),
                labels.clone(),
                "pods \"p\" is forbidden: node \"a\" cannot update labels through pod status",
            ),
            (
                "PATCH",
                format!("{other}/status").as_str(),
                labels,
                "pods \"q\" is forbidden: node \"a\" can only update pod status for pods with spec.nodeName set to itself",
            ),
            (
                "POST",
                format!("{other}/eviction").as_str(),
                eviction,
                "pods \"q\" is forbidden: node a can only evict pods with spec.nodeName set to itself",
            ),
            (
                "POST",
                format!("{own}/binding").as_str(),
                json!({"target": {"kind": "Node", "name": "a"}}),
                "pods \"p\" is forbidden: unexpected pod subresource \"binding\", only 'status' and 'eviction' are allowed",
            ),
            (
                "DELETE",
                other.as_str(),
                Value::Null,
                "pods \"q\" is forbidden: node \"a\" can only delete pods with spec.nodeName set to itself",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_node_has_leases_slices_claims_and_certificates_of_its_own() {
    let world = world().await;
    let leases =
        |namespace: &str| format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
    let named = |name: &str| json!({"metadata": {"name": name}, "spec": {}});
    let pool = json!({"name": "p", "generation": 1, "resourceSliceCount": 1});
    let slice = json!({"metadata": {"name": "s"}, "spec": {"driver": "d.example", "pool": pool, "nodeName": "b"}});
    let slices = "/apis/resource.k8s.io/v1/resourceslices";
    let spec =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    world
        .make(CLAIMS, json!({"metadata": {"name": "c"}, "spec": spec}))
        .await;
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::default();
    let name = &mut parameters.distinguished_name;
    name.push(rcgen::DnType::CommonName, "system:node:b");
    name.push(rcgen::DnType::OrganizationName, "system:nodes");
    let request = parameters.serialize_request(&key).expect("a request");
    let request = request.pem().expect("PEM");
    let spec = json!({
        "signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["client auth"],
        "request": base64::prelude::BASE64_STANDARD.encode(request),
    });
    check(
        &world,
        &[
            (
                "POST",
                leases("default").as_str(),
                named("a"),
                "leases.coordination.k8s.io \"a\" is forbidden: can only access leases in the \"kube-node-lease\" system \
                 namespace",
            ),
            (
                "POST",
                leases("kube-node-lease").as_str(),
                named("b"),
                "leases.coordination.k8s.io \"b\" is forbidden: can only access node lease with the same name as the \
                 requesting node",
            ),
            ("POST", leases("kube-node-lease").as_str(), named("a"), "201"),
            (
                "POST",
                slices,
                slice,
                "resourceslices.resource.k8s.io \"s\" is forbidden: can only create ResourceSlice with the same NodeName as \
                 the requesting node",
            ),
            (
                "PATCH",
                format!("{CLAIMS}/c").as_str(),
                json!({"metadata": {"labels": {"a": "b"}}}),
                "persistentvolumeclaims \"c\" is forbidden: may only update PVC status",
            ),
            (
                "PATCH",
                format!("{CLAIMS}/c/status").as_str(),
                json!({"status": {"capacity": {"storage": "1Gi"}}}),
                "200",
            ),
            (
                "POST",
                "/apis/certificates.k8s.io/v1/certificatesigningrequests",
                json!({"metadata": {"name": "r"}, "spec": spec}),
                "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: can only create a node CSR with \
                 CN=system:node:a",
            ),
        ],
    )
    .await;
    let lost = json!({"status": {"phase": "Lost"}});
    let path = format!("{CLAIMS}/c/status");
    let told = world.told("PATCH", &path, &lost).await;
    let why = "persistentvolumeclaims \"c\" is forbidden: node \"a\" is not allowed to update fields other than status.quantity \
               and status.conditions: @@ -";
    assert!(told.starts_with(why), "{told}");
    let difference =
        "\n-  \"Phase\": \"Pending\",\n+  \"Phase\": \"Lost\",\n   \"AccessModes\": null,\n";
    assert!(told.contains(difference), "{told}");
}

#[tokio::test]
async fn a_node_gets_tokens_for_audiences_that_its_pods_want() {
    let world = world().await;
    let sources = json!([{"serviceAccountToken": {"path": "t", "audience": "vault"}}]);
    let volumes = json!([{"name": "v", "projected": {"sources": sources}}]);
    let made = world
        .make(PODS, pod("p", json!({"nodeName": "a", "volumes": volumes})))
        .await;
    world.make(PODS, pod("q", json!({"nodeName": "b"}))).await;
    let uid = &made["metadata"]["uid"];
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let token = |bound: Value, audiences: Value| json!({"spec": {"audiences": audiences, "boundObjectRef": bound}});
    let bound = |name: &str, uid: &Value| json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid});
    let none = json!(["other"]);
    // Whoever may do everything may have a token for every audience.
    check(
        &world,
        &[
            ("POST", path, token(bound("p", uid), json!(["vault"])), "201"),
            ("POST", path, token(bound("p", uid), none.clone()), "201"),
            (
                "POST",
                path,
                token(Value::Null, none.clone()),
                "serviceaccounts \"default\" is forbidden: node requested token not bound to a pod",
            ),
            (
                "POST",
                path,
                token(bound("p", &Value::Null), none.clone()),
                "serviceaccounts \"default\" is forbidden: node requested token with a pod binding without a uid",
            ),
            ("POST", path, token(bound("x", &json!("u")), none.clone()), "pod \"x\" not found"),
            (
                "POST",
                path,
                token(bound("p", uid), json!(["vault", "other"])),
                "serviceaccounts \"default\" is forbidden: node may only request 0 or 1 audiences",
            ),
        ],
    )
    .await;
    // With no more than the right to make tokens, they are for what pods say.
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let rule =
        json!({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]});
    let role = json!({"metadata": {"name": "tokens"}, "rules": [rule]});
    world
        .make(format!("{rbac}/clusterroles").as_str(), role)
        .await;
    let group = "rbac.authorization.k8s.io";
    let subject = json!({"apiGroup": group, "kind": "Group", "name": "system:nodes"});
    let role = json!({"apiGroup": group, "kind": "ClusterRole", "name": "tokens"});
    let binding = json!({"metadata": {"name": "tokens"}, "subjects": [subject], "roleRef": role});
    let bindings = format!("{rbac}/clusterrolebindings");
    world.make(&bindings, binding).await;
    let all = format!("{bindings}/nodes");
    assert_eq!(world.send("DELETE", &all, &Value::Null).await.status, 200);
    check(
        &world,
        &[
            ("POST", path, token(bound("p", uid), json!(["vault"])), "201"),
            (
                "POST",
                path,
                token(bound("p", uid), none),
                "serviceaccounts \"default\" is forbidden: audience \"other\" not found in pod spec volume, system:node:a is \
                 not authorized to request tokens for this audience",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_node_asks_for_certificates_of_its_pods_as_they_are() {
    let world = world_with(&[
        "--feature-gates=PodCertificateRequest=true",
        "--runtime-config=certificates.k8s.io/v1beta1=true",
    ])
    .await;
    let uid = |object: &Value| object["metadata"]["uid"].as_str().unwrap_or("").to_owned();
    let made = world.make(PODS, pod("p", json!({"nodeName": "a"}))).await;
    let other = world.make(PODS, pod("q", json!({"nodeName": "b"}))).await;
    let mut mirror = pod("m", json!({"nodeName": "a"}));
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    let mirror = world.make(PODS, mirror).await;
    let node = uid(&world
        .send("GET", "/api/v1/nodes/a", &Value::Null)
        .await
        .body);
    let account = "/api/v1/namespaces/default/serviceaccounts/default";
    let account = uid(&world.send("GET", account, &Value::Null).await.body);
    let path = "/apis/certificates.k8s.io/v1beta1/namespaces/default/podcertificaterequests";
    let wanted = |change: Value| {
        let mut spec = json!({
            "signerName": "example.com/s", "nodeName": "a", "nodeUID": node, "podName": "p", "podUID": uid(&made),
            "serviceAccountName": "default", "serviceAccountUID": account, "stubPKCS10Request": "YQ==",
        });
        for (name, value) in change.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        json!({"metadata": {"name": "r"}, "spec": spec})
    };
    let refused = "podcertificaterequests.certificates.k8s.io \"r\" is forbidden: ";
    let of = "PodCertificateRequest for pod \"default/p\"";
    let cases = [
        (
            json!({"nodeName": "b"}),
            format!("{refused}PodCertificateRequest.Spec.NodeName=\"b\", which is not the requesting node \"a\""),
        ),
        (
            json!({"nodeUID": "u"}),
            format!("{of} names node UID \"u\", inconsistent with the running node (\"{node}\")"),
        ),
        (
            json!({"podName": "x"}),
            "while retrieving pod \"default/x\" named in the PodCertificateRequest: pod \"x\" not found".to_owned(),
        ),
        (
            json!({"podUID": "u"}),
            format!("{of} contains pod UID (\"u\") which differs from running pod \"{}\"", uid(&made)),
        ),
        (
            json!({"podName": "q", "podUID": uid(&other)}),
            format!("{refused}pod \"default/q\" is not running on node \"a\" named in the PodCertificateRequest"),
        ),
        (
            json!({"podName": "m", "podUID": uid(&mirror)}),
            format!("{refused}pod \"default/m\" is a mirror pod"),
        ),
        (
            json!({"serviceAccountName": "x"}),
            format!("{refused}{of} contains serviceAccountName (\"x\") that differs from running pod (\"default\")"),
        ),
        (
            json!({"serviceAccountUID": "u"}),
            format!("{of} names service account UID \"u\", which differs from the running service account (\"{account}\")"),
        ),
        (json!({}), "201".to_owned()),
    ];
    for (change, expected) in cases {
        let body = wanted(change);
        assert_eq!(world.told("POST", path, &body).await, expected, "{body}");
    }
    let one = format!("{path}/r");
    let told = world
        .told("PATCH", &one, &json!({"metadata": {"labels": {"a": "b"}}}))
        .await;
    assert_eq!(told, format!("{refused}unexpected operation UPDATE"));
}

#[tokio::test]
async fn what_the_pods_of_a_node_use_is_known_after_a_restart() {
    let mut world = World::start(&["--authorization-mode=Node,RBAC"]).await;
    for name in ["used", "mirrored", "unused"] {
        let map = json!({"metadata": {"name": name}});
        world
            .make("/api/v1/namespaces/default/configmaps", map)
            .await;
    }
    let using = |pod_name: &str, map: &str| {
        let volume = json!({"name": "v", "configMap": {"name": map}});
        pod(pod_name, json!({"nodeName": "a", "volumes": [volume]}))
    };
    world.make(PODS, using("p", "used")).await;
    let mut mirror = using("m", "mirrored");
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    mirror["spec"]["automountServiceAccountToken"] = false.into();
    world.make(PODS, mirror).await;
    world.server.kill();
    world.server.restart().await;
    for (name, expected) in [("used", 200), ("mirrored", 403), ("unused", 403)] {
        let path = format!("/api/v1/namespaces/default/configmaps/{name}");
        let said = world.send_as(NODE, "GET", &path, &Value::Null).await;
        assert_eq!(said.status, expected, "{name}: {}", said.body);
    }
}
