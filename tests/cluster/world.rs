//! A server and the components of a cluster that talk to it.

use std::time::Duration;

use bytes::Bytes;
use pintle_runtime::codec::protobuf::{self, envelope};
use pintle_runtime::codec::{Problems, json};
use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use serde_json::Value;

/// A server and whom to be.
pub(crate) struct World {
    pub(crate) server: TestServer,
    token: &'static str,
}

/// The content type of client-go.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// A debug build on a busy machine has done it long before.
const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    /// A server whose own controllers leave everything to this one but what a namespace needs.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let server = TestServer::start_with(flags).await;
        let token = server.token();
        let world = Self { server, token };
        let account = serde_json::json!({"metadata": {"name": "default"}});
        let path = "/api/v1/namespaces/default/serviceaccounts";
        let (status, body) = world.send("POST", path, "v1/ServiceAccount", account).await;
        assert!(matches!(status, 201 | 409), "{body}");
        world
    }

    /// Sends an object of `kind`, as `apps/v1/Deployment`, and gives what comes back; both in protobuf.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        object: Value,
    ) -> (u16, Value) {
        let body = (!object.is_null()).then(|| encoded(kind, object));
        self.ask(method, path, PROTOBUF, body).await
    }

    /// The same with a patch.
    pub(crate) async fn patch(&self, path: &str, patch_type: &str, patch: &Value) -> Value {
        let body = Bytes::from(patch.to_string());
        let (status, body) = self.ask("PATCH", path, patch_type, Some(body)).await;
        assert!(matches!(status, 200 | 201), "{path}: {body}");
        body
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Option<Bytes>,
    ) -> (u16, Value) {
        let headers: Headers = vec![
            ("authorization".into(), format!("Bearer {}", self.token)),
            ("content-type".into(), content_type.into()),
            ("accept".into(), format!("{PROTOBUF},application/json")),
            (
                "user-agent".into(),
                "kube-controller-manager/v1.36.2".into(),
            ),
        ];
        let mut client = self.server.client();
        let answer = client.request(method, path, &headers, body).await;
        let answer = answer.expect("the server answers");
        (answer.status, decoded(&answer.body))
    }

    /// Makes an object, which has to succeed.
    pub(crate) async fn make(&self, path: &str, kind: &str, object: Value) -> Value {
        let (status, body) = self.send("POST", path, kind, object).await;
        assert_eq!(status, 201, "{path}: {body}");
        body
    }

    /// Replaces an object, which has to succeed.
    pub(crate) async fn replace(&self, path: &str, kind: &str, object: Value) -> Value {
        let (status, body) = self.send("PUT", path, kind, object).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What is at `path`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, PROTOBUF, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The status of the answer to a GET.
    pub(crate) async fn status_of(&self, path: &str) -> u16 {
        self.ask("GET", path, PROTOBUF, None).await.0
    }

    /// Deletes what is at `path`, as a garbage collector or a kubelet does.
    pub(crate) async fn delete(&self, path: &str, options: Value) -> Value {
        let body = encoded("v1/DeleteOptions", options);
        let (status, body) = self.ask("DELETE", path, PROTOBUF, Some(body)).await;
        assert!(matches!(status, 200 | 202), "{path}: {body}");
        body
    }

    /// Looks at `path` until `wanted` holds.
    pub(crate) async fn eventually(
        &self,
        path: &str,
        wanted: impl Fn(u16, &Value) -> bool,
    ) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let (status, body) = self.ask("GET", path, PROTOBUF, None).await;
            if wanted(status, &body) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {status} {body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The names in a list.
    pub(crate) async fn names(&self, path: &str) -> Vec<String> {
        let list = self.get(path).await;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let name = |item: &Value| {
            item["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        items.iter().map(name).collect()
    }
}

/// An object in protobuf, in its envelope.
fn encoded(kind: &str, mut object: Value) -> Bytes {
    let (api_version, kind) = kind.rsplit_once('/').expect("group, version and kind");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let ty = pintle_api::type_by_kind(group, version, kind);
    let ty = ty.unwrap_or_else(|| panic!("{kind} is no kind"));
    object["kind"] = kind.into();
    object["apiVersion"] = api_version.into();
    let text = Bytes::from(object.to_string());
    let mut record = json::decode(&ty, &text, &mut Problems::ignored()).expect("an object");
    pintle_runtime::codec::normalize(&mut record);
    let mut out = Vec::new();
    envelope::encode(api_version, kind, &record, &mut out);
    out.into()
}

/// What a protobuf answer says; an answer in JSON is taken as it is.
pub(crate) fn decoded(body: &Bytes) -> Value {
    let Ok(envelope) = envelope::unwrap(body) else {
        return serde_json::from_slice(body).unwrap_or_default();
    };
    let (group, version) = envelope
        .api_version
        .split_once('/')
        .unwrap_or(("", &envelope.api_version));
    let meta = format!("io.k8s.apimachinery.pkg.apis.meta.v1.{}", envelope.kind);
    let ty = pintle_api::type_by_kind(group, version, &envelope.kind)
        .or_else(|| pintle_api::type_by_name(&meta))
        .unwrap_or_else(|| panic!("{} is no kind", envelope.kind));
    let record = protobuf::decode(&ty, &envelope.raw).expect("an object");
    let mut text = Vec::new();
    json::encode(&record, &mut text);
    serde_json::from_slice(&text).expect("JSON")
}
