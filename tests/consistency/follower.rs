//! One who knows of objects by their events alone.

use std::collections::BTreeMap;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use pintle_tests::chance::Chance;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

use super::api::{Api, Lost, revision};

/// Nothing takes this long to be told.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a follower learns what there is before it follows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Begin {
    List,
    Pages,
    /// From any moment of the past.
    Anything,
    /// A watch that begins with what there is.
    Stream,
}

/// What a follower went through.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: usize,
    pub(crate) bookmarks: usize,
    pub(crate) begins: usize,
    pub(crate) resumed: usize,
    pub(crate) expired: usize,
}

type Objects = BTreeMap<String, Value>;

pub(crate) struct Follower {
    pub(crate) api: Api,
    pub(crate) chance: Chance,
    /// Path of the collection, and selectors.
    pub(crate) path: &'static str,
    pub(crate) query: &'static str,
    pub(crate) begin: Begin,
    pub(crate) objects: Objects,
    /// Up to where it knows everything, if it has begun.
    pub(crate) at: Option<u64>,
    pub(crate) seen: Seen,
}

/// A stream of lines; one that is cut short is none.
struct Lines {
    body: Incoming,
    read: Vec<u8>,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Value>, Lost> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                let event = serde_json::from_slice(&line);
                return Ok(Some(event.expect("an event is JSON in a line")));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(_)) => return Err(Lost),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.read.extend_from_slice(data);
                    }
                }
            }
        }
    }
}

/// What an object is, wherever it was read.
fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    object
}

/// An object but for what its deletion changes.
fn before_deletion(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in [
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ] {
            metadata.remove(field);
        }
    }
    object
}

fn key(object: &Value) -> String {
    let part = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
    format!("{}/{}", part("namespace"), part("name"))
}

impl Follower {
    /// Follows until told to stop, and then until it knows what a list says.
    ///
    /// # Panics
    ///
    /// At every event that does not fit, and if it never comes to know it.
    pub(crate) async fn follow(mut self, mut stop: watch::Receiver<bool>) -> (String, Seen) {
        while !*stop.borrow() {
            let lost = tokio::select! {
                lost = self.round(None) => lost.is_err(),
                _ = stop.changed() => false,
            };
            if lost {
                sleep(Duration::from_millis(5)).await;
            } else if self.chance.percent(8) {
                // What it wants to go on from may be gone then.
                sleep(self.chance.millis(1000, 3000)).await;
            }
        }
        let name = format!("{:?} of {}?{}", self.begin, self.path, self.query);
        let target = loop {
            // The first try may be on a connection to a server that is gone.
            if let Ok(target) = self.listed("").await {
                break target;
            }
        };
        let deadline = Instant::now() + PATIENCE;
        while self.at.is_none() || self.objects != target.0 {
            let round = self.round(Some(&target.0));
            let done = tokio::time::timeout_at(deadline, round).await;
            assert!(done.is_ok(), "{name}: {}", self.difference(&target.0));
        }
        (name, self.seen)
    }

    fn difference(&self, target: &Objects) -> String {
        let keys = self.objects.keys().chain(target.keys());
        let wrong = keys.filter(|key| self.objects.get(*key) != target.get(*key));
        let of = |objects: &Objects, key: &str| objects.get(key).map_or(0, revision);
        let wrong = wrong.map(|key| {
            let (mine, theirs) = (of(&self.objects, key), of(target, key));
            format!("{key} is told at {mine}, listed at {theirs}")
        });
        wrong.collect::<Vec<_>>().join("; ")
    }

    /// A connection's life: up to the end of the stream, or of its own wish.
    async fn round(&mut self, target: Option<&Objects>) -> Result<(), Lost> {
        if self.at.is_none() && !matches!(self.begin, Begin::Stream) {
            self.seen.begins += 1;
            let (objects, at) = match self.begin {
                Begin::Anything => self.listed("resourceVersion=0&").await?,
                Begin::Pages => self.listed("limit=7&").await?,
                _ => self.listed("").await?,
            };
            (self.objects, self.at) = (objects, Some(at));
        }
        if target.is_some_and(|target| *target == self.objects) && self.at.is_some() {
            return Ok(());
        }
        let mut fresh = None;
        let how = if let Some(at) = self.at {
            self.seen.resumed += 1;
            let bookmarks = self.chance.percent(70);
            format!("resourceVersion={at}&allowWatchBookmarks={bookmarks}")
        } else {
            self.seen.begins += 1;
            fresh = Some(Objects::new());
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
                .into()
        };
        let path = format!("{}?watch=true&{how}&{}", self.path, self.query);
        let (mut connection, headers) = self.api.apart().await?;
        let response = connection.open("GET", &path, &headers, None).await;
        let response = response.map_err(|_| Lost)?;
        match response.status().as_u16() {
            200 => {}
            410 => {
                self.expire();
                return Ok(());
            }
            429 | 500..=599 => return Err(Lost),
            other => panic!("{path}: {other}"),
        }
        let mut lines = Lines {
            body: response.into_body(),
            read: Vec::new(),
        };
        let long = target.is_some() || self.chance.percent(20);
        let mut left = if long {
            usize::MAX
        } else {
            self.chance.below(120)
        };
        while left > 0 {
            let Some(event) = lines.next().await? else {
                return Ok(());
            };
            if !self.take(&event, &mut fresh) {
                return Ok(());
            }
            if target.is_some_and(|target| *target == self.objects) && fresh.is_none() {
                return Ok(());
            }
            left -= 1;
        }
        Ok(())
    }

    fn expire(&mut self) {
        self.seen.expired += 1;
        self.at = None;
    }

    /// Takes an event in; false if the stream has come to its end with it.
    fn take(&mut self, event: &Value, fresh: &mut Option<Objects>) -> bool {
        let object = &event["object"];
        let kind = event["type"].as_str().unwrap_or_default();
        if kind == "ERROR" {
            let code = object["code"].as_u64().unwrap_or_default();
            assert!(matches!(code, 410 | 500..=599), "{event}");
            if code == 410 {
                self.expire();
            }
            return false;
        }
        let at = revision(object);
        if kind == "BOOKMARK" {
            self.seen.bookmarks += 1;
            let ended = &object["metadata"]["annotations"]["k8s.io/initial-events-end"];
            if ended == "true" {
                let all = fresh.take();
                self.objects = all.expect("what there is comes to its end once");
            } else if fresh.is_some() {
                return true;
            }
            assert!(self.at <= Some(at), "{event} comes after {:?}", self.at);
            self.at = Some(at);
            return true;
        }
        self.seen.events += 1;
        if fresh.is_none() {
            assert!(self.at < Some(at), "{event} comes after {:?}", self.at);
            self.at = Some(at);
        }
        change(fresh.as_mut().unwrap_or(&mut self.objects), kind, object);
        true
    }

    /// What there is, and as of when.
    async fn listed(&mut self, how: &str) -> Result<(Objects, u64), Lost> {
        let (mut objects, mut at, mut next) = (Objects::new(), 0, String::new());
        loop {
            let path = format!("{}?{how}{}{next}", self.path, self.query);
            let (status, list) = self.api.ask("GET", &path, None).await?;
            match status {
                200 => {}
                410 if !next.is_empty() => {
                    self.seen.expired += 1;
                    (objects, at, next) = Default::default();
                    continue;
                }
                429 | 500..=599 => return Err(Lost),
                other => panic!("{path}: {other} {list}"),
            }
            assert!(at == 0 || at == revision(&list), "a page of another moment");
            at = revision(&list);
            for item in list["items"].as_array().into_iter().flatten() {
                assert!(revision(item) <= at, "{item} in a list of {at}");
                let twice = objects.insert(key(item), plain(item));
                assert_eq!(twice, None, "{path}");
            }
            match list["metadata"]["continue"].as_str() {
                None | Some("") => return Ok((objects, at)),
                Some(token) => next = format!("&continue={token}"),
            }
        }
    }
}

/// Does an event to what is known, which it has to fit.
fn change(objects: &mut Objects, kind: &str, object: &Value) {
    let (key, object) = (key(object), plain(object));
    let known = objects.get(&key);
    match kind {
        "ADDED" => assert!(known.is_none(), "{key} is added twice: {object}, {known:?}"),
        "MODIFIED" => {
            let known = known.unwrap_or_else(|| panic!("{key} is modified, and unknown"));
            // Who writes says what it read; only that a pod is to go is noted by the server.
            let before = &object["metadata"]["annotations"]["before"];
            let is_leaving = |object: &Value| !object["metadata"]["deletionTimestamp"].is_null();
            assert!(
                *before == known["metadata"]["resourceVersion"]
                    || is_leaving(&object) && !is_leaving(known),
                "a change of {key} is missing between {known} and {object}"
            );
        }
        "DELETED" => {
            let known = objects.remove(&key);
            let known = known.unwrap_or_else(|| panic!("{key} is deleted, and unknown"));
            assert_eq!(before_deletion(&known), before_deletion(&object));
            return;
        }
        other => panic!("an event {other:?}"),
    }
    objects.insert(key, object);
}
