//! Admission plug-ins on a real server: what they make of requests, and the words in which they refuse.

mod controllers;
mod default;
mod nodes;
mod opt_in;
mod policies;
mod rights;

use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use serde_json::Value;

/// A server and whom to be.
struct World {
    server: TestServer,
    token: &'static str,
}

/// What a request led to.
struct Said {
    status: u16,
    body: Value,
    warnings: Vec<String>,
}

impl World {
    async fn start(flags: &[&str]) -> Self {
        let server = TestServer::start_with(flags).await;
        let token = server.token();
        let world = Self { server, token };
        // A controller makes it in a cluster, and in a server that sets itself up.
        let account = serde_json::json!({"metadata": {"name": "default"}});
        let path = "/api/v1/namespaces/default/serviceaccounts";
        let said = world.send("POST", path, &account).await;
        assert!(matches!(said.status, 201 | 409), "{}", said.body);
        world
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Said {
        self.send_as("", method, path, body).await
    }

    /// The same by another user, if there is one.
    async fn send_as(&self, user: &str, method: &str, path: &str, body: &Value) -> Said {
        let kind = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let mut headers: Headers = vec![
            ("authorization".into(), format!("Bearer {}", self.token)),
            ("content-type".into(), kind.into()),
        ];
        if !user.is_empty() {
            headers.push(("impersonate-user".into(), user.into()));
            if user.starts_with("system:node:") {
                headers.push(("impersonate-group".into(), "system:nodes".into()));
            }
        }
        let body = (!body.is_null()).then(|| body.to_string().into());
        let mut client = self.server.client();
        let answer = client
            .request(method, path, &headers, body)
            .await
            .expect("the server answers");
        Said {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap_or_default(),
            warnings: answer
                .headers
                .iter()
                .filter(|(name, _)| name == "warning")
                .map(|(_, value)| value.clone())
                .collect(),
        }
    }

    /// Makes something, which has to succeed.
    #[track_caller]
    fn make<'a>(&'a self, path: &'a str, body: Value) -> impl Future<Output = Value> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let said = self.send("POST", path, &body).await;
            assert_eq!(said.status, 201, "{caller}: {path}: {}", said.body);
            said.body
        }
    }

    /// Asks for something, which has to be refused in these words.
    #[track_caller]
    fn refused<'a>(
        &'a self,
        path: &'a str,
        body: Value,
        expected: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let said = self.send("POST", path, &body).await;
            assert_eq!(
                said.body["message"], expected,
                "{caller}: {path}: {}",
                said.body
            );
            assert!(said.status >= 400, "{caller}");
        }
    }
}

const PODS: &str = "/api/v1/namespaces/default/pods";

/// A pod with this `spec`; an image is added to its containers.
fn pod(name: &str, mut spec: Value) -> Value {
    if spec["containers"].is_null() {
        spec["containers"] = serde_json::json!([{"name": "c"}]);
    }
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            container["image"] = "registry.example/c:1".into();
        }
    }
    serde_json::json!({"metadata": {"name": name}, "spec": spec})
}
