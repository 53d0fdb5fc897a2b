//! The last changes of a resource, and its snapshots between them.

use std::collections::VecDeque;
use std::sync::Arc;

use pintle_storage::Revision;

use super::event::Event;
use super::snapshot::Snapshot;

/// The last changes of a resource, each with the snapshot after it.
///
/// It holds what most readers of the past ask for, within a number of bytes. Whoever wants more asks
/// the storage, which costs decoding, and is told there when compaction has taken it.
pub(crate) struct History {
    /// The state before the first of the changes; nothing is known of what was before it.
    base: Arc<Snapshot>,
    changes: VecDeque<Change>,
    bytes: usize,
    limit: usize,
}

struct Change {
    event: Arc<Event>,
    after: Arc<Snapshot>,
    size: usize,
}

/// This many changes are kept whatever their size.
const AT_LEAST: usize = 32;
/// Who follows the writes is seldom further behind.
const FOLLOWED: usize = 64;

impl History {
    /// No changes yet, and none before `base`.
    pub(crate) fn new(base: Arc<Snapshot>, limit: usize) -> Self {
        Self {
            base,
            changes: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Forgets everything before `base`.
    pub(crate) fn restart(&mut self, base: Arc<Snapshot>) {
        *self = Self::new(base, self.limit);
    }

    /// Adds the next change and the snapshot after it.
    pub(crate) fn push(&mut self, event: Arc<Event>, after: Arc<Snapshot>) {
        let size = event.size() + after.own_size();
        self.bytes += size;
        self.changes.push_back(Change { event, after, size });
        let seen = self.changes.len().checked_sub(FOLLOWED + 1);
        if let Some(seen) = seen.and_then(|at| self.changes[at].event.new_entry()) {
            seen.let_go_of_record();
        }
        while self.bytes > self.limit && self.changes.len() > AT_LEAST {
            let Some(oldest) = self.changes.pop_front() else {
                break;
            };
            self.bytes -= oldest.size;
            self.base = oldest.after;
            if let Some(entry) = oldest.event.new_entry() {
                entry.settle();
            }
        }
    }

    /// How many changes there is room for, if the next ones are as large as the last.
    pub(crate) fn capacity(&self) -> usize {
        self.changes.len().max(AT_LEAST)
    }

    /// The changes after `revision`, in order; `None` if some of them may be forgotten.
    pub(crate) fn since(&self, revision: Revision) -> Option<impl Iterator<Item = &Arc<Event>>> {
        if revision < self.base.revision() {
            return None;
        }
        let first = self
            .changes
            .partition_point(|change| change.event.revision() <= revision);
        Some(self.changes.range(first..).map(|change| &change.event))
    }

    /// The state as of `revision`, if it is remembered. The caller knows that the store has come
    /// that far.
    pub(crate) fn at(&self, revision: Revision) -> Option<&Arc<Snapshot>> {
        if revision < self.base.revision() {
            return None;
        }
        match self
            .changes
            .partition_point(|change| change.event.revision() <= revision)
        {
            0 => Some(&self.base),
            later => self.changes.get(later - 1).map(|change| &change.after),
        }
    }
}
