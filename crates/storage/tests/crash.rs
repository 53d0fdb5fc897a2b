//! A process that is killed loses nothing that it was told was written.
#![cfg(feature = "rocksdb")]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use pintle_storage::{Event, Expect, Key, KeyRange, Options, Page, Revision, RocksStore, Storage};

const DIRECTORY: &str = "PINTLE_CRASH_DIRECTORY";
const WRITERS: usize = 4;

/// Not a test of its own: what the other one starts as a process, and kills.
#[test]
fn writer_to_be_killed() {
    if let Ok(directory) = env::var(DIRECTORY) {
        tokio::runtime::Runtime::new()
            .expect("a runtime")
            .block_on(write_for_ever(Path::new(&directory)));
    }
}

async fn write_for_ever(directory: &Path) {
    let store = Arc::new(RocksStore::open(directory, Options::default()).expect("the store opens"));
    let begin = store.current().await.expect("the store is open");
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for round in 0.. {
                let key = Key::from(format!("/{begin}/{writer}/{}", round % 10));
                let old = store
                    .get(&key, Revision::ZERO)
                    .await
                    .expect("it can be read")
                    .value;
                let value = Bytes::from(format!("{round} {}", "x".repeat(round * 37 % 5000)));
                let written = match old {
                    Some(old) if round % 7 == 6 => store.delete(&key, old.mod_revision).await,
                    Some(old) => {
                        store
                            .put(&key, Expect::At(old.mod_revision), value, None)
                            .await
                    }
                    None if round % 5 == 0 => {
                        store
                            .put(&key, Expect::Absent, value, Some(Duration::from_millis(20)))
                            .await
                    }
                    None => store.put(&key, Expect::Absent, value, None).await,
                };
                // A lease may have ended in between.
                let Ok(revision) = written else { continue };
                // One write call: a line is whole or not there.
                let line = format!("\nACK {revision} {key}\n");
                std::io::stdout()
                    .write_all(line.as_bytes())
                    .expect("someone reads");
                if writer == 0 && round % 50 == 49 {
                    let old = Revision(revision.0.saturating_sub(100).max(1));
                    // Refused when the history is still short.
                    let _ = store.compact(old).await;
                }
            }
        }));
    }
    for writer in writers {
        writer.await.expect("it does not panic");
    }
}

/// Starts a writer, and kills it after that many acknowledgements.
fn kill_after(directory: &Path, count: usize) -> BTreeMap<Revision, String> {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args([
            "writer_to_be_killed",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut acknowledged = BTreeMap::new();
    let mut note = |line: &str| {
        let Some((revision, key)) = line
            .strip_prefix("ACK ")
            .and_then(|ack| ack.split_once(' '))
        else {
            return;
        };
        let revision = Revision(revision.parse().expect("a number"));
        let twice = acknowledged.insert(revision, key.to_owned());
        assert_eq!(twice, None, "revision {revision} was given out twice");
    };
    let mut left = count;
    while left > 0 {
        let line = lines
            .next()
            .expect("it writes until it is killed")
            .expect("it is text");
        left -= usize::from(line.starts_with("ACK "));
        note(&line);
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // What it had said before the end counts, too.
    for line in lines.map_while(Result::ok) {
        note(&line);
    }
    acknowledged
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_and_revisions_never_go_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut last = Revision(1);
    for round in 0..8_usize {
        let acknowledged = kill_after(directory.path(), 1 + round * round * 17);
        let (first, newest) = (acknowledged.keys().next(), acknowledged.keys().last());
        let (Some(first), Some(&newest)) = (first, newest) else {
            panic!("it acknowledged something")
        };
        assert!(
            *first > last,
            "revision {first} was given out in an earlier life, which came to {last}"
        );

        let store = RocksStore::open(directory.path(), Options::default())
            .expect("the store opens after a crash");
        last = store.current().await.expect("the store is open");
        assert!(
            last >= newest,
            "the store is at {last}, but {newest} was acknowledged"
        );
        let history = history(&store, last).await;
        for (revision, key) in &acknowledged {
            match history.get(revision) {
                Some(event) => assert_eq!(event.key.to_string(), *key, "at {revision}"),
                None => assert!(
                    history.keys().next().is_none_or(|first| revision < first),
                    "{revision} is lost"
                ),
            }
        }
        check_present(&store, &history).await;
        let ended = store.current().await.expect("the store is open");
        last = last.max(ended); // Leases end also without writers.
    }
}

/// Every event that is not compacted.
async fn history(store: &RocksStore, last: Revision) -> BTreeMap<Revision, Event> {
    let mut from = Revision(1);
    let mut stream = loop {
        match store.watch(&KeyRange::all(), from).await {
            Ok(stream) => break stream,
            Err(pintle_storage::StorageError::Compacted { compacted, .. }) => from = compacted,
            Err(error) => panic!("{error:?}"),
        }
    };
    let mut history = BTreeMap::new();
    while from < last {
        let events = stream
            .next()
            .await
            .expect("the store is open")
            .expect("it can be read");
        for event in events.iter() {
            assert_eq!(event.revision, from.next(), "no revision is missing");
            from = event.revision;
            history.insert(event.revision, event.clone());
        }
    }
    history
}

/// What is listed is what the events came to.
async fn check_present(store: &RocksStore, history: &BTreeMap<Revision, Event>) {
    let Some((&last, _)) = history.last_key_value() else {
        return;
    };
    let page = Page {
        at: Some(last),
        ..Page::default()
    };
    let listing = store
        .list(&KeyRange::all(), page)
        .await
        .expect("the revision is kept")
        .value;
    let newest: BTreeMap<_, _> = history.values().map(|event| (&event.key, event)).collect();
    for record in &listing.records {
        if let Some(event) = newest.get(&record.key) {
            assert_eq!(event.record().as_ref(), Some(record));
        }
    }
    let listed = |key: &Key| listing.records.iter().any(|record| record.key == *key);
    for (key, event) in newest {
        assert_eq!(listed(key), event.value.is_some(), "{key}");
    }
}
