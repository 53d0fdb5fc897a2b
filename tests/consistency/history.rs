//! What several clients did, and when.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A moment. Every call and every answer has one of its own, in the order in which they were.
pub(crate) type Moment = u64;

/// The moment of what has not ended.
pub(crate) const OPEN: Moment = Moment::MAX;

/// Gives out moments.
#[derive(Debug, Default)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    pub(crate) fn now(&self) -> Moment {
        self.0.fetch_add(1, SeqCst)
    }
}

/// What was written. No two writes write the same.
pub(crate) type Written = u64;

/// A version of a key that somebody saw: what was written, and its resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    pub(crate) written: Written,
    pub(crate) revision: u64,
}

/// What was asked of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    /// To write where nothing is.
    Create(Written),
    /// To write over what is, or over that only.
    Update(Option<Written>, Written),
    /// To delete what is, or that only.
    Delete(Option<Written>),
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A read.
    Found(Option<Version>),
    /// A write was done. Deletes do not tell their revision.
    Done(Option<u64>),
    /// There is nothing to change.
    Missing,
    /// There is something, and not what was expected.
    Conflict,
    /// Nobody knows. It may have been done until the moment that counts as the answer's.
    Lost,
}

/// One request for one key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) key: usize,
    pub(crate) called: Moment,
    pub(crate) answered: Moment,
    pub(crate) action: Action,
    pub(crate) answer: Answer,
}

/// A list of all keys.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) called: Moment,
    pub(crate) answered: Moment,
    /// The moment of the past that it was asked for, if one.
    pub(crate) exact: Option<u64>,
    /// As of when it is.
    pub(crate) revision: u64,
    /// By key.
    pub(crate) found: Vec<Option<Version>>,
}

/// All that was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) operations: Vec<Operation>,
    pub(crate) lists: Vec<List>,
}

impl History {
    /// A lost request has no effect after the server was killed to which it was sent.
    pub(crate) fn end_lost(&mut self, kills: &[Moment]) {
        for operation in &mut self.operations {
            if operation.answer == Answer::Lost {
                let kill = kills.iter().find(|kill| **kill > operation.called);
                operation.answered = kill.copied().unwrap_or(OPEN);
            }
        }
    }

    /// The operations on one key; a list that is of its own time reads every key.
    pub(crate) fn of(&self, key: usize) -> Vec<Operation> {
        let lists = self.lists.iter().filter(|list| list.exact.is_none());
        let reads = lists.map(|list| Operation {
            key,
            called: list.called,
            answered: list.answered,
            action: Action::Read,
            answer: Answer::Found(list.found[key]),
        });
        let own = self.operations.iter().filter(|own| own.key == key).copied();
        own.chain(reads).collect()
    }
}
