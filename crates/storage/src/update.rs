//! What can be built from the five verbs, once for every backend.

use std::time::Duration;

use bytes::Bytes;

use crate::{At, Expect, Key, KeyRange, Page, Record, Revision, Storage, StorageError};

/// What to do with a key, decided by looking at what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// Leave it. An update that changes nothing is not written.
    Keep,
    /// Give it this value; with a lease, for that long.
    Put(Bytes, Option<Duration>),
    /// Take its value away. For a key that holds none, this is `Keep`.
    Delete,
}

/// Changes `key` by a function of its current value, again and again until no one came between.
///
/// Begins with `seen`, if the caller has a record at hand, even an old one, and retries only on a
/// conflict, with the record that the conflict brought along. Answers with what the key holds now
/// and the revision of the write, or, if `decide` kept it, of the read.
///
/// With `seen`, a `Keep` or an error of `decide` may rest on an old record. Then the key is read
/// and `decide` asked again, as `GuaranteedUpdate` does.
///
/// # Errors
///
/// Those of `decide`, as they are, and those of the storage.
pub async fn guaranteed_update<E: From<StorageError>>(
    storage: &dyn Storage,
    key: &Key,
    seen: Option<Record>,
    mut decide: impl FnMut(Option<&Record>) -> Result<Update, E> + Send,
) -> Result<At<Option<Record>>, E> {
    let mut fresh = seen.is_none();
    let mut found = match seen {
        Some(record) => At {
            revision: record.mod_revision,
            value: Some(record),
        },
        None => storage.get(key, Revision::ZERO).await?,
    };
    loop {
        let decision = match decide(found.value.as_ref()) {
            Ok(Update::Delete) if found.value.is_none() => Ok(Update::Keep),
            decision => decision,
        };
        if !fresh && matches!(decision, Ok(Update::Keep) | Err(_)) {
            found = storage.get(key, Revision::ZERO).await?;
            fresh = true;
            continue;
        }
        let outcome = match (decision?, &found.value) {
            (Update::Put(value, lease), old) => {
                let expect = old
                    .as_ref()
                    .map_or(Expect::Absent, |old| Expect::At(old.mod_revision));
                let put = storage.put(key, expect, value.clone(), lease).await;
                put.map(|revision| At {
                    revision,
                    value: Some(Record {
                        key: key.clone(),
                        value,
                        mod_revision: revision,
                    }),
                })
            }
            (Update::Delete, Some(old)) => {
                let delete = storage.delete(key, old.mod_revision).await;
                delete.map(|revision| At {
                    revision,
                    value: None,
                })
            }
            (Update::Keep | Update::Delete, _) => return Ok(found),
        };
        found = match outcome {
            Ok(written) => return Ok(written),
            Err(StorageError::Conflict { current, .. } | StorageError::Exists { current }) => At {
                revision: current.mod_revision,
                value: Some(*current),
            },
            Err(StorageError::NotFound { .. }) => storage.get(key, Revision::ZERO).await?,
            Err(error) => return Err(error.into()),
        };
        fresh = true;
    }
}

/// How many keys of `range` hold a value, now or at a revision. Reads them all, a page at a time.
///
/// # Errors
///
/// Those of [`Storage::list`].
pub async fn count(
    storage: &dyn Storage,
    range: &KeyRange,
    at: Option<Revision>,
) -> Result<At<usize>, StorageError> {
    let mut page = Page {
        limit: Some(1000),
        from: None,
        at,
    };
    let mut count = 0;
    loop {
        let listing = storage.list(range, page.clone()).await?;
        page.at = Some(listing.revision);
        page.from = listing.value.records.last().map(|last| last.key.next());
        count += listing.value.records.len();
        if !listing.value.more {
            return Ok(At {
                revision: listing.revision,
                value: count,
            });
        }
    }
}
