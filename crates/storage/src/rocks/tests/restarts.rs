//! Opening: again, twice, and what can not be opened.

use std::fs;

use super::*;
use crate::OpenError;

#[tokio::test]
async fn a_restart_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), quick());
    let a = create(&store, "a", "1").await;
    let b = create(&store, "b", "1").await;
    put(&store, "a", Expect::At(a), "2")
        .await
        .expect("the revision is the newest");
    store
        .delete(&Key::from("b"), b)
        .await
        .expect("the revision is the newest");
    let (now, then) = (list(&store, None).await, list(&store, Some(b)).await);
    drop(store);

    let store = open(directory.path(), quick());
    assert_eq!(
        (list(&store, None).await, list(&store, Some(b)).await),
        (now, then)
    );
    let mut stream = store
        .watch(&KeyRange::all(), Revision(1))
        .await
        .expect("the revision is kept");
    let events = stream
        .next()
        .await
        .expect("there is history")
        .expect("it can be read");
    assert!(events.iter().map(|event| event.revision.0).eq(2..=5));
    assert_eq!(create(&store, "c", "1").await, Revision(6));
}

#[tokio::test]
async fn a_store_whose_log_is_all_compacted_knows_its_revision() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), quick());
    let a = create(&store, "a", "1").await;
    let gone = store
        .delete(&Key::from("a"), a)
        .await
        .expect("the revision is the newest");
    store.compact(gone).await.expect("the revision exists");
    drop(store);

    let store = open(directory.path(), quick());
    assert_eq!(store.current().await.expect("the store is open"), gone);
    let error = store.watch(&KeyRange::all(), a).await;
    assert!(
        matches!(error, Err(StorageError::Compacted { .. })),
        "{error:?}"
    );
    assert_eq!(create(&store, "a", "1").await, gone.next());
}

#[tokio::test]
async fn a_compaction_that_was_cut_short_is_finished_by_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), quick());
    let mut revision = create(&store, "a", "0").await;
    for _ in 0..50 {
        revision = put(&store, "a", Expect::At(revision), "1")
            .await
            .expect("the revision is the newest");
    }
    // What the commit thread does of a compaction, and then the process ends.
    store
        .write(super::super::Operation::Compact { revision })
        .await
        .expect("the revision exists");
    drop(store);

    let store = open(directory.path(), quick());
    let count = |column| {
        store
            .shared
            .slot
            .with(|database| Ok(database.count(column)))
            .expect("the store is open")
    };
    assert_eq!(count("versions"), 51);
    let last = create(&store, "b", "1").await;
    store.compact(last).await.expect("the revision exists");
    assert_eq!((count("versions"), count("log")), (2, 0));
}

#[tokio::test]
async fn leases_end_on_time_also_after_a_restart() {
    let hands = Hands::default();
    let options = || Options {
        clock: hands.clock(),
        ..quick()
    };
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), options());
    let (minute, value) = (Some(Duration::from_secs(60)), Bytes::from_static(b"1"));
    let a = store
        .put(&Key::from("a"), Expect::Absent, value.clone(), minute)
        .await
        .expect("the key is new");
    store
        .put(&Key::from("b"), Expect::Absent, value.clone(), minute)
        .await
        .expect("the key is new");
    hands.set(30);
    store
        .put(&Key::from("a"), Expect::At(a), value, minute)
        .await
        .expect("the revision is the newest");
    drop(store);

    let store = open(directory.path(), options());
    hands.set(60);
    create(&store, "c", "1").await; // The clock is looked at before each write.
    assert_eq!(list(&store, None).await.value, "a=1@4 b=1@3 c=1@5");
    hands.set(61);
    assert_eq!(
        create(&store, "d", "1").await,
        Revision(7),
        "the delete comes before the write"
    );
    assert_eq!(list(&store, None).await.value, "a=1@4 c=1@5 d=1@7");
    drop(store);

    hands.set(91);
    let store = open(directory.path(), options());
    let mut stream = store
        .watch(&KeyRange::all(), Revision(7))
        .await
        .expect("the revision is kept");
    let events = stream
        .next()
        .await
        .expect("the store is open")
        .expect("it can be read");
    assert_eq!(
        (events[0].key.to_string(), &events[0].value),
        ("a".to_owned(), &None)
    );
    assert_eq!(list(&store, None).await.value, "c=1@5 d=1@7");
}

#[tokio::test]
async fn many_leases_that_end_at_once_all_end() {
    let hands = Hands::default();
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(
        directory.path(),
        Options {
            clock: hands.clock(),
            ..quick()
        },
    );
    let value = Bytes::from_static(b"1");
    let keys: Vec<_> = (0..1200)
        .map(|name: u32| Key::from(name.to_string()))
        .collect();
    let minute = Some(Duration::from_secs(60));
    let puts = keys
        .iter()
        .map(|key| store.put(key, Expect::Absent, value.clone(), minute));
    futures_util::future::try_join_all(puts)
        .await
        .expect("the keys are new");
    hands.set(100);
    let last = create(&store, "last", "1").await;
    let mut stream = store
        .watch(&KeyRange::all(), Revision(1201))
        .await
        .expect("the revision is kept");
    let mut deletes = 0;
    while deletes < 1200 {
        let events = stream
            .next()
            .await
            .expect("the store is open")
            .expect("it can be read");
        deletes += events.iter().filter(|event| event.value.is_none()).count();
    }
    assert_eq!(list(&store, None).await.value, format!("last=1@{last}"));
}

#[track_caller]
fn check(directory: &Path, expected: &str) {
    let error = RocksStore::open(directory, quick()).expect_err("it can not be opened");
    let message = error
        .to_string()
        .replace(&directory.display().to_string(), "DIR");
    assert_eq!(message, expected);
}

#[test]
fn a_second_store_in_a_directory_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path(), quick());
    check(directory.path(), "DIR is in use by this very process");
    // As if another process had written it; the lock itself is the same.
    fs::write(directory.path().join("lock"), "4194305\n").expect("it can be written");
    check(
        directory.path(),
        "DIR is in use by another pintle (pid 4194305)",
    );
    fs::write(directory.path().join("lock"), "").expect("it can be written");
    check(directory.path(), "DIR is in use by another pintle");
    drop(store);
    open(directory.path(), quick());
}

#[test]
fn an_unknown_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path(), quick()));
    let file = directory.path().join("format");
    assert_eq!(
        fs::read_to_string(&file).expect("it exists"),
        "pintle-storage 1\n"
    );
    fs::write(&file, "pintle-storage 2\n").expect("it can be written");
    check(
        directory.path(),
        "DIR is of the format 'pintle-storage 2', and this pintle only knows 'pintle-storage 1'",
    );
    fs::remove_file(&file).expect("it exists");
    check(
        directory.path(),
        "DIR is of the format 'unknown', and this pintle only knows 'pintle-storage 1'",
    );
}

#[test]
fn a_directory_that_can_not_be_used_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("it can be written");
    check(&file.join("store"), "the directory DIR can not be used");
    let error = RocksStore::open(file.join("store"), quick()).expect_err("it is a file");
    assert!(
        matches!(error, OpenError::Unusable { source, .. } if source.kind() == std::io::ErrorKind::NotADirectory)
    );
}

#[test]
fn a_damaged_database_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path(), quick()));
    fs::write(directory.path().join("rocksdb/CURRENT"), "nonsense\n").expect("it can be written");
    check(directory.path(), "the database in DIR can not be opened");
}

#[test]
fn a_temporary_store_leaves_nothing_behind() {
    let store = RocksStore::open_temporary().expect("the store opens");
    let directory = store.directory().to_owned();
    assert!(directory.exists());
    drop(store);
    assert!(!directory.exists());
}
