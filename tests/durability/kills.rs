//! Objects that count: what was acknowledged is there after `kill -9` at any moment, and after an orderly end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pintle_tests::chance::{self, Chance};
use pintle_tests::http::{Client, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const ROUNDS: u32 = 6;
const WRITERS: u32 = 8;
pub(crate) const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Each object's last acknowledged value and resourceVersion.
pub(crate) type Acknowledged = Arc<Mutex<BTreeMap<String, (u64, u64)>>>;

pub(crate) async fn write(
    client: &mut Client,
    headers: &Headers,
    method: &str,
    path: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    let answer = client
        .request(method, path, headers, Some(body.to_string().into()))
        .await
        .ok()?;
    Some((answer.status, answer.json().ok()?))
}

pub(crate) fn json_headers(server: &TestServer) -> Headers {
    let mut headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    headers
}

pub(crate) fn configmap(name: &str, count: u64) -> Value {
    json!({"metadata": {"name": name}, "data": {"count": count.to_string(), "ballast": "x".repeat(2000)}})
}

pub(crate) fn version(object: &Value) -> u64 {
    let text = object
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    text.and_then(|text| text.parse().ok())
        .expect("an object has a numeric resourceVersion")
}

/// Counts an object up until told to stop or the server is gone, noting what was acknowledged.
pub(crate) async fn count(
    mut client: Client,
    headers: Headers,
    name: String,
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
) {
    let mut next = acknowledged
        .lock()
        .expect("no writer panics")
        .get(&name)
        .map_or(1, |(count, _)| count + 1);
    while !stop.load(Ordering::Relaxed) {
        let path = format!("{CONFIGMAPS}/{name}");
        let mut answer = write(&mut client, &headers, "PUT", &path, &configmap(&name, next)).await;
        if answer.as_ref().is_some_and(|(status, _)| *status == 404) {
            answer = write(
                &mut client,
                &headers,
                "POST",
                CONFIGMAPS,
                &configmap(&name, next),
            )
            .await;
        }
        let Some((200 | 201, object)) = answer else {
            continue;
        };
        acknowledged
            .lock()
            .expect("no writer panics")
            .insert(name.clone(), (next, version(&object)));
        next += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_write_survives_a_kill_at_any_moment() {
    let mut server = TestServer::start().await;
    let acknowledged = Acknowledged::default();
    let mut chance = Chance::of("kills");
    let end = Instant::now() + chance::time(Duration::ZERO);
    let mut rounds = 0;
    while rounds < ROUNDS || Instant::now() < end {
        rounds += 1;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let name = format!("counter-{writer}");
                tokio::spawn(count(
                    server.client(),
                    json_headers(&server),
                    name,
                    acknowledged.clone(),
                    stop.clone(),
                ))
            })
            .collect();
        // Not a wait for something, but the random moment.
        sleep(chance.millis(50, 1000)).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.expect("no writer panics");
        }
        server.restart().await;
        verify(&server, &acknowledged).await;
    }
    let total: u64 = acknowledged
        .lock()
        .expect("no writer panics")
        .values()
        .map(|(count, _)| count)
        .sum();
    assert!(
        total > u64::from(ROUNDS * WRITERS),
        "only {total} writes were acknowledged"
    );
}

/// Every object is at its acknowledged value, or the one after it whose answer was lost, and the
/// store's revision has not gone back.
pub(crate) async fn verify(server: &TestServer, acknowledged: &Acknowledged) {
    let answer = server
        .client()
        .request("GET", CONFIGMAPS, &server.authorization(), None)
        .await;
    let list = answer
        .and_then(|answer| answer.json())
        .expect("a restarted server lists");
    let items = list["items"].as_array().expect("a list has items");
    let acknowledged = acknowledged.lock().expect("no writer panics").clone();
    for (name, (count, revision)) in acknowledged {
        let object = items.iter().find(|item| item["metadata"]["name"] == *name);
        let object = object.unwrap_or_else(|| panic!("{name} is lost, acknowledged at {count}"));
        let found: u64 = object["data"]["count"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("a count is a number");
        assert!(
            found == count || found == count + 1,
            "{name} is at {found}, acknowledged at {count}"
        );
        assert!(
            version(object) >= revision,
            "{name} has gone back to {}, acknowledged at {revision}",
            version(object)
        );
        assert!(
            version(&list) >= revision,
            "the store has gone back to {}, acknowledged at {revision}",
            version(&list)
        );
    }
}

#[tokio::test]
async fn a_server_told_to_end_finishes_what_it_has_begun() {
    let mut server = TestServer::start().await;
    let headers = json_headers(&server);
    let mut watching = server
        .endpoint()
        .connect()
        .await
        .expect("the server listens");
    let path = format!("{CONFIGMAPS}?watch=true");
    let watch = watching
        .open("GET", &path, &headers, None)
        .await
        .expect("a watch can be opened");
    assert_eq!(watch.status(), 200);
    let created = write(
        &mut server.client(),
        &headers,
        "POST",
        CONFIGMAPS,
        &configmap("last", 1),
    )
    .await;
    assert_eq!(created.map(|(status, _)| status), Some(201));

    server.terminate();
    let body = http_body_util::BodyExt::collect(watch.into_body())
        .await
        .expect("a watch ends cleanly, not in the middle");
    assert!(
        String::from_utf8_lossy(&body.to_bytes()).contains("\"last\""),
        "the watch has seen the last write"
    );
    let status = server.ended().await;
    assert!(status.success(), "{status}:\n{}", server.log());

    server.restart().await;
    let found = server
        .client()
        .request("GET", &format!("{CONFIGMAPS}/last"), &headers, None)
        .await;
    assert_eq!(found.map(|answer| answer.status).ok(), Some(200));
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let mut server = TestServer::start().await;
    let before = settled(&server).await;
    server.terminate();
    assert!(server.ended().await.success());
    let kubeconfig = std::fs::read(server.kubeconfig()).expect("the server writes a kubeconfig");
    server.restart().await;
    assert_eq!(
        std::fs::read(server.kubeconfig()).expect("the kubeconfig is still there"),
        kubeconfig
    );
    assert_eq!(settled(&server).await, before);
}

/// Names and uids of all namespaces, as soon as the server has made those that belong to it.
async fn settled(server: &TestServer) -> Vec<(String, String)> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = server
            .client()
            .request("GET", "/api/v1/namespaces", &server.authorization(), None)
            .await;
        let list = answer
            .and_then(|answer| answer.json())
            .expect("namespaces can be listed");
        let part = |item: &Value, name: &str| {
            item["metadata"][name]
                .as_str()
                .unwrap_or_default()
                .to_string()
        };
        let items = list["items"].as_array().expect("a list has items");
        if items.len() == 4 {
            return items
                .iter()
                .map(|item| (part(item, "name"), part(item, "uid")))
                .collect();
        }
        assert!(
            Instant::now() < deadline,
            "the namespaces are not there: {list}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}
