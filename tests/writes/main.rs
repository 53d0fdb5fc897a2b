//! What a write does that a recorded answer does not show: limits, and several writers at once.

mod apply;
mod patch;
mod refusals;
mod scale;
mod status;

use bytes::Bytes;
use pintle_tests::http::{Answer, Client, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

pub(crate) const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
pub(crate) const JSON: &str = "application/json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// A client with a token.
pub(crate) struct Writer {
    client: Client,
    headers: Headers,
}

impl Writer {
    pub(crate) fn of(server: &TestServer) -> Self {
        Self {
            client: server.client(),
            headers: server.authorization(),
        }
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut headers = self.headers.clone();
        headers.push(("content-type".into(), content_type.into()));
        self.client
            .request(method, path, &headers, Some(body.into()))
            .await
            .expect("the server answers")
    }

    pub(crate) async fn create(&mut self, path: &str, object: &Value) {
        let answer = self.send("POST", path, JSON, object.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    pub(crate) async fn patch(&mut self, path: &str, kind: &str, patch: &Value) -> Answer {
        self.send("PATCH", path, kind, patch.to_string()).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        let answer = self.send("GET", path, JSON, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        body(&answer)
    }
}

pub(crate) fn body(answer: &Answer) -> Value {
    answer.json().expect("an answer is JSON")
}

#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, message: &str) {
    let found = body(answer);
    assert_eq!(
        (answer.status, found["message"].as_str()),
        (status, Some(message))
    );
}

pub(crate) fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"a": "1"}})
}
