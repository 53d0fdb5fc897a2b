//! Being told of changes by the commit itself.
//!
//! A stream is read when its reader gets round to it. A cache that must never be behind can not
//! wait for that, so it is *called*: an [`Observer`] gets each commit before the writers in it get
//! their answers. [`Feed`] puts the records that are already there in front, without a gap.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{At, KeyRange, Page, Record, Revision, Storage, StorageError, Write};

/// Who is called with every commit.
///
/// # Order
///
/// All calls for one storage come from one thread at a time, in the order of revisions. For a
/// backend that commits in this process the order within a commit is:
///
/// 1. the write-ahead log is synced: the commit is durable;
/// 2. every observer's [`on_batch`](Self::on_batch) returns;
/// 3. the commit becomes visible to reads, and streams of [`watch`](Storage::watch) wake;
/// 4. the writers are answered.
///
/// So whoever holds revision R from a write, or from a read, can rely on every observer having been
/// handed all events up to R. An observer may see an event some microseconds before a read does,
/// and never one that is not durable.
///
/// # What it must not do
///
/// Every write waits for every observer: put the event where readers look, and return. It must not
/// wait for the storage it observes, subscribe to it, or block on a lock that someone holds who
/// waits for it. One that panics is removed, and told so by [`on_end`](Self::on_end).
pub trait Observer: Send + Sync {
    /// A commit, or the part of it that is inside the subscribed range.
    fn on_batch(&self, batch: Batch<'_>);

    /// There will be no more calls: the store was closed, or what feeds this observer broke. What
    /// was built from the events is getting old from here on.
    fn on_end(&self, reason: &StorageError);
}

/// What an [`Observer`] is called with.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The store's revision after this commit. Every observer is called with every commit, so this
    /// is also how one without writes of its own learns how far the history has come.
    pub revision: Revision,
    /// The writes inside the subscribed range, in order; often none.
    pub writes: &'a [Write],
}

/// An observer's place in a store. Dropping it ends the calls, save one that is under way.
#[must_use = "dropping it ends the subscription"]
#[derive(Debug)]
pub struct Subscription {
    revision: Revision,
    _alive: Arc<()>,
}

impl Subscription {
    /// For backends: a subscription to all after `revision`, and what tells whether it is still held.
    pub fn new(revision: Revision) -> (Self, Weak<()>) {
        let alive = Arc::new(());
        let held = Arc::downgrade(&alive);
        (
            Self {
                revision,
                _alive: alive,
            },
            held,
        )
    }

    /// The observer gets every event after this revision, and none before.
    pub fn revision(&self) -> Revision {
        self.revision
    }
}

/// The records of a range, and after them its changes.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use pintle_storage::{Feed, KeyRange, Observer, Storage, StorageError};
/// # async fn fill(storage: &dyn Storage, cache: Arc<dyn Observer>) -> Result<(), StorageError> {
/// let mut feed = Feed::start(storage, &KeyRange::prefix("/registry/pods/")).await?;
/// for record in feed.take_records().value {
///     // Put it into the cache.
/// }
/// let subscription = feed.follow(cache); // From here on, the cache is never behind.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Feed {
    records: At<Vec<Record>>,
    gate: Arc<Gate>,
    subscription: Subscription,
}

impl Feed {
    /// Reads `range` as of one revision, page by page, and holds back what changes from then on.
    ///
    /// Writers do not wait for this. What is held back takes memory until [`follow`](Self::follow).
    ///
    /// # Errors
    ///
    /// Those of [`Storage::list`]. `Compacted` means that someone compacted faster than this read.
    pub async fn start(storage: &dyn Storage, range: &KeyRange) -> Result<Self, StorageError> {
        let gate = Arc::new(Gate::default());
        let subscription = storage.subscribe(range, gate.clone()).await?;
        let revision = subscription.revision();
        let mut records = Vec::new();
        let mut page = Page {
            limit: Some(PAGE),
            from: None,
            at: Some(revision),
        };
        loop {
            let listing = storage.list(range, page.clone()).await?.value;
            page.from = listing.records.last().map(|last| last.key.next());
            records.extend(listing.records);
            if !listing.more {
                break;
            }
        }
        Ok(Self {
            records: At {
                revision,
                value: records,
            },
            gate,
            subscription,
        })
    }

    /// The records, and the revision that they are of. They are given once.
    pub fn take_records(&mut self) -> At<Vec<Record>> {
        At {
            revision: self.records.revision,
            value: std::mem::take(&mut self.records.value),
        }
    }

    /// Hands `observer` all that was held back, in order and on this thread; what comes later
    /// reaches it as [`Observer`] says. It has missed nothing when this returns.
    pub fn follow(self, observer: Arc<dyn Observer>) -> Subscription {
        self.gate.open(observer);
        self.subscription
    }
}

/// Records per read: some megabytes of pods.
const PAGE: usize = 1000;

/// Holds events back until there is someone to take them.
#[derive(Default)]
struct Gate(Mutex<Passage>);

enum Passage {
    Shut {
        waiting: Vec<(Revision, Vec<Write>)>,
        ended: Option<StorageError>,
    },
    Open(Arc<dyn Observer>),
}

impl Default for Passage {
    fn default() -> Self {
        Self::Shut {
            waiting: Vec::new(),
            ended: None,
        }
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Passage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Held throughout: an event that comes meanwhile waits for its elders.
    fn open(&self, observer: Arc<dyn Observer>) {
        let mut passage = self.lock();
        if let Passage::Shut { waiting, ended } = &*passage {
            for (revision, writes) in waiting {
                observer.on_batch(Batch {
                    revision: *revision,
                    writes,
                });
            }
            if let Some(reason) = ended {
                observer.on_end(reason);
            }
        }
        *passage = Passage::Open(observer);
    }
}

impl Observer for Gate {
    fn on_batch(&self, batch: Batch<'_>) {
        match &mut *self.lock() {
            Passage::Open(observer) => observer.on_batch(batch),
            Passage::Shut { waiting, .. } => match waiting.last_mut() {
                // Only the newest revision matters of those that brought nothing.
                Some((revision, writes)) if writes.is_empty() && batch.writes.is_empty() => {
                    *revision = batch.revision;
                }
                _ => waiting.push((batch.revision, batch.writes.to_vec())),
            },
        }
    }

    fn on_end(&self, reason: &StorageError) {
        match &mut *self.lock() {
            Passage::Open(observer) => observer.on_end(reason),
            Passage::Shut { ended, .. } => *ended = Some(reason.clone()),
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}
