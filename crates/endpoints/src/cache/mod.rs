//! What readers read: every object of a resource, encoded, at the newest revision and some before.
//!
//! A [`Cache`] holds one stored resource, whatever versions it is served in. It is filled by the
//! storage's commits and is never behind what a writer was told.
//!
//! # Who waits for whom
//!
//! *Writers of the store* wait for the cache: it is called with every commit, before the commit is
//! acknowledged. It takes the encoding that the write has prepared, puts it into the next snapshot,
//! publishes that, and hands the change to the dispatcher of the watchers. It waits for nothing but
//! the moment in which a watch that begins copies the changes it has missed.
//!
//! *Readers* wait for nobody: a snapshot is a pointer, and what it points at never changes. Only who
//! asks for a revision that is not there yet waits for it, three seconds at most.
//!
//! # Which revision a read is of
//!
//! [`Progress`] moves on after the caches were filled. A reader takes the progress P first and the
//! snapshot S second. The snapshot then holds every change up to P, so it is the state at the later
//! of P and its own last change, exactly.

mod counts;
mod draft;
pub mod entry;
pub mod event;
pub mod feed;
pub mod forms;
mod history;
mod object;
mod packed;
mod path;
pub mod progress;
mod protobuf;
pub mod selection;
pub mod snapshot;
mod unreadable;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use pintle_runtime::status::ApiError;
use pintle_storage::{Key, KeyRange, Revision, Storage, Write};

pub(crate) use counts::{Counts, Lists, Source, Tally};
pub use draft::Draft;
pub(crate) use draft::key;
pub use entry::{Cost, Entry, Extra};
pub use event::{Event, EventType, WatchEvent};
pub use feed::Feeder;
pub use forms::{Forms, FormsOptions, Version};
pub use object::Object;
pub use progress::Progress;
pub use selection::Selection;
use snapshot::Interval;
pub use snapshot::Snapshot;
pub(crate) use unreadable::{Decoded, Unreadable};

use crate::metrics::{Asked, Timed};
use crate::watch::hub::Hub;
use history::History;

/// All objects of one stored resource.
pub struct Cache {
    /// Such as `/registry/pods/`.
    prefix: Bytes,
    forms: Arc<Forms>,
    progress: Arc<Progress>,
    current: ArcSwap<Snapshot>,
    history: Mutex<History>,
    /// The revision of the read that it was filled from: changes up to there are in it.
    filled: AtomicU64,
    /// What writers have encoded and the commit has not told yet, by the address of the value.
    announced: Mutex<HashMap<usize, Arc<Announced>>>,
    hub: Arc<Hub>,
    counts: Counts,
    asked: Arc<Asked>,
    beginning: AtomicU64,
}

/// Pasts of caches that have begun.
static BEGINNINGS: AtomicU64 = AtomicU64::new(0);

/// How much a cache may keep for readers of the past and slow watchers.
#[derive(Clone, Copy, Debug)]
pub struct CacheOptions {
    /// Bytes of old states and events per resource. Beyond it the storage is asked.
    pub history_bytes: usize,
    /// Events on their way to one watcher before it is cut off.
    pub watcher_capacity: usize,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            history_bytes: 4 << 20,
            watcher_capacity: 4096,
        }
    }
}

impl Cache {
    /// An empty cache of what is kept below `prefix`, which ends with a slash. Its dispatcher runs on
    /// the current tokio runtime until the cache is dropped.
    pub(crate) fn new(
        prefix: impl Into<Bytes>,
        forms: Arc<Forms>,
        progress: Arc<Progress>,
        asked: Arc<Asked>,
        options: CacheOptions,
    ) -> Self {
        let empty = Arc::new(Snapshot::empty(&forms, Revision::ZERO));
        let hub = Arc::new(Hub::new(options.watcher_capacity));
        tokio::spawn(Arc::clone(&hub).dispatch());
        Self {
            prefix: prefix.into(),
            forms,
            progress,
            current: ArcSwap::new(Arc::clone(&empty)),
            history: Mutex::new(History::new(empty, options.history_bytes)),
            filled: AtomicU64::new(0),
            announced: Mutex::default(),
            hub,
            counts: Counts::default(),
            asked,
            beginning: AtomicU64::new(next_beginning()),
        }
    }

    /// What its keys begin with.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The keys of its objects in the storage.
    pub fn range(&self) -> KeyRange {
        KeyRange::prefix(self.prefix.clone())
    }

    /// The storage's key of an object.
    pub fn storage_key(&self, key: &str) -> Key {
        Key::from([&self.prefix[..], key.as_bytes()].concat())
    }

    /// What is known of the kind.
    pub fn forms(&self) -> &Arc<Forms> {
        &self.forms
    }

    /// How far the store has come.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// How many watchers a change of an object would be looked at for: one at `name` in `namespace`, or a new one where
    /// there is no name.
    pub(crate) fn interested(&self, namespace: &str, name: &str) -> usize {
        self.hub.interested(namespace, name)
    }

    /// What it is filled from, with what it asks there counted.
    pub(crate) fn timed(&self, storage: &Arc<dyn Storage>) -> Timed {
        Timed::new(Arc::clone(storage), Arc::clone(&self.asked))
    }

    /// What it counts.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many watchers there are.
    pub fn watchers(&self) -> usize {
        self.hub.watchers()
    }

    /// How many changes were passed on, to however many watchers.
    pub fn dispatched_events(&self) -> u64 {
        self.hub.dispatched()
    }

    /// How many watchers were cut off because they were slow.
    pub fn terminated_watchers(&self) -> u64 {
        self.hub.terminated()
    }

    /// The newest state, and the revision that it is the state of.
    pub fn newest(&self) -> (Arc<Snapshot>, Revision) {
        let progress = self.progress.revision();
        let snapshot = self.current.load_full();
        let revision = progress.max(snapshot.revision());
        (snapshot, revision)
    }

    /// The newest state of one object. That there is none does not say that nothing is stored: see
    /// [`Cache::find`].
    pub fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.current.load().get(key).cloned()
    }

    /// The newest state of one object; `None` if there is nothing.
    ///
    /// # Errors
    /// 500 if there is something that can not be read, with its key and the reason.
    pub fn find(&self, key: &str) -> Result<Option<Arc<Entry>>, ApiError> {
        let snapshot = self.current.load();
        match snapshot.get(key) {
            Some(entry) => Ok(Some(Arc::clone(entry))),
            None => match snapshot.unreadable(key) {
                Some(unreadable) => Err(unreadable.error()),
                None => Ok(None),
            },
        }
    }

    /// The newest state of the objects in a namespace, or of all, in the order of keys.
    ///
    /// # Errors
    /// 500 if there is one that can not be read, with its key and the reason: all but some is not all.
    pub fn all(&self, namespace: Option<&str>) -> Result<Vec<Arc<Entry>>, ApiError> {
        let interval = namespace.map_or_else(Interval::all, Interval::namespace);
        let snapshot = self.current.load();
        snapshot.check_readable(&interval, None)?;
        Ok(snapshot.range(&interval).cloned().collect())
    }

    /// The state as of `revision`, which the store has reached, if it is remembered and not compacted.
    pub fn at(&self, revision: Revision) -> Option<Arc<Snapshot>> {
        if !self.progress.keeps(revision) {
            return None;
        }
        lock(&self.history).at(revision)
    }

    /// How many changes are remembered, at their present size.
    pub(crate) fn capacity(&self) -> usize {
        lock(&self.history).capacity()
    }

    /// Which past this is, of all caches: another number after everything was read again, or what could not be read can
    /// be, so that there are objects of which no change has told. Never zero.
    pub fn beginning(&self) -> u64 {
        self.beginning.load(Ordering::Acquire)
    }

    /// What has changed after `revision`, in order; `None` if some of it may be forgotten.
    pub fn changes(&self, revision: Revision) -> Option<Vec<Arc<Event>>> {
        let history = lock(&self.history);
        Some(history.since(revision)?.cloned().collect())
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Files a watcher from `revision` on, or from now on: calls `replay` with each remembered change
    /// after it. Where changes after it may be forgotten, it replays none, and the storage has those up
    /// to the answer's snapshot.
    pub(crate) fn subscribe(
        &self,
        revision: Option<Revision>,
        selection: &Selection,
        mut replay: impl FnMut(&Arc<Event>),
    ) -> Subscribed {
        let inbox = self.hub.register(selection.clone());
        // State and changes as one: what comes later is queued later, for an inbox that is there.
        let history = lock(&self.history);
        let snapshot = self.current.load_full();
        let complete = match revision {
            None => true,
            Some(revision) => history
                .since(revision)
                .map(|events| events.for_each(&mut replay))
                .is_some(),
        };
        drop(history);
        let last = snapshot.revision();
        inbox.begin(revision.map_or(last, |revision| revision.max(last)));
        Subscribed {
            inbox,
            snapshot,
            complete,
        }
    }

    /// Says that the value `stored` is about to be written, and is `draft` encoded. The answer is the
    /// writer's hold on it; when it is dropped, the announcement is.
    pub fn announce(self: &Arc<Self>, stored: &Bytes, draft: Draft) -> Announcement {
        let address = stored.as_ptr() as usize;
        let announced = Arc::new(Announced {
            _value: stored.clone(),
            draft,
            entry: OnceLock::new(),
        });
        lock(&self.announced).insert(address, Arc::clone(&announced));
        Announcement {
            cache: Arc::clone(self),
            address,
            announced,
        }
    }

    /// Fills the cache with what was stored before it began; `revision` is that of the read.
    pub(crate) fn load(&self, entries: &[Decoded], revision: Revision) {
        let mut history = lock(&self.history);
        let mut snapshot = Snapshot::clone(&self.current.load());
        for entry in entries {
            snapshot.take_in(entry);
        }
        snapshot.advance(revision);
        self.filled.store(revision.0, Ordering::Release);
        history.restart(Arc::new(snapshot.clone()));
        self.current.store(Arc::new(snapshot));
    }

    /// The entries of what is stored now.
    pub(crate) fn read(&self, records: &[pintle_storage::Record]) -> Vec<Decoded> {
        let decoded = records
            .iter()
            .filter_map(|record| self.decoded(&record.key, &record.value, record.mod_revision));
        // Who asks for protobuf does not do it at once.
        decoded
            .inspect(|decoded| {
                if let Ok(entry) = decoded {
                    entry.settle();
                }
            })
            .collect()
    }

    /// Begins anew, after changes were missed: with nothing at first.
    pub(crate) fn begin_anew(&self) -> Snapshot {
        Snapshot::empty(&self.forms, Revision::ZERO)
    }

    /// Has readers see the state that was made anew. All watches end: nobody can tell them what they
    /// have missed.
    pub(crate) fn end_anew(&self, mut fresh: Snapshot, revision: Revision) {
        let mut history = lock(&self.history);
        fresh.advance(revision);
        self.filled.store(revision.0, Ordering::Release);
        let fresh = Arc::new(fresh);
        history.restart(Arc::clone(&fresh));
        self.current.store(fresh);
        self.beginning.store(next_beginning(), Ordering::Release);
        self.hub.end_watches();
    }

    /// Takes in a commit. Called by the storage, in the order of revisions.
    pub(crate) fn apply(&self, writes: &[Write]) {
        let mut history = lock(&self.history);
        let mut snapshot = Snapshot::clone(&self.current.load());
        let mut changes = Vec::with_capacity(writes.len());
        let filled = Revision(self.filled.load(Ordering::Acquire));
        self.counts.received.add(writes.len() as u64);
        for write in writes.iter().filter(|write| write.revision > filled) {
            let Some(change) = self.change(&mut snapshot, write) else {
                continue;
            };
            let change = Arc::new(change);
            history.push(Arc::clone(&change), &snapshot);
            changes.push(change);
        }
        self.current.store(Arc::new(snapshot));
        // Before the lock is released: who looks at the state next is filed already.
        self.hub.enqueue(&changes);
    }

    fn change(&self, snapshot: &mut Snapshot, write: &Write) -> Option<Event> {
        let revision = write.revision;
        let Some(value) = &write.value else {
            let key = self.below_prefix(&write.key)?;
            let was_unreadable = snapshot.unreadable(key).is_some();
            let old = snapshot.remove(key, revision);
            // Of what nobody could read nobody is told, but the state is another.
            return (old.is_some() || was_unreadable).then(|| Event::new(revision, None, old));
        };
        let new = match self.announced(value) {
            Some(announced) => Ok(announced.entry_at(revision)),
            None => self.decoded(&write.key, value, revision)?,
        };
        let old = snapshot.take_in(&new);
        Some(Event::of(revision, new, old))
    }

    fn announced(&self, value: &Bytes) -> Option<Arc<Announced>> {
        lock(&self.announced)
            .get(&(value.as_ptr() as usize))
            .cloned()
    }

    /// What is stored at `key` and can not be read.
    pub(crate) fn unreadable_at(&self, key: &str) -> Option<Arc<Unreadable>> {
        self.current.load().unreadable(key).cloned()
    }

    /// What is stored and can not be read.
    pub(crate) fn unreadable(&self) -> Vec<Arc<Unreadable>> {
        self.current.load().all_unreadable().cloned().collect()
    }

    /// Has readers see what could not be read and can be now, though nobody has written it: what opens it is
    /// there again. All watches end, because it is no change that they could be told.
    pub(crate) fn heal(&self, healed: &[Decoded]) {
        let mut history = lock(&self.history);
        let mut snapshot = Snapshot::clone(&self.current.load());
        let mut any = false;
        for entry in healed.iter().filter_map(|decoded| decoded.as_ref().ok()) {
            let was = snapshot.unreadable(entry.key());
            if was.is_some_and(|was| was.revision() == entry.revision()) {
                snapshot.put(entry);
                any = true;
            }
        }
        if any {
            let snapshot = Arc::new(snapshot);
            history.restart(Arc::clone(&snapshot));
            self.current.store(snapshot);
            self.beginning.store(next_beginning(), Ordering::Release);
            self.hub.end_watches();
        }
    }

    /// Decodes what someone else has stored, and says in the log if that can not be; `None` if it is not below
    /// the prefix.
    pub(crate) fn decoded(&self, key: &Key, value: &Bytes, revision: Revision) -> Option<Decoded> {
        let decoded = self.decode(key, value, revision)?;
        if let Err(unreadable) = &decoded {
            self.counts.undecodable.inc();
            tracing::error!("{unreadable:?}");
        }
        Some(decoded)
    }

    /// The same without a word.
    pub(crate) fn decode(&self, key: &Key, value: &Bytes, revision: Revision) -> Option<Decoded> {
        let below = self.below_prefix(key)?;
        let draft = match pintle_storage::unopened(value) {
            None => self
                .forms
                .decode_stored(value)
                .and_then(|hub| Draft::new(&self.forms, &hub))
                .map_err(|error| format!("unable to decode the value at {key}: {error}")),
            Some(why) => Err(format!("unable to transform key \"{key}\": {why}")),
        };
        Some(match draft {
            Ok(draft) => Ok(Arc::new(draft.with_stored(value.clone()).at(revision))),
            Err(why) => Err(Arc::new(Unreadable::new(below, revision, why))),
        })
    }

    fn below_prefix<'a>(&self, key: &'a Key) -> Option<&'a str> {
        std::str::from_utf8(key.as_bytes().strip_prefix(&self.prefix[..])?).ok()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.hub.close();
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {:?}",
            self.prefix.escape_ascii(),
            self.current.load()
        )
    }
}

/// A watcher's place, and the state that it begins with.
pub(crate) struct Subscribed {
    pub(crate) inbox: Arc<crate::watch::hub::Inbox>,
    /// The state after everything that the inbox does not get.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Every change up to that state was replayed.
    pub(crate) complete: bool,
}

/// What a writer has encoded.
struct Announced {
    /// Keeps the address from being another value's.
    _value: Bytes,
    draft: Draft,
    entry: OnceLock<Arc<Entry>>,
}

impl Announced {
    fn entry_at(&self, revision: Revision) -> Arc<Entry> {
        Arc::clone(self.entry.get_or_init(|| Arc::new(self.draft.at(revision))))
    }
}

/// A writer's hold on what it has announced.
pub struct Announcement {
    cache: Arc<Cache>,
    address: usize,
    announced: Arc<Announced>,
}

impl Announcement {
    /// The written object; the commit has made it, unless it came from another process.
    pub fn written(&self, revision: Revision) -> Arc<Entry> {
        self.announced.entry_at(revision)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        lock(&self.cache.announced).remove(&self.address);
    }
}

/// An error of the storage in the words of the API. What a remote store says, clients of upstream know word by word.
pub(crate) fn unavailable(error: &pintle_storage::StorageError) -> ApiError {
    match error {
        pintle_storage::StorageError::Remote { said, .. } => ApiError::unknown(said.to_string()),
        error => ApiError::internal(error),
    }
}

fn next_beginning() -> u64 {
    BEGINNINGS.fetch_add(1, Ordering::Relaxed) + 1
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
