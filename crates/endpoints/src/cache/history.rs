//! The last changes of a resource, and its snapshots between them.

use std::collections::VecDeque;
use std::sync::Arc;

use pintle_storage::Revision;

use super::event::Event;
use super::snapshot::Snapshot;

/// The last changes of a resource, and now and then the snapshot after one: those between are made of them.
///
/// It holds what most readers of the past ask for, within a number of bytes. Whoever wants more asks
/// the storage, which costs decoding, and is told there when compaction has taken it.
pub(crate) struct History {
    /// Snapshots, each with the number of its last change. Nothing is known of what was before the first.
    marks: VecDeque<(u64, Arc<Snapshot>)>,
    /// What has changed since the first mark.
    changes: VecDeque<Change>,
    bytes: usize,
    /// Bytes that came after the last mark.
    unmarked: usize,
    limit: usize,
}

struct Change {
    event: Arc<Event>,
    size: usize,
}

/// This many changes are kept whatever their size.
const AT_LEAST: usize = 32;
/// Who follows the writes is seldom further behind.
const FOLLOWED: usize = 64;
/// Changes from one snapshot to the next: each costs as much as a look at an object, when someone asks for that revision.
const APART: u64 = 64;
/// So many stretches between snapshots there are at least when it is full.
const STRETCHES: usize = 16;

impl History {
    /// No changes yet, and none before `base`.
    pub(crate) fn new(base: Arc<Snapshot>, limit: usize) -> Self {
        Self {
            marks: VecDeque::from([(0, base)]),
            changes: VecDeque::new(),
            bytes: 0,
            unmarked: 0,
            limit,
        }
    }

    /// Forgets everything before `base`.
    pub(crate) fn restart(&mut self, base: Arc<Snapshot>) {
        *self = Self::new(base, self.limit);
    }

    /// Adds the next change; `after` is the state that it leads to.
    pub(crate) fn push(&mut self, event: Arc<Event>, after: &Snapshot) {
        let size = event.size() + after.size_of_change();
        self.bytes += size;
        self.unmarked += size;
        let is_plain = event.is_plain();
        self.changes.push_back(Change { event, size });
        let seen = self.changes.len().checked_sub(FOLLOWED + 1);
        if let Some(seen) = seen.and_then(|at| self.changes[at].event.new_entry()) {
            seen.let_go_of_record();
        }
        let (last, _) = self.marks[self.marks.len() - 1];
        let number = self.first() + self.changes.len() as u64;
        if !is_plain || number - last == APART || self.unmarked > self.limit / STRETCHES {
            self.marks.push_back((number, Arc::new(after.clone())));
            self.unmarked = 0;
        }
        while self.bytes > self.limit && self.forget_stretch() {}
    }

    /// Forgets what was before the second mark, unless too few changes were left.
    fn forget_stretch(&mut self) -> bool {
        let Some((next, _)) = self.marks.get(1) else {
            return false;
        };
        let stretch = (next - self.first()) as usize;
        if self.changes.len() < stretch + AT_LEAST {
            return false;
        }
        for change in self.changes.drain(..stretch) {
            self.bytes -= change.size;
            if let Some(entry) = change.event.new_entry() {
                entry.settle();
            }
        }
        self.marks.pop_front();
        true
    }

    /// The number of changes that are forgotten.
    fn first(&self) -> u64 {
        self.marks[0].0
    }

    /// How many changes there is room for, if the next ones are as large as the last.
    pub(crate) fn capacity(&self) -> usize {
        self.changes.len().max(AT_LEAST)
    }

    /// The changes after `revision`, in order; `None` if some of them may be forgotten.
    pub(crate) fn since(&self, revision: Revision) -> Option<impl Iterator<Item = &Arc<Event>>> {
        if revision < self.marks[0].1.revision() {
            return None;
        }
        let changes = self.changes.range(self.up_to(revision)..);
        Some(changes.map(|change| &change.event))
    }

    /// The state as of `revision`, if it is remembered. The caller knows that the store has come
    /// that far.
    pub(crate) fn at(&self, revision: Revision) -> Option<Arc<Snapshot>> {
        let later = |(_, snapshot): &(u64, Arc<Snapshot>)| snapshot.revision() <= revision;
        let (number, mark) = &self.marks[self.marks.partition_point(later).checked_sub(1)?];
        let from = (number - self.first()) as usize;
        let to = self.up_to(revision);
        if from >= to {
            return Some(Arc::clone(mark));
        }
        let mut snapshot = Snapshot::clone(mark);
        for change in self.changes.range(from..to) {
            snapshot.follow(&change.event);
        }
        Some(Arc::new(snapshot))
    }

    /// How many of the changes there are up to `revision`.
    fn up_to(&self, revision: Revision) -> usize {
        self.changes
            .partition_point(|change| change.event.revision() <= revision)
    }
}
