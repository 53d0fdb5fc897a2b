//! What can go wrong, in the words of keys and revisions.

use std::{error::Error, sync::Arc};

use crate::{Key, Record, Revision};

/// Why a storage gave no answer.
///
/// Keys and backends' messages are for operators; what clients read is made from the variant.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// The key holds no value, and the operation needs one.
    #[error("{key} does not exist")]
    NotFound {
        /// The key that was asked for.
        key: Key,
    },
    /// The key holds a value already, and [`Expect::Absent`](crate::Expect::Absent) was asked for.
    #[error("{} exists since revision {}", current.key, current.mod_revision)]
    Exists {
        /// What it holds.
        current: Box<Record>,
    },
    /// The key was written since the revision that the caller expected.
    #[error("{} is at revision {}, not {expected}", current.key, current.mod_revision)]
    Conflict {
        /// The revision that the caller computed its write from.
        expected: Revision,
        /// What the key holds now, so that a retry need not read it again.
        current: Box<Record>,
    },
    /// That part of the history is gone.
    #[error("revision {requested} is compacted: the history begins at {compacted}")]
    Compacted {
        /// The revision that was asked for.
        requested: Revision,
        /// The oldest revision that can still be read.
        compacted: Revision,
    },
    /// The store has not come that far.
    #[error("revision {requested} is in the future: the store is at {current}")]
    FutureRevision {
        /// The revision that was asked for.
        requested: Revision,
        /// Where the store is.
        current: Revision,
    },
    /// The write is larger than the store takes.
    #[error("{size} bytes for {key}: the limit is {limit}")]
    TooLarge {
        /// The key to be written.
        key: Key,
        /// The bytes of key and value.
        size: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The backend can not store a value under such a key.
    #[error("{key} can not be a key: {reason}")]
    InvalidKey {
        /// The key that was refused.
        key: Key,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What is stored is not what was written.
    #[error("the store is damaged: {what}")]
    Corrupt {
        /// What was found, and where.
        what: String,
        /// The backend's own words, if it noticed.
        source: Option<Cause>,
    },
    /// A remote backend refused, or can not be reached. Clients of upstream know its words.
    ///
    /// For a write the outcome is open, as with `Unavailable`.
    #[error("{doing} failed")]
    Remote {
        /// What was tried.
        doing: &'static str,
        /// What the backend said, or the connection to it, as upstream would show it.
        #[source]
        said: Cause,
    },
    /// The backend can not serve at the moment: a full disk, a lost connection, a closed store.
    ///
    /// For a write the outcome is open, as after any lost answer: it may yet turn out to be done.
    #[error("{doing} failed")]
    Unavailable {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: Cause,
    },
}

/// The cause of a failure; shared, because a failed commit fails everyone in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// Keeps an error, or a sentence, as the cause of another.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl StorageError {
    /// For backends: [`StorageError::Unavailable`], with an error or a sentence as its cause.
    pub fn unavailable(
        doing: &'static str,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            doing,
            source: Cause::new(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_once_and_by_the_source_alone() {
        let error = StorageError::unavailable("the commit", "no space left");
        assert_eq!(error.to_string(), "the commit failed");
        assert_eq!(
            error.source().map(ToString::to_string),
            Some("no space left".to_owned())
        );
    }
}
