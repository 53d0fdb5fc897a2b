//! Every answer fits one order of all writes: many clients at a few objects, and a server that is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pintle_tests::chance::{self, Chance};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::api::{Api, Lost, revision};
use super::history::{Action, Answer, Clock, History, List, OPEN, Operation, Version};
use super::{search, snapshots};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const LABEL: &str = "labelSelector=register";
const CLIENTS: u64 = 8;
const KEYS: usize = 4;
/// More is checked in pieces, each with new objects.
const PIECE: Duration = Duration::from_secs(20);

struct Client {
    number: u64,
    api: Api,
    chance: Chance,
    clock: Arc<Clock>,
    piece: usize,
    written: u64,
    /// What it saw last of each key.
    seen: [Option<Version>; KEYS],
    newest: u64,
    history: History,
}

fn version(object: &Value) -> Version {
    let written = object["data"]["written"].as_str();
    Version {
        written: written
            .and_then(|text| text.parse().ok())
            .expect("a number"),
        revision: revision(object),
    }
}

impl Client {
    async fn work(mut self, stop: Arc<AtomicBool>) -> History {
        while !stop.load(Relaxed) {
            let done = match self.chance.below(10) {
                0 | 1 => self.list().await,
                _ => self.operate().await,
            };
            if done.is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        self.history
    }

    fn name(&self, key: usize) -> String {
        format!("register-{}-{key}", self.piece)
    }

    fn object(&self, key: usize, new: u64, expected: Option<Version>) -> Value {
        let mut metadata =
            json!({"name": self.name(key), "labels": {"register": self.piece.to_string()}});
        if let Some(expected) = expected {
            metadata["resourceVersion"] = expected.revision.to_string().into();
        }
        json!({"metadata": metadata, "data": {"written": new.to_string()}})
    }

    async fn operate(&mut self) -> Result<(), Lost> {
        let key = self.chance.below(KEYS);
        let path = format!("{CONFIGMAPS}/{}", self.name(key));
        self.written += 1;
        let new = self.number << 32 | self.written;
        let expected = self.seen[key].filter(|_| self.chance.percent(60));
        let written = expected.map(|version| version.written);
        let (action, method, path, body) = match self.chance.below(10) {
            0..=3 => (Action::Read, "GET", path, None),
            4 | 5 => {
                let body = self.object(key, new, None);
                (
                    Action::Create(new),
                    "POST",
                    CONFIGMAPS.to_owned(),
                    Some(body),
                )
            }
            6..=8 => {
                let body = self.object(key, new, expected);
                (Action::Update(written, new), "PUT", path, Some(body))
            }
            _ => {
                let body = expected.map(|expected| {
                    let revision = expected.revision.to_string();
                    json!({"preconditions": {"resourceVersion": revision}})
                });
                (Action::Delete(written), "DELETE", path, body)
            }
        };
        self.api.connect().await?;
        let called = self.clock.now();
        let answer = self.api.ask(method, &path, body.as_ref()).await;
        let answered = self.clock.now();
        let (answered, answer) = match answer {
            // Not let in.
            Ok((429, _)) => return Ok(()),
            Ok((status, object)) => match self.understand(key, action, status, &object) {
                Some(answer) => (answered, answer),
                None => panic!("{method} {path}: {status} {object}"),
            },
            Err(Lost) if action == Action::Read => return Err(Lost),
            Err(Lost) => (OPEN, Answer::Lost),
        };
        self.history.operations.push(Operation {
            key,
            called,
            answered,
            action,
            answer,
        });
        if answer == Answer::Lost {
            Err(Lost)
        } else {
            Ok(())
        }
    }

    fn understand(
        &mut self,
        key: usize,
        action: Action,
        status: u16,
        object: &Value,
    ) -> Option<Answer> {
        let is_delete = matches!(action, Action::Delete(_));
        Some(match (status, action) {
            (200, Action::Read) => {
                self.seen[key] = Some(version(object));
                Answer::Found(self.seen[key])
            }
            (404, Action::Read) => Answer::Found(None),
            (200 | 201, _) if is_delete => Answer::Done(None),
            (200 | 201, _) => {
                self.seen[key] = Some(version(object));
                self.newest = revision(object);
                Answer::Done(Some(revision(object)))
            }
            (404, _) => Answer::Missing,
            (409, _) => Answer::Conflict,
            _ => return None,
        })
    }

    /// All keys at once, now or as they were.
    async fn list(&mut self) -> Result<(), Lost> {
        let exact = Some(self.newest).filter(|newest| *newest > 0 && self.chance.percent(40));
        let how = exact.map_or_else(String::new, |exact| {
            format!("&resourceVersion={exact}&resourceVersionMatch=Exact")
        });
        let path = format!("{CONFIGMAPS}?{LABEL}%3D{}{how}", self.piece);
        self.api.connect().await?;
        let called = self.clock.now();
        let (status, list) = self.api.ask("GET", &path, None).await?;
        let answered = self.clock.now();
        match status {
            200 => {}
            410 | 429 => return Ok(()),
            other => panic!("{path}: {other} {list}"),
        }
        let mut found = vec![None; KEYS];
        for item in list["items"].as_array().into_iter().flatten() {
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            let key = (0..KEYS).find(|key| self.name(*key) == name);
            found[key.expect("one of ours")] = Some(version(item));
        }
        self.history.lists.push(List {
            called,
            answered,
            exact,
            revision: revision(&list),
            found,
        });
        Ok(())
    }
}

/// Lets clients work for a while and kills the server twice; what they did, in one history.
async fn piece(
    server: &mut TestServer,
    chance: &mut Chance,
    piece: usize,
    time: Duration,
) -> History {
    let (clock, stop) = (Arc::new(Clock::default()), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = Client {
                number: piece as u64 * CLIENTS + number,
                api: Api::of(server),
                chance: chance.another(),
                clock: Arc::clone(&clock),
                piece,
                written: 0,
                seen: [None; KEYS],
                newest: 0,
                history: History::default(),
            };
            tokio::spawn(client.work(Arc::clone(&stop)))
        })
        .collect();
    let mut kills = Vec::new();
    for _ in 0..2 {
        sleep(time / 4 + chance.millis(0, 300)).await;
        server.kill();
        kills.push(clock.now());
        server.restart().await;
    }
    sleep(time / 4).await;
    stop.store(true, Relaxed);
    let mut history = History::default();
    for client in clients {
        let own = client.await.expect("every answer can be understood");
        history.operations.extend(own.operations);
        history.lists.extend(own.lists);
    }
    history.end_lost(&kills);
    history
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_fits_one_order_of_all_writes() {
    let mut chance = Chance::of("registers");
    let mut server = TestServer::start().await;
    let time = chance::time(Duration::from_secs(6));
    let end = Instant::now() + time;
    for number in 0.. {
        let history = piece(&mut server, &mut chance, number, time.min(PIECE)).await;
        let (operations, lists) = (&history.operations, history.lists.len());
        let of = |answer| operations.iter().filter(|one| one.answer == answer).count();
        println!(
            "{} operations, {} refused, {} lost, {lists} lists",
            operations.len(),
            of(Answer::Conflict) + of(Answer::Missing),
            of(Answer::Lost),
        );
        assert!(
            operations.len() > 100 && lists > 10,
            "hardly anything was done"
        );
        snapshots::check(&history, KEYS).unwrap_or_else(|wrong| panic!("{wrong}"));
        for key in 0..KEYS {
            search::check(&history.of(key)).unwrap_or_else(|wrong| panic!("key {key}: {wrong}"));
        }
        if Instant::now() >= end {
            break;
        }
    }
}
