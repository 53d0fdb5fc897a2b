//! One commit: what the waiting requests come to, taken one after the other.
//!
//! Each request sees what those before it in the same round did. Nothing leaves the round before
//! the write, save refusals that rest on what was durable already.

use std::collections::HashMap;

use bytes::Bytes;

use super::{
    database::{Batch, Database},
    encoding::COMPACTED,
    fault::{Fault, Step},
    options::{Options, millis},
    queue::{Operation, Reply, Request},
};
use crate::{Event, Expect, Key, Record, Revision, StorageError};

/// Where the store is before a round, and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) current: Revision,
    pub(super) compacted: Revision,
    /// When the first lease ends.
    pub(super) next_deadline: Option<u64>,
}

/// What became of a round.
pub(super) struct Outcome {
    pub(super) position: Position,
    pub(super) events: Vec<Event>,
    /// Not sent yet: they are true only once the events are published.
    pub(super) answers: Vec<(Reply, Result<Revision, StorageError>)>,
    pub(super) written: Result<(), StorageError>,
}

/// Deletes of ended leases per commit, so that writers get their turn.
const DUE: usize = 512;

struct Round<'a> {
    database: &'a Database,
    options: &'a Options,
    fault: &'a Fault,
    now: u64,
    position: Position,
    /// What this round has made of keys.
    changed: HashMap<Key, Option<Record>>,
    batch: Batch<'a>,
    events: Vec<Event>,
    answers: Vec<(Reply, Result<Revision, StorageError>)>,
}

/// Ends leases, does what is asked, and writes all that at once.
///
/// # Errors
///
/// If nothing could be tried. A failed write is part of the outcome.
pub(super) fn commit(
    database: &Database,
    options: &Options,
    fault: &Fault,
    position: Position,
    requests: Vec<Request>,
) -> Result<Outcome, StorageError> {
    let mut round = Round {
        database,
        options,
        fault,
        now: options.clock.now(),
        position,
        changed: HashMap::new(),
        batch: database.batch()?,
        events: Vec::with_capacity(requests.len()),
        answers: Vec::with_capacity(requests.len()),
    };
    if let Err(error) = round.end_leases() {
        // The requests have no part in this.
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "leases can not be ended"
        );
        round.position.next_deadline = None;
    }
    for request in requests {
        round.answer(request);
    }
    Ok(round.write())
}

impl Round<'_> {
    fn answer(&mut self, Request { operation, reply }: Request) {
        let (answer, is_durable) = match operation {
            Operation::Put {
                key,
                expect,
                value,
                lease,
            } => {
                let is_durable = !self.changed.contains_key(&key);
                // A millisecond more: the clock's reading has lost its fraction.
                let deadline = |lease| self.now.saturating_add(millis(lease)).saturating_add(1);
                let deadline = lease.map(deadline);
                (self.put(key, expect, value, deadline), is_durable)
            }
            Operation::Delete { key, expect } => {
                let is_durable = !self.changed.contains_key(&key);
                (self.delete(key, expect), is_durable)
            }
            Operation::Compact { revision } => (self.compact(revision), false),
        };
        if answer.is_err() && is_durable {
            // Who asked may be gone, and nothing is to be done about it.
            let _ = reply.send(answer);
        } else {
            self.answers.push((reply, answer));
        }
    }

    fn put(
        &mut self,
        key: Key,
        expect: Expect,
        value: Bytes,
        deadline: Option<u64>,
    ) -> Result<Revision, StorageError> {
        self.check_size(&key, &value)?;
        let previous = match (expect, self.newest(&key)?) {
            (Expect::Absent, None) => None,
            (Expect::Absent, Some(current)) => {
                return Err(StorageError::Exists {
                    current: Box::new(current),
                });
            }
            (Expect::At(_), None) => return Err(StorageError::NotFound { key }),
            (Expect::At(expected), Some(current)) => Some(expect_at(current, expected)?),
        };
        let revision = self.add(key, Some(value), previous);
        if let (Some(deadline), Some(event)) = (deadline, self.events.last()) {
            self.batch.add_lease(deadline, &event.key, revision);
            let next = self
                .position
                .next_deadline
                .map_or(deadline, |next| next.min(deadline));
            self.position.next_deadline = Some(next);
        }
        Ok(revision)
    }

    fn delete(&mut self, key: Key, expected: Revision) -> Result<Revision, StorageError> {
        match self.newest(&key)? {
            None => Err(StorageError::NotFound { key }),
            Some(current) => {
                let previous = expect_at(current, expected)?;
                Ok(self.add(key, None, Some(previous)))
            }
        }
    }

    fn compact(&mut self, revision: Revision) -> Result<Revision, StorageError> {
        let Position {
            current, compacted, ..
        } = self.position;
        if revision > current {
            return Err(StorageError::FutureRevision {
                requested: revision,
                current,
            });
        }
        if revision <= compacted {
            return Err(StorageError::Compacted {
                requested: revision,
                compacted,
            });
        }
        self.batch.set_number(COMPACTED, revision);
        self.position.compacted = revision;
        Ok(revision)
    }

    fn end_leases(&mut self) -> Result<(), StorageError> {
        let Some(from) = self
            .position
            .next_deadline
            .filter(|&deadline| deadline <= self.now)
        else {
            return Ok(());
        };
        let (due, next) = self.database.due_leases(from, self.now, DUE)?;
        for lease in due {
            let current = self.newest(&lease.key)?;
            // A lease of an earlier value says nothing about this one.
            if let Some(current) =
                current.filter(|current| current.mod_revision == lease.mod_revision)
            {
                self.add(lease.key, None, Some(current));
            }
            self.batch.delete_lease(&lease.name);
        }
        self.position.next_deadline = next;
        Ok(())
    }

    fn check_size(&self, key: &Key, value: &Bytes) -> Result<(), StorageError> {
        let (size, limit) = (key.as_bytes().len() + value.len(), self.options.max_size);
        let reason = match key.as_bytes() {
            [] => Some("it is empty"),
            bytes if bytes.contains(&0) => Some("it has a NUL byte"),
            _ => None,
        };
        match reason {
            Some(reason) => Err(StorageError::InvalidKey {
                key: key.clone(),
                reason,
            }),
            None if size > limit => Err(StorageError::TooLarge {
                key: key.clone(),
                size,
                limit,
            }),
            None => Ok(()),
        }
    }

    fn newest(&self, key: &Key) -> Result<Option<Record>, StorageError> {
        match self.changed.get(key) {
            Some(record) => Ok(record.clone()),
            None => self.database.record(key, self.position.current),
        }
    }

    fn add(&mut self, key: Key, value: Option<Bytes>, previous: Option<Record>) -> Revision {
        let revision = self.position.current.next();
        self.position.current = revision;
        let event = Event {
            key,
            value,
            previous,
            revision,
        };
        self.batch.add_version(&event);
        self.changed.insert(event.key.clone(), event.record());
        self.events.push(event);
        revision
    }

    fn write(self) -> Outcome {
        let Self {
            database,
            fault,
            position,
            batch,
            events,
            answers,
            ..
        } = self;
        let write = || {
            if batch.is_empty() {
                return Ok(());
            }
            let failed = |source| StorageError::Unavailable {
                doing: "writing",
                source,
            };
            fault.pass(Step::Write).map_err(failed)?;
            database.write(batch)?;
            fault.pass(Step::Sync).map_err(failed)
        };
        Outcome {
            written: write(),
            position,
            events,
            answers,
        }
    }
}

fn expect_at(current: Record, expected: Revision) -> Result<Record, StorageError> {
    if current.mod_revision == expected {
        Ok(current)
    } else {
        Err(StorageError::Conflict {
            expected,
            current: Box::new(current),
        })
    }
}
