//! Reading what is true now, where others write too.
//!
//! A cache may be behind what another server has written and acknowledged. Where the storage does
//! not [tell at once](pintle_storage::Storage::tells_at_once), a read that promises the newest state
//! first has the cache catch up. A write begins with what the cache has, which most often is the
//! newest, and the storage refuses it if not; only where it would end without asking the storage,
//! with an error or with nothing to write, it makes sure first, as `GuaranteedUpdate` does.

use std::sync::Arc;
use std::time::Instant;

use pintle_runtime::status::ApiError;
use pintle_storage::Key;

use super::Store;
use crate::cache::Entry;

impl Store {
    /// An object that a write may begin with. That there is none is certain.
    ///
    /// # Errors
    /// 500 if it is stored and can not be decoded, and those of the storage.
    pub(super) async fn find(&self, key: &str) -> Result<Option<Arc<Entry>>, ApiError> {
        match self.cache.get(key) {
            Some(entry) => Ok(Some(entry)),
            None => self.find_newest(key).await,
        }
    }

    /// An object as it is now.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub(super) async fn find_newest(&self, key: &str) -> Result<Option<Arc<Entry>>, ApiError> {
        self.be_newest().await?;
        self.cache.find(key)
    }

    /// Waits until the cache has everything that anybody could know of when this was called.
    ///
    /// # Errors
    /// Those of [`Progress::catch_up`](crate::cache::Progress::catch_up).
    pub(super) async fn be_newest(&self) -> Result<(), ApiError> {
        let (progress, counts) = (self.cache.progress(), self.cache.counts());
        if progress.is_exact() {
            counts.consistent[0].inc();
            return Ok(());
        }
        let began = Instant::now();
        let caught_up = progress.catch_up().await;
        counts.waits.observe(began.elapsed().as_secs_f64());
        counts.consistent[usize::from(caught_up.is_err())].inc();
        caught_up
    }

    /// Whether an object ought to be written again although it would be the same.
    pub(super) async fn is_stale(&self, key: &Key) -> Result<bool, ApiError> {
        let stale = self.storage.is_stale(key).await;
        stale.map_err(|error| self.storage_error(error))
    }

    /// Whether nobody has written an object since `entry` was read.
    pub(super) async fn is_newest(&self, entry: &Entry) -> Result<bool, ApiError> {
        let progress = self.cache.progress();
        if progress.is_exact() {
            return Ok(true);
        }
        progress.catch_up().await?;
        let now = self.cache.get(entry.key());
        Ok(now.is_some_and(|now| now.revision() == entry.revision()))
    }
}
