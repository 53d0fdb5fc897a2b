//! A store that fails, fails loudly and narrowly: who needs it is told in a `Status`, in time, and everybody else does
//! not notice.

mod chances;
mod store;

use std::sync::Arc;
use std::time::Duration;

use pintle_storage::Storage;
use pintle_testing::TestServer;
use pintle_tests::http::{Answer, Client, Endpoint, Headers};
use serde_json::{Value, json};
use store::{Fault, Faults, Faulty, Of};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const SECRETS: &str = "/api/v1/namespaces/default/secrets";

/// A server on a store that can be told to fail.
struct Tried {
    server: TestServer,
    faults: Faults,
}

impl Tried {
    async fn start() -> Self {
        let faults = Faults::default();
        let of_store = faults.clone();
        let server = TestServer::builder()
            .flag("--request-timeout=2s")
            .store(|inner| {
                let faults = of_store;
                Arc::new(Faulty { inner, faults }) as Arc<dyn Storage>
            })
            .start()
            .await;
        Self {
            server: server.unwrap_or_else(|error| panic!("{error:#}")),
            faults,
        }
    }

    fn client(&self) -> Client {
        let endpoint = Endpoint::parse(&self.server.url());
        Client::new(endpoint.expect("a server has a URL"))
    }

    fn headers(&self) -> Headers {
        let token = self.server.token().expect("it is ours");
        vec![
            ("authorization".into(), format!("Bearer {token}")),
            ("content-type".into(), "application/json".into()),
        ]
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string().into());
        let (mut client, headers) = (self.client(), self.headers());
        let answer = client.request(method, path, &headers, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error:#}"))
    }

    async fn create(&self, path: &str, name: &str) -> Answer {
        self.ask("POST", path, Some(json!({"metadata": {"name": name}})))
            .await
    }

    /// That no handler panicked, and that other things are served.
    async fn is_well(&self) {
        let metrics = self.ask("GET", "/metrics", None).await.text();
        let panics = metrics
            .lines()
            .find(|line| line.starts_with("apiserver_request_panics_total "));
        let panics = panics.and_then(|line| line.rsplit(' ').next());
        assert!(matches!(panics, None | Some("0")), "{panics:?} panics");
        for path in [SECRETS, CONFIGMAPS, "/livez"] {
            assert_eq!(self.ask("GET", path, None).await.status, 200, "{path}");
        }
    }
}

/// A `Status` that says that it is the server's fault, and nothing of what is inside.
#[track_caller]
fn is_refusal(answer: &Answer, codes: &[u16]) {
    let text = answer.text();
    assert!(codes.contains(&answer.status), "{}: {text}", answer.status);
    let status = answer.json().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(status["kind"], "Status", "{text}");
    assert_eq!(status["status"], "Failure", "{text}");
    assert_eq!(status["code"], answer.status, "{text}");
    assert!(
        !text.contains("/secret/place") && !text.contains("/registry/"),
        "{text}"
    );
}

#[tokio::test]
async fn a_write_that_fails_is_refused_and_others_are_done() {
    let tried = Tried::start().await;
    for fault in [Fault::Fails, Fault::Damaged] {
        tried.faults.set(&[(Of::Writes, "/configmaps/", fault)]);
        is_refusal(&tried.create(CONFIGMAPS, "a").await, &[500, 503, 504]);
        let name = format!("{fault:?}").to_lowercase();
        assert_eq!(tried.create(SECRETS, &name).await.status, 201);
        tried.is_well().await;
    }
    tried.faults.set(&[]);
    assert_eq!(tried.create(CONFIGMAPS, "a").await.status, 201);
    tried
        .faults
        .set(&[(Of::Writes, "/configmaps/", Fault::Fails)]);
    let path = format!("{CONFIGMAPS}/a");
    let changed = json!({"metadata": {"name": "a"}, "data": {"x": "y"}});
    is_refusal(
        &tried.ask("PUT", &path, Some(changed)).await,
        &[500, 503, 504],
    );
    is_refusal(&tried.ask("DELETE", &path, None).await, &[500, 503, 504]);
    is_refusal(
        &tried.ask("DELETE", CONFIGMAPS, None).await,
        &[500, 503, 504],
    );
    let found = tried.ask("GET", &path, None).await;
    assert_eq!(found.json().expect("JSON")["data"], Value::Null);
}

#[tokio::test]
async fn who_waits_for_a_store_that_hangs_is_told_in_time_and_others_do_not_wait() {
    let tried = Tried::start().await;
    tried
        .faults
        .set(&[(Of::Writes, "/configmaps/", Fault::Hangs)]);
    let hanging = async {
        let answers = (0..20).map(|number| {
            let (tried, name) = (&tried, format!("hanging-{number}"));
            async move { tried.create(CONFIGMAPS, &name).await }
        });
        futures_util::future::join_all(answers).await
    };
    let others = async {
        for number in 0..20 {
            let made = tried.create(SECRETS, &format!("other-{number}")).await;
            assert_eq!(made.status, 201);
            tried.is_well().await;
        }
    };
    let (answers, ()) = tokio::join!(hanging, others);
    for answer in &answers {
        is_refusal(answer, &[504]);
    }
    tried.faults.set(&[]);
    assert_eq!(tried.create(CONFIGMAPS, "after").await.status, 201);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_there_and_is_told_to_watchers() {
    let tried = Tried::start().await;
    let (mut client, headers) = (tried.client(), tried.headers());
    tried
        .faults
        .set(&[(Of::Writes, "/configmaps/", Fault::Lost)]);
    is_refusal(&tried.create(CONFIGMAPS, "lost").await, &[500, 503, 504]);
    tried.faults.set(&[]);
    let again = tried.create(CONFIGMAPS, "lost").await;
    assert_eq!(again.status, 409, "{}", again.text());
    let path = format!("{CONFIGMAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=lost");
    let watch = client.request("GET", &path, &headers, None).await;
    let events = watch.expect("the watch ends by itself").text();
    assert!(events.contains(r#""type":"ADDED""#), "{events}");
}

#[tokio::test]
async fn reads_of_the_past_fail_alone() {
    let tried = Tried::start().await;
    let first = tried
        .create(CONFIGMAPS, "first")
        .await
        .json()
        .expect("JSON");
    let revision = first["metadata"]["resourceVersion"]
        .as_str()
        .expect("text")
        .to_owned();
    // More than is kept in memory, so that the store has to be asked.
    for number in 0..300 {
        assert_eq!(
            tried
                .create(CONFIGMAPS, &format!("later-{number}"))
                .await
                .status,
            201
        );
    }
    let exact = format!("{CONFIGMAPS}?resourceVersion={revision}&resourceVersionMatch=Exact");
    for fault in [Fault::Fails, Fault::Damaged, Fault::Hangs] {
        tried.faults.set(&[(Of::Reads, "configmaps", fault)]);
        let answer = tried.ask("GET", &exact, None).await;
        if answer.status != 200 {
            is_refusal(&answer, &[410, 500, 503, 504]);
        }
        tried.is_well().await;
    }
    tried.faults.set(&[(
        Of::Reads,
        "configmaps",
        Fault::Slow(Duration::from_millis(300)),
    )]);
    let answer = tried.ask("GET", &exact, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json().expect("JSON")["items"].clone();
    let later = items.as_array().expect("a list").iter();
    let later = later.filter(|item| {
        item["metadata"]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("later"))
    });
    assert_eq!(later.count(), 0);
}

#[tokio::test]
async fn a_store_that_fails_at_the_start_keeps_the_server_from_starting() {
    let faults = Faults::default();
    faults.set(&[(Of::Reads, "", Fault::Fails)]);
    let server =
        TestServer::builder().store(|inner| Arc::new(Faulty { inner, faults }) as Arc<dyn Storage>);
    let refused = server
        .start()
        .await
        .expect_err("it cannot read what there is");
    let said = format!("{refused:#}");
    assert!(said.contains("on fire"), "{said}");
}
