//! Several servers on one etcd, one of which is killed again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt as _;
use pintle_tests::http::{Client, Endpoint};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::faults::signal;
use super::server::{TestEtcd, is_installed};
use super::{CONFIGMAPS, configmap, get, on, text, try_ask};

const SERVERS: usize = 3;
const WRITERS: usize = 6;
const KILLS: usize = 6;
/// How long an instance is paused: the others take it off the list long before.
const PAUSE: Duration = Duration::from_secs(60);
const SERVICES: &str = "/api/v1/namespaces/default/services";

/// Each object's last acknowledged count.
type Acknowledged = Arc<Mutex<BTreeMap<String, u64>>>;

/// Asks one server after the other until one answers, or it is time to stop.
struct Anyone {
    endpoints: Vec<Endpoint>,
    at: usize,
    client: Client,
    stop: Arc<AtomicBool>,
}

impl Anyone {
    fn new(endpoints: &[Endpoint], first: usize, stop: &Arc<AtomicBool>) -> Self {
        Self {
            client: Client::new(endpoints[first % endpoints.len()].clone()),
            endpoints: endpoints.to_vec(),
            at: first,
            stop: Arc::clone(stop),
        }
    }

    fn next(&mut self) {
        self.at += 1;
        self.client = Client::new(self.endpoints[self.at % self.endpoints.len()].clone());
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// `None` if the answer was lost; what was asked for may have happened.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        match try_ask(&mut self.client, method, path, body).await {
            Ok(answer) => Some((answer.status, answer.json().unwrap_or_default())),
            Err(_) => {
                self.next();
                None
            }
        }
    }
}

/// Counts an object up, with a revision, so that no two writes are of the same state.
async fn count(mut anyone: Anyone, name: String, acknowledged: Acknowledged) {
    let path = format!("{CONFIGMAPS}/{name}");
    while anyone.goes_on() {
        // Another server each time: what the last one acknowledged, the next one knows.
        anyone.next();
        let last = acknowledged
            .lock()
            .expect("nobody panics")
            .get(&name)
            .copied();
        let (count, answer) = match anyone.ask("GET", &path, None).await {
            Some((200, mut object)) => {
                let found: u64 = text(&object, "/data/count")
                    .parse()
                    .expect("a count is a number");
                assert!(
                    Some(found) >= last,
                    "{name} is at {found}, acknowledged at {last:?}"
                );
                object["data"]["count"] = json!((found + 1).to_string());
                (found + 1, anyone.ask("PUT", &path, Some(&object)).await)
            }
            Some((404, _)) => {
                assert_eq!(last, None, "{name} is lost");
                (
                    1,
                    anyone
                        .ask("POST", CONFIGMAPS, Some(&configmap(&name, 1)))
                        .await,
                )
            }
            Some(_) | None => continue,
        };
        if let Some((200 | 201, _)) = answer {
            acknowledged
                .lock()
                .expect("nobody panics")
                .insert(name.clone(), count);
        }
    }
}

/// Makes Services, and notes the addresses that were given to them.
async fn make_services(
    mut anyone: Anyone,
    writer: usize,
    given: Arc<Mutex<Vec<(String, String)>>>,
) {
    let mut made = 0;
    while anyone.goes_on() {
        anyone.next();
        made += 1;
        let name = format!("service-{writer}-{made}");
        let service = json!({
            "metadata": {"name": name},
            "spec": {"type": "NodePort", "ports": [{"port": 80}]},
        });
        if let Some((201, object)) = anyone.ask("POST", SERVICES, Some(&service)).await {
            let address = text(&object, "/spec/clusterIP").to_owned();
            given.lock().expect("nobody panics").push((name, address));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Rebuilds the objects from events alone, from whichever server is there, until the object `last` came.
async fn follow(
    mut anyone: Anyone,
    mut state: BTreeMap<String, u64>,
    mut revision: String,
) -> BTreeMap<String, u64> {
    let headers = vec![("authorization".into(), "Bearer admintoken".into())];
    loop {
        anyone.next();
        let path = format!("{CONFIGMAPS}?watch=true&resourceVersion={revision}");
        let endpoint = &anyone.endpoints[anyone.at % anyone.endpoints.len()];
        let Ok(mut connection) = endpoint.connect().await else {
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        let Ok(answer) = connection.open("GET", &path, &headers, None).await else {
            continue;
        };
        let mut body = answer.into_body();
        let mut buffer = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            buffer.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).expect("an event is JSON");
                let object = &event["object"];
                let next = text(object, "/metadata/resourceVersion").to_owned();
                let number = |text: &str| text.parse::<u64>().ok();
                // A server that is behind says so, and another is asked.
                if event["type"] == "ERROR" {
                    assert_eq!(object["code"], 504, "{event}");
                    break;
                }
                assert!(number(&next) > number(&revision), "{next} after {revision}");
                revision = next;
                let name = text(object, "/metadata/name").to_owned();
                if name == "last" {
                    return state;
                }
                let count = text(object, "/data/count").parse().expect("a number");
                let before = state.insert(name.clone(), count);
                assert_eq!(
                    before.unwrap_or(0) + 1,
                    count,
                    "{name}: an event is missing"
                );
            }
        }
    }
}

pub(super) async fn start_all(flag: &str) -> Vec<TestServer> {
    let start = |at: usize| {
        let address = format!("--advertise-address=10.1.0.{}", at + 1);
        async move { TestServer::start_with(&[flag, &address]).await }
    };
    let servers = (0..SERVERS).map(start);
    futures_util::future::join_all(servers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_lose_nothing_while_one_is_killed_again_and_again() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    // All at once, on an etcd with nothing in it.
    let mut servers = start_all(&on(&etcd)).await;
    let endpoints: Vec<_> = servers.iter().map(TestServer::endpoint).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let list = get(&servers[0], CONFIGMAPS).await;
    let begin = text(&list, "/metadata/resourceVersion").to_owned();
    let never = Arc::new(AtomicBool::new(false));
    let watchers: Vec<_> = (0..SERVERS)
        .map(|at| {
            let anyone = Anyone::new(&endpoints, at, &never);
            tokio::spawn(follow(anyone, BTreeMap::new(), begin.clone()))
        })
        .collect();
    // The root CA's map is there or comes; it is nobody's count.
    let (acknowledged, given) = (Acknowledged::default(), Arc::default());
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let anyone = || Anyone::new(&endpoints, writer, &stop);
        let name = format!("counter-{writer}");
        writers.push(tokio::spawn(count(
            anyone(),
            name,
            Arc::clone(&acknowledged),
        )));
        writers.push(tokio::spawn(make_services(
            anyone(),
            writer,
            Arc::clone(&given),
        )));
    }
    for kill in 0..KILLS {
        // Not a wait for something, but the random moment: each round's differs.
        sleep(Duration::from_millis(700 + 137 * kill as u64)).await;
        let server = &mut servers[kill % SERVERS];
        server.kill();
        sleep(Duration::from_millis(300)).await;
        server.restart().await;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    let posted = super::ask(
        &mut servers[0].client(),
        "POST",
        CONFIGMAPS,
        Some(&configmap("last", 0)),
    )
    .await;
    assert_eq!(posted.status, 201, "{}", posted.text());

    let acknowledged = acknowledged.lock().expect("nobody panics").clone();
    let total: u64 = acknowledged.values().sum();
    assert!(total > 100, "only {total} writes were acknowledged");
    let mut truth = BTreeMap::new();
    for server in &servers {
        let list = get(server, CONFIGMAPS).await;
        let items = list["items"].as_array().expect("a list has items");
        truth = items
            .iter()
            .filter(|item| text(item, "/metadata/name").starts_with("counter-"))
            .map(|item| {
                let count = text(item, "/data/count").parse().expect("a number");
                (text(item, "/metadata/name").to_owned(), count)
            })
            .collect();
        for (name, count) in &acknowledged {
            assert!(
                truth.get(name) >= Some(count),
                "{name}: {truth:?}, acknowledged at {count}"
            );
        }
    }
    for watcher in watchers {
        let seen = tokio::time::timeout(Duration::from_secs(60), watcher).await;
        assert_eq!(seen.expect("it ends").expect("it does not panic"), truth);
    }

    let list = get(&servers[1], SERVICES).await;
    let items = list["items"].as_array().expect("a list has items");
    let (mut addresses, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for service in items {
        let name = text(service, "/metadata/name");
        assert!(
            addresses.insert(text(service, "/spec/clusterIP")),
            "{name} has another's address"
        );
        if let Some(port) = service
            .pointer("/spec/ports/0/nodePort")
            .and_then(Value::as_u64)
        {
            assert!(ports.insert(port), "{name} has another's port {port}");
        }
    }
    for (name, address) in given.lock().expect("nobody panics").iter() {
        let kept = items
            .iter()
            .find(|service| text(service, "/metadata/name") == name);
        let kept = kept.unwrap_or_else(|| panic!("{name} is lost"));
        assert_eq!(text(kept, "/spec/clusterIP"), address);
    }
    endpoints_are(&servers[0], &["10.1.0.1", "10.1.0.2", "10.1.0.3"]).await;
}

/// Waits until the Service `kubernetes` has these servers behind it.
async fn endpoints_are(server: &TestServer, expected: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = get(server, "/api/v1/namespaces/default/endpoints/kubernetes").await;
        let addresses = found
            .pointer("/subsets/0/addresses")
            .and_then(Value::as_array);
        let addresses: Vec<_> = addresses
            .into_iter()
            .flatten()
            .map(|one| text(one, "/ip"))
            .collect();
        if addresses == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_paused_is_left_out_and_comes_back_without_a_gap() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let servers = start_all(&on(&etcd)).await;
    let [paused, other, _] = &servers[..] else {
        panic!("there are three");
    };
    let all = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];
    endpoints_are(other, &all).await;
    let list = get(paused, CONFIGMAPS).await;
    let begin = text(&list, "/metadata/resourceVersion").to_owned();
    // It watches at the one that will be paused, and nowhere else.
    let never = Arc::new(AtomicBool::new(false));
    let anyone = Anyone::new(&[paused.endpoint()], 0, &never);
    let watcher = tokio::spawn(follow(anyone, BTreeMap::new(), begin));
    let write = async |count: u64| {
        let mut client = other.client();
        let object = configmap("counter", count);
        let answer = if count == 1 {
            super::ask(&mut client, "POST", CONFIGMAPS, Some(&object)).await
        } else {
            let path = format!("{CONFIGMAPS}/counter");
            super::ask(&mut client, "PUT", &path, Some(&object)).await
        };
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    };
    write(1).await;
    signal(paused, "-STOP");
    let mut count = 1;
    let end = Instant::now() + PAUSE;
    let left_out = async {
        endpoints_are(other, &all[1..]).await;
        tokio::time::sleep_until(end).await;
    };
    let writing = async {
        loop {
            count += 1;
            write(count).await;
            sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = left_out => {}
        () = writing => {}
    }
    signal(paused, "-CONT");
    endpoints_are(other, &all).await;
    // What it says is true at once, and what it tells is all of it.
    let object = get(paused, &format!("{CONFIGMAPS}/counter")).await;
    let found: u64 = text(&object, "/data/count").parse().expect("a number");
    assert!(found + 1 >= count, "{found} of {count}");
    let last = configmap("last", 0);
    let made = super::ask(&mut other.client(), "POST", CONFIGMAPS, Some(&last)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let seen = tokio::time::timeout(Duration::from_secs(60), watcher).await;
    let seen = seen.expect("it ends").expect("it does not panic");
    assert!(seen["counter"] >= found, "{seen:?}, and there is {found}");
}
