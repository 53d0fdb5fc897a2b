//! Clients that are slow, silent or too many.

use std::time::Duration;

use futures_util::future::join_all;
use pintle_tests::http::Connection;
use tokio::net::TcpStream;

use super::*;

/// What a list of them is, in MB.
const OBJECTS: usize = 20;

async fn with_large_objects(flags: &[&str]) -> TestServer {
    let server = TestServer::start_with(flags).await;
    let text = "x".repeat(1_000_000);
    for number in 0..OBJECTS {
        let body =
            format!(r#"{{"metadata":{{"name":"large-{number}"}},"data":{{"text":"{text}"}}}}"#);
        let answer = ask(&server, "POST", CONFIGMAPS, "application/json", body.into()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    server
}

async fn connect(server: &TestServer) -> Connection {
    let connection = server.endpoint().connect().await;
    connection.expect("the server takes connections")
}

#[tokio::test]
async fn lists_that_nobody_reads_are_not_in_memory_once_each() {
    let server = with_large_objects(&[]).await;
    let before = memory(&server);
    let headers = as_user(server.token(), "");
    let mut unread = Vec::new();
    for _ in 0..50 {
        let mut connection = connect(&server).await;
        let answer = connection.open("GET", CONFIGMAPS, &headers, None).await;
        unread.push((answer.expect("an answer begins"), connection));
    }
    is_well(&server).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(
        grown < 10 * OBJECTS,
        "50 lists of {OBJECTS} MB take {grown} MB"
    );
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let server = TestServer::start().await;
    let address = server.url().trim_start_matches("https://").to_owned();
    let silent = join_all((0..500).map(|_| TcpStream::connect(&address))).await;
    assert!(silent.iter().all(Result::is_ok));
    is_well(&server).await;
}

#[tokio::test]
async fn too_many_at_once_are_served_or_told_to_come_back() {
    let server = with_large_objects(&[
        "--max-requests-inflight=4",
        "--max-mutating-requests-inflight=2",
        "--authorization-mode=AlwaysAllow",
    ])
    .await;
    let headers = as_user("bobtoken", "");
    let (endpoint, headers) = (&server.endpoint(), &headers);
    let crowd = (0..120).map(|_| async move {
        let mut connection = endpoint.connect().await.expect("a connection");
        let answer = connection.request("GET", CONFIGMAPS, headers, None).await;
        answer.expect("an answer")
    });
    let masters = async {
        for _ in 0..20 {
            is_well(&server).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (answers, ()) = tokio::join!(join_all(crowd), masters);
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    for answer in &answers {
        match answer.status {
            200 => assert!(answer.body.len() > OBJECTS * 1_000_000),
            429 => assert_eq!(
                answer.text(),
                "Too many requests, please try again later.\n"
            ),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert!(served > 0, "nobody of the crowd was served");
    assert!(memory(&server) < 500, "{} MB", memory(&server));
}

#[tokio::test]
async fn a_thousand_idle_watches_take_little_and_hear_of_a_change() {
    let server = TestServer::start().await;
    let headers = as_user(server.token(), "application/json");
    let before = memory(&server);
    let path = format!("{CONFIGMAPS}?watch=true&resourceVersion=0&allowWatchBookmarks=true");
    let mut watches = Vec::new();
    for _ in 0..1000 {
        let mut connection = connect(&server).await;
        let answer = connection.open("GET", &path, &headers, None).await;
        let answer = answer.expect("the watch begins");
        assert_eq!(answer.status(), 200);
        watches.push((answer, connection));
    }
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 100, "1000 watches take {grown} MB");
    let body = Bytes::from_static(br#"{"metadata":{"name":"news"}}"#);
    let answer = ask(&server, "POST", CONFIGMAPS, "application/json", body).await;
    assert_eq!(answer.status, 201);
    for (answer, _connection) in &mut watches {
        use http_body_util::BodyExt as _;
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains(r#""name":"news""#) {
            let frame = answer.body_mut().frame().await;
            let frame = frame.expect("the watch goes on").expect("a frame");
            heard.extend_from_slice(frame.data_ref().expect("data"));
        }
    }
}
