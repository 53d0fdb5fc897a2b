//! `--audit-policy-file`, `--audit-log-path` and `--audit-webhook-config-file`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pintle_tests::http::Headers;
use pintle_tests::peer::{Asked, Peer};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

const POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  nonResourceURLs: ['*']
- level: RequestResponse
  resources: [{group: '', resources: [configmaps]}]
- level: Metadata
";
const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn requests_are_recorded_as_the_policy_says() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (policy, log) = (
        folder.path().join("policy.yaml"),
        folder.path().join("audit.log"),
    );
    std::fs::write(&policy, POLICY).expect("the policy can be written");
    let flags = [
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
    ];
    let server = TestServer::start_with(&[&flags[0], &flags[1]]).await;
    let mut client = server.client();
    let mut headers: Headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    headers.push(("audit-id".into(), "the-create".into()));
    let body = json!({"metadata": {"name": "colors"}, "data": {"sky": "blue"}});
    for (method, path, body, expected) in [
        ("POST", CONFIGMAPS, Some(body.to_string().into()), 201),
        (
            "DELETE",
            "/api/v1/namespaces/default/configmaps/colors",
            Some(r#"{"propagationPolicy":"Background"}"#.into()),
            200,
        ),
        ("GET", "/api/v1/namespaces/default/secrets/none", None, 404),
        ("GET", "/version", None, 200),
    ] {
        let answer = client.request(method, path, &headers, body).await;
        assert_eq!(
            answer.expect("the server answers").status,
            expected,
            "{path}"
        );
    }
    let stranger: Headers = vec![("authorization".into(), "Bearer nobody".into())];
    let answer = client.request("GET", CONFIGMAPS, &stranger, None).await;
    assert_eq!(answer.expect("the server answers").status, 401);

    let mut other = headers.clone();
    other.push(("impersonate-user".into(), "bob".into()));
    other.push(("x-forwarded-for".into(), "10.1.2.3".into()));
    other.push(("user-agent".into(), "suite/1".into()));
    let path = "/api/v1/namespaces/default/endpoints?watch=1";
    let answer = client.request("GET", path, &other, None).await;
    assert_eq!(answer.expect("the server answers").status, 403);

    let text = std::fs::read_to_string(&log).expect("the log is there");
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event is JSON"))
        .collect();
    let of = |verb: &str, resource: &str| {
        let found = events
            .iter()
            .find(|event| event["verb"] == verb && event["objectRef"]["resource"] == resource);
        found.unwrap_or_else(|| panic!("no {verb} of {resource} in {text}"))
    };
    let create = of("create", "configmaps");
    assert_eq!(create["auditID"], "the-create");
    assert_eq!(create["stage"], "ResponseComplete");
    assert_eq!(create["requestObject"]["data"]["sky"], "blue");
    assert_eq!(create["requestObject"]["kind"], "ConfigMap");
    assert_eq!(create["responseObject"]["metadata"]["name"], "colors");
    assert_eq!(
        create["responseObject"]["metadata"]["managedFields"],
        Value::Null
    );
    assert_eq!(create["responseStatus"]["code"], 201);
    assert_eq!(
        create["annotations"]["authorization.k8s.io/decision"],
        "allow"
    );
    assert_eq!(
        of("delete", "configmaps")["requestObject"],
        json!({
            "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "propagationPolicy": "Background",
        })
    );
    let get = of("get", "secrets");
    assert_eq!(get["responseStatus"]["reason"], "NotFound");
    assert_eq!(get["responseObject"], Value::Null);
    let refused = of("list", "configmaps");
    assert_eq!(refused["responseStatus"]["code"], 401);
    assert_eq!(
        refused["responseStatus"]["message"],
        "Authentication failed, attempted: bearer"
    );
    assert!(events.iter().all(|event| event["requestURI"] != "/version"));
    let stages: Vec<&Value> = events
        .iter()
        .filter(|event| event["objectRef"]["resource"] == "endpoints")
        .map(|event| &event["stage"])
        .collect();
    assert_eq!(stages, ["ResponseStarted", "ResponseComplete"]);
    let watch = of("watch", "endpoints");
    assert_eq!(watch["user"]["username"], "admin");
    assert_eq!(watch["impersonatedUser"]["username"], "bob");
    assert_eq!(
        watch["authenticationMetadata"],
        json!({"impersonationConstraint": "impersonate:user-info"})
    );
    assert_eq!(watch["sourceIPs"], json!(["10.1.2.3", "127.0.0.1"]));
    assert_eq!(watch["userAgent"], "suite/1");
    assert_eq!(
        watch["annotations"]["authorization.k8s.io/decision"],
        "forbid"
    );
}

/// Events of lists that a webhook was sent.
fn events(asked: &[Asked]) -> Vec<Value> {
    let list = |asked: &Asked| -> Vec<Value> {
        let list: Value = serde_json::from_slice(&asked.body).expect("a list is JSON");
        assert_eq!(list["kind"], "EventList");
        assert_eq!(list["apiVersion"], "audit.k8s.io/v1");
        list["items"].as_array().cloned().unwrap_or_default()
    };
    asked.iter().flat_map(list).collect()
}

#[tokio::test]
async fn a_webhook_gets_every_event_even_if_it_was_down() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    // It is down for the first attempt.
    let peer = Peer::start(move |_| {
        move |_: &Asked| {
            let status = if down.swap(false, Relaxed) { 400 } else { 200 };
            (status, String::new())
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (policy, kubeconfig) = (
        folder.path().join("policy.yaml"),
        folder.path().join("webhook.kubeconfig"),
    );
    std::fs::write(&policy, POLICY).expect("the policy can be written");
    std::fs::write(&kubeconfig, peer.kubeconfig("/events")).expect("the file can be written");
    let flags = [
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-webhook-config-file={}", kubeconfig.display()),
        "--audit-webhook-batch-max-wait=1s".into(),
        "--audit-webhook-initial-backoff=10ms".into(),
        "--audit-webhook-truncate-enabled".into(),
        "--audit-webhook-truncate-max-event-size=4096".into(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut server = TestServer::start_with(&flags).await;
    let mut client = server.client();
    let mut headers: Headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    for (id, value) in [
        ("small", "blue".to_owned()),
        ("large", "blue".repeat(5_000)),
    ] {
        let mut headers = headers.clone();
        headers.push(("audit-id".into(), id.into()));
        let body = json!({"metadata": {"name": id}, "data": {"sky": value}});
        let answer = client
            .request("POST", CONFIGMAPS, &headers, Some(body.to_string().into()))
            .await;
        assert_eq!(answer.expect("the server answers").status, 201);
    }
    let metrics = client.request("GET", "/metrics", &headers, None).await;
    let metrics = metrics.expect("the server answers").text();
    assert!(metrics.contains("apiserver_audit_event_total"), "{metrics}");
    // What is waiting is sent before the server ends.
    server.terminate();
    server.ended().await;
    let asked = peer.asked();
    assert!(asked.iter().all(|asked| asked.path == "/events"));
    // The first attempt failed, and what it brought came again.
    let events = events(&asked[1..]);
    let of = |id: &str| {
        let found = events.iter().filter(|event| event["auditID"] == id);
        let found: Vec<&Value> = found.collect();
        assert_eq!(found.len(), 1, "{id}: {events:#?}");
        found[0]
    };
    assert_eq!(of("small")["responseObject"]["data"]["sky"], "blue");
    assert_eq!(of("small")["kind"], Value::Null);
    let large = of("large");
    assert_eq!(large["requestObject"], Value::Null);
    assert_eq!(large["annotations"]["audit.k8s.io/truncated"], "true");
}
