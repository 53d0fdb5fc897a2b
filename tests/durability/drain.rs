//! An orderly end under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http_body_util::BodyExt as _;
use pintle_tests::server::TestServer;

use super::kills::{Acknowledged, CONFIGMAPS, count, json_headers, verify};

const WRITERS: usize = 12;
const WATCHERS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_end_under_load_loses_nothing_and_ends_watches_cleanly() {
    let mut server = TestServer::start().await;
    let headers = json_headers(&server);
    let acknowledged = Acknowledged::default();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            tokio::spawn(count(
                server.client(),
                headers.clone(),
                format!("counter-{writer}"),
                acknowledged.clone(),
                Arc::clone(&stop),
            ))
        })
        .collect();
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let connection = server.endpoint().connect().await;
        let mut connection = connection.expect("the server listens");
        let path = format!("{CONFIGMAPS}?watch=true");
        let watch = connection.open("GET", &path, &headers, None).await;
        let watch = watch.expect("a watch begins");
        watchers.push(tokio::spawn(async move {
            let _connection = connection;
            let all = watch.into_body().collect().await;
            all.map(http_body_util::Collected::to_bytes)
        }));
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.terminate();
    let status = server.ended().await;
    stop.store(true, Relaxed);
    assert!(status.success(), "{status}:\n{}", server.log());
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    for watcher in watchers {
        let told = watcher.await.expect("no watcher panics");
        let told = told.expect("a watch ends cleanly, not in the middle");
        assert!(told.ends_with(b"\n"), "the last event is cut short");
        assert!(!told.is_empty());
    }
    let total = acknowledged.lock().expect("no writer panics").len();
    assert_eq!(total, WRITERS, "everybody has written");
    server.restart().await;
    verify(&server, &acknowledged).await;
}
