//! Patches of the three kinds that are not apply.

use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{CONFIGMAPS, JSON, JSON_PATCH, MERGE, STRATEGIC, Writer, body, config_map, refused};

#[tokio::test]
async fn patches_without_a_revision_all_land() {
    let server = TestServer::start().await;
    Writer::of(&server)
        .create(CONFIGMAPS, &config_map("a"))
        .await;
    let path = &format!("{CONFIGMAPS}/a");
    let writers = (0..16).map(|writer| {
        let mut client = Writer::of(&server);
        async move {
            for turn in 0..8 {
                let kind = [MERGE, STRATEGIC][turn % 2];
                let patch = json!({"data": {format!("k{writer}-{turn}"): "x"}});
                let answer = client.patch(path, kind, &patch).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
    });
    futures_util::future::join_all(writers).await;
    let object = Writer::of(&server).get(path).await;
    assert_eq!(
        object["data"].as_object().map(serde_json::Map::len),
        Some(16 * 8 + 1)
    );
}

#[tokio::test]
async fn a_patch_with_a_stale_revision_conflicts() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(CONFIGMAPS, &config_map("a")).await;
    let path = &format!("{CONFIGMAPS}/a");
    let old = client.get(path).await;
    client
        .patch(path, MERGE, &json!({"data": {"b": "2"}}))
        .await;
    let patch = json!({"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"c": "3"}});
    let answer = client.patch(path, MERGE, &patch).await;
    let why = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your \
               changes to the latest version and try again";
    refused(&answer, 409, why);
}

#[tokio::test]
async fn what_is_no_patch_or_does_not_fit_is_refused() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(CONFIGMAPS, &config_map("a")).await;
    let path = &format!("{CONFIGMAPS}/a");
    let unprocessable = "the server rejected our request due to an error in our request";
    let operation = json!({"op": "add", "path": "/data/x", "value": "y"});
    let copies: Vec<Value> =
        std::iter::once(json!({"op": "add", "path": "/data/x", "value": "y".repeat(1 << 20)}))
            .chain(
                (0..4).map(
                    |at| json!({"op": "copy", "from": "/data/x", "path": format!("/data/x{at}")}),
                ),
            )
            .collect();
    for (kind, patch, status, message) in [
        (
            JSON_PATCH,
            json!([{"op": "remove", "path": "/data/none"}]),
            422,
            unprocessable,
        ),
        (
            JSON_PATCH,
            json!([{"op": "test", "path": "/data/a", "value": "2"}]),
            422,
            unprocessable,
        ),
        (JSON_PATCH, Value::from(copies), 422, unprocessable),
        (
            JSON_PATCH,
            Value::from(vec![operation; 10_001]),
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
        (
            JSON_PATCH,
            json!({}),
            400,
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            MERGE,
            json!([]),
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            STRATEGIC,
            json!([]),
            400,
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            STRATEGIC,
            json!({"metadata": {"$patch": "twist"}}),
            500,
            "unknown patch type: twist in map: map[$patch:twist]",
        ),
        (
            STRATEGIC,
            json!({"data": {"a": 1}}),
            422,
            " \"\" is invalid: patch: Invalid value: \"map[data:map[a:1]]\": cannot convert int64 to string",
        ),
        (
            STRATEGIC,
            json!({"$setElementOrder/bogus": []}),
            500,
            "unable to find api field in struct ConfigMap for the json field \"bogus\"",
        ),
        (
            MERGE,
            json!({"apiVersion": null}),
            400,
            "the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
        (
            MERGE,
            json!({"metadata": {"name": "b"}}),
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
    ] {
        refused(&client.patch(path, kind, &patch).await, status, message);
    }
    let missing = client
        .patch(&format!("{CONFIGMAPS}/none"), MERGE, &json!([]))
        .await;
    refused(&missing, 404, "configmaps \"none\" not found");
}

#[tokio::test]
async fn nothing_is_written_where_nothing_changes() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(CONFIGMAPS, &config_map("a")).await;
    let path = &format!("{CONFIGMAPS}/a");
    let before = client.get(path).await;
    for (kind, patch) in [
        (MERGE, json!({"data": {"a": "1", "none": null}})),
        (STRATEGIC, json!({"data": {"a": "1"}})),
        (
            JSON_PATCH,
            json!([{"op": "test", "path": "/data/a", "value": "1"}]),
        ),
    ] {
        assert_eq!(
            body(&client.patch(path, kind, &patch).await),
            before,
            "{kind}"
        );
    }
    let dry = client
        .patch(
            &format!("{path}?dryRun=All"),
            MERGE,
            &json!({"data": {"a": "2"}}),
        )
        .await;
    assert_eq!(body(&dry)["data"]["a"], "2");
    assert_eq!(client.get(path).await, before);
}

#[tokio::test]
async fn a_patch_may_say_that_it_makes_another_version_of_the_same() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let scalers = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let scaler =
        json!({"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target}});
    client.create(scalers, &scaler).await;
    let path = &format!("{scalers}/a");
    let patch = json!({"apiVersion": "autoscaling/v2", "spec": {"maxReplicas": 4}});
    let patched = client.patch(path, MERGE, &patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(body(&patched)["apiVersion"], "autoscaling/v1");
    assert_eq!(body(&patched)["spec"]["maxReplicas"], 4);
    let other = client
        .patch(path, MERGE, &json!({"kind": "Deployment"}))
        .await;
    assert_eq!(other.status, 422, "{}", other.text());
    let ignored = client
        .patch(path, STRATEGIC, &json!({"kind": "Deployment"}))
        .await;
    assert_eq!(ignored.status, 200, "{}", ignored.text());
}

#[tokio::test]
async fn the_same_objects_under_another_group_are_another_version() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let event =
        json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "a"}});
    let answer = client
        .send(
            "POST",
            "/api/v1/namespaces/default/events",
            JSON,
            event.to_string(),
        )
        .await;
    let why = "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)";
    refused(&answer, 400, why);
}

#[tokio::test]
async fn an_object_too_large_with_its_managed_fields_is_kept_without() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let keys = |range: std::ops::Range<usize>| -> Value {
        let entries = range.map(|at| (format!("a-rather-long-key-{at:06}"), json!("x")));
        Value::Object(entries.collect())
    };
    let large = json!({"metadata": {"name": "a"}, "data": keys(0..36_000)});
    client.create(CONFIGMAPS, &large).await;
    let path = &format!("{CONFIGMAPS}/a");
    let found = client.get(path).await;
    assert_eq!(found["metadata"]["managedFields"], Value::Null);

    let small = json!({"metadata": {"name": "b"}, "data": {"a": "1"}});
    client.create(CONFIGMAPS, &small).await;
    let other = &format!("{CONFIGMAPS}/b");
    let patch = json!({"data": keys(0..36_000)});
    let patched = client.patch(other, MERGE, &patch).await;
    assert_eq!(patched.status, 200);
    assert_eq!(body(&patched)["metadata"]["managedFields"], Value::Null);
    let huge = client
        .patch(path, MERGE, &json!({"data": keys(36_000..70_000)}))
        .await;
    refused(&huge, 500, "etcdserver: request is too large");
}
