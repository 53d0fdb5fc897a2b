//! Policies in expressions.

use serde_json::{Value, json};

use crate::{PODS, World, pod};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const API: &str = "/apis/admissionregistration.k8s.io/v1";

/// A policy about config maps with this more in its spec, and a binding of it.
async fn bind(world: &World, name: &str, mut spec: Value, binding: Value) {
    spec["matchConstraints"] = json!({"resourceRules": [{
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["configmaps"],
    }]});
    let policy = json!({"metadata": {"name": name}, "spec": spec});
    world
        .make(&format!("{API}/validatingadmissionpolicies"), policy)
        .await;
    let mut spec = json!({"policyName": name, "validationActions": ["Deny"]});
    for (key, value) in binding.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let binding = json!({"metadata": {"name": name}, "spec": spec});
    world
        .make(&format!("{API}/validatingadmissionpolicybindings"), binding)
        .await;
}

fn map(name: &str, data: Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

/// What is said against a config map of that name and data; nothing if it is made.
async fn said(world: &World, name: &str, data: Value) -> String {
    let said = world.send("POST", MAPS, &map(name, data)).await;
    match said.status {
        201 => String::new(),
        _ => said.body["message"].as_str().unwrap_or_default().to_owned(),
    }
}

#[tokio::test]
async fn a_policy_speaks_of_its_variables_parameters_and_the_request() {
    let world = World::start(&[]).await;
    world.make(MAPS, map("most", json!({"length": "3"}))).await;
    let spec = json!({
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConditions": [{"name": "not-exempt", "expression": "!object.metadata.name.startsWith('free-')"}],
        "variables": [
            {"name": "most", "expression": "int(params.data.length)"},
            {"name": "long", "expression": "object.data.all(k, object.data[k].size() > variables.most)"},
            {"name": "bad", "expression": "object.data.nope"},
        ],
        "validations": [
            {"expression": "!has(object.data) || !variables.long", "messageExpression": "'more than ' + params.data.length"},
            {"expression": "!has(object.data.ask) || variables.bad == ''"},
            {"expression": "request.operation == 'CREATE' && namespaceObject.metadata.name == 'default' && oldObject == null"},
            {"expression": "authorizer.group('').resource('configmaps').namespace(request.namespace).check('create').allowed()"},
            {"expression": "authorizer.requestResource.check('dance').allowed() == authorizer.path('/x').check('dance').allowed()"},
        ],
    });
    let binding = json!({"paramRef": {"name": "most", "parameterNotFoundAction": "Deny"}});
    bind(&world, "p", spec, binding).await;
    let denied = |why: &str| {
        format!(
            "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: {why}"
        )
    };
    assert_eq!(said(&world, "ok", json!({"a": "abc"})).await, "");
    assert_eq!(
        said(&world, "x", json!({"a": "abcd"})).await,
        denied("more than 3")
    );
    assert_eq!(said(&world, "free-x", json!({"a": "abcd"})).await, "");
    assert_eq!(
        said(&world, "x", json!({"ask": ""})).await,
        denied(
            "expression '!has(object.data.ask) || variables.bad == ''' resulted in error: composited variable \"bad\" \
             fails to evaluate: no such key: nope"
        )
    );
    // Whoever deletes has no object, and an expression that speaks of one fails.
    let deleted = world
        .send("DELETE", &format!("{MAPS}/ok"), &Value::Null)
        .await;
    assert_eq!(deleted.status, 422, "{}", deleted.body);
}

#[tokio::test]
async fn what_can_not_be_decided_goes_by_the_failure_policy() {
    let world = World::start(&[]).await;
    let spec = |policy: &str, kind: &str| {
        json!({
            "failurePolicy": policy,
            "paramKind": {"apiVersion": "v1", "kind": kind},
            "validations": [{"expression": "object.data.nope == ''"}],
        })
    };
    let none = json!({"paramRef": {"name": "none", "parameterNotFoundAction": "Deny"}});
    bind(&world, "lax", spec("Ignore", "ConfigMap"), none.clone()).await;
    assert_eq!(said(&world, "a", json!({})).await, "");
    bind(&world, "strict", spec("Fail", "ConfigMap"), none.clone()).await;
    assert_eq!(
        said(&world, "b", json!({})).await,
        "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'strict' with binding 'strict' denied request: failed \
         to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    );
    bind(&world, "odd", spec("Fail", "Gadget"), none).await;
    assert_eq!(
        said(&world, "b", json!({})).await,
        "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'odd' denied request: failed to configure policy: failed \
         to find resource referenced by paramKind: 'v1, Kind=Gadget'"
    );
}

#[tokio::test]
async fn a_binding_says_what_comes_of_it() {
    let world = World::start(&[]).await;
    let spec = json!({
        "validations": [{"expression": "object.metadata.name != 'bad'", "reason": "RequestEntityTooLarge"}],
        "auditAnnotations": [{"key": "who", "valueExpression": "request.userInfo.username"}],
    });
    let elsewhere = json!({"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}});
    let binding = json!({"validationActions": ["Warn", "Audit"]});
    bind(&world, "warns", spec.clone(), binding).await;
    let warned = world.send("POST", MAPS, &map("bad", json!({}))).await;
    assert_eq!(warned.status, 201);
    assert_eq!(
        warned.warnings,
        [
            "299 - \"Validation failed for ValidatingAdmissionPolicy 'warns' with binding 'warns': failed expression: object.metadata.name != 'bad'\""
        ]
    );
    let binding = json!({"matchResources": {"namespaceSelector": elsewhere}});
    bind(&world, "far", spec.clone(), binding).await;
    assert_eq!(
        world
            .send(
                "PUT",
                &format!("{MAPS}/bad"),
                &map("bad", json!({"a": "b"}))
            )
            .await
            .status,
        200
    );
    bind(&world, "near", spec, json!({})).await;
    let refused = world
        .send(
            "PUT",
            &format!("{MAPS}/bad"),
            &map("bad", json!({"a": "c"})),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.body["reason"]),
        (413, &json!("RequestEntityTooLarge"))
    );
}

#[tokio::test]
async fn a_policy_changes_objects() {
    let world = World::start(&[]).await;
    let rules = json!([{
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps", "pods"],
    }]);
    let make = async |name: &str, mutation: Value| {
        let spec = json!({
            "matchConstraints": {"resourceRules": rules}, "reinvocationPolicy": "Never",
            "matchConditions": [{"name": "mine", "expression": format!("object.metadata.name.startsWith('{name}')")}],
            "variables": [{"name": "who", "expression": "request.userInfo.username"}],
            "mutations": [mutation],
        });
        let policy = json!({"metadata": {"name": name}, "spec": spec});
        world
            .make(&format!("{API}/mutatingadmissionpolicies"), policy)
            .await;
        let binding = json!({"metadata": {"name": name}, "spec": {"policyName": name}});
        world
            .make(&format!("{API}/mutatingadmissionpolicybindings"), binding)
            .await;
    };
    let apply = |text: &str| json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}});
    let patch = |text: &str| json!({"patchType": "JSONPatch", "jsonPatch": {"expression": text}});
    make(
        "apply",
        apply(
            "Object{data: {'who': variables.who}, metadata: Object.metadata{labels: {'a': 'b'}}}",
        ),
    )
    .await;
    make("patch", patch("[JSONPatch{op: 'add', path: '/metadata/labels', value: {'a': 'b'}}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x/y'), value: 'c'}]")).await;
    make("test", patch("[JSONPatch{op: 'test', path: '/data/k', value: 'x'}, JSONPatch{op: 'remove', path: '/data/k'}]")).await;
    make(
        "wrong",
        apply("Object{spec: Object.spec{tolerations: [Object.spec.tolerations{key: 'a'}]}}"),
    )
    .await;
    make("fails", apply("Object{data: {'a': object.nope}}")).await;
    let kept = json!({"k": "v"});
    let made = world.make(MAPS, map("apply", kept.clone())).await;
    assert!(made["data"]["who"].is_string(), "{made}");
    assert_eq!(
        (&made["data"]["k"], &made["metadata"]["labels"]["a"]),
        (&json!("v"), &json!("b"))
    );
    let made = world.make(MAPS, map("patch", kept.clone())).await;
    assert_eq!(made["metadata"]["labels"], json!({"a": "b", "x/y": "c"}));
    // What does not pass the test of a patch is left as it is.
    let made = world.make(MAPS, map("test", kept.clone())).await;
    assert_eq!(made["data"], kept);
    let refused = world.send("POST", MAPS, &map("fails", kept)).await;
    assert_eq!(
        (refused.status, &refused.body["reason"]),
        (403, &json!("Invalid"))
    );
    assert_eq!(
        refused.body["message"],
        "policy 'fails' with binding 'fails' denied request: expression 'Object{data: {'a': object.nope}}' resulted in \
         error: no such key: nope"
    );
    let refused = world.send("POST", PODS, &pod("wrong", json!({}))).await;
    assert_eq!(
        refused.body["message"],
        "policy 'wrong' with binding 'wrong' denied request: error applying patch: invalid ApplyConfiguration: may not \
         mutate atomic arrays, maps or structs: .spec.tolerations"
    );
}
