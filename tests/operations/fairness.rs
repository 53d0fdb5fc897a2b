//! Flow schemas and priority levels: who waits, who is refused, and who does not notice.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use pintle_tests::http::{Answer, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

const FLOW_CONTROL: &str = "/apis/flowcontrol.apiserver.k8s.io/v1";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
/// More than sockets and buffers between server and client hold.
const OBJECTS: usize = 24;
const SIZE: usize = 900_000;

fn user(token: &str) -> Headers {
    vec![
        ("authorization".into(), format!("Bearer {token}")),
        ("content-type".into(), "application/json".into()),
    ]
}

async fn ask(server: &TestServer, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let body = (!body.is_null()).then(|| Bytes::from(body.to_string()));
    let (mut client, headers) = (server.client(), user(token));
    let answer = client.request(method, path, &headers, body);
    answer.await.expect("the server answers")
}

async fn create(server: &TestServer, path: &str, body: &Value) {
    let answer = ask(server, server.token(), "POST", path, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// A level with one seat and room for one who waits, and a schema that puts alice there.
async fn narrow(server: &TestServer) {
    let level = json!({
        "metadata": {"name": "narrow"},
        "spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0,
            "limitResponse": {"type": "Queue", "queuing": {"queues": 1, "handSize": 1, "queueLengthLimit": 1}},
        }},
    });
    create(
        server,
        &format!("{FLOW_CONTROL}/prioritylevelconfigurations"),
        &level,
    )
    .await;
    let everything = json!({
        "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true,
    });
    let schema = json!({
        "metadata": {"name": "alice"},
        "spec": {
            "matchingPrecedence": 50,
            "priorityLevelConfiguration": {"name": "narrow"},
            "rules": [{
                "subjects": [{"kind": "User", "user": {"name": "alice"}}],
                "resourceRules": [everything],
            }],
        },
    });
    create(server, &format!("{FLOW_CONTROL}/flowschemas"), &schema).await;
}

fn header<'a>(answer: &'a Answer, wanted: &str) -> &'a str {
    let found = answer.headers.iter().find(|(name, _)| name == wanted);
    found.map_or("", |(_, value)| value)
}

async fn uid(server: &TestServer, path: &str) -> String {
    let answer = ask(server, server.token(), "GET", path, &Value::Null).await;
    let object = answer.json().expect("an object");
    object["metadata"]["uid"]
        .as_str()
        .expect("a uid")
        .to_owned()
}

async fn metrics(server: &TestServer) -> String {
    ask(server, server.token(), "GET", "/metrics", &Value::Null)
        .await
        .text()
}

#[tokio::test]
async fn a_greedy_client_waits_and_others_do_not_notice() {
    let server = TestServer::start_with(&[
        "--max-requests-inflight=100",
        "--max-mutating-requests-inflight=45",
    ])
    .await;
    let rules = json!([{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}]);
    let role = json!({"metadata": {"name": "readers"}, "rules": rules});
    create(&server, &format!("{RBAC}/clusterroles"), &role).await;
    let reader = json!({
        "metadata": {"name": "readers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "readers"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "devs"}],
    });
    create(&server, &format!("{RBAC}/clusterrolebindings"), &reader).await;
    let text = "x".repeat(SIZE);
    for number in 0..OBJECTS {
        let object =
            json!({"metadata": {"name": format!("large-{number}")}, "data": {"text": text}});
        create(&server, CONFIGMAPS, &object).await;
    }
    narrow(&server).await;
    let schema = uid(&server, &format!("{FLOW_CONTROL}/flowschemas/alice")).await;
    let level = uid(
        &server,
        &format!("{FLOW_CONTROL}/prioritylevelconfigurations/narrow"),
    )
    .await;
    // What was made counts a moment later.
    let one = format!("{CONFIGMAPS}/large-0");
    loop {
        let answer = ask(&server, "alicetoken", "GET", &one, &Value::Null).await;
        if header(&answer, "x-kubernetes-pf-flowschema-uid") == schema {
            assert_eq!(header(&answer, "x-kubernetes-pf-prioritylevel-uid"), level);
            assert_eq!(answer.status, 200, "{}", answer.text());
            break;
        }
    }

    // The one seat is taken for as long as the list is not read…
    let mut slow = server.endpoint().connect().await.expect("a connection");
    let list = slow
        .open("GET", CONFIGMAPS, &user("alicetoken"), None)
        .await;
    let list = list.expect("an answer begins");
    assert_eq!(list.status(), 200);
    // …one waits, and the next is refused.
    let waiting = ask(&server, "alicetoken", "GET", &one, &Value::Null);
    tokio::pin!(waiting);
    let queued = r#"apiserver_flowcontrol_current_inqueue_requests{flow_schema="alice",priority_level="narrow"} 1"#;
    let is_queued = async { while !metrics(&server).await.contains(queued) {} };
    tokio::select! {
        early = &mut waiting => panic!("it found a seat: {}", early.status),
        () = is_queued => {}
    }
    let refused = ask(&server, "alicetoken", "GET", &one, &Value::Null).await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.text(),
        "Too many requests, please try again later.\n"
    );
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(header(&refused, "x-kubernetes-pf-flowschema-uid"), schema);
    for token in ["bobtoken", server.token()] {
        let answer = ask(&server, token, "GET", &one, &Value::Null).await;
        assert_eq!(answer.status, 200, "{token}");
    }
    let told = metrics(&server).await;
    for line in [
        r#"apiserver_flowcontrol_rejected_requests_total{flow_schema="alice",priority_level="narrow",reason="queue-full"} 1"#,
        r#"apiserver_flowcontrol_nominal_limit_seats{priority_level="narrow"} 1"#,
    ] {
        assert!(told.contains(line), "{line}");
    }
    let path = "/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1";
    let requests = ask(&server, server.token(), "GET", path, &Value::Null).await;
    let requests = requests.text();
    let rows: Vec<Vec<&str>> = requests
        .lines()
        .map(|line| line.split(',').map(str::trim).collect())
        .filter(|row: &Vec<&str>| row[0] == "narrow")
        .collect();
    assert_eq!(rows.len(), 2, "{requests}");
    for (row, place, name) in [(&rows[0], "0", "large-0"), (&rows[1], "-1", "")] {
        assert_eq!(row.len(), 18, "{requests}");
        assert_eq!(row[1..5], ["alice", "0", place, ""], "{requests}");
        assert_eq!([row[10], row[14]], ["alice", name], "{requests}");
    }
    // Once the list is read, there is a seat for who waits.
    list.into_body()
        .collect()
        .await
        .expect("the list is sent in full");
    assert_eq!(waiting.await.status, 200);
    let queued = queued.replace("} 1", "} 0");
    assert!(
        metrics(&server).await.contains(&queued),
        "nobody waits any more"
    );
    // Who goes away in the middle of an answer is counted.
    let mut gone = server.endpoint().connect().await.expect("a connection");
    let list = gone.open("GET", CONFIGMAPS, &user("bobtoken"), None).await;
    assert_eq!(list.expect("an answer begins").status(), 200);
    drop(gone);
    let cut = r#"apiserver_request_aborts_total{verb="LIST",group="",version="v1",resource="configmaps",subresource="",scope="namespace"} 1"#;
    while !metrics(&server).await.contains(cut) {}
}

#[tokio::test]
async fn without_priority_and_fairness_there_are_no_flows() {
    let server = TestServer::start_with(&["--enable-priority-and-fairness=false"]).await;
    let answer = ask(
        &server,
        server.token(),
        "GET",
        "/api/v1/namespaces/default",
        &Value::Null,
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(header(&answer, "x-kubernetes-pf-flowschema-uid"), "");
    assert!(!metrics(&server).await.contains("apiserver_flowcontrol_"));
    let checks = ask(
        &server,
        server.token(),
        "GET",
        "/readyz?verbose",
        &Value::Null,
    )
    .await;
    let checks = checks.text();
    assert!(checks.contains("[+]poststarthook/max-in-flight-filter ok"));
    assert!(!checks.contains("priority-and-fairness-filter"), "{checks}");
}
