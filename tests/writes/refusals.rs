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
    let classes = "/apis/resource.k8s.io/v1/deviceclasses";
    client
        .create(classes, &json!({"metadata": {"name": "a"}, "spec": {}}))
        .await;
    for (resource, times) in [(CONFIGMAPS, 4), (classes, 4), (budgets, 2)] {
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
async fn a_binding_names_its_pod() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let binding = json!({"target": {"kind": "Node", "name": "n"}}).to_string();
    let path = "/api/v1/namespaces/default/bindings";
    let answer = client.send("POST", path, JSON, binding).await;
    refused(&answer, 400, "Name parameter required.");
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

/// What says that it is something else is read as that first; what nobody has heard of is not read at all.
#[tokio::test]
async fn a_body_of_another_kind_is_refused_for_what_it_says_that_it_is() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let about = |what: &str, why: &str| format!("{what} cannot be handled as a ConfigMap: {why}");
    let unknown = |kind: &str, version: &str| {
        format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
        )
    };
    let cases = [
        (
            CONFIGMAPS,
            json!({"apiVersion": "v1", "kind": "Service", "spec": {}}),
            about(
                "Service in version \"v1\"",
                "converting (v1.Service) to (core.ConfigMap): unknown conversion",
            ),
        ),
        (
            CONFIGMAPS,
            json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": "x"}}),
            about(
                "Service in version \"v1\"",
                "json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort",
            ),
        ),
        (
            CONFIGMAPS,
            json!({"apiVersion": "v1", "kind": "DeleteOptions"}),
            about(
                "DeleteOptions in version \"v1\"",
                "converting (v1.DeleteOptions) to (core.ConfigMap): unknown conversion",
            ),
        ),
        (
            CONFIGMAPS,
            json!({"apiVersion": "a.b/v1", "kind": "DeleteOptions"}),
            about(
                "DeleteOptions in version \"v1\"",
                &unknown("DeleteOptions", "a.b/v1"),
            ),
        ),
        // What others serve, who are part of the same server.
        (
            CONFIGMAPS,
            json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}),
            about(
                "APIService in version \"v1\"",
                &unknown("APIService", "apiregistration.k8s.io/v1"),
            ),
        ),
        (
            deployments,
            json!({"apiVersion": "extensions/v1beta1", "kind": "Deployment"}),
            "the API version in the data (extensions/v1beta1) does not match the expected API version (apps/v1)"
                .to_owned(),
        ),
        (
            deployments,
            json!({"apiVersion": "apps/v1beta2", "kind": "Deployment", "spec": {"paused": true}}),
            "the API version in the data (apps/v1beta2) does not match the expected API version (apps/v1)"
                .to_owned(),
        ),
    ];
    for (path, body, message) in cases {
        let answer = client.send("POST", path, JSON, body.to_string()).await;
        refused(&answer, 400, &message);
    }
}

/// A create looks at the type of the body first, an update at the options.
#[tokio::test]
async fn what_is_wrong_with_a_write_is_found_in_upstreams_order() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(CONFIGMAPS, &config_map("a")).await;
    let query = "?fieldValidation=Odd";
    let cases = [
        ("POST", format!("{CONFIGMAPS}{query}"), 415),
        ("PUT", format!("{CONFIGMAPS}/a{query}"), 422),
        ("PUT", format!("{CONFIGMAPS}/a"), 415),
    ];
    for (method, path, status) in cases {
        let answer = client.send(method, &path, "text/plain", "{}").await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}
