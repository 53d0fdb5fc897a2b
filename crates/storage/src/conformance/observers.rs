//! Those who are called.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::Notify, task::JoinSet, time::timeout};

use super::{PATIENCE, Store, create, delete, list, show, update};
use crate::{Batch, Feed, KeyRange, Observer, Revision, StorageError, Write};

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    events: Mutex<Vec<(Revision, String)>>,
    revision: Mutex<Option<Revision>>,
    more: Notify,
}

impl Notes {
    /// Waits until `revision` was told of.
    async fn reach(&self, revision: Revision) {
        let reached =
            || *self.revision.lock().unwrap_or_else(PoisonError::into_inner) >= Some(revision);
        while !reached() {
            // A permit is kept, so a call between the look and the wait is not lost.
            timeout(PATIENCE, self.more.notified())
                .await
                .expect("the observer is told");
        }
    }

    fn events(&self) -> Vec<(Revision, String)> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// `name=value`, or `-name`.
fn note(write: &Write) -> String {
    match write.record() {
        Some(record) => show(&record),
        None => format!(
            "-{}",
            write.key.to_string().trim_start_matches("/registry/")
        ),
    }
}

impl Observer for Notes {
    fn on_batch(&self, batch: Batch<'_>) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(
            batch
                .writes
                .iter()
                .map(|write| (write.revision, note(write))),
        );
        let before = self
            .revision
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(batch.revision);
        assert!(
            before < Some(batch.revision),
            "{before:?}, then {}",
            batch.revision
        );
        self.more.notify_one();
    }

    fn on_end(&self, reason: &StorageError) {
        // Only a closed store ends the feed.
        assert!(
            matches!(reason, StorageError::Unavailable { .. }),
            "{reason:?}"
        );
    }
}

/// Everything after the subscription's revision, once, in order, whoever writes.
pub async fn an_observer_gets_each_event_in_order(storage: Store) {
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let storage = storage.clone();
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..40 {
                let name = format!("{writer}/{round}");
                let put = create(&storage, &name, "1").await;
                acknowledged.push((put, format!("{name}=1")));
                acknowledged.push((delete(&storage, &name, put).await, format!("-{name}")));
            }
            acknowledged
        });
    }
    let mut observers = Vec::new();
    for _ in 0..10 {
        let notes = Arc::new(Notes::default());
        let subscription = storage
            .subscribe(&KeyRange::all(), notes.clone())
            .await
            .expect("the store is open");
        observers.push((notes, subscription));
        tokio::task::yield_now().await;
    }
    let mut acknowledged: BTreeMap<_, _> = writers.join_all().await.into_iter().flatten().collect();
    acknowledged.insert(create(&storage, "last", "1").await, "last=1".to_owned());
    let last = *acknowledged.keys().last().expect("there were writes");
    for (notes, subscription) in observers {
        notes.reach(last).await;
        let expected = acknowledged
            .iter()
            .filter(|(revision, _)| **revision > subscription.revision());
        let expected: Vec<_> = expected
            .map(|(revision, event)| (*revision, event.clone()))
            .collect();
        assert!(
            notes.events() == expected,
            "after {}",
            subscription.revision()
        );
    }
}

/// It knows how far the history is, also if nothing in it was for it.
pub async fn an_observer_hears_of_commits_outside_its_range(storage: Store) {
    let notes = Arc::new(Notes::default());
    let blue = KeyRange::prefix("/registry/blue/");
    let _subscription = storage
        .subscribe(&blue, notes.clone())
        .await
        .expect("the store is open");
    let a = create(&storage, "blue/a", "1").await;
    create(&storage, "red/a", "1").await;
    let b = update(&storage, "blue/a", a, "2").await;
    let last = create(&storage, "red/b", "1").await;
    notes.reach(last).await;
    assert_eq!(
        notes.events(),
        [(a, "blue/a=1".to_owned()), (b, "blue/a=2".to_owned())]
    );
}

/// Ending a subscription is dropping it.
pub async fn a_dropped_subscription_is_called_no_more(storage: Store) {
    let (dropped, kept) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
    let subscription = storage
        .subscribe(&KeyRange::all(), dropped.clone())
        .await
        .expect("the store is open");
    let _kept = storage
        .subscribe(&KeyRange::all(), kept.clone())
        .await
        .expect("the store is open");
    let first = create(&storage, "a", "1").await;
    dropped.reach(first).await;
    drop(subscription);
    let second = create(&storage, "b", "1").await;
    kept.reach(second).await;
    assert_eq!((dropped.events().len(), kept.events().len()), (1, 2));
}

/// Records and then changes make the present, whenever it was begun and however long between.
pub async fn a_feed_continues_where_its_records_end(storage: Store) {
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let storage = storage.clone();
        writers.spawn(async move {
            for round in 0..60 {
                let name = format!("{writer}/{}", round % 20);
                let put = create(&storage, &name, &round.to_string()).await;
                let put = update(&storage, &name, put, "later").await;
                if round < 40 || round % 2 == 0 {
                    delete(&storage, &name, put).await;
                }
            }
        });
    }
    let range = KeyRange::prefix("/registry/1/");
    let mut caches = Vec::new();
    for _ in 0..5 {
        let mut feed = Feed::start(&*storage, &range)
            .await
            .expect("the store is open");
        let records = feed.take_records();
        let cache = Arc::new(Cache::default());
        for record in records.value {
            assert!(record.mod_revision <= records.revision);
            cache.entries().insert(record.key.to_string(), record);
        }
        // Meanwhile the writers go on.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        caches.push((cache.clone(), feed.follow(cache)));
    }
    writers.join_all().await;
    let last = create(&storage, "1/last", "1").await;
    let expected = list(&storage, &range, None)
        .await
        .expect("the store answers");
    for (cache, _subscription) in caches {
        while !cache
            .entries()
            .values()
            .any(|record| record.mod_revision == last)
        {
            timeout(PATIENCE, cache.more.notified())
                .await
                .expect("the observer is told");
        }
        assert_eq!(
            cache.entries().values().map(show).collect::<Vec<_>>(),
            expected
        );
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Cache {
    entries: Mutex<BTreeMap<String, crate::Record>>,
    more: Notify,
}

impl Cache {
    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, crate::Record>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Cache {
    fn on_batch(&self, batch: Batch<'_>) {
        let mut entries = self.entries();
        for write in batch.writes {
            let before = match write.record() {
                Some(record) => entries.insert(write.key.to_string(), record),
                None => entries.remove(&write.key.to_string()),
            };
            let fits = before.is_none_or(|before| before.mod_revision < write.revision);
            assert!(fits, "a write comes after what it replaces");
        }
        drop(entries);
        self.more.notify_one();
    }

    fn on_end(&self, _: &StorageError) {}
}
