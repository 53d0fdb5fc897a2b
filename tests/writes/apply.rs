//! Server-side apply.

use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{APPLY, CONFIGMAPS, MERGE, Writer, body, refused};

fn applied(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn by(manager: &str) -> String {
    format!("{CONFIGMAPS}/a?fieldManager={manager}")
}

#[tokio::test]
async fn managers_share_an_object_field_by_field() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let created = client
        .patch(&by("one"), APPLY, &applied(&json!({"x": "1", "y": "1"})))
        .await;
    assert_eq!(created.status, 201, "{}", created.text());
    let shared = client
        .patch(&by("two"), APPLY, &applied(&json!({"y": "1", "z": "2"})))
        .await;
    assert_eq!(body(&shared)["data"], json!({"x": "1", "y": "1", "z": "2"}));

    let conflict = client
        .patch(&by("two"), APPLY, &applied(&json!({"x": "2", "y": "2"})))
        .await;
    let why = "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.x\n- .data.y";
    refused(&conflict, 409, why);
    let causes = &body(&conflict)["details"]["causes"];
    assert_eq!(causes[0]["reason"], "FieldManagerConflict");
    assert_eq!(causes[0]["field"], ".data.x");

    let forced = format!("{}&force=true", by("two"));
    let taken = client
        .patch(&forced, APPLY, &applied(&json!({"x": "2"})))
        .await;
    assert_eq!(
        body(&taken)["data"],
        json!({"x": "2", "y": "1"}),
        "what two owned alone goes"
    );
    let left = client.patch(&by("one"), APPLY, &applied(&json!({}))).await;
    assert_eq!(
        body(&left)["data"],
        json!({"x": "2"}),
        "what one owned alone goes"
    );
}

#[tokio::test]
async fn an_apply_says_what_it_is_and_who_applies() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    for (path, config, status, message) in [
        (
            format!("{CONFIGMAPS}/a"),
            applied(&json!({})),
            422,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ),
        (
            by("one"),
            json!({"data": {}}),
            400,
            "invalid object type: /, Kind=",
        ),
        (
            by("one"),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "managedFields": []}}),
            400,
            "metadata.managedFields must be nil",
        ),
        (
            by("one"),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "x"}}),
            409,
            "Operation cannot be fulfilled on configmaps \"a\": uid mismatch: the provided object specified uid x, and \
             no existing object was found",
        ),
        (
            by("one"),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": 1}}),
            500,
            "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.a: expected string, got \
             &value.valueUnstructured{Value:1}",
        ),
    ] {
        refused(&client.patch(&path, APPLY, &config).await, status, message);
    }
}

#[tokio::test]
async fn what_nobody_kept_books_of_was_before_the_first_apply() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client
        .create(
            CONFIGMAPS,
            &json!({"metadata": {"name": "a"}, "data": {"x": "1"}}),
        )
        .await;
    let path = &format!("{CONFIGMAPS}/a");
    let forgotten = client
        .patch(path, MERGE, &json!({"metadata": {"managedFields": [{}]}}))
        .await;
    assert_eq!(body(&forgotten)["metadata"]["managedFields"], Value::Null);
    let conflict = client
        .patch(&by("one"), APPLY, &applied(&json!({"x": "2"})))
        .await;
    refused(
        &conflict,
        409,
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.x",
    );
}

#[tokio::test]
async fn appliers_at_once_neither_lose_nor_repeat_anything() {
    let server = TestServer::start().await;
    let appliers = (0..8).map(|at| {
        let mut client = Writer::of(&server);
        async move {
            let config = applied(&json!({format!("k{at}"): "x"}));
            for _ in 0..4 {
                let answer = client.patch(&by(&format!("m{at}")), APPLY, &config).await;
                assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
            }
        }
    });
    futures_util::future::join_all(appliers).await;
    let object = Writer::of(&server).get(&format!("{CONFIGMAPS}/a")).await;
    assert_eq!(
        object["data"].as_object().map(serde_json::Map::len),
        Some(8)
    );
    let entries = object["metadata"]["managedFields"].as_array();
    assert_eq!(entries.map(Vec::len), Some(8));
}
