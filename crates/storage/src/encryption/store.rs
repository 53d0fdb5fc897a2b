//! A store whose values are sealed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::StreamExt;

use super::{Chain, Refusal};
use crate::{
    Answer, At, Batch, Cause, Event, EventStream, Expect, Key, KeyRange, Layer, Listing, Observer,
    Page, Record, Revision, Storage, StorageError, Subscription, Write, sealed,
};

/// A value that was sealed or opened.
#[derive(Debug)]
pub struct Transformation<'a> {
    /// Where it is kept.
    pub key: &'a Key,
    /// Whether it was sealed, and not opened.
    pub is_sealing: bool,
    /// What the provider's values begin with.
    pub prefix: &'a str,
    /// How long it took.
    pub took: Duration,
    /// Why it was not done.
    pub refusal: Option<&'a Refusal>,
}

/// Is told of what is sealed and opened, for metrics.
pub type Account = Box<dyn Fn(&Transformation<'_>) + Send + Sync>;

/// Which chain of providers the values under a key have; `None` if they are not sealed.
pub type Rules = Box<dyn Fn(&[u8]) -> Option<Arc<Chain>> + Send + Sync>;

/// A store that seals what it puts and opens what it reads.
///
/// A value that can not be opened is given as a note of the reason, which [`unopened`](crate::unopened) tells from values:
/// whoever decodes it fails on it alone.
#[derive(Clone)]
pub struct EncryptedStore {
    inner: Arc<dyn Storage>,
    sealer: Arc<Sealer>,
}

struct Sealer {
    rules: RwLock<Arc<Rules>>,
    /// What is being put at the moment: the value, by the address of its sealed form, which comes
    /// back in the event of the put.
    open: Mutex<HashMap<usize, Bytes>>,
    account: OnceLock<Account>,
}

/// Holds the value of a put that is on its way.
struct OnItsWay<'a> {
    sealer: &'a Sealer,
    sealed: Bytes,
}

impl EncryptedStore {
    /// Seals what `inner` keeps, by these rules.
    pub fn new(inner: Arc<dyn Storage>, rules: Rules) -> Self {
        Self {
            inner,
            sealer: Arc::new(Sealer {
                rules: RwLock::new(Arc::new(rules)),
                open: Mutex::default(),
                account: OnceLock::new(),
            }),
        }
    }

    /// Another store under the same rules, now and when they are replaced.
    #[must_use]
    pub fn of(&self, inner: Arc<dyn Storage>) -> Self {
        Self {
            inner,
            sealer: Arc::clone(&self.sealer),
        }
    }

    /// Has somebody told of what is sealed and opened from now on. Only the first is.
    pub fn account_to(&self, account: Account) {
        let _ = self.sealer.account.set(account);
    }

    /// Has other rules hold from now on. What is stored stays as it is.
    pub fn replace_rules(&self, rules: Rules) {
        let mut place = self
            .sealer
            .rules
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(rules);
    }
}

impl Sealer {
    fn chain(&self, key: &Key) -> Option<Arc<Chain>> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let rules = Arc::clone(&rules);
        rules(key.as_bytes())
    }

    fn seal(&self, key: &Key, value: &Bytes) -> Result<OnItsWay<'_>, StorageError> {
        let sealed = match self.chain(key) {
            None => value.clone(),
            Some(chain) => {
                let began = Instant::now();
                let sealed = chain.seal(key.as_bytes(), value);
                self.tell(&Transformation {
                    key,
                    is_sealing: true,
                    prefix: chain.sealing_prefix(),
                    took: began.elapsed(),
                    refusal: sealed.as_ref().err(),
                });
                let refused = |refusal| StorageError::Remote {
                    doing: "encrypting a value",
                    said: Cause::new(refusal),
                };
                sealed.map_err(refused)?.into()
            }
        };
        self.lock().insert(sealed.as_ptr() as usize, value.clone());
        let sealer = self;
        Ok(OnItsWay { sealer, sealed })
    }

    fn open(&self, key: &Key, sealed: Bytes) -> Bytes {
        let opened = match self.chain(key) {
            None => Chain::open_unsealed(&sealed).map(|()| None),
            Some(chain) => {
                let began = Instant::now();
                let opened = chain.open(key.as_bytes(), &sealed);
                self.tell(&Transformation {
                    key,
                    is_sealing: false,
                    prefix: chain.opening_prefix(&sealed),
                    took: began.elapsed(),
                    refusal: opened.as_ref().err(),
                });
                opened.map(|opened| Some(opened.value))
            }
        };
        match opened {
            Ok(None) => sealed,
            Ok(Some(value)) => value.into(),
            Err(refusal) => sealed::refused(&refusal),
        }
    }

    fn tell(&self, what: &Transformation<'_>) {
        if let Some(account) = self.account.get() {
            account(what);
        }
    }

    fn record(&self, record: Record) -> Record {
        Record {
            value: self.open(&record.key, record.value),
            ..record
        }
    }

    fn event(&self, event: &Event) -> Event {
        let Write {
            key,
            value,
            revision,
        } = self.write(&Write::from(event));
        Event {
            key,
            value,
            previous: event.previous.clone().map(|record| self.record(record)),
            revision,
        }
    }

    fn write(&self, write: &Write) -> Write {
        let own = |sealed: &Bytes| self.lock().get(&(sealed.as_ptr() as usize)).cloned();
        let open = |sealed: &Bytes| {
            let own = own(sealed);
            own.unwrap_or_else(|| self.open(&write.key, sealed.clone()))
        };
        Write {
            key: write.key.clone(),
            value: write.value.as_ref().map(open),
            revision: write.revision,
        }
    }

    fn error(&self, error: StorageError) -> StorageError {
        let open = |current: Box<Record>| Box::new(self.record(*current));
        match error {
            StorageError::Exists { current } => StorageError::Exists {
                current: open(current),
            },
            StorageError::Conflict { expected, current } => StorageError::Conflict {
                expected,
                current: open(current),
            },
            error => error,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Bytes>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.sealer.lock().remove(&(self.sealed.as_ptr() as usize));
    }
}

impl Layer for EncryptedStore {
    fn inner(&self) -> &dyn Storage {
        &*self.inner
    }

    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>> {
        Box::pin(async move {
            let found = self.inner.get(key, not_before).await?;
            Ok(At {
                revision: found.revision,
                value: found.value.map(|record| self.sealer.record(record)),
            })
        })
    }

    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>> {
        Box::pin(async move {
            let At { revision, value } = self.inner.list(range, page).await?;
            let records = value.records.into_iter();
            Ok(At {
                revision,
                value: Listing {
                    records: records.map(|record| self.sealer.record(record)).collect(),
                    more: value.more,
                },
            })
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision> {
        Box::pin(async move {
            let sealed = self.sealer.seal(key, &value)?;
            let put = self.inner.put(key, expect, sealed.sealed.clone(), lease);
            put.await.map_err(|error| self.sealer.error(error))
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        Box::pin(async move {
            let deleted = self.inner.delete(key, expect).await;
            deleted.map_err(|error| self.sealer.error(error))
        })
    }

    fn watch<'a>(&'a self, range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream> {
        Box::pin(async move {
            let sealer = Arc::clone(&self.sealer);
            let batches = self.inner.watch(range, from).await?;
            Ok(EventStream::new(batches.map(move |batch| {
                batch.map(|events| events.iter().map(|event| sealer.event(event)).collect())
            })))
        })
    }

    fn history<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Revision,
        up_to: Revision,
    ) -> Answer<'a, At<Vec<Event>>> {
        Box::pin(async move {
            let At { revision, value } = self.inner.history(range, after, up_to).await?;
            let value = value.iter().map(|event| self.sealer.event(event)).collect();
            Ok(At { revision, value })
        })
    }

    fn subscribe<'a>(
        &'a self,
        range: &'a KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Answer<'a, Subscription> {
        let sealer = Arc::clone(&self.sealer);
        let opening = Arc::new(Opening { sealer, observer });
        self.inner.subscribe(range, opening)
    }

    fn is_stale<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        Box::pin(async move {
            let Some(chain) = self.sealer.chain(key) else {
                return Ok(false);
            };
            let found = self.inner.get(key, Revision::ZERO).await?.value;
            let opened = found.map(|record| chain.open(key.as_bytes(), &record.value));
            Ok(opened.is_some_and(|opened| opened.is_ok_and(|opened| opened.stale)))
        })
    }
}

/// An observer that gets writes with their values opened.
struct Opening {
    sealer: Arc<Sealer>,
    observer: Arc<dyn Observer>,
}

impl Observer for Opening {
    fn on_batch(&self, batch: Batch<'_>) {
        let writes: Vec<_> = batch
            .writes
            .iter()
            .map(|write| self.sealer.write(write))
            .collect();
        self.observer.on_batch(Batch {
            revision: batch.revision,
            writes: &writes,
        });
    }

    fn on_end(&self, reason: &StorageError) {
        self.observer.on_end(reason);
    }
}

impl fmt::Debug for EncryptedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedStore")
    }
}
