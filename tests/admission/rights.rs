//! Rights that depend on other objects: to devices, and to what policies read.

use serde_json::{Value, json};

use crate::World;

#[tokio::test]
async fn administrators_have_devices_where_a_namespace_says_so() {
    let world = World::start(&[]).await;
    let request = json!({"name": "r", "exactly": {"deviceClassName": "c", "adminAccess": true}});
    let spec = json!({"devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "c"}}, request]}});
    let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
    let claim = json!({"metadata": {"name": "c"}, "spec": spec});
    let templates = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates";
    let template = json!({"metadata": {"name": "t"}, "spec": {"spec": spec}});
    let why = "spec.devices.requests[1].adminAccess: Forbidden: admin access to devices requires the \
               `resource.kubernetes.io/admin-access: true` label on the containing namespace";
    let refused = |what: &str| format!("{what} is invalid: {why}");
    let expected = refused("ResourceClaim.resource.k8s.io \"c\"");
    world.refused(claims, claim.clone(), &expected).await;
    let expected = refused("ResourceClaimTemplate.resource.k8s.io \"t\"");
    world.refused(templates, template.clone(), &expected).await;
    let label = json!({"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}});
    let namespace = "/api/v1/namespaces/default";
    assert_eq!(world.send("PATCH", namespace, &label).await.status, 200);
    world.make(claims, claim).await;
    world.make(templates, template).await;
    // What was granted stays, and is not granted by a status.
    let label = json!({"metadata": {"labels": {"resource.kubernetes.io/admin-access": null}}});
    assert_eq!(world.send("PATCH", namespace, &label).await.status, 200);
    let status = format!("{claims}/c/status");
    let result = json!({"request": "r", "driver": "d.example", "pool": "p", "device": "x", "adminAccess": true});
    let allocation = json!({"status": {"allocation": {"devices": {"results": [result]}}}});
    let said = world.send("PATCH", &status, &allocation).await;
    let message = said.body["message"].as_str().unwrap_or_default();
    let begin = "ResourceClaim.resource.k8s.io \"c\" is invalid: status.allocation.devices.results[0].adminAccess: \
                 Forbidden: admin access";
    assert!(message.starts_with(begin), "{message}");
}

#[tokio::test]
async fn policies_show_nobody_what_they_may_not_read() {
    let world = World::start(&[]).await;
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let group = "admissionregistration.k8s.io";
    let rules = json!([
        {"apiGroups": [group], "resources": ["*"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
    ]);
    let role = json!({"metadata": {"name": "r"}, "rules": rules});
    world.make(&format!("{rbac}/clusterroles"), role).await;
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"});
    let binding = json!({"metadata": {"name": "b"}, "subjects": [subject], "roleRef": role});
    world
        .make(&format!("{rbac}/clusterrolebindings"), binding)
        .await;
    let policies = format!("/apis/{group}/v1/validatingadmissionpolicies");
    let policy = |name: &str, kind: &str| {
        let rule = json!({"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]});
        let spec = json!({"paramKind": {"apiVersion": "v1", "kind": kind}, "validations": [{"expression": "true"}],
                          "matchConstraints": {"resourceRules": [rule]}});
        json!({"metadata": {"name": name}, "spec": spec})
    };
    let alice = async |method: &str, path: &str, body: &Value| {
        let said = world.send_as("alice", method, path, body).await;
        let message = said.body["message"].as_str().unwrap_or_default();
        (said.status, message.to_owned())
    };
    let made = alice("POST", &policies, &policy("p", "ConfigMap")).await;
    assert_eq!(made, (201, String::new()));
    let user = "user &{alice  [system:authenticated] map[]}";
    let (status, message) = alice("POST", &policies, &policy("s", "Secret")).await;
    assert_eq!(
        message,
        format!(
            "ValidatingAdmissionPolicy.{group} \"s\" is invalid: spec.paramKind: Forbidden: {user} must have \"get\" \
             permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)"
        )
    );
    assert_eq!(status, 422);
    let secret = format!("{policies}/s");
    world.make(&policies, policy("s", "Secret")).await;
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(alice("PATCH", &secret, &label).await.0, 200);

    let bindings = format!("/apis/{group}/v1/validatingadmissionpolicybindings");
    let binding = |policy: &str, reference: &Value| {
        let spec =
            json!({"policyName": policy, "validationActions": ["Deny"], "paramRef": reference});
        json!({"metadata": {"name": "b"}, "spec": spec})
    };
    let named = json!({"name": "n", "namespace": "default", "parameterNotFoundAction": "Deny"});
    let all = json!({"selector": {}, "parameterNotFoundAction": "Deny"});
    let begin = format!(
        "ValidatingAdmissionPolicyBinding.{group} \"b\" is invalid: spec.paramRef: Forbidden: "
    );
    let everything = "to determine minimum required permissions and user &{alice  [system:authenticated] map[]} does not \
                      have \"get\" permission for all groups, versions and resources";
    for (body, expected) in [
        (
            binding("s", &named),
            format!("{user} does not have \"get\" permission on the object referenced by paramRef"),
        ),
        (
            binding("p", &all),
            format!(
                "{user} does not have \"list\" permission on the object referenced by paramRef"
            ),
        ),
        (
            binding("x", &named),
            format!("unable to get policy x {everything}"),
        ),
    ] {
        let (_, message) = alice("POST", &bindings, &body).await;
        assert_eq!(message, format!("{begin}{expected}"));
    }
    world.make(&policies, policy("u", "Unknown")).await;
    let (_, message) = alice("POST", &bindings, &binding("u", &named)).await;
    let expected = format!("unable to resolve paramKind &{{v1 Unknown}} {everything}");
    assert_eq!(message, format!("{begin}{expected}"));
    let made = alice("POST", &bindings, &binding("p", &named)).await;
    assert_eq!(made, (201, String::new()));
}

#[tokio::test]
async fn what_drivers_say_of_a_device_goes_with_it() {
    let world = World::start(&[]).await;
    let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
    let request = json!({"name": "r", "exactly": {"deviceClassName": "c"}});
    let claim = json!({"metadata": {"name": "c"}, "spec": {"devices": {"requests": [request]}}});
    world.make(claims, claim).await;
    let status = format!("{claims}/c/status");
    let device = json!({"driver": "d.example", "pool": "p", "device": "x"});
    let result = json!({"request": "r", "driver": "d.example", "pool": "p", "device": "x"});
    let allocation = json!({"devices": {"results": [result]}});
    let said = json!({"status": {"allocation": allocation, "devices": [device]}});
    let said = world.send("PATCH", &status, &said).await;
    assert_eq!(said.body["status"]["devices"][0]["device"], "x");
    let gone = json!({"status": {"allocation": null}});
    let said = world.send("PATCH", &status, &gone).await;
    assert_eq!(said.status, 200, "{}", said.body);
    assert!(said.body["status"]["devices"].is_null(), "{}", said.body);
}

#[tokio::test]
async fn slices_lose_what_is_off_and_warn_of_loud_drivers() {
    let world = World::start(&["--feature-gates=DRADeviceBindingConditions=false"]).await;
    let slices = "/apis/resource.k8s.io/v1/resourceslices";
    let device = json!({"name": "x", "bindsToNode": true, "bindingConditions": ["a"],
                        "bindingFailureConditions": ["b"]});
    let pool = json!({"name": "p", "generation": 1, "resourceSliceCount": 1});
    let spec = json!({"driver": "D.example", "nodeName": "n", "pool": pool, "devices": [device]});
    let slice = json!({"metadata": {"name": "s"}, "spec": spec});
    let said = world.send("POST", slices, &slice).await;
    assert_eq!(
        said.body["spec"]["devices"],
        json!([{"name": "x"}]),
        "{}",
        said.body
    );
    assert_eq!(
        said.warnings,
        [
            "299 - \"spec.driver: driver names should be lowercase; \\\"D.example\\\" contains uppercase characters\""
        ]
    );
}

#[tokio::test]
async fn parts_of_a_claims_status_take_rights_of_their_own() {
    let world = World::start(&[]).await;
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let group = "resource.k8s.io";
    let rule =
        json!({"apiGroups": [group], "resources": ["resourceclaims/status"], "verbs": ["patch"]});
    let role = json!({"metadata": {"name": "r"}, "rules": [rule]});
    world.make(&format!("{rbac}/clusterroles"), role).await;
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"});
    let binding = json!({"metadata": {"name": "b"}, "subjects": [subject], "roleRef": role});
    world
        .make(&format!("{rbac}/clusterrolebindings"), binding)
        .await;
    let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
    let request = json!({"name": "r", "exactly": {"deviceClassName": "c"}});
    let claim = json!({"metadata": {"name": "c"}, "spec": {"devices": {"requests": [request]}}});
    world.make(claims, claim).await;
    let status = format!("{claims}/c/status");
    let device = json!({"driver": "d.example", "pool": "p", "device": "x"});
    let mut result = device.clone();
    result["request"] = "r".into();
    let allocation = json!({"status": {"allocation": {"devices": {"results": [result]}}}});
    let report = json!({"status": {"devices": [device]}});
    let patch = async |user: &str, body: &Value| {
        let said = world.send_as(user, "PATCH", &status, body).await;
        let message = said.body["message"].as_str().unwrap_or_default();
        (said.status, message.to_owned())
    };
    // A right that is given is known a moment later.
    let patch_when_known = async |body: &Value, before: u16| {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let said = patch("alice", body).await;
            if said.0 != before || tokio::time::Instant::now() > deadline {
                return said;
            }
            tokio::task::yield_now().await;
        }
    };
    let begin = "ResourceClaim.resource.k8s.io \"c\" is invalid: ";
    let (code, message) = patch_when_known(&allocation, 403).await;
    assert_eq!(
        message,
        format!(
            "{begin}status: Forbidden: changing status.allocation or status.reservedFor requires \
             resource=\"resourceclaims/binding\", verb=\"patch\" permission: resourceclaims.resource.k8s.io is \
             forbidden: User \"alice\" cannot patch resource \"resourceclaims/binding\" in API group \
             \"resource.k8s.io\" at the cluster scope"
        )
    );
    assert_eq!(code, 422);
    assert_eq!(patch("", &allocation).await.0, 200);
    let (_, message) = patch("alice", &report).await;
    assert_eq!(
        message,
        format!(
            "{begin}status.devices: Forbidden: changing status.devices requires \
             resource=\"resourceclaims/driver\", verb=\"[arbitrary-node:patch]\" permission: \
             resourceclaims.resource.k8s.io \"d.example\" is forbidden: User \"alice\" cannot \
             arbitrary-node:patch resource \"resourceclaims/driver\" in API group \"resource.k8s.io\" in the \
             namespace \"default\""
        )
    );
    let right = json!({"apiGroups": [group], "resources": ["resourceclaims/driver"], "resourceNames": ["d.example"],
                       "verbs": ["arbitrary-node:patch"]});
    let role = json!({"rules": [rule, right]});
    let path = format!("{rbac}/clusterroles/r");
    assert_eq!(world.send("PATCH", &path, &role).await.status, 200);
    let known = patch_when_known(&report, 422).await;
    assert_eq!(known, (200, String::new()));
}
