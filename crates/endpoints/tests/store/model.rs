//! Watchers that rebuild the state from events alone have what a list has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pintle_endpoints::cache::{CacheOptions, EventType};
use pintle_endpoints::watch::WatchItem;
use pintle_storage::{Revision, RocksStore};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Resourceful, pod};
use crate::watch::try_watch;

/// What a watcher believes: key to revision.
type Belief = BTreeMap<String, Revision>;

const WRITERS: usize = 4;
const WRITES: usize = 150;

/// A small generator: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Creates, moves, relabels and deletes pods at random. Others do too, so any of it may fail.
async fn write(pods: Resourceful<'_>, seed: u64) {
    let mut numbers = Numbers(seed);
    for _ in 0..WRITES {
        let pods = pods.within(["blue", "green"][numbers.below(2)]);
        let name = format!("p{}", numbers.below(12));
        let node = format!("n{}", numbers.below(3));
        let show = ["yes", "no"][numbers.below(2)];
        match numbers.below(4) {
            0 => drop(pods.try_create(&pod(&name, &node)).await),
            1 => {
                let relabel = |object: &mut Value| {
                    object["metadata"]["labels"]["show"] = show.into();
                    object["metadata"]["resourceVersion"] = Value::Null;
                };
                drop(pods.change(&name, relabel).await);
            }
            2 => {
                let shift = |object: &mut Value| {
                    object["spec"]["nodeName"] = node.clone().into();
                    object["metadata"]["annotations"] = json!({"a": show});
                    object["metadata"]["resourceVersion"] = Value::Null;
                };
                drop(pods.change(&name, shift).await);
            }
            _ => drop(pods.try_delete(&name, &Default::default()).await),
        }
    }
}

/// Watches from `revision` on, over and over, until `done` and everything up to the end was told.
async fn believe(
    pods: Resourceful<'_>,
    selector: &str,
    done: &AtomicBool,
    reconnect_after: usize,
) -> Belief {
    let mut belief = Belief::new();
    let mut told = Revision(1);
    loop {
        let query = format!(
            "{selector}&allowWatchBookmarks=true&timeoutSeconds=3600&resourceVersion={told}"
        );
        let mut watch = try_watch(&pods, &query).await.expect("a watch");
        let mut items = Vec::new();
        let mut count = 0;
        while count < reconnect_after {
            let finished = done.load(Ordering::Acquire);
            let next =
                tokio::time::timeout(Duration::from_millis(200), watch.next(&mut items)).await;
            match next {
                Err(_) if finished => return belief,
                Err(_) => continue,
                Ok(more) => assert!(more, "a watch that is quick is not cut off"),
            }
            for item in items.drain(..) {
                count += 1;
                apply(&mut belief, &mut told, &item);
            }
        }
    }
}

fn apply(belief: &mut Belief, told: &mut Revision, item: &WatchItem) {
    let WatchItem::Event(event) = item else {
        return;
    };
    assert!(
        event.revision() > *told,
        "revisions grow: {} after {told}",
        event.revision()
    );
    *told = event.revision();
    let object = event.object().expect("an object");
    let key = object.entry().key().to_owned();
    let known = belief.get(&key).copied();
    match event.event_type() {
        EventType::Added => assert_eq!(known, None, "{key} was there already"),
        EventType::Error => panic!("{key} can be read"),
        EventType::Modified | EventType::Deleted => assert!(known.is_some(), "{key} was not there"),
    }
    match event.event_type() {
        EventType::Added | EventType::Modified => belief.insert(key, event.revision()),
        EventType::Deleted | EventType::Error => belief.remove(&key),
    };
}

async fn check(history_bytes: usize) {
    let storage = Arc::new(RocksStore::open_temporary().expect("a store"));
    let fixture = Fixture::over(
        storage,
        CacheOptions {
            history_bytes,
            ..CacheOptions::default()
        },
    )
    .await;
    let done = AtomicBool::new(false);
    let selections = [
        ("", ""),
        ("blue", ""),
        ("", "labelSelector=show=yes"),
        ("", "fieldSelector=spec.nodeName=n1"),
        (
            "green",
            "fieldSelector=spec.nodeName=n2&labelSelector=show!=yes",
        ),
        ("blue", "fieldSelector=metadata.name=p3"),
        ("", "fieldSelector=metadata.name=p3"),
    ];
    let watchers = selections.iter().flat_map(|(namespace, selector)| {
        let pods = fixture.pods().within(namespace);
        [7, usize::MAX].map(|reconnect| believe(pods.clone(), selector, &done, reconnect))
    });
    let writers = async {
        let writers = (0..WRITERS).map(|seed| write(fixture.pods(), seed as u64 + 1));
        futures_util::future::join_all(writers).await;
        done.store(true, Ordering::Release);
    };
    let (beliefs, ()) = tokio::join!(futures_util::future::join_all(watchers), writers);
    for (at, belief) in beliefs.iter().enumerate() {
        let (namespace, selector) = selections[at / 2];
        let list = fixture
            .pods()
            .within(namespace)
            .list(selector)
            .await
            .into_objects();
        let expected: Belief = list
            .iter()
            .map(|object| (object.entry().key().to_owned(), object.entry().revision()))
            .collect();
        assert_eq!(belief, &expected, "{namespace:?} {selector:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_have_what_a_list_has() {
    check(CacheOptions::default().history_bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_have_what_a_list_has_also_from_the_storages_history() {
    check(0).await;
}
