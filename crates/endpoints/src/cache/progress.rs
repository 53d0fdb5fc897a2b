//! How far a store has come, and waiting for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pintle_runtime::status::{ApiError, RetryAfter};
use pintle_storage::{Revision, Storage};
use tokio::sync::watch;

/// The revision up to which every cache of a store has every change.
///
/// It is moved on by the thread that fills the caches, after it has filled them. So who reads the
/// progress first and a snapshot second has everything up to the progress in the snapshot.
pub struct Progress {
    revision: AtomicU64,
    /// See [`Progress::compacted`].
    compacted: AtomicU64,
    /// For those who wait; most of the time there are none, and telling nobody is cheap.
    waiters: watch::Sender<u64>,
    /// Who is asked how far it is, where others write there too.
    shared: OnceLock<Arc<dyn Storage>>,
}

/// How long a reader waits for a revision that is not there yet.
const PATIENCE: Duration = Duration::from_secs(3);

impl Progress {
    /// At the very beginning.
    pub fn new(revision: Revision) -> Self {
        Self {
            revision: AtomicU64::new(revision.0),
            compacted: AtomicU64::new(0),
            waiters: watch::Sender::new(revision.0),
            shared: OnceLock::new(),
        }
    }

    /// The caches follow `storage`, which may be ahead of them if it does not tell at once.
    pub(crate) fn follows(&self, storage: &Arc<dyn Storage>) {
        if !storage.tells_at_once() {
            let _ = self.shared.set(Arc::clone(storage));
        }
    }

    /// Whether the caches always have everything that anybody can know of.
    pub fn is_exact(&self) -> bool {
        self.shared.get().is_none()
    }

    /// Waits until the caches have everything that anybody could know of when this was called.
    ///
    /// # Errors
    /// Those of the storage, and 504 if it does not tell its changes in time.
    pub async fn catch_up(&self) -> Result<(), ApiError> {
        match self.shared.get() {
            None => Ok(()),
            Some(storage) => {
                let revision = storage.current().await;
                let revision = revision.map_err(|error| super::unavailable(&error))?;
                self.reach(revision).await
            }
        }
    }

    /// Where it is.
    pub fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// The storage has forgotten what was before `revision`. Lists of that are too old from now on, even where a cache
    /// remembers: how long a page can be followed by the next must not depend on how much was written since.
    pub fn compacted(&self, revision: Revision) {
        self.compacted.fetch_max(revision.0, Ordering::AcqRel);
    }

    /// Whether lists as of `revision` are still given.
    pub(crate) fn keeps(&self, revision: Revision) -> bool {
        revision.0 >= self.compacted.load(Ordering::Acquire)
    }

    /// Every cache has every change up to `revision`.
    pub(crate) fn advance(&self, revision: Revision) {
        self.revision.fetch_max(revision.0, Ordering::AcqRel);
        if self.waiters.receiver_count() > 0 {
            self.waiters.send_replace(revision.0);
        }
    }

    /// Waits until it is at `revision`.
    ///
    /// # Errors
    /// Upstream's 504 `Too large resource version` after three seconds.
    pub async fn reach(&self, revision: Revision) -> Result<(), ApiError> {
        if self.revision() >= revision {
            return Ok(());
        }
        let mut receiver = self.waiters.subscribe();
        // Again, because it may have moved on before the subscription.
        let arrival =
            async { while self.revision() < revision && receiver.changed().await.is_ok() {} };
        let arrived = tokio::time::timeout(PATIENCE, arrival).await;
        if arrived.is_ok() && self.revision() >= revision {
            return Ok(());
        }
        Err(ApiError::too_large_resource_version(
            revision.0,
            self.revision().0,
            RetryAfter::SOON,
        ))
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Progress to {}", self.revision())
    }
}
