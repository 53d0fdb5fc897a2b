//! A medium that fails, and comes back.

use std::collections::HashSet;

use super::*;
use crate::{
    Cause,
    rocks::fault::{Fault, Step},
};

/// The steps that fail at the moment.
#[derive(Clone, Default)]
struct Failing(Arc<Mutex<HashSet<u8>>>);

impl Failing {
    fn set(&self, steps: &[Step]) {
        *self.0.lock().expect("nobody panicked") = steps.iter().map(|step| *step as u8).collect();
    }

    fn fault(&self) -> Fault {
        let failing = self.0.clone();
        let fault = move |step| {
            let fails = failing
                .lock()
                .expect("nobody panicked")
                .contains(&(step as u8));
            fails.then(|| Cause::new("no space left, as this test wants"))
        };
        Fault::new(fault)
    }
}

#[track_caller]
fn check_unavailable<T: std::fmt::Debug>(answer: &Result<T, StorageError>) {
    assert!(
        matches!(answer, Err(StorageError::Unavailable { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_write_that_fails_is_refused_and_the_next_one_is_tried() {
    let (directory, failing) = (
        tempfile::tempdir().expect("a directory"),
        Failing::default(),
    );
    let store = open_failing(directory.path(), quick(), failing.fault());
    let notes = Arc::new(Notes::default());
    let _subscription = store
        .subscribe(&KeyRange::all(), notes.clone())
        .await
        .expect("the store is open");
    create(&store, "a", "1").await;
    failing.set(&[Step::Write, Step::Probe]);
    for _ in 0..3 {
        check_unavailable(&put(&store, "b", Expect::Absent, "1").await);
        check_unavailable(&store.compact(Revision(2)).await);
        assert_eq!(list(&store, None).await.value, "a=1@2", "reads go on");
    }
    failing.set(&[]);
    assert_eq!(
        create(&store, "b", "2").await,
        Revision(3),
        "no revision was used up"
    );
    assert_eq!(list(&store, None).await.value, "a=1@2 b=2@3");
    let events = notes.events.lock().expect("nobody panicked").clone();
    assert_eq!(
        events,
        [(Revision(2), "a".to_owned()), (Revision(3), "b".to_owned())]
    );
}

#[tokio::test]
async fn a_write_that_was_done_after_all_is_told_before_any_other() {
    let (directory, failing) = (
        tempfile::tempdir().expect("a directory"),
        Failing::default(),
    );
    let store = open_failing(directory.path(), quick(), failing.fault());
    let notes = Arc::new(Notes::default());
    let _subscription = store
        .subscribe(&KeyRange::all(), notes.clone())
        .await
        .expect("the store is open");
    let a = create(&store, "a", "1").await;
    let mut stream = store
        .watch(&KeyRange::all(), Revision(1))
        .await
        .expect("the revision is kept");
    failing.set(&[Step::Sync, Step::Probe]);
    check_unavailable(&put(&store, "a", Expect::At(a), "2").await);
    assert_eq!(
        list(&store, None).await.value,
        "a=1@2",
        "what is not known to be durable is not shown"
    );
    assert_eq!(notes.last(), Some(a));
    failing.set(&[]);
    let error = put(&store, "a", Expect::At(a), "3").await;
    assert!(
        matches!(&error, Err(StorageError::Conflict { current, .. }) if current.value == "2"),
        "{error:?}"
    );
    let b = create(&store, "b", "1").await;
    assert_eq!(list(&store, None).await.value, "a=2@3 b=1@4");
    let told: Vec<_> = notes
        .events
        .lock()
        .expect("nobody panicked")
        .iter()
        .map(|(revision, _)| *revision)
        .collect();
    assert_eq!(told, [a, Revision(3), b]);
    let mut streamed = Vec::new();
    while streamed.len() < 3 {
        let events = stream
            .next()
            .await
            .expect("the store is open")
            .expect("it can be read");
        streamed.extend(events.iter().map(|event| event.revision));
    }
    assert_eq!(streamed, told);
}

#[tokio::test]
async fn a_database_that_does_not_open_again_is_tried_again() {
    let (directory, failing) = (
        tempfile::tempdir().expect("a directory"),
        Failing::default(),
    );
    let store = open_failing(directory.path(), quick(), failing.fault());
    create(&store, "a", "1").await;
    failing.set(&[Step::Write, Step::Reopen]);
    for _ in 0..2 {
        check_unavailable(&put(&store, "b", Expect::Absent, "1").await);
    }
    check_unavailable(&store.get(&Key::from("a"), Revision::ZERO).await);
    failing.set(&[]);
    assert_eq!(create(&store, "b", "1").await, Revision(3));
    assert_eq!(list(&store, None).await.value, "a=1@2 b=1@3");
}

#[tokio::test]
async fn a_store_recovers_without_being_written_to() {
    let (directory, failing) = (
        tempfile::tempdir().expect("a directory"),
        Failing::default(),
    );
    let store = open_failing(directory.path(), quick(), failing.fault());
    create(&store, "a", "1").await;
    failing.set(&[Step::Sync]);
    check_unavailable(&put(&store, "b", Expect::Absent, "1").await);
    let mut stream = store
        .watch(&KeyRange::all(), Revision(2))
        .await
        .expect("the revision is kept");
    failing.set(&[]);
    let events = stream
        .next()
        .await
        .expect("the store is open")
        .expect("it can be read");
    assert_eq!(
        events[0].key,
        Key::from("b"),
        "the write turns out to be done"
    );
}

#[tokio::test]
async fn leases_wait_for_the_disk_without_spinning() {
    let (directory, failing, hands) = (
        tempfile::tempdir().expect("a directory"),
        Failing::default(),
        Hands::default(),
    );
    let options = Options {
        clock: hands.clock(),
        ..quick()
    };
    let store = open_failing(directory.path(), options, failing.fault());
    let minute = Some(Duration::from_secs(60));
    store
        .put(&Key::from("a"), Expect::Absent, Bytes::new(), minute)
        .await
        .expect("the key is new");
    failing.set(&[Step::Write, Step::Probe]);
    hands.set(100);
    check_unavailable(&put(&store, "b", Expect::Absent, "1").await);
    failing.set(&[]);
    assert_eq!(create(&store, "b", "1").await, Revision(4));
    assert_eq!(list(&store, None).await.value, "b=1@4");
}

#[tokio::test]
async fn a_damaged_value_fails_who_wants_it_and_nobody_else() {
    let store = RocksStore::open_temporary().expect("the store opens");
    let (a, b) = (
        create(&store, "a", "1").await,
        create(&store, "b", "1").await,
    );
    let damage = |raw: &'static [u8]| {
        let damaged = store.shared.slot.with(|database| {
            database.overwrite(&Key::from("a"), a, raw);
            Ok(())
        });
        damaged.expect("the store is open");
    };
    damage(b"\x07");
    let corrupt = |error: &StorageError| matches!(error, StorageError::Corrupt { .. });
    assert!(
        store
            .get(&Key::from("a"), a)
            .await
            .is_err_and(|error| corrupt(&error))
    );
    assert!(
        put(&store, "a", Expect::At(b), "2")
            .await
            .is_err_and(|error| corrupt(&error)),
        "a conflict would be told with the value"
    );
    assert!(
        store
            .list(&KeyRange::all(), Page::default())
            .await
            .is_err_and(|error| corrupt(&error))
    );
    put(&store, "b", Expect::At(b), "2")
        .await
        .expect("another key is as before");
    put(&store, "a", Expect::At(a), "3")
        .await
        .expect("who knows its revision can write over it");
    assert_eq!(list(&store, None).await.value, "a=3@5 b=2@4");
}

#[tokio::test]
async fn a_commit_thread_that_panics_leaves_nobody_waiting() {
    let directory = tempfile::tempdir().expect("a directory");
    let panics = Fault::new(|step| panic!("at {step:?}, as this test wants"));
    let store = open_failing(directory.path(), quick(), panics);
    let mut stream = store
        .watch(&KeyRange::all(), Revision(1))
        .await
        .expect("it begins");
    for _ in 0..2 {
        check_unavailable(&put(&store, "a", Expect::Absent, "1").await);
    }
    let end = stream.next().await.expect("it ends with an error");
    check_unavailable(&end);
}
