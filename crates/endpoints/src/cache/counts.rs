//! What a cache counts, for metrics.

use std::sync::Arc;

use super::Cache;
use crate::metrics::{Counter, Histogram};

/// Numbers of one resource that only grow.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Changes that the storage has told of.
    pub(crate) received: Counter,
    /// How often the storage said that nothing has happened.
    pub(crate) bookmarks: Counter,
    /// Objects and changes that watches began with.
    pub(crate) initial: Counter,
    /// How often everything was read.
    pub(crate) initializations: Counter,
    /// Values that could not be decoded.
    pub(crate) undecodable: Counter,
    /// Lists from here that looked at every object of a place.
    pub(crate) lists: Lists,
    /// Lists from here by an indexed field.
    pub(crate) indexed_lists: Lists,
    /// Lists of what is remembered no more, which the storage has.
    pub(crate) storage_lists: Lists,
    /// Reads of what is true now: those that could be answered, and those that could not.
    pub(crate) consistent: [Counter; 2],
    /// How long those waited.
    pub(crate) waits: Histogram,
}

/// Lists, and what they cost.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// How many there were.
    pub(crate) total: Counter,
    /// Objects that were looked at.
    pub(crate) fetched: Counter,
    /// Objects that were answered.
    pub(crate) returned: Counter,
}

impl Default for Counts {
    fn default() -> Self {
        const WAITS: &[f64] = &[
            0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0,
        ];
        Self {
            received: Counter::default(),
            bookmarks: Counter::default(),
            initial: Counter::default(),
            initializations: Counter::default(),
            undecodable: Counter::default(),
            lists: Lists::default(),
            indexed_lists: Lists::default(),
            storage_lists: Lists::default(),
            consistent: Default::default(),
            waits: Histogram::new(WAITS),
        }
    }
}

/// Where a list is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The cache, object by object.
    Cache,
    /// The cache, by an indexed field.
    Index,
    /// The storage.
    Storage,
}

/// What one list costs, counted as it is read and noted when it is over.
pub(crate) struct Tally {
    cache: Arc<Cache>,
    source: Source,
    /// Objects that were looked at.
    pub(crate) fetched: u64,
    /// Objects that were answered.
    pub(crate) returned: u64,
}

impl Tally {
    /// Of a list that begins.
    pub(crate) fn begin(cache: &Arc<Cache>, source: Source) -> Self {
        Self {
            cache: Arc::clone(cache),
            source,
            fetched: 0,
            returned: 0,
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let counts = self.cache.counts();
        let lists = match self.source {
            Source::Cache => &counts.lists,
            Source::Index => &counts.indexed_lists,
            Source::Storage => &counts.storage_lists,
        };
        lists.total.inc();
        lists.fetched.add(self.fetched);
        lists.returned.add(self.returned);
    }
}
