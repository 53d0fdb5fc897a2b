//! Who follows events knows what there is: through cuts, expiry, restarts and kills.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pintle_tests::chance::{self, Chance};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

use super::api::{Api, Lost};
use super::follower::{Begin, Follower, Seen};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const EVERYWHERE: &str = "/api/v1/pods";
const WRITERS: usize = 4;
/// Few, so that several write the same.
const NAMES: usize = 24;

/// What is followed, and how that begins.
const FOLLOWED: &[(&str, &str, Begin)] = &[
    (CONFIGMAPS, "", Begin::List),
    (CONFIGMAPS, "", Begin::Stream),
    (CONFIGMAPS, "", Begin::Pages),
    (CONFIGMAPS, "labelSelector=color%3Dred", Begin::Anything),
    (
        CONFIGMAPS,
        "labelSelector=color+notin+(red,blue)",
        Begin::Stream,
    ),
    (
        CONFIGMAPS,
        "fieldSelector=metadata.name%3Dobject-3",
        Begin::List,
    ),
    (PODS, "", Begin::Anything),
    (PODS, "fieldSelector=status.phase%3DRunning", Begin::Stream),
    (
        PODS,
        "fieldSelector=status.phase!%3DRunning&labelSelector=!color",
        Begin::List,
    ),
    (
        EVERYWHERE,
        "fieldSelector=status.phase%3DRunning",
        Begin::Pages,
    ),
];

/// A writer. It says in every change what it has read before.
struct Writer {
    api: Api,
    chance: Chance,
    known: HashMap<String, Value>,
}

impl Writer {
    async fn write(mut self, stop: Arc<AtomicBool>) -> usize {
        let mut written = 0;
        while !stop.load(Relaxed) {
            match self.step().await {
                Ok(true) => written += 1,
                Ok(false) => {}
                Err(Lost) => {
                    self.known.clear();
                    sleep(Duration::from_millis(5)).await;
                }
            }
            sleep(self.chance.millis(0, 6)).await;
        }
        written
    }

    /// One write; whether it was done.
    async fn step(&mut self) -> Result<bool, Lost> {
        let collection = *self.chance.pick(&[CONFIGMAPS, CONFIGMAPS, PODS]);
        let name = format!("object-{}", self.chance.below(NAMES));
        let path = format!("{collection}/{name}");
        let Some(known) = self.known.remove(&path) else {
            let (status, object) = self.api.ask("GET", &path, None).await?;
            if status == 200 {
                self.known.insert(path, object);
                return Ok(false);
            }
            let object = self.fresh(collection, &name);
            let (status, object) = self.api.ask("POST", collection, Some(&object)).await?;
            if status == 201 {
                self.known.insert(path, object);
            }
            return Ok(status == 201);
        };
        if self.chance.percent(20) {
            let path = format!("{path}?gracePeriodSeconds=0");
            let (status, _) = self.api.ask("DELETE", &path, None).await?;
            return Ok(status == 200);
        }
        let before = known["metadata"]["resourceVersion"].clone();
        let (status, object) = if self.chance.percent(25) {
            let patch = json!({"metadata": {
                "resourceVersion": before,
                "labels": {"color": self.color()},
                "annotations": {"before": before},
            }});
            let kind = "application/merge-patch+json";
            self.api.ask_as("PATCH", &path, kind, Some(&patch)).await?
        } else {
            let mut new = known;
            new["metadata"]["annotations"]["before"] = before;
            new["metadata"]["labels"] = json!({});
            if let Some(color) = self.color() {
                new["metadata"]["labels"]["color"] = color.into();
            }
            if collection == PODS {
                let phases = ["Pending", "Running", "Failed"];
                new["status"]["phase"] = (*self.chance.pick(&phases)).into();
                let path = format!("{path}/status");
                self.api.ask("PUT", &path, Some(&new)).await?
            } else {
                new["data"]["count"] = self.chance.number().to_string().into();
                self.api.ask("PUT", &path, Some(&new)).await?
            }
        };
        if status == 200 {
            self.known.insert(path, object);
        }
        Ok(status == 200)
    }

    fn color(&mut self) -> Option<&'static str> {
        *self
            .chance
            .pick(&[Some("red"), Some("blue"), Some("green"), None])
    }

    fn fresh(&mut self, collection: &str, name: &str) -> Value {
        let labels = json!({"color": self.color().unwrap_or("none")});
        let metadata = json!({"name": name, "labels": labels, "annotations": {"made": "here"}});
        if collection == CONFIGMAPS {
            return json!({"metadata": metadata, "data": {"count": "0"}});
        }
        let containers = json!([{"name": "c", "image": "i"}]);
        json!({"metadata": metadata, "spec": {"containers": containers, "terminationGracePeriodSeconds": 0}})
    }
}

/// What happens to the server meanwhile, in turn.
async fn trouble(server: &mut TestServer, chance: &mut Chance, time: Duration) {
    let end = Instant::now() + time;
    for round in 0.. {
        sleep(chance.millis(700, 1800)).await;
        if Instant::now() > end {
            break;
        }
        match round % 3 {
            0 => server.kill(),
            1 => {
                server.terminate();
                server.ended().await;
            }
            _ => continue,
        }
        server.restart().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_events_knows_what_there_is() {
    let mut chance = Chance::of("watches");
    let mut server = TestServer::start_with(&[
        "--etcd-compaction-interval=400ms",
        "--disable-admission-plugins=ServiceAccount",
    ])
    .await;
    let done = Arc::new(AtomicBool::new(false));
    let (stop, stopped) = watch::channel(false);
    let followers: Vec<_> = FOLLOWED
        .iter()
        .map(|&(path, query, begin)| {
            let follower = Follower {
                api: Api::of(&server),
                chance: chance.another(),
                path,
                query,
                begin,
                objects: Default::default(),
                at: None,
                seen: Seen::default(),
            };
            tokio::spawn(follower.follow(stopped.clone()))
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let writer = Writer {
                api: Api::of(&server),
                chance: chance.another(),
                known: HashMap::new(),
            };
            tokio::spawn(writer.write(Arc::clone(&done)))
        })
        .collect();
    let time = chance::time(Duration::from_secs(10));
    trouble(&mut server, &mut chance, time).await;
    done.store(true, Relaxed);
    let mut written = 0;
    for writer in writers {
        written += writer.await.expect("no writer panics");
    }
    stop.send(true).expect("they follow");
    let (mut expired, mut resumed) = (0, 0);
    for follower in followers {
        let (name, seen) = follower.await.expect("what is told fits");
        println!("{name}: {seen:?}");
        expired += seen.expired;
        resumed += seen.resumed;
        assert!(seen.begins > 0 && seen.events > 0, "{name} learnt nothing");
    }
    println!("{written} writes");
    assert!(written > 100, "only {written} writes were done");
    assert!(expired > 0, "nobody was too late");
    assert!(resumed > FOLLOWED.len(), "nobody went on where it was");
}
