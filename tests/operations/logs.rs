//! The log: quiet where nothing is wrong, and a line of JSON for each event if wanted.

use pintle_tests::server::TestServer;
use serde_json::Value;

async fn used(flags: &[&str]) -> String {
    let mut server = TestServer::start_with(flags).await;
    let mut client = server.client();
    let mut headers = server.authorization();
    for path in ["/api/v1/pods", "/api/v1/namespaces/none", "/nowhere"] {
        let answer = client.request("GET", path, &headers, None).await;
        answer.expect("the server answers");
    }
    headers[0].1 = "Bearer nobody".into();
    let answer = client.request("GET", "/api/v1/pods", &headers, None).await;
    assert_eq!(answer.expect("the server answers").status, 401);
    server.terminate();
    assert!(server.ended().await.success());
    server.log()
}

/// What was logged, without what is said to who starts it from a terminal.
fn logged(log: &str) -> Vec<&str> {
    let said = [
        "pintle is ready on",
        "To use it from",
        "export KUBECONFIG",
        "kubectl get",
    ];
    log.lines()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| !said.iter().any(|said| line.contains(said)))
        .collect()
}

#[tokio::test]
async fn requests_are_not_logged_unless_somebody_wants_it() {
    let log = used(&[]).await;
    let lines = logged(&log);
    assert!(lines.len() < 12, "{log}");
    let loud = lines
        .iter()
        .filter(|line| line.contains("ERROR") || line.contains("WARN"));
    assert_eq!(loud.count(), 0, "{log}");
    assert!(log.contains("a credential was refused"), "{log}");
}

#[tokio::test]
async fn a_log_of_json_has_an_object_in_each_line() {
    let log = used(&["--logging-format=json"]).await;
    let lines = logged(&log);
    assert!(!lines.is_empty());
    for line in &lines {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["ts"].as_f64().is_some_and(|ts| ts > 1.6e12), "{line}");
        assert!(event["msg"].is_string() && event["v"].is_u64(), "{line}");
    }
    let refused = lines
        .iter()
        .find(|line| line.contains("a credential was refused"));
    let refused: Value = serde_json::from_str(refused.expect("it is told")).expect("JSON");
    assert!(refused["err"].is_string(), "{refused}");
}

#[test]
fn an_unknown_form_is_refused() {
    let said = TestServer::refused(&["--logging-format=xml"]);
    assert!(said.contains("must be text or json"), "{said}");
}
