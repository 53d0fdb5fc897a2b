//! What has been committed, as far as anyone outside may know.
//!
//! The commit thread alone publishes. Reads ask only for [`Published::current`], so a commit is
//! invisible until its observers have it, whatever the database already holds.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::{Batch, Event, KeyRange, Observer, Revision, StorageError, Subscription};

pub(super) struct Published {
    current: AtomicU64,
    compacted: AtomicU64,
    closed: AtomicBool,
    /// Wakes streams. What is new, they look up.
    tick: watch::Sender<()>,
    audience: Mutex<Audience>,
}

#[derive(Default)]
struct Audience {
    observers: Vec<Registered>,
    recent: Recent,
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
            audience: Mutex::default(),
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

    fn audience(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(
        &self,
        range: KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Result<Subscription, StorageError> {
        // Under the lock that publishing takes: nothing is between the revision and the first call.
        let mut audience = self.audience();
        if self.is_closed() {
            return Err(closed());
        }
        let (subscription, held) = Subscription::new(self.current());
        audience.observers.push(Registered {
            range,
            observer,
            held,
        });
        Ok(subscription)
    }

    /// Tells of one commit, or several. `events` are the ones right after the current revision.
    pub(super) fn publish(&self, events: Vec<Event>) {
        let Some(revision) = events.last().map(|last| last.revision) else {
            return;
        };
        let events: Arc<[Event]> = events.into();
        let mut audience = self.audience();
        audience
            .observers
            .retain(|registered| registered.tell(revision, &events));
        audience.recent.push(events);
        self.current.store(revision.0, Ordering::Release);
        drop(audience);
        self.tick.send_replace(());
    }

    /// The commit after `cursor`, if it is recent enough to be in memory.
    pub(super) fn recent(&self, cursor: Revision) -> Option<Arc<[Event]>> {
        self.audience().recent.after(cursor)
    }

    /// Ends all observers and streams.
    pub(super) fn close(&self) {
        let mut audience = self.audience();
        self.closed.store(true, Ordering::Release);
        let mut observers = std::mem::take(&mut audience.observers);
        observers.retain(|registered| registered.held.strong_count() > 0);
        for registered in observers {
            registered.end(&closed());
        }
        drop(audience);
        self.tick.send_replace(());
    }
}

pub(super) fn closed() -> StorageError {
    StorageError::unavailable("using the store", "it is closed")
}

impl Registered {
    /// Calls the observer; false if there is no point in calling it again.
    fn tell(&self, revision: Revision, events: &[Event]) -> bool {
        if self.held.strong_count() == 0 {
            return false;
        }
        let inside = |event: &&Event| self.range.contains(event.key.as_bytes());
        let told = catch_unwind(AssertUnwindSafe(|| {
            if events.iter().all(|event| inside(&event)) {
                self.observer.on_batch(Batch { revision, events });
            } else {
                let events: Vec<Event> = events.iter().filter(inside).cloned().collect();
                self.observer.on_batch(Batch {
                    revision,
                    events: &events,
                });
            }
        }));
        if told.is_err() {
            tracing::error!(range = ?self.range, %revision, "an observer panicked and gets no more events");
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

/// The last commits without a gap, so that streams which keep up share them and read no disk.
#[derive(Default)]
struct Recent {
    commits: VecDeque<Arc<[Event]>>,
    size: usize,
}

/// How many bytes of events are kept. A single commit may be larger, and is kept alone.
const RECENT: usize = 1 << 20;

impl Recent {
    fn push(&mut self, events: Arc<[Event]>) {
        self.size += size(&events);
        self.commits.push_back(events);
        while self.size > RECENT && self.commits.len() > 1 {
            self.size -= self.commits.pop_front().map_or(0, |oldest| size(&oldest));
        }
    }

    fn after(&self, cursor: Revision) -> Option<Arc<[Event]>> {
        let first = self.commits.front()?.first()?.revision;
        if first > cursor.next() {
            return None;
        }
        let is_past =
            |events: &Arc<[Event]>| events.last().is_some_and(|last| last.revision <= cursor);
        let next = self.commits.partition_point(is_past);
        self.commits.get(next).cloned()
    }
}

fn size(events: &[Event]) -> usize {
    let bytes = |event: &Event| {
        let previous = event
            .previous
            .as_ref()
            .map_or(0, |previous| previous.value.len());
        let value = event.value.as_ref().map_or(0, |value| value.len());
        event.key.as_bytes().len() + value + previous + size_of::<Event>()
    };
    events.iter().map(bytes).sum()
}
