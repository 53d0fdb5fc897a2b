//! What RocksDB promises beyond every storage: restarts, failures, and observers that are never behind.

mod commits;
mod failures;
mod model;
mod restarts;

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{Clock, Durability, Options, RocksStore, directory::Directory, fault::Fault};
use crate::{At, Batch, Expect, Key, KeyRange, Observer, Page, Revision, Storage, StorageError};

crate::storage_conformance!(rocksdb, crate::RocksStore::open_temporary());

/// Options for a store that a test opens again and again.
fn quick() -> Options {
    Options {
        durability: Durability::Buffered,
        ..Options::default()
    }
}

fn open(directory: &Path, options: Options) -> RocksStore {
    RocksStore::open(directory, options).expect("the store opens")
}

fn open_failing(directory: &Path, options: Options, fault: Fault) -> RocksStore {
    let directory = Directory::claim(directory).expect("the directory is free");
    RocksStore::open_in(directory, options, fault).expect("the store opens")
}

async fn put(
    store: &RocksStore,
    key: &str,
    expect: Expect,
    value: &str,
) -> Result<Revision, StorageError> {
    store
        .put(
            &Key::from(key),
            expect,
            Bytes::copy_from_slice(value.as_bytes()),
            None,
        )
        .await
}

async fn create(store: &RocksStore, key: &str, value: &str) -> Revision {
    put(store, key, Expect::Absent, value)
        .await
        .expect("the key is new")
}

async fn list(store: &RocksStore, at: Option<Revision>) -> At<String> {
    let page = Page {
        at,
        ..Page::default()
    };
    let listing = store
        .list(&KeyRange::all(), page)
        .await
        .expect("the store answers");
    let show = |record: &crate::Record| {
        format!(
            "{}={}@{}",
            record.key,
            record.value.escape_ascii(),
            record.mod_revision
        )
    };
    let records: Vec<_> = listing.value.records.iter().map(show).collect();
    At {
        revision: listing.revision,
        value: records.join(" "),
    }
}

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Clock::new(move || UNIX_EPOCH + Duration::from_secs(hands.load(Ordering::SeqCst)))
    }

    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

/// Notes revisions and keys, and how it ended.
#[derive(Default)]
struct Notes {
    events: Mutex<Vec<(Revision, String)>>,
    end: Mutex<Option<StorageError>>,
}

impl Notes {
    fn last(&self) -> Option<Revision> {
        self.events
            .lock()
            .expect("nobody panicked")
            .last()
            .map(|(revision, _)| *revision)
    }
}

impl Observer for Notes {
    fn on_batch(&self, batch: Batch<'_>) {
        let mut events = self.events.lock().expect("nobody panicked");
        events.extend(
            batch
                .writes
                .iter()
                .map(|write| (write.revision, write.key.to_string())),
        );
    }

    fn on_end(&self, reason: &StorageError) {
        *self.end.lock().expect("nobody panicked") = Some(reason.clone());
    }
}
