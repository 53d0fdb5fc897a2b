//! What clients read, over HTTP from a real server: lists and their pages, watches, health, and what is made up on the
//! spot.

mod endpoints;
mod lists;
mod paths;
mod unkept;
mod watches;

use bytes::Bytes;
use pintle_tests::http::{Answer, Client, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

/// Objects that nobody but the test makes.
const OBJECTS: &str = "/api/v1/namespaces/default/limitranges";

/// An administrator with a server.
struct Reader {
    server: TestServer,
    client: Client,
}

impl Reader {
    async fn start(flags: &[&str]) -> Self {
        let server = TestServer::start_with(flags).await;
        let client = server.client();
        Self { server, client }
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut all: Headers = self.server.authorization();
        all.extend(
            headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into())),
        );
        if body.is_some() {
            all.push(("content-type".into(), "application/json".into()));
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        let answer = self.client.request(method, path, &all, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error:#}"))
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    /// The answer as JSON, whatever its code is.
    async fn json(&mut self, path: &str) -> Value {
        let answer = self.get(path).await;
        answer
            .json()
            .unwrap_or_else(|error| panic!("{path}: {error:#}"))
    }

    /// Makes an object.
    async fn make(&mut self, name: &str) {
        let body = json!({"metadata": {"name": name, "labels": {"first": name[..1]}}});
        let answer = self.send("POST", OBJECTS, &[], Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Code and message of a refusal.
    async fn refusal(&mut self, path: &str) -> (u16, String) {
        let answer = self.get(path).await;
        let message = answer
            .json()
            .ok()
            .and_then(|json| json["message"].as_str().map(str::to_owned));
        (answer.status, message.unwrap_or_else(|| answer.text()))
    }
}

/// The names of a list's items.
fn names(list: &Value) -> Vec<&str> {
    let items = list["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect()
}
