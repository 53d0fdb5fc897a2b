//! What a change is refused for, and how often that is said.

use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{CONFIGMAPS, JSON, JSON_PATCH, MERGE, STRATEGIC, Writer, body, config_map, refused};

const REVISIONS: &str = "/apis/apps/v1/namespaces/default/controllerrevisions";

/// A change in metadata is looked at by the server as at a new object and as at a change, and then by the kind.
#[tokio::test]
async fn metadata_are_looked_at_as_often_as_upstream_does() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(CONFIGMAPS, &config_map("a")).await;
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    client
        .create(budgets, &json!({"metadata": {"name": "a"}, "spec": {}}))
        .await;
    for (resource, times) in [(CONFIGMAPS, 4), (budgets, 2)] {
        let path = format!("{resource}/a");
        let patch = json!({"metadata": {"labels": {"a b": "c"}}});
        let answer = client.patch(&path, MERGE, &patch).await;
        let causes = &body(&answer)["details"]["causes"];
        let fields: Vec<&Value> = causes
            .as_array()
            .into_iter()
            .flatten()
            .map(|cause| &cause["field"])
            .collect();
        assert_eq!(fields, vec!["metadata.labels"; times], "{path}");
    }
}

#[tokio::test]
async fn a_finalizer_without_a_domain_is_one_of_kubernetes_own() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let with = |finalizer: &str| json!({"metadata": {"name": "a", "finalizers": [finalizer]}});
    let answer = client
        .send("POST", CONFIGMAPS, JSON, with("mine").to_string())
        .await;
    refused(
        &answer,
        422,
        "ConfigMap \"a\" is invalid: metadata.finalizers[0]: Invalid value: \"mine\": name is neither a standard \
         finalizer name nor is it fully qualified",
    );
    client.create(CONFIGMAPS, &with("foregroundDeletion")).await;
    let lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    client.create(lease, &with("mine")).await;
}

/// A patch goes over the whole object as JSON, in which there is no white space.
#[tokio::test]
async fn the_data_of_a_revision_stay_byte_for_byte() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let spaced = |revision: i64| {
        format!(
            r#"{{"metadata": {{"name": "a"}}, "data": {{"any": [1, "two"]}}, "revision": {revision}}}"#
        )
    };
    let created = client.send("POST", REVISIONS, JSON, spaced(1)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let path = &format!("{REVISIONS}/a");
    let replaced = client.send("PUT", path, JSON, spaced(2)).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    let immutable = "ControllerRevision.apps \"a\" is invalid: data: Invalid value: \
                     {\"any\":[1,\"two\"]}: field is immutable";
    let compact = spaced(3).replace(": ", ":").replace(", ", ",");
    let replaced = client.send("PUT", path, JSON, compact).await;
    refused(&replaced, 422, immutable);
    let operation = json!([{"op": "replace", "path": "/revision", "value": 4}]);
    for (kind, patch) in [
        (MERGE, json!({"revision": 4})),
        (STRATEGIC, json!({"revision": 4})),
        (JSON_PATCH, operation),
    ] {
        refused(&client.patch(path, kind, &patch).await, 422, immutable);
    }
}

/// Options of a delete may be of any group and version, and are of upstream's own if they do not say.
#[tokio::test]
async fn what_is_no_options_deletes_nothing() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(CONFIGMAPS, &config_map("a")).await;
    let path = format!("{CONFIGMAPS}/a");
    let scheme =
        "in scheme \"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:31\"";
    for (options, version) in [
        (json!({"kind": "Pod"}), "meta.k8s.io/v1"),
        (json!({"kind": "Pod", "apiVersion": "v1"}), "v1"),
    ] {
        let answer = client
            .send("DELETE", &path, JSON, options.to_string())
            .await;
        let why = format!("no kind \"Pod\" is registered for version \"{version}\" {scheme}");
        refused(&answer, 400, &why);
    }
    let options = json!({"kind": "DeleteOptions", "apiVersion": "apps/v1"});
    let answer = client
        .send("DELETE", &path, JSON, options.to_string())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
