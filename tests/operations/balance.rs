//! What lets a load balancer spread clients over instances, and take one away.

use pintle_tests::http::{Client, Headers};
use pintle_tests::server::TestServer;

const NAMESPACE: &str = "/api/v1/namespaces/default";

/// How many requests one connection of HTTP/2 took until the server would have no more on it; at most `limit`. All
/// that were taken are answered.
async fn taken(server: &TestServer, limit: usize) -> usize {
    let headers: Headers = server.authorization();
    let opened = server.endpoint().connect_http2().await;
    let mut streams = opened.expect("the server speaks HTTP/2");
    for count in 0..limit {
        match streams.get(NAMESPACE, &headers).await {
            Ok(answer) => assert_eq!(answer.status(), 200),
            Err(error) => {
                let why = error.downcast_ref::<hyper::Error>();
                let is_over = why.is_some_and(|error| error.is_closed() || error.is_canceled());
                assert!(is_over, "a request was lost: {error:?}");
                return count;
            }
        }
    }
    limit
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_sent_elsewhere_now_and_then() {
    let server = TestServer::start_with(&["--goaway-chance=0.02"]).await;
    // That a connection takes so many by chance happens once in a hundred thousand millions of years.
    for _ in 0..5 {
        let count = taken(&server, 2_000).await;
        assert!((1..2_000).contains(&count), "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_stay_where_they_are_by_default() {
    let server = TestServer::start().await;
    assert_eq!(taken(&server, 500).await, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_taken_away_says_so_and_serves_until_it_goes() {
    let mut server = TestServer::start_with(&["--shutdown-delay-duration=3s"]).await;
    let status = async |path: &str| {
        let mut client = Client::new(server.endpoint());
        let answer = client
            .request("GET", path, &server.authorization(), None)
            .await;
        answer.expect("the server still listens").status
    };
    assert_eq!(status("/readyz").await, 200);
    server.terminate();
    while status("/readyz").await == 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status("/readyz").await, 500);
    assert_eq!(status("/livez").await, 200);
    assert_eq!(status(NAMESPACE).await, 200);
    assert!(server.ended().await.success(), "{}", server.log());
}
