//! What a client can do to others: nothing. Hostile bodies, selectors and headers are refused with an answer, clients
//! that do not read or do not speak cost little, and whoever else asks is served all the while.

mod bodies;
mod clients;
mod streams;

use bytes::Bytes;
use pintle_tests::http::{Answer, Headers};
use pintle_tests::server::TestServer;

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

fn as_user(token: &str, content_type: &str) -> Headers {
    vec![
        ("authorization".into(), format!("Bearer {token}")),
        ("content-type".into(), content_type.into()),
    ]
}

/// A request of the administrator on a connection of its own.
async fn ask(server: &TestServer, method: &str, path: &str, of: &str, body: Bytes) -> Answer {
    let headers = as_user(server.token(), of);
    let mut client = server.client();
    let answer = client.request(method, path, &headers, Some(body)).await;
    answer.unwrap_or_else(|error| panic!("{method} {path}: {error:#}"))
}

/// Whether another client is served.
async fn is_well(server: &TestServer) {
    let path = "/api/v1/namespaces/default";
    let answer = ask(server, "GET", path, "", Bytes::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The memory that the server takes, in MB.
fn memory(server: &TestServer) -> usize {
    let path = format!("/proc/{}/status", server.pid());
    let status = std::fs::read_to_string(path).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: usize = kilobytes
        .and_then(|text| text.parse().ok())
        .expect("a number of kB");
    kilobytes / 1024
}
