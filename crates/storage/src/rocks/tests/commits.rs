//! Commits: in which order who learns of them, and what they cost.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use tokio::task::JoinSet;

use super::*;
use crate::rocks::fault::{Fault, Step};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_has_the_event_when_the_put_is_answered() {
    let store = Arc::new(RocksStore::open_temporary().expect("the store opens"));
    let notes = Arc::new(Notes::default());
    let _subscription = store
        .subscribe(&KeyRange::all(), notes.clone())
        .await
        .expect("the store is open");
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (store, notes) = (store.clone(), notes.clone());
        writers.spawn(async move {
            for round in 0..50 {
                let put = create(&store, &format!("{writer}/{round}"), "1").await;
                assert!(
                    notes.last() >= Some(put),
                    "{put} was answered before it was told"
                );
                let read = store.current().await.expect("the store is open");
                assert!(
                    notes.last() >= Some(read),
                    "{read} was read before it was told"
                );
            }
        });
    }
    writers.join_all().await;
    let events = notes.events.lock().expect("nobody panicked");
    assert!(
        events.iter().map(|(revision, _)| revision.0).eq(2..402),
        "each once, in order"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_for_a_sync_share_the_next_one() {
    let syncs = Arc::new(AtomicU32::new(0));
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let counted = syncs.clone();
    let fault = Fault::new(move |step| {
        if step == Step::Sync && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            wait.lock()
                .expect("nobody panicked")
                .recv()
                .expect("the test lets it go on");
        }
        None
    });
    let directory = tempfile::tempdir().expect("a directory");
    let store = Arc::new(open_failing(directory.path(), quick(), fault));
    let mut writers = JoinSet::new();
    for writer in 0..100 {
        let writing = store.clone();
        writers.spawn(async move { create(&writing, &writer.to_string(), "1").await });
        while writer == 0 && syncs.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    }
    while store.shared.queue.len() < 99 {
        tokio::task::yield_now().await;
    }
    go.send(()).expect("the commit waits");
    let mut revisions: Vec<_> = writers
        .join_all()
        .await
        .iter()
        .map(|revision| revision.0)
        .collect();
    revisions.sort_unstable();
    assert!(revisions.into_iter().eq(2..102));
    assert_eq!(
        syncs.load(Ordering::SeqCst),
        2,
        "one for the first, one for all the others"
    );
}

#[tokio::test]
async fn an_observer_that_panics_is_removed_and_harms_nobody() {
    struct Panics(Notes);
    impl Observer for Panics {
        fn on_batch(&self, batch: Batch<'_>) {
            self.0.on_batch(batch);
            panic!("as this test wants");
        }
        fn on_end(&self, reason: &StorageError) {
            self.0.on_end(reason);
        }
    }
    let store = RocksStore::open_temporary().expect("the store opens");
    let (panics, notes) = (
        Arc::new(Panics(Notes::default())),
        Arc::new(Notes::default()),
    );
    let _first = store
        .subscribe(&KeyRange::all(), panics.clone())
        .await
        .expect("the store is open");
    let _second = store
        .subscribe(&KeyRange::all(), notes.clone())
        .await
        .expect("the store is open");
    create(&store, "a", "1").await;
    let put = create(&store, "b", "1").await;
    assert_eq!(notes.last(), Some(put));
    assert_eq!(panics.0.events.lock().expect("nobody panicked").len(), 1);
    assert!(
        panics.0.end.lock().expect("nobody panicked").is_some(),
        "it knows that it has missed something"
    );
}

#[tokio::test]
async fn a_close_ends_streams_and_observers_and_can_be_repeated() {
    let store = RocksStore::open_temporary().expect("the store opens");
    let put = create(&store, "a", "1").await;
    let notes = Arc::new(Notes::default());
    let _subscription = store
        .subscribe(&KeyRange::all(), notes.clone())
        .await
        .expect("the store is open");
    let mut stream = store
        .watch(&KeyRange::all(), put)
        .await
        .expect("the revision is kept");
    let waiting = tokio::spawn(async move {
        (
            stream.next().await.map(|end| end.map(drop)),
            stream.next().await.is_none(),
        )
    });
    tokio::task::yield_now().await;
    store.close();
    store.close();
    let (end, is_over) = waiting.await.expect("it does not panic");
    assert!(
        matches!(end, Some(Err(StorageError::Unavailable { .. }))) && is_over,
        "{end:?}"
    );
    assert!(notes.end.lock().expect("nobody panicked").is_some());
    let key = Key::from("a");
    let unavailable = |error: &StorageError| matches!(error, StorageError::Unavailable { .. });
    assert!(
        store
            .get(&key, Revision::ZERO)
            .await
            .is_err_and(|error| unavailable(&error))
    );
    assert!(
        store
            .delete(&key, put)
            .await
            .is_err_and(|error| unavailable(&error))
    );
    assert!(
        store
            .current()
            .await
            .is_err_and(|error| unavailable(&error))
    );
    assert!(
        store
            .watch(&KeyRange::all(), put)
            .await
            .is_err_and(|error| unavailable(&error))
    );
}

#[tokio::test]
async fn a_key_that_could_not_be_found_again_is_refused() {
    let store = RocksStore::open_temporary().expect("the store opens");
    for key in ["", "a\0b"] {
        let error = put(&store, key, Expect::Absent, "1").await;
        assert!(
            matches!(error, Err(StorageError::InvalidKey { .. })),
            "{error:?}"
        );
        let found = store
            .get(&Key::from(key), Revision::ZERO)
            .await
            .expect("anything can be asked for");
        assert_eq!(found.value, None);
    }
}

#[tokio::test]
async fn compaction_deletes_versions_tombstones_and_events() {
    let store = RocksStore::open_temporary().expect("the store opens");
    let count = |column| {
        store
            .shared
            .slot
            .with(|database| Ok(database.count(column)))
            .expect("the store is open")
    };
    for name in 0..300 {
        let name = name.to_string();
        let first = create(&store, &name, "1").await;
        let second = put(&store, &name, Expect::At(first), "2")
            .await
            .expect("the revision is the newest");
        if name.ends_with('7') {
            store
                .delete(&Key::from(&*name), second)
                .await
                .expect("the revision is the newest");
        }
    }
    assert_eq!((count("versions"), count("log")), (630, 630));
    let (now, before) = (
        store.current().await.expect("the store is open"),
        list(&store, None).await,
    );
    store.compact(now).await.expect("the revision exists");
    assert_eq!(
        (count("versions"), count("log")),
        (270, 0),
        "one version of each key that is left"
    );
    assert_eq!(list(&store, None).await, before);
}

#[tokio::test]
async fn who_has_left_is_not_told_of_the_end() {
    let store = RocksStore::open_temporary().expect("a temporary store opens");
    let (gone, there) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
    let all = KeyRange::all();
    let left = store.subscribe(&all, Arc::clone(&gone) as Arc<dyn Observer>);
    drop(left.await.expect("the store is open"));
    let stays = store.subscribe(&all, Arc::clone(&there) as Arc<dyn Observer>);
    let _stays = stays.await.expect("the store is open");
    store.close();
    let told = |notes: &Notes| notes.end.lock().expect("nobody panicked").is_some();
    assert!(!told(&gone) && told(&there));
}
