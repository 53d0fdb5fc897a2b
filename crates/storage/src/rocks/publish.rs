//! What has been committed, as far as anyone outside may know.
//!
//! The commit thread alone publishes. Reads ask only for [`Published::current`], so a commit is
//! invisible until its observers have it, whatever the database already holds.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::{Batch, KeyRange, Observer, Revision, StorageError, Subscription, Write};

pub(super) struct Published {
    current: AtomicU64,
    compacted: AtomicU64,
    closed: AtomicBool,
    /// Wakes streams. What is new, they look up.
    tick: watch::Sender<()>,
    observers: Mutex<Vec<Registered>>,
}

struct Registered {
    range: KeyRange,
    observer: Arc<dyn Observer>,
    held: Weak<()>,
}

impl Published {
    pub(super) fn new(current: Revision, compacted: Revision) -> Self {
        Self {
            current: AtomicU64::new(current.0),
            compacted: AtomicU64::new(compacted.0),
            closed: AtomicBool::new(false),
            tick: watch::Sender::new(()),
            observers: Mutex::default(),
        }
    }

    /// The last revision that everyone may see.
    pub(super) fn current(&self) -> Revision {
        Revision(self.current.load(Ordering::Acquire))
    }

    /// The oldest revision that can be read; `ZERO` before the first compaction.
    pub(super) fn compacted(&self) -> Revision {
        Revision(self.compacted.load(Ordering::Acquire))
    }

    /// Before anything of an older revision is deleted: who reads, looks here afterwards.
    pub(super) fn set_compacted(&self, revision: Revision) {
        self.compacted.store(revision.0, Ordering::Release);
    }

    /// An error if `revision` is not, or no longer, part of the history.
    pub(super) fn check_readable(&self, revision: Revision) -> Result<(), StorageError> {
        let (current, compacted) = (self.current(), self.compacted());
        if revision > current {
            return Err(StorageError::FutureRevision {
                requested: revision,
                current,
            });
        }
        if revision < compacted {
            return Err(StorageError::Compacted {
                requested: revision,
                compacted,
            });
        }
        Ok(())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Something that wakes at every commit from now on, and at the end.
    pub(super) fn ticks(&self) -> watch::Receiver<()> {
        self.tick.subscribe()
    }

    fn observers(&self) -> MutexGuard<'_, Vec<Registered>> {
        self.observers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(
        &self,
        range: KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Result<Subscription, StorageError> {
        // Under the lock that publishing takes: nothing is between the revision and the first call.
        let mut observers = self.observers();
        if self.is_closed() {
            return Err(closed());
        }
        let (subscription, held) = Subscription::new(self.current());
        observers.push(Registered {
            range,
            observer,
            held,
        });
        Ok(subscription)
    }

    /// Tells of one commit, or several. `writes` are the ones right after the current revision.
    pub(super) fn publish(&self, writes: &[Write]) {
        let Some(revision) = writes.last().map(|last| last.revision) else {
            return;
        };
        let mut observers = self.observers();
        observers.retain(|registered| registered.tell(revision, writes));
        self.current.store(revision.0, Ordering::Release);
        drop(observers);
        self.tick.send_replace(());
    }

    /// Ends all observers and streams.
    pub(super) fn close(&self) {
        let mut registered = self.observers();
        self.closed.store(true, Ordering::Release);
        let mut observers = std::mem::take(&mut *registered);
        observers.retain(|observer| observer.held.strong_count() > 0);
        for observer in observers {
            observer.end(&closed());
        }
        drop(registered);
        self.tick.send_replace(());
    }
}

pub(super) fn closed() -> StorageError {
    StorageError::unavailable("using the store", "it is closed")
}

impl Registered {
    /// Calls the observer; false if there is no point in calling it again.
    fn tell(&self, revision: Revision, writes: &[Write]) -> bool {
        if self.held.strong_count() == 0 {
            return false;
        }
        let inside = |write: &&Write| self.range.contains(write.key.as_bytes());
        let told = catch_unwind(AssertUnwindSafe(|| {
            if writes.iter().all(|write| inside(&write)) {
                self.observer.on_batch(Batch { revision, writes });
            } else {
                let writes: Vec<Write> = writes.iter().filter(inside).cloned().collect();
                self.observer.on_batch(Batch {
                    revision,
                    writes: &writes,
                });
            }
        }));
        if told.is_err() {
            tracing::error!(range = ?self.range, %revision, "an observer panicked and gets no more writes");
            self.end(&StorageError::unavailable(
                "observing",
                "the observer panicked",
            ));
        }
        told.is_ok()
    }

    fn end(&self, reason: &StorageError) {
        let told = catch_unwind(AssertUnwindSafe(|| self.observer.on_end(reason)));
        if told.is_err() {
            tracing::error!(range = ?self.range, "an observer panicked at its end");
        }
    }
}
