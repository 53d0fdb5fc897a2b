//! Create and update.

use std::sync::Arc;

use pintle_runtime::status::ApiError;
use serde_json::{Value, json};

use crate::fixture::{Fixture, configmap, content, permit};

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, ApiError>, code: u16, message: &str) {
    let error = result.expect_err("an error");
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
}

#[tokio::test]
async fn a_create_says_what_is_the_servers_to_say() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let mut object = configmap("a");
    object["metadata"]["uid"] = "mine".into();
    object["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z".into();
    object["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
    object["metadata"]["selfLink"] = "/x".into();
    object["data"] = json!({"k": "v"});
    let written = configmaps.try_create(&object).await.expect("a create");
    assert!(written.created);
    let revision = written.object.entry().revision().to_string();
    let expected = format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"a","namespace":"blue","uid":"uid-0","resourceVersion":"{revision}","creationTimestamp":"2023-11-14T22:13:20Z""#
    );
    let json = std::str::from_utf8(written.object.json().expect("JSON")).expect("text");
    assert!(json.starts_with(&expected), "{json}");
    assert!(json.ends_with(r#"},"data":{"k":"v"}}"#), "{json}");
    assert!(
        !json.contains("deletionTimestamp"),
        "nor is it recorded that it was sent: {json}"
    );
    assert_eq!(configmaps.get("a").await, Some(content(&written.object)));
    let cached = configmaps.store.cache().get("blue/a").expect("the entry");
    assert!(
        Arc::ptr_eq(&cached, written.object.entry()),
        "what the write has encoded is what readers get"
    );
}

#[tokio::test]
async fn what_was_written_is_the_same_after_a_restart() {
    let fixture = Fixture::start().await;
    let deployments = fixture.resource("apps", "v1", "deployments");
    let object = json!({
        "metadata": {"name": "web", "labels": {"a": "b"}, "annotations": {}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [
                {"name": "c", "image": "i", "env": [], "resources": {"limits": {"cpu": "1000m"}}, "ports": null},
            ], "volumes": [{"name": "v", "emptyDir": {}}]}},
        },
    });
    let written = deployments
        .try_create(&object)
        .await
        .expect("a create")
        .object;
    let again = Fixture::over(
        fixture.storage.clone(),
        pintle_endpoints::cache::CacheOptions::default(),
    )
    .await;
    let read = again
        .resource("apps", "v1", "deployments")
        .try_get("web", "")
        .await
        .expect("a get");
    assert_eq!(read.json().expect("JSON"), written.json().expect("JSON"));
    assert_eq!(
        read.protobuf().expect("protobuf"),
        written.protobuf().expect("protobuf")
    );
    assert_eq!(read.entry().uid(), written.entry().uid());
}

#[tokio::test]
async fn a_name_is_generated_and_tried_again() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let generated = json!({"metadata": {"generateName": "gen-"}});
    let first = configmaps.create(generated.clone()).await;
    let name = first["metadata"]["name"].as_str().expect("a name");
    assert!(name.starts_with("gen-") && name.len() == 9, "{name}");
    let second = configmaps.create(generated.clone()).await;
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);

    *fixture.random.always.lock().expect("the bits") = Some(0);
    let third = configmaps.create(generated.clone()).await;
    let name = third["metadata"]["name"].as_str().expect("a name");
    fails(
        configmaps.try_create(&generated).await,
        409,
        &format!(
            "configmaps \"{name}\" already exists, the server was not able to generate a unique name for the object"
        ),
    );
}

#[tokio::test]
async fn a_create_is_refused_in_upstreams_words() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("a")).await;
    fails(
        configmaps.try_create(&configmap("a")).await,
        409,
        "configmaps \"a\" already exists",
    );
    fails(
        configmaps.try_create(&json!({})).await,
        422,
        "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
    );
    let elsewhere = json!({"metadata": {"name": "b", "namespace": "other"}});
    fails(
        configmaps.try_create(&elsewhere).await,
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    );
    let versioned = json!({"metadata": {"name": "b", "resourceVersion": "7"}});
    fails(
        configmaps.try_create(&versioned).await,
        500,
        "resourceVersion should not be set on objects to be created",
    );
    let held = json!({"metadata": {"name": "held", "finalizers": ["example.com/one"]}});
    configmaps.create(held.clone()).await;
    configmaps.delete("held").await;
    fails(
        configmaps.try_create(&held).await,
        409,
        "object is being deleted: configmaps \"held\" already exists",
    );
}

#[tokio::test]
async fn a_stale_update_conflicts() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let old = configmaps.create(configmap("colors")).await;
    let mut grey = old.clone();
    grey["data"] = json!({"sky": "grey"});
    let new = configmaps.update(&grey).await;
    assert_ne!(
        new["metadata"]["resourceVersion"],
        old["metadata"]["resourceVersion"]
    );
    assert_eq!(new["metadata"]["uid"], old["metadata"]["uid"]);
    fails(
        configmaps.try_update("colors", &grey).await,
        409,
        "Operation cannot be fulfilled on configmaps \"colors\": the object has been modified; please apply your changes to the latest version and try again",
    );
    let mut other = new.clone();
    other["metadata"]["uid"] = "other".into();
    fails(
        configmaps.try_update("colors", &other).await,
        409,
        "Operation cannot be fulfilled on configmaps \"colors\": StorageError: invalid object, Code: 4, Key: /registry/configmaps/blue/colors, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object meta: uid-0",
    );
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_not_written() {
    let fixture = Fixture::start().await;
    let deployments = fixture.resource("apps", "v1", "deployments");
    let old = deployments
        .create(json!({
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
            },
        }))
        .await;
    assert_eq!(old["metadata"]["generation"], 1);
    let before = fixture.storage.current().await.expect("a revision");
    let mut same = old.clone();
    same["metadata"]["creationTimestamp"] = Value::Null;
    same["metadata"]["generation"] = json!(50);
    same["metadata"]["labels"] = json!({});
    same["spec"]["template"]["spec"]["volumes"] = json!([]);
    assert_eq!(deployments.update(&same).await, old);
    assert_eq!(fixture.storage.current().await.expect("a revision"), before);

    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"x": "y"});
    let labelled = deployments.update(&labelled).await;
    assert_eq!(labelled["metadata"]["generation"], 1);
    let mut scaled = labelled.clone();
    scaled["spec"]["replicas"] = json!(2);
    assert_eq!(
        deployments.update(&scaled).await["metadata"]["generation"],
        2
    );
}

#[tokio::test]
async fn an_update_without_a_revision_is_computed_until_it_lands() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let mut object = configmap("counter");
    object["data"] = json!({"count": "0"});
    configmaps.create(object).await;
    let count = |object: &mut Value| {
        let count: u64 = object["data"]["count"]
            .as_str()
            .expect("a count")
            .parse()
            .expect("a number");
        object["data"]["count"] = (count + 1).to_string().into();
        object["metadata"]["resourceVersion"] = Value::Null;
    };
    let writers = (0..8).map(|_| async {
        for _ in 0..25 {
            configmaps.change("counter", count).await.expect("a change");
        }
    });
    futures_util::future::join_all(writers).await;
    assert_eq!(
        configmaps.get("counter").await.expect("the object")["data"]["count"],
        "200"
    );
}

#[tokio::test]
async fn an_update_is_refused_in_upstreams_words() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("a")).await;
    fails(
        configmaps.try_update("none", &configmap("none")).await,
        404,
        "configmaps \"none\" not found",
    );
    fails(
        configmaps.try_update("a", &json!({"metadata": {}})).await,
        400,
        "the name of the object (a based on URL) was undeterminable: name must be provided",
    );
    fails(
        configmaps.try_update("a", &configmap("e")).await,
        400,
        "the name of the object (e) does not match the name on the URL (a)",
    );
    let wrong_uid = |object: &mut Value| object["metadata"]["uid"] = "other".into();
    fails(
        configmaps.change("a", wrong_uid).await,
        422,
        "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: \"other\": field is immutable",
    );
    let invalid = |object: &mut Value| object["metadata"]["resourceVersion"] = "x".into();
    fails(
        configmaps.change("a", invalid).await,
        500,
        "resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax",
    );
}

#[tokio::test]
async fn a_put_creates_where_the_kind_allows_it() {
    let fixture = Fixture::start().await;
    let leases = fixture.resource("coordination.k8s.io", "v1", "leases");
    let lease = json!({"metadata": {"name": "a"}, "spec": {"holderIdentity": "me"}});
    let written = leases.try_update("a", &lease).await.expect("a create");
    assert!(written.created);
    fails(
        leases.try_update("a", &lease).await,
        422,
        "leases.coordination.k8s.io \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update",
    );
}

#[tokio::test]
async fn the_last_finalizer_takes_the_object_with_it() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(json!({"metadata": {"name": "a", "finalizers": ["example.com/one", "example.com/two"]}})).await;
    let deleted = configmaps.delete("a").await;
    assert!(deleted.is_kept());
    let object = content(deleted.object());
    assert_eq!(
        object["metadata"]["deletionTimestamp"],
        "2023-11-14T22:13:20Z"
    );
    assert_eq!(object["metadata"]["deletionGracePeriodSeconds"], 0);
    fixture.clock.advance(5);
    assert_eq!(
        content(configmaps.delete("a").await.object()),
        object,
        "a second delete changes nothing"
    );

    let third = |object: &mut Value| {
        object["metadata"]["finalizers"] = json!(["example.com/one", "example.com/three"]);
    };
    fails(
        configmaps.change("a", third).await,
        422,
        "ConfigMap \"a\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"example.com/three\"}",
    );
    let one = configmaps
        .change("a", |object| {
            object["metadata"]["finalizers"] = json!(["example.com/two"]);
        })
        .await;
    let one = one.expect("a change").object.entry().revision();
    let last = configmaps
        .change("a", |object| object["metadata"]["finalizers"] = Value::Null)
        .await;
    let last = last.expect("a change").object;
    assert_eq!(
        last.entry().revision(),
        one,
        "the last state is told at the revision that it was computed from"
    );
    assert_eq!(content(&last)["metadata"]["finalizers"], Value::Null);
    assert_eq!(configmaps.get("a").await, None);
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let mut cx = configmaps.cx();
    cx.dry_run = true;
    let new = configmaps.record(&configmap("a"));
    let written = configmaps
        .store
        .create(&permit(), &cx, new)
        .await
        .expect("a create");
    assert_eq!(
        content(&written.object)["metadata"]["resourceVersion"],
        Value::Null
    );
    assert_eq!(configmaps.get("a").await, None);

    let old = configmaps.create(configmap("a")).await;
    let mut changed = configmap("a");
    changed["data"] = json!({"x": "y"});
    let new = configmaps.record(&changed);
    let written = configmaps
        .store
        .update(&permit(), &cx, "a", new)
        .await
        .expect("an update");
    let answer = content(&written.object);
    assert_eq!(answer["data"], changed["data"]);
    assert_eq!(
        answer["metadata"]["resourceVersion"],
        old["metadata"]["resourceVersion"]
    );
    configmaps
        .store
        .delete(&permit(), &cx, "a", &Default::default())
        .await
        .expect("a delete");
    assert_eq!(configmaps.get("a").await, Some(old));
    let taken = configmaps
        .store
        .create(&permit(), &cx, configmaps.record(&configmap("a")))
        .await;
    fails(taken, 409, "configmaps \"a\" already exists");
}

#[tokio::test]
async fn a_cluster_kind_is_in_no_namespace() {
    let fixture = Fixture::start().await;
    let nodes = fixture.resource("", "v1", "nodes").within("");
    let node = nodes
        .create(json!({"metadata": {"name": "n", "namespace": "x"}}))
        .await;
    assert_eq!(node["metadata"]["namespace"], Value::Null);
    assert!(nodes.get("n").await.is_some());
}

#[tokio::test]
async fn a_get_waits_for_its_revision_and_not_longer() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let created = configmaps.create(configmap("a")).await;
    let revision = created["metadata"]["resourceVersion"]
        .as_str()
        .expect("a revision");
    assert_eq!(
        content(&configmaps.try_get("a", revision).await.expect("a get")),
        created
    );
    assert_eq!(
        content(&configmaps.try_get("a", "0").await.expect("a get")),
        created
    );
    fails(
        configmaps.try_get("a", "abc").await,
        500,
        "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
    );
    let current = fixture.storage.current().await.expect("a revision");
    fails(
        configmaps.try_get("a", "900000000").await,
        504,
        &format!("Timeout: Too large resource version: 900000000, current: {current}"),
    );
}
