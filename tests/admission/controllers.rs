//! The controllers that run inside when they are told to.

use std::time::Duration;

use serde_json::{Value, json};

use crate::World;

const MAPS: &str = "/api/v1/namespaces/blue/configmaps";
const SECRETS: &str = "/api/v1/namespaces/blue/secrets";

async fn with_controllers() -> World {
    let world = World::start(&["--builtin-controllers=*"]).await;
    world
        .make("/api/v1/namespaces", json!({"metadata": {"name": "blue"}}))
        .await;
    world
}

/// Asks again and again until the answer is as it should be.
async fn until(world: &World, path: &str, is_right: impl Fn(u16, &Value) -> bool) {
    for _ in 0..200 {
        let said = world.send("GET", path, &Value::Null).await;
        if is_right(said.status, &said.body) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let said = world.send("GET", path, &Value::Null).await;
    panic!("{path} stays {}: {}", said.status, said.body);
}

async fn owned(world: &World, name: &str, owner: &Value) {
    let owner = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": true,
    });
    let metadata =
        json!({"name": name, "ownerReferences": [owner], "finalizers": ["example.com/stay"]});
    world.make(SECRETS, json!({"metadata": metadata})).await;
}

async fn release(world: &World, name: &str) {
    let free = json!({"metadata": {"finalizers": null}});
    let said = world
        .send("PATCH", &format!("{SECRETS}/{name}"), &free)
        .await;
    assert_eq!(said.status, 200, "{}", said.body);
}

#[tokio::test]
async fn dependents_follow_their_owner_in_three_ways() {
    let world = with_controllers().await;
    for policy in ["Background", "Foreground", "Orphan"] {
        let owner = world
            .make(MAPS, json!({"metadata": {"name": "owner"}}))
            .await;
        owned(&world, "s", &owner).await;
        let (owner, dependent) = (format!("{MAPS}/owner"), format!("{SECRETS}/s"));
        let delete = format!("{owner}?propagationPolicy={policy}");
        assert_eq!(
            world.send("DELETE", &delete, &Value::Null).await.status,
            200
        );
        match policy {
            "Orphan" => {
                until(&world, &owner, |status, _| status == 404).await;
                until(&world, &dependent, |_, body| {
                    let metadata = &body["metadata"];
                    metadata["ownerReferences"].is_null() && metadata["deletionTimestamp"].is_null()
                })
                .await;
            }
            "Foreground" => {
                until(&world, &dependent, |_, body| {
                    !body["metadata"]["deletionTimestamp"].is_null()
                })
                .await;
                assert_eq!(world.send("GET", &owner, &Value::Null).await.status, 200);
                release(&world, "s").await;
                until(&world, &owner, |status, _| status == 404).await;
            }
            _ => {
                until(&world, &owner, |status, _| status == 404).await;
                until(&world, &dependent, |_, body| {
                    !body["metadata"]["deletionTimestamp"].is_null()
                })
                .await;
                release(&world, "s").await;
                until(&world, &dependent, |status, _| status == 404).await;
            }
        }
    }
}

#[tokio::test]
async fn a_namespace_has_its_account_and_its_quota_counted_until_it_goes() {
    let world = with_controllers().await;
    let account = "/api/v1/namespaces/blue/serviceaccounts/default";
    until(&world, account, |status, _| status == 200).await;
    until(&world, &format!("{MAPS}/kube-root-ca.crt"), |_, body| {
        body["data"]["ca.crt"].is_string()
    })
    .await;
    let quotas = "/api/v1/namespaces/blue/resourcequotas";
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "5", "count/secrets": "5"}}});
    world.make(quotas, quota).await;
    let used = |configmaps: &'static str| {
        move |_: u16, body: &Value| {
            let used = &body["status"]["used"];
            used["configmaps"] == configmaps && used["count/secrets"] == "0"
        }
    };
    let quota = format!("{quotas}/q");
    until(&world, &quota, used("1")).await;
    world.make(MAPS, json!({"metadata": {"name": "m"}})).await;
    until(&world, &quota, used("2")).await;
    world
        .send("DELETE", &format!("{MAPS}/m"), &Value::Null)
        .await;
    until(&world, &quota, used("1")).await;

    let held = json!({"metadata": {"name": "held", "finalizers": ["example.com/stay"]}});
    world.make(SECRETS, held).await;
    let namespace = "/api/v1/namespaces/blue";
    world.send("DELETE", namespace, &Value::Null).await;
    until(&world, namespace, |_, body| {
        let conditions = body["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        conditions.iter().any(|it| {
            it["type"] == "NamespaceContentRemaining"
                && it["message"]
                    == "Some resources are remaining: secrets. has 1 resource instances"
        })
    })
    .await;
    release(&world, "held").await;
    until(&world, namespace, |status, _| status == 404).await;
}

#[tokio::test]
async fn owners_in_a_circle_go_together() {
    let world = with_controllers().await;
    let map = |name: &str, owner: &Value| {
        let owner = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true,
        });
        json!({"metadata": {"name": name, "ownerReferences": [owner]}})
    };
    let first = world.make(MAPS, json!({"metadata": {"name": "a"}})).await;
    let second = world.make(MAPS, map("b", &first)).await;
    let path = format!("{MAPS}/a");
    let said = world.send("PATCH", &path, &map("a", &second)).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let delete = format!("{path}?propagationPolicy=Foreground");
    world.send("DELETE", &delete, &Value::Null).await;
    for name in ["a", "b"] {
        until(&world, &format!("{MAPS}/{name}"), |status, _| status == 404).await;
    }
}

#[tokio::test]
async fn an_owner_in_another_namespace_is_none_and_an_event_says_so() {
    let world = with_controllers().await;
    let elsewhere = "/api/v1/namespaces/default/configmaps";
    let owner = world
        .make(elsewhere, json!({"metadata": {"name": "owner"}}))
        .await;
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid});
    let dependent = json!({"metadata": {"name": "d", "ownerReferences": [reference]}});
    world.make(MAPS, dependent).await;
    until(&world, &format!("{MAPS}/d"), |status, _| status == 404).await;
    let expected = format!(
        "ownerRef [v1/ConfigMap, namespace: blue, name: owner, uid: {uid}] does not exist in namespace \"blue\""
    );
    until(&world, "/api/v1/namespaces/blue/events", |_, body| {
        let events = body["items"].as_array().cloned().unwrap_or_default();
        events.iter().any(|event| {
            event["reason"] == "OwnerRefInvalidNamespace"
                && event["type"] == "Warning"
                && event["message"] == expected.as_str()
                && event["involvedObject"]["name"] == "d"
                && event["source"]["component"] == "garbage-collector-controller"
        })
    })
    .await;
}

#[tokio::test]
async fn the_pods_of_a_namespace_go_before_all_else() {
    let world = with_controllers().await;
    let pods = "/api/v1/namespaces/blue/pods";
    let account = "/api/v1/namespaces/blue/serviceaccounts/default";
    until(&world, account, |status, _| status == 200).await;
    let mut pod = crate::pod("p", json!({"nodeName": "n"}));
    pod["metadata"]["finalizers"] = json!(["example.com/stay"]);
    world.make(pods, pod).await;
    world.make(MAPS, json!({"metadata": {"name": "m"}})).await;
    let namespace = "/api/v1/namespaces/blue";
    world.send("DELETE", namespace, &Value::Null).await;
    until(&world, namespace, |_, body| {
        let conditions = body["status"]["conditions"].as_array().cloned();
        let conditions = conditions.unwrap_or_default();
        let says = |ty: &str, message: &str| {
            let mut all = conditions.iter();
            all.any(|it| it["type"] == ty && it["message"] == message)
        };
        says(
            "NamespaceContentRemaining",
            "Some resources are remaining: pods. has 1 resource instances",
        ) && says(
            "NamespaceFinalizersRemaining",
            "Some content in the namespace has finalizers remaining: example.com/stay in 1 resource instances",
        )
    })
    .await;
    let map = format!("{MAPS}/m");
    assert_eq!(world.send("GET", &map, &Value::Null).await.status, 200);
    let path = format!("{pods}/p");
    let free = json!({"metadata": {"finalizers": null}});
    assert_eq!(world.send("PATCH", &path, &free).await.status, 200);
    let now = format!("{path}?gracePeriodSeconds=0");
    world.send("DELETE", &now, &Value::Null).await;
    until(&world, namespace, |status, _| status == 404).await;
}

#[tokio::test]
async fn a_role_that_gathers_others_says_whose_its_rules_are() {
    let world = with_controllers().await;
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let selector = json!([{"matchLabels": {"gathered": "yes"}}]);
    let role = json!({"metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": selector}, "rules": []});
    world.make(roles, role).await;
    let rules = json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]);
    let metadata = json!({"name": "one", "labels": {"gathered": "yes"}});
    world
        .make(roles, json!({"metadata": metadata, "rules": rules}))
        .await;
    let path = format!("{roles}/all");
    until(&world, &path, |_, body| {
        let books = body["metadata"]["managedFields"].as_array().cloned();
        let mut books = books.unwrap_or_default().into_iter();
        let is_applied = books.any(|entry| {
            entry["manager"] == "clusterrole-aggregation-controller"
                && entry["operation"] == "Apply"
                && !entry["fieldsV1"]["f:rules"].is_null()
        });
        body["rules"] == rules && is_applied
    })
    .await;
    let one = format!("{roles}/one");
    assert_eq!(world.send("DELETE", &one, &Value::Null).await.status, 200);
    until(&world, &path, |_, body| body["rules"] != rules).await;
}
