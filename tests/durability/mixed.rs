//! Kills under load of many kinds: what is counted and what is given out stays right.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pintle_tests::chance::{self, Chance};
use pintle_tests::http::{Client, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::kills::{json_headers, version, write};

const NAMESPACE: &str = "/api/v1/namespaces/default";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const ROUNDS: u32 = 4;
const WRITERS: usize = 6;
/// Secrets that the quota allows.
const ALLOWED: usize = 12;
const PATIENCE: Duration = Duration::from_secs(60);

/// Who was given which revision: the writer's own description of the write.
type Given = Arc<Mutex<HashMap<u64, String>>>;

/// The last that is known of each object: its revision if it is there. Only the acknowledged is known.
type Known = BTreeMap<String, Option<u64>>;

struct Writer {
    client: Client,
    headers: Headers,
    chance: Chance,
    number: usize,
    given: Given,
    known: Known,
}

impl Writer {
    async fn work(mut self, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Relaxed) {
            self.step().await;
        }
        self
    }

    /// Creates, changes or deletes an object of its own of some kind.
    async fn step(&mut self) {
        let name = format!("of-{}-{}", self.number, self.chance.below(4));
        let (collection, object) = match self.chance.below(4) {
            0 => (
                format!("{NAMESPACE}/configmaps"),
                json!({"data": {"a": "b"}}),
            ),
            1 => (
                format!("{NAMESPACE}/secrets"),
                json!({"stringData": {"a": "b"}}),
            ),
            2 => (LEASES.to_owned(), json!({"spec": {"holderIdentity": "me"}})),
            _ => {
                let ports = json!([{"port": 80}]);
                (
                    format!("{NAMESPACE}/services"),
                    json!({"spec": {"type": "NodePort", "ports": ports}}),
                )
            }
        };
        let path = format!("{collection}/{name}");
        let is_there = self.known.get(&path).copied().flatten().is_some();
        // From here on it is not known what there is, unless there is an answer.
        self.known.remove(&path);
        let mut object = object;
        object["metadata"] = json!({"name": name});
        let (method, to) = match self.chance.below(10) {
            0..=2 if is_there => ("DELETE", path.as_str()),
            _ if is_there => {
                let label = self.chance.number().to_string();
                object = json!({"metadata": {"labels": {"changed": label}}});
                ("PATCH", path.as_str())
            }
            _ => ("POST", collection.as_str()),
        };
        let mut headers = self.headers.clone();
        if method == "PATCH" {
            headers.retain(|(name, _)| name != "content-type");
            headers.push(("content-type".into(), "application/merge-patch+json".into()));
        }
        let answer = write(&mut self.client, &headers, method, to, &object).await;
        match answer {
            Some((200 | 201, _)) if method == "DELETE" => {
                self.known.insert(path, None);
            }
            Some((200 | 201, object)) => {
                let revision = version(&object);
                let said = format!("{method} {path} {object}");
                let mut given = self.given.lock().expect("no writer panics");
                if let Some(other) = given.insert(revision, said.clone()) {
                    assert_eq!(other, said, "revision {revision} was given out twice");
                }
                self.known.insert(path, Some(revision));
            }
            // There is one of an earlier life, whose acknowledgement was lost.
            Some((409, _)) => {
                self.known.insert(path, Some(0));
            }
            Some((404, _)) => {
                self.known.insert(path, None);
            }
            // The quota, or all ports are given out.
            Some((403 | 422 | 500, _)) | None => {}
            Some((status, object)) => panic!("{method} {path}: {status} {object}"),
        }
    }
}

async fn items(server: &TestServer, path: &str) -> (u64, Vec<Value>) {
    let headers = server.authorization();
    let list = server.client().request("GET", path, &headers, None).await;
    let list = list.and_then(|list| list.json()).expect("a list is JSON");
    let items = list["items"].as_array().cloned();
    (version(&list), items.unwrap_or_default())
}

/// What was acknowledged is there, nothing was given out twice, and nothing is beyond the quota.
async fn verify(server: &TestServer, known: &Known, given: &Given) {
    let newest = given
        .lock()
        .expect("no writer panics")
        .keys()
        .max()
        .copied();
    let mut found: HashMap<String, u64> = HashMap::new();
    for collection in ["configmaps", "secrets", "services"]
        .map(|plural| format!("{NAMESPACE}/{plural}"))
        .into_iter()
        .chain([LEASES.to_owned()])
    {
        let (revision, items) = items(server, &collection).await;
        assert!(
            Some(revision) >= newest,
            "at {revision}, acknowledged to {newest:?}"
        );
        for item in items {
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            found.insert(format!("{collection}/{name}"), version(&item));
        }
    }
    for (path, known) in known {
        match (known, found.get(path)) {
            (Some(at), Some(found)) => assert!(found >= at, "{path} is at {found}, was at {at}"),
            (None, None) => {}
            (known, found) => panic!("{path} is at {found:?}, known at {known:?}"),
        }
    }
    let (_, services) = items(server, &format!("{NAMESPACE}/services")).await;
    for part in ["/spec/clusterIP", "/spec/ports/0/nodePort"] {
        let given = services.iter().filter_map(|service| service.pointer(part));
        let given: Vec<String> = given.map(ToString::to_string).collect();
        let different: BTreeSet<&String> = given.iter().collect();
        assert_eq!(
            given.len(),
            different.len(),
            "{part} is given out twice: {given:?}"
        );
    }
    let (_, secrets) = items(server, &format!("{NAMESPACE}/secrets")).await;
    assert!(secrets.len() <= ALLOWED, "{} secrets", secrets.len());
}

/// Waits until the quota says how many secrets there are: never fewer.
async fn is_counted(server: &TestServer) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, quotas) = items(server, &format!("{NAMESPACE}/resourcequotas")).await;
        let used = quotas[0].pointer("/status/used/secrets");
        let used = used
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        let used: usize = used.expect("the quota counts");
        let (_, secrets) = items(server, &format!("{NAMESPACE}/secrets")).await;
        assert!(
            used >= secrets.len(),
            "{used} of {} are counted",
            secrets.len()
        );
        if used == secrets.len() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{used} are counted, {} are there",
            secrets.len()
        );
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn allocators_and_quotas_stay_right_whenever_the_server_is_killed() {
    let mut chance = Chance::of("mixed");
    let mut server = TestServer::start_with(&[
        "--service-cluster-ip-range=10.9.0.0/26",
        "--service-node-port-range=30000-30063",
        "--builtin-controllers=resourcequota-controller",
    ])
    .await;
    let quota =
        json!({"metadata": {"name": "few"}, "spec": {"hard": {"secrets": ALLOWED.to_string()}}});
    let quotas = format!("{NAMESPACE}/resourcequotas");
    let made = write(
        &mut server.client(),
        &json_headers(&server),
        "POST",
        &quotas,
        &quota,
    )
    .await;
    assert_eq!(made.map(|(status, _)| status), Some(201));
    let counts = async {
        while items(&server, &quotas).await.1[0]
            .pointer("/status/used/secrets")
            .is_none()
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counts)
        .await
        .expect("the quota is counted");

    let given = Given::default();
    let mut all = Known::new();
    let end = Instant::now() + chance::time(Duration::ZERO);
    let mut rounds = 0;
    while rounds < ROUNDS || Instant::now() < end {
        rounds += 1;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let mine = format!("/of-{number}-");
                let known = all.iter().filter(|(path, _)| path.contains(&mine));
                let writer = Writer {
                    client: server.client(),
                    headers: json_headers(&server),
                    chance: chance.another(),
                    number,
                    given: Arc::clone(&given),
                    known: known.map(|(path, at)| (path.clone(), *at)).collect(),
                };
                tokio::spawn(writer.work(Arc::clone(&stop)))
            })
            .collect();
        sleep(chance.millis(200, 1200)).await;
        server.kill();
        stop.store(true, Relaxed);
        all.clear();
        for writer in writers {
            all.extend(writer.await.expect("no writer panics").known);
        }
        server.restart().await;
        verify(&server, &all, &given).await;
        is_counted(&server).await;
    }
    let given = given.lock().expect("no writer panics").len();
    println!("{rounds} rounds, {given} acknowledged writes");
    assert!(given > 50, "only {given} writes were acknowledged");
}
