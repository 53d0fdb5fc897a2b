//! Bytes, keys and revisions: what the Pintle API server keeps, and where.
//!
//! A [`Storage`] holds values under [`Key`]s, in one history that every write moves on by one
//! [`Revision`]. It can be read as it was at any revision that is not compacted, page by page, and
//! watched from there without a gap. It knows nothing of the objects that the bytes are, of
//! namespaces, users or HTTP.
//!
//! ```
//! # #[cfg(feature = "rocksdb")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pintle_storage::{Expect, Key, KeyRange, RocksStore, Storage, StorageError};
//!
//! let storage: Box<dyn Storage> = Box::new(RocksStore::open_temporary()?);
//! let key = Key::from("/registry/configmaps/default/colors");
//!
//! let begin = storage.current().await?;
//! let created = storage.put(&key, Expect::Absent, "sky: blue".into(), None).await?;
//! let updated = storage.put(&key, Expect::At(created), "sky: grey".into(), None).await?;
//!
//! // A write has to know the newest revision, and is told when it does not.
//! let stale = storage.put(&key, Expect::At(created), "sky: red".into(), None).await;
//! let Err(StorageError::Conflict { current, .. }) = stale else { unreachable!() };
//! assert_eq!((current.mod_revision, &current.value[..]), (updated, &b"sky: grey"[..]));
//!
//! // Whoever saw the beginning can follow from there.
//! let mut changes = storage.watch(&KeyRange::prefix("/registry/configmaps/"), begin).await?;
//! let mut seen = Vec::new();
//! while seen.len() < 2 {
//!     let batch = changes.next().await.expect("a watch ends with an error only")?;
//!     seen.extend(batch.iter().map(|event| event.revision));
//! }
//! assert_eq!(seen, [created, updated]);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "rocksdb"))]
//! # fn main() {}
//! ```
//!
//! # What one may rely on
//!
//! The whole list stands at [`Storage`]; each backend is held to it by the same tests, which a
//! backend elsewhere runs with the feature `conformance`. Above all: an answered write is durable,
//! revisions never go back or skip, and a reader that can not have everything gets an error and
//! never a part.
//!
//! # What is not here
//!
//! Resource versions as clients see them, continue tokens, finalizers, grace periods, status: they
//! are made of these verbs, further up. Nor does the storage compact on its own; the server says
//! when, and up to where.
//!
//! # Modules, in reading order
//!
//! The types: `key`, `record`, `sealed`, `error`. The seam: `storage`, with `stream` and `observe` for the two
//! ways to follow changes, and `layer` for storages that stand before another. Functions for every
//! backend: `update`. And the backends, each behind a
//! feature of its name: `rocks` on one machine's disk, without which the crate needs no C++
//! compiler, and `etcd` on a cluster that many servers share. `encryption` wraps any of them.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(feature = "encryption")]
pub mod encryption;
mod error;
mod key;
mod layer;
mod observe;
mod record;
mod sealed;
mod storage;
mod stream;
mod update;

pub use error::{Cause, StorageError};
pub use key::{Key, KeyRange};
pub use layer::Layer;
pub use observe::{Batch, Feed, Observer, Subscription};
pub use record::{At, Change, Event, Expect, Listing, Page, Record, Revision, Write};
pub use sealed::unopened;
pub use storage::{Answer, Storage};
pub use stream::EventStream;
pub use update::{Update, count, guaranteed_update};

#[cfg(feature = "rocksdb")]
mod rocks;
#[cfg(feature = "rocksdb")]
pub use rocks::{Clock, Durability, OpenError, Options, RocksStore};

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "etcd")]
pub use etcd::{EtcdOptions, EtcdStore};
