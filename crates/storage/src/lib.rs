//! Bytes, keys and revisions: the storage trait of the Pintle API server and its backends.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod key;
mod observe;
mod record;
mod storage;
mod stream;
mod update;

pub use error::{Cause, StorageError};
pub use key::{Key, KeyRange};
pub use observe::{Batch, Feed, Observer, Subscription};
pub use record::{At, Change, Event, Expect, Listing, Page, Record, Revision};
pub use storage::{Answer, Storage};
pub use stream::EventStream;
pub use update::{Update, count, guaranteed_update};

#[cfg(feature = "rocksdb")]
mod rocks;
#[cfg(feature = "rocksdb")]
pub use rocks::{Clock, Durability, OpenError, Options, RocksStore};
