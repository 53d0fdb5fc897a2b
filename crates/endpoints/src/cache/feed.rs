//! From the storage's commits to the caches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use pintle_storage::{
    Batch, Key, KeyRange, Listing, Observer, Page, Record, Revision, Storage, StorageError,
    Subscription, Write,
};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::{Cache, Decoded, Progress};

/// Fills all caches of a store from one subscription.
///
/// The storage calls it with every commit; it gives each cache its part and then moves the
/// [`Progress`] on. What comes for a cache while that is being loaded is held back, and follows.
pub struct Feeder {
    root: Bytes,
    progress: Arc<Progress>,
    /// By prefix. No prefix is the beginning of another, because each ends with a slash.
    caches: ArcSwap<BTreeMap<Bytes, Arc<Cache>>>,
    loading: Mutex<Loading>,
    /// The storage has forgotten what was to be told next.
    lost: Notify,
}

/// The caches that are being loaded, and what came for them meanwhile.
#[derive(Default)]
struct Loading {
    caches: Vec<Arc<Cache>>,
    waiting: Vec<Write>,
    /// While everything is read again, the progress stays where it was; this is where it goes then.
    held: Option<Revision>,
}

/// Records per read: some megabytes of pods.
const PAGE: usize = 500;
/// Pages that are decoded at once.
const DECODING: usize = 8;

impl Feeder {
    /// For what is kept below `root`, such as `/registry/`.
    pub fn new(root: impl Into<Bytes>, progress: Arc<Progress>) -> Self {
        Self {
            root: root.into(),
            progress,
            caches: ArcSwap::default(),
            loading: Mutex::default(),
            lost: Notify::new(),
        }
    }

    /// Loads the caches and follows the store from then on, as long as the answer is held.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn start(
        self: &Arc<Self>,
        storage: &Arc<dyn Storage>,
        caches: Vec<Arc<Cache>>,
    ) -> Result<Subscription, StorageError> {
        lock(&self.loading).caches.clone_from(&caches);
        let range = KeyRange::prefix(self.root.clone());
        let subscription = storage
            .subscribe(&range, Arc::clone(self) as Arc<dyn Observer>)
            .await?;
        let revision = subscription.revision();
        self.load(storage, &caches, revision).await?;
        self.open(&caches, revision);
        self.progress.advance(revision);
        Ok(subscription)
    }

    /// Waits until changes were missed, because the storage has compacted them before it could tell. Then
    /// everything has to be read again.
    pub async fn lost(&self) {
        self.lost.notified().await;
    }

    /// Reads everything again, and follows the store from then on. All watches end.
    ///
    /// # Errors
    /// Those of the storage; then nothing is followed.
    pub async fn restart(
        self: &Arc<Self>,
        storage: &Arc<dyn Storage>,
    ) -> Result<Subscription, StorageError> {
        let caches: Vec<Arc<Cache>> = {
            let mut loading = lock(&self.loading);
            let loaded = self.caches.swap(Arc::default());
            loading.caches.extend(loaded.values().cloned());
            loading.waiting.clear();
            loading.held = Some(self.progress.revision());
            loading.caches.clone()
        };
        for cache in &caches {
            cache.hub().end_watches();
        }
        let range = KeyRange::prefix(self.root.clone());
        let subscription = storage
            .subscribe(&range, Arc::clone(self) as Arc<dyn Observer>)
            .await?;
        let revision = subscription.revision();
        for cache in &caches {
            let mut fresh = cache.begin_anew();
            each_page(storage, cache, revision, |entries| {
                for entry in entries {
                    fresh.take_in(entry);
                }
            })
            .await?;
            cache.end_anew(fresh, revision);
        }
        self.open(&caches, revision);
        let held = lock(&self.loading).held.take();
        self.progress
            .advance(held.map_or(revision, |held| held.max(revision)));
        Ok(subscription)
    }

    /// Reads again what could not be read: the key to it may be there by now.
    pub async fn heal(&self, storage: &Arc<dyn Storage>) {
        let caches: Vec<_> = self.caches.load().values().cloned().collect();
        for cache in caches {
            let storage = cache.timed(storage);
            let mut records = Vec::new();
            for unreadable in cache.unreadable() {
                let key = cache.storage_key(unreadable.key());
                match storage.get(&key, Revision::ZERO).await {
                    Ok(found) => records.extend(found.value),
                    // It will be tried again.
                    Err(_) => return,
                }
            }
            if records.is_empty() {
                continue;
            }
            let heal = move || {
                let decode = |it: &Record| cache.decode(&it.key, &it.value, it.mod_revision);
                let decoded: Vec<_> = records.iter().filter_map(decode).collect();
                cache.heal(&decoded);
            };
            if let Err(error) = spawn_blocking(heal).await {
                tracing::error!(%error, "what could not be read can not be looked at");
            }
        }
    }

    /// Adds caches to a store that is being followed, as a new custom resource does.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn add(
        &self,
        storage: &Arc<dyn Storage>,
        caches: &[Arc<Cache>],
    ) -> Result<(), StorageError> {
        let told = {
            let mut loading = lock(&self.loading);
            loading.caches.extend_from_slice(caches);
            self.progress.revision()
        };
        // Observers are told of a commit before readers can see it.
        let revision = loop {
            let visible = storage.current().await?;
            if visible >= told {
                break visible;
            }
            tokio::task::yield_now().await;
        };
        let loaded = self.load(storage, caches, revision).await;
        if loaded.is_ok() {
            self.open(caches, revision);
        }
        loaded
    }

    async fn load(
        &self,
        storage: &Arc<dyn Storage>,
        caches: &[Arc<Cache>],
        at: Revision,
    ) -> Result<(), StorageError> {
        for cache in caches {
            each_page(storage, cache, at, |entries| cache.load(entries, at)).await?;
        }
        Ok(())
    }

    /// Has loaded caches take part.
    fn open(&self, loaded: &[Arc<Cache>], revision: Revision) {
        let mut loading = lock(&self.loading);
        let mut caches = BTreeMap::clone(&self.caches.load());
        for cache in loaded {
            let own = |write: &Write| write.key.as_bytes().starts_with(cache.prefix());
            let (waiting, others) = loading.waiting.drain(..).partition::<Vec<_>, _>(own);
            loading.waiting = others;
            let missed = waiting.partition_point(|write| write.revision <= revision);
            cache.apply(&waiting[missed..]);
            caches.insert(Bytes::copy_from_slice(cache.prefix()), Arc::clone(cache));
        }
        loading
            .caches
            .retain(|cache| !loaded.iter().any(|loaded| Arc::ptr_eq(loaded, cache)));
        self.caches.store(Arc::new(caches));
    }

    fn distribute(&self, mut writes: &[Write]) {
        let caches = self.caches.load();
        while let Some(first) = writes.first() {
            let cache = self.cache(&caches, &first.key);
            let same = |write: &&Write| match cache {
                Some(cache) => write.key.as_bytes().starts_with(cache.prefix()),
                None => self.cache(&caches, &write.key).is_none(),
            };
            let length = writes.iter().take_while(same).count().max(1);
            let (run, rest) = writes.split_at(length);
            if let Some(cache) = cache {
                cache.apply(run);
            }
            writes = rest;
        }
    }

    fn cache<'a>(
        &self,
        caches: &'a BTreeMap<Bytes, Arc<Cache>>,
        key: &Key,
    ) -> Option<&'a Arc<Cache>> {
        let key: &[u8] = key.as_bytes();
        let (prefix, cache) = caches
            .range::<[u8], _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(key)))
            .next_back()?;
        key.starts_with(prefix).then_some(cache)
    }
}

/// Gives out what is kept for a cache as of a revision, page by page. Decoding takes longer than reading, so pages are
/// decoded on all cores.
async fn each_page(
    storage: &Arc<dyn Storage>,
    cache: &Arc<Cache>,
    at: Revision,
    mut take: impl FnMut(&[Decoded]),
) -> Result<(), StorageError> {
    let range = cache.range();
    let storage = cache.timed(storage);
    let mut page = Page {
        limit: Some(PAGE),
        from: None,
        at: Some(at),
    };
    let mut decoding = VecDeque::new();
    cache.counts().initializations.inc();
    loop {
        let Listing { records, more } = storage.list(&range, page.clone()).await?.value;
        page.from = records.last().map(|last| last.key.next());
        if !more && decoding.is_empty() {
            take(&cache.read(&records));
            return Ok(());
        }
        let decoder = Arc::clone(cache);
        decoding.push_back(spawn_blocking(move || decoder.read(&records)));
        let ahead = if more { DECODING } else { 0 };
        while decoding.len() > ahead
            && let Some(decoded) = decoding.pop_front()
        {
            let failed = |error| StorageError::unavailable("decoding a page", error);
            take(&decoded.await.map_err(failed)?);
        }
        if !more {
            return Ok(());
        }
    }
}

impl Observer for Feeder {
    fn on_batch(&self, batch: Batch<'_>) {
        // Held, so that no cache begins to take part in the middle of a commit.
        let mut loading = lock(&self.loading);
        let Loading {
            caches,
            waiting,
            held,
        } = &mut *loading;
        if !caches.is_empty() {
            let is_loading = |write: &&Write| {
                caches
                    .iter()
                    .any(|cache| write.key.as_bytes().starts_with(cache.prefix()))
            };
            waiting.extend(batch.writes.iter().filter(is_loading).cloned());
        }
        self.distribute(batch.writes);
        if batch.writes.is_empty() && !self.progress.is_exact() {
            for cache in self.caches.load().values() {
                cache.counts().bookmarks.inc();
            }
        }
        match held {
            Some(held) => *held = batch.revision.max(*held),
            None => self.progress.advance(batch.revision),
        }
    }

    fn on_end(&self, reason: &StorageError) {
        if matches!(reason, StorageError::Compacted { .. }) {
            tracing::warn!(error = %reason, "the store has compacted what was to be told; everything is read again");
            self.lost.notify_one();
            return;
        }
        tracing::error!(error = %reason, "the store tells no more changes; all watches end");
        for cache in self.caches.load().values() {
            cache.hub().close();
        }
    }
}

impl std::fmt::Debug for Feeder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Feeder of {:?}", self.root)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
