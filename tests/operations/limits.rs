//! `--client-requests-…`: what a single client may ask.

use pintle_tests::http::{Answer, Headers};
use pintle_tests::server::TestServer;

async fn ask(server: &TestServer, token: &str, path: &str) -> Answer {
    let headers: Headers = vec![("authorization".into(), format!("Bearer {token}"))];
    let answer = server.client().request("GET", path, &headers, None).await;
    answer.expect("the server answers")
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_come_back_and_others_are_served() {
    let server = TestServer::start_with(&[
        "--authorization-mode=AlwaysAllow",
        // Slow enough that nothing comes back during the test.
        "--client-requests-per-second=1",
        "--client-requests-burst=5",
    ])
    .await;
    let path = "/api/v1/namespaces/default";
    let mut refused = None;
    for _ in 0..50 {
        let answer = ask(&server, "alicetoken", path).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("fifty at once are too many");
    assert_eq!(refused.status, 429);
    let after = refused
        .headers
        .iter()
        .find(|(name, _)| name == "retry-after");
    assert_eq!(after.map(|(_, value)| value.as_str()), Some("1"));
    assert_eq!(ask(&server, "bobtoken", path).await.status, 200);
    for _ in 0..20 {
        assert_eq!(ask(&server, "alicetoken", "/livez").await.status, 200);
        assert_eq!(ask(&server, server.token(), path).await.status, 200);
    }
}

#[tokio::test]
async fn who_may_wait_is_served_later() {
    let server = TestServer::start_with(&[
        "--authorization-mode=AlwaysAllow",
        "--client-requests-per-second=50",
        "--client-requests-burst=1",
        "--client-requests-inflight=1",
        "--client-requests-wait=30s",
        "--client-is=source",
    ])
    .await;
    let path = "/api/v1/namespaces/default";
    let answers = (0..20).map(|_| ask(&server, "alicetoken", path));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
