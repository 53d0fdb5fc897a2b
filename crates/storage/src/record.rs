//! What is stored, what changed, and when in the history that was.

use std::fmt;

use bytes::Bytes;

use crate::Key;

/// A point in the one history that all keys share.
///
/// Counted as etcd counts: an empty store is at revision 1, and each write takes the next number.
/// There is no arithmetic for callers to do with it; at the edge it becomes the opaque
/// `resourceVersion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Before any revision: as a lower bound, it asks for nothing.
    pub const ZERO: Self = Self(0);
    /// Where an empty store is.
    pub const FIRST: Self = Self(1);

    /// The revision of the write after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An answer, and the revision that it is the truth of; both from the same read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The whole store's revision at that read, not that of the answer's last change.
    pub revision: Revision,
    /// What was found there.
    pub value: T,
}

/// A value under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub key: Key,
    /// Its bytes, as they were put.
    pub value: Bytes,
    /// The revision that put them: what [`Expect::At`] is compared with.
    pub mod_revision: Revision,
}

/// How a key has to be for a put to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It holds no value: the put is a create.
    Absent,
    /// Its value was put by that revision: the put is an update.
    At(Revision),
}

/// Which part of a range to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// At most this many records; all of them if absent.
    pub limit: Option<usize>,
    /// Only keys from this one on: [`Key::next`] of the last record of the page before.
    pub from: Option<Key>,
    /// As of this revision; as of now if absent. Pages of one list name the first page's revision.
    pub at: Option<Revision>,
}

/// A page of records, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The records of this page.
    pub records: Vec<Record>,
    /// Whether the range goes on after the last of them.
    pub more: bool,
}

/// One write, as observers are told of it. Cloning shares all bytes.
///
/// What the key held before is not in it: who observes has been told of that, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key that was written.
    pub key: Key,
    /// Its new value; absent if the key was deleted or its lease ran out.
    pub value: Option<Bytes>,
    /// The write's own revision. No other write has the same.
    pub revision: Revision,
}

/// One write with what it replaced, as it is told to those who watch. Cloning shares all bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The key that was written.
    pub key: Key,
    /// Its new value; absent if the key was deleted or its lease ran out.
    pub value: Option<Bytes>,
    /// What the key held just before, if it did.
    pub previous: Option<Record>,
    /// The write's own revision. No other event has the same.
    pub revision: Revision,
}

/// What a write did to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It gave a value to a key that held none.
    Created,
    /// It replaced a value.
    Updated,
    /// It took the value away.
    Deleted,
}

impl Write {
    /// What the key holds from this write on; nothing after a delete.
    pub fn record(&self) -> Option<Record> {
        let value = self.value.clone()?;
        Some(Record {
            key: self.key.clone(),
            value,
            mod_revision: self.revision,
        })
    }
}

impl From<&Event> for Write {
    fn from(event: &Event) -> Self {
        Self {
            key: event.key.clone(),
            value: event.value.clone(),
            revision: event.revision,
        }
    }
}

impl Event {
    /// What this write did to its key.
    pub fn change(&self) -> Change {
        match (&self.value, &self.previous) {
            (None, _) => Change::Deleted,
            (Some(_), None) => Change::Created,
            (Some(_), Some(_)) => Change::Updated,
        }
    }

    /// What the key holds from this write on; nothing after a delete.
    pub fn record(&self) -> Option<Record> {
        Write::from(self).record()
    }
}
