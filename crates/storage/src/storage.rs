//! The seam between the server and whatever keeps its bytes.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    At, Event, EventStream, Expect, Key, KeyRange, Listing, Observer, Page, Record, Revision,
    StorageError, Subscription,
};

/// What every question to a [`Storage`] is answered with, in time.
///
/// Dropping a future that was polled does not take a write back: it may still happen.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

/// A key-value store with one totally ordered history.
///
/// Keys and values are opaque. Every answer says which revision it is *of*, from the same read.
///
/// # What all backends promise
///
/// - *One history.* Each write takes the next [`Revision`]; nothing else does. Two writes are never
///   at the same one, and a revision that was seen never comes back with another content, also not
///   after a crash.
/// - *Durable.* A write that is answered with its revision survives the process and the machine.
/// - *Linearizable.* A read that begins after a write was answered sees it.
/// - *Told in order.* When [`put`](Self::put) or [`delete`](Self::delete) is answered with revision
///   R by this very storage, each of its [observers](Self::subscribe) has been handed every event
///   up to R — provided that the backend commits in this process, as RocksDB does; observers of a
///   remote store follow as fast as it tells.
/// - *No gap.* A watch or an observer gets each event of its range once, in the order of revisions,
///   or it ends with an error. What it is *not* told is how writes were grouped.
pub trait Storage: Send + Sync + 'static {
    /// The value of `key` now, and the revision that "now" is.
    ///
    /// # Errors
    ///
    /// `FutureRevision` if the store has not reached `not_before`; [`Revision::ZERO`] asks for
    /// nothing in particular. A key that is absent is not an error here.
    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>>;

    /// One page of `range` as of a single revision; the next page continues at that revision.
    ///
    /// # Errors
    ///
    /// `Compacted` or `FutureRevision` if [`Page::at`] can not be read any more, or not yet. The
    /// compacted revision itself can still be read.
    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>>;

    /// Writes if `key` still is as `expect` says. The answer is the write's revision, and becomes
    /// the record's [`mod_revision`](Record::mod_revision).
    ///
    /// With a `lease` the value is deleted when that time has passed, by a delete like any other
    /// and not before, but perhaps a little later. The next put replaces the lease, or ends it.
    ///
    /// # Errors
    ///
    /// `Exists`, `NotFound` or `Conflict`, if `key` is not as expected; `TooLarge`, `InvalidKey`.
    /// Nothing was written then.
    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision>;

    /// Deletes `key` if its value is still the one that revision `expect` put. The answer is the
    /// delete's own revision.
    ///
    /// # Errors
    ///
    /// `NotFound` or `Conflict`.
    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision>;

    /// Every change in `range` after `from`, each once, in order, with the value before it.
    ///
    /// The stream keeps nothing for a reader that is slow; it costs the store no memory and the
    /// others no time. One so slow that compaction overtakes it ends with `Compacted`.
    ///
    /// # Errors
    ///
    /// `Compacted` if `from` is older than the compacted revision, `FutureRevision` if the store
    /// has not come to `from`.
    fn watch<'a>(&'a self, range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream>;

    /// The changes in `range` after one revision and up to another, in order, with the value before
    /// each: a stretch of the past, for who wants no more than that.
    ///
    /// The answer may stop short of `up_to` to keep its size in bounds; its revision says up to where
    /// it is complete, which is always after `after`. What follows is asked for from there.
    ///
    /// # Errors
    ///
    /// `Compacted` if `after` is older than the compacted revision, `FutureRevision` if the store has
    /// not come to `up_to`.
    fn history<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Revision,
        up_to: Revision,
    ) -> Answer<'a, At<Vec<Event>>>;

    /// Has `observer` called with every change in `range` after the answer's revision. See
    /// [`Observer`] for when and by whom, and [`Feed`](crate::Feed) for records first and changes after.
    fn subscribe<'a>(
        &'a self,
        range: &'a KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Answer<'a, Subscription>;

    /// The revision of the last write.
    fn current<'a>(&'a self) -> Answer<'a, Revision>;

    /// Whether observers are told of every write before anybody can know of it, as where all
    /// writes are committed by this process. Where not, a reader who must not be behind asks for the
    /// [`current`](Self::current) revision first, and waits until the observers are there.
    fn tells_at_once(&self) -> bool {
        true
    }

    /// Whether the value of `key` ought to be written again although nothing changed, because it is not
    /// stored as it would be today: sealed with an old key.
    fn is_stale<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        let _ = key;
        Box::pin(async { Ok(false) })
    }

    /// Forgets what only revisions before `revision` need: overwritten values, deletes, and their
    /// events. Reads at `revision` and later, and watches from there, lose nothing.
    ///
    /// The answer comes when the old revisions can no longer be read and their space is marked for reuse.
    ///
    /// # Errors
    ///
    /// `Compacted` if that was done already, `FutureRevision` if there is no such revision yet.
    fn compact<'a>(&'a self, revision: Revision) -> Answer<'a, ()>;

    /// The bytes that the store takes on disk, for metrics.
    fn size_on_disk<'a>(&'a self) -> Answer<'a, u64>;
}
