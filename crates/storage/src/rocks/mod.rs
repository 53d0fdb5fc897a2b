//! The storage on one machine's disk: RocksDB, with every version of a key until compaction.
//!
//! # Who does what
//!
//! - *Writes* go into a [queue](queue) that one [thread](commit) empties. It checks each against the
//!   newest state, gives out revisions, writes one batch, syncs the write-ahead log once,
//!   [publishes](publish), answers. A write waits for a sync that is under way, and for its own.
//! - *Reads* never wait for it. They see what is published, by revision, whatever else the database
//!   has got. They call RocksDB right where they are: a record, or a page of them, comes from memory
//!   or the page cache in microseconds, less than handing it to another thread takes. Lists without a
//!   limit, or with a large one, do go to a blocking thread.
//! - *Watches* [read](tail) the log. *Observers* are called by the commit thread.
//! - *Compaction* [deletes](compact) on a blocking thread, beside reads and writes.
//!
//! There is no column of newest values: a version's name has its revision complemented, so the
//! newest is the first, one seek away, and nothing is written twice.

mod commit;
mod compact;
mod database;
mod directory;
mod encoding;
mod fault;
mod newest;
mod options;
mod publish;
mod queue;
mod round;
mod tail;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::oneshot, task};

use self::{
    commit::Committer,
    database::{Database, Slot},
    directory::Directory,
    fault::Fault,
    publish::Published,
    queue::{Operation, Queue, Request},
};
pub use self::{
    directory::OpenError,
    options::{Clock, Durability, Options},
};
use crate::{
    Answer, At, Cause, Event, EventStream, Expect, Key, KeyRange, Listing, Observer, Page, Record,
    Revision, Storage, StorageError, Subscription,
};

/// A [`Storage`] in a directory of its own.
///
/// Opened once at a time, by one process. It closes when dropped, or by [`close`](Self::close);
/// killed instead, it loses nothing that was answered.
pub struct RocksStore {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the store, its commit thread and its streams have in common.
struct Shared {
    // Before the directory: the database closes first.
    slot: Slot,
    options: Options,
    fault: Fault,
    published: Published,
    queue: Queue,
    /// Held by the one compaction that deletes.
    sweeping: Mutex<()>,
    directory: Directory,
}

impl RocksStore {
    /// Opens the store in `directory`, or makes a new one there. Blocks for some milliseconds;
    /// longer after a crash, when the write-ahead log is replayed.
    ///
    /// # Errors
    ///
    /// If the directory is in use, of another format, damaged, or can not be written.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        Self::open_in(
            Directory::claim(directory.as_ref())?,
            options,
            Fault::default(),
        )
    }

    /// A new store in a directory that vanishes with it, for tests: it does not wait for the disk.
    ///
    /// # Errors
    ///
    /// If there is no place for temporary files.
    pub fn open_temporary() -> Result<Self, OpenError> {
        let options = Options {
            durability: Durability::Buffered,
            ..Options::default()
        };
        Self::open_in(Directory::temporary()?, options, Fault::default())
    }

    fn open_in(directory: Directory, options: Options, fault: Fault) -> Result<Self, OpenError> {
        let failed = |error: StorageError| OpenError::Database {
            directory: directory.path().to_owned(),
            source: Cause::new(error),
        };
        let database = Database::open(&directory.database(), options.durability).map_err(failed)?;
        let position = commit::read_position(&database).map_err(failed)?;
        let shared = Arc::new(Shared {
            slot: Slot::new(database),
            options,
            fault,
            published: Published::new(position.current, position.compacted),
            queue: Queue::default(),
            sweeping: Mutex::default(),
            directory,
        });
        let committer = Committer::new(shared.clone(), position);
        let thread = thread::Builder::new()
            .name("pintle-commit".to_owned())
            .spawn(|| committer.run());
        let thread = thread.map_err(|source| OpenError::Unusable {
            directory: shared.directory.path().to_owned(),
            source,
        })?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The directory that this store is in.
    pub fn directory(&self) -> &Path {
        self.shared.directory.path()
    }

    /// Commits what waits, ends all streams and observers, and closes the database. Whatever is
    /// asked of the store later is `Unavailable`. Blocks; a second call does nothing.
    ///
    /// The directory is free when this store is dropped, and the streams that it gave.
    pub fn close(&self) {
        self.shared.queue.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        // An observer that drops the last handle to the store does it on this very thread.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the commit thread panicked");
        }
        self.shared.slot.close();
    }

    async fn write(&self, operation: Operation) -> Result<Revision, StorageError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(Request { operation, reply })?;
        let lost = |_| StorageError::unavailable("writing", "the commit thread gave no answer");
        answer.await.map_err(lost)?
    }
}

/// Pages up to this long are read in place.
const SHORT_PAGE: usize = 500;

impl Storage for RocksStore {
    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>> {
        Box::pin(async move { self.shared.get(key, not_before) })
    }

    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>> {
        Box::pin(async move {
            if page.limit.is_some_and(|limit| limit <= SHORT_PAGE) {
                return self.shared.list(range, &page);
            }
            let range = range.clone();
            on_blocking_thread(&self.shared, move |shared| shared.list(&range, &page)).await
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision> {
        Box::pin(self.write(Operation::Put {
            key: key.clone(),
            expect,
            value,
            lease,
        }))
    }

    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        Box::pin(self.write(Operation::Delete {
            key: key.clone(),
            expect,
        }))
    }

    fn watch<'a>(&'a self, range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream> {
        Box::pin(async move { tail::watch(self.shared.clone(), range.clone(), from) })
    }

    fn history<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Revision,
        up_to: Revision,
    ) -> Answer<'a, At<Vec<Event>>> {
        Box::pin(async move { tail::history(&self.shared, range, after, up_to) })
    }

    fn subscribe<'a>(
        &'a self,
        range: &'a KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Answer<'a, Subscription> {
        Box::pin(async move { self.shared.published.subscribe(range.clone(), observer) })
    }

    fn current<'a>(&'a self) -> Answer<'a, Revision> {
        Box::pin(async move {
            if self.shared.published.is_closed() {
                return Err(publish::closed());
            }
            Ok(self.shared.published.current())
        })
    }

    fn compact<'a>(&'a self, revision: Revision) -> Answer<'a, ()> {
        Box::pin(async move {
            self.write(Operation::Compact { revision }).await?;
            on_blocking_thread(&self.shared, Shared::sweep).await
        })
    }

    fn size_on_disk<'a>(&'a self) -> Answer<'a, u64> {
        Box::pin(async move {
            let size = self.shared.directory.size();
            size.map_err(|error| StorageError::unavailable("measuring the store", error))
        })
    }
}

impl Shared {
    fn get(&self, key: &Key, not_before: Revision) -> Result<At<Option<Record>>, StorageError> {
        self.read_now(|revision| {
            if not_before > revision {
                return Err(StorageError::FutureRevision {
                    requested: not_before,
                    current: revision,
                });
            }
            self.slot.with(|database| database.record(key, revision))
        })
    }

    fn list(&self, range: &KeyRange, page: &Page) -> Result<At<Listing>, StorageError> {
        let read = |revision| {
            self.slot
                .with(|database| database.records(range, page.from.as_ref(), page.limit, revision))
        };
        let Some(revision) = page.at else {
            return self.read_now(read);
        };
        self.published.check_readable(revision)?;
        let value = read(revision);
        self.published.check_readable(revision)?;
        Ok(At {
            revision,
            value: value?,
        })
    }

    /// Reads at the current revision; again, if compaction overtakes the read. Compaction says what
    /// it will delete before it does, so the look comes after the read.
    fn read_now<T>(
        &self,
        read: impl Fn(Revision) -> Result<T, StorageError>,
    ) -> Result<At<T>, StorageError> {
        loop {
            let revision = self.published.current();
            let value = read(revision);
            if self.published.compacted() <= revision {
                return Ok(At {
                    revision,
                    value: value?,
                });
            }
        }
    }
}

/// Off the executor's threads, if there is an executor.
async fn on_blocking_thread<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Shared) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    if Handle::try_current().is_err() {
        return work(shared);
    }
    let shared = shared.clone();
    let done = task::spawn_blocking(move || work(&shared)).await;
    done.map_err(|error| StorageError::unavailable("reading", error))?
}

impl Drop for RocksStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksStore")
            .field("directory", &self.directory())
            .field("current", &self.shared.published.current())
            .finish()
    }
}
