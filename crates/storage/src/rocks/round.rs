//! One commit: what the waiting requests come to, taken one after the other.
//!
//! Each request sees what those before it in the same round did. Nothing leaves the round before
//! the write, save refusals that rest on what was durable already.

use std::collections::HashMap;

use bytes::Bytes;

use super::{
    database::{Batch, Database},
    encoding::{self, COMPACTED},
    fault::{Fault, Step},
    newest::Newest,
    options::{Options, millis},
    queue::{Operation, Reply, Request},
};
use crate::{Expect, Key, Record, Revision, StorageError, Write};

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
    pub(super) writes: Vec<Write>,
    /// Not sent yet: they are true only once the writes are published.
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
    newest: &'a mut Newest,
    /// What this round has made of keys.
    changed: HashMap<Key, Option<Record>>,
    batch: Batch<'a>,
    writes: Vec<Write>,
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
    newest: &mut Newest,
    requests: Vec<Request>,
) -> Result<Outcome, StorageError> {
    let mut round = Round {
        database,
        options,
        fault,
        now: options.clock.now(),
        position,
        newest,
        changed: HashMap::new(),
        batch: database.batch()?,
        writes: Vec::with_capacity(requests.len()),
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
        let previous = match expect {
            Expect::At(expected) => Some(self.expect_at(&key, expected)?),
            Expect::Absent => match self.newest(&key)? {
                None => None,
                Some(_) => {
                    return Err(StorageError::Exists {
                        current: Box::new(self.record(&key)?),
                    });
                }
            },
        };
        let revision = self.add(key, Some(value), previous);
        if let (Some(deadline), Some(write)) = (deadline, self.writes.last()) {
            self.batch.add_lease(deadline, &write.key, revision);
            let next = self
                .position
                .next_deadline
                .map_or(deadline, |next| next.min(deadline));
            self.position.next_deadline = Some(next);
        }
        Ok(revision)
    }

    fn delete(&mut self, key: Key, expected: Revision) -> Result<Revision, StorageError> {
        let previous = self.expect_at(&key, expected)?;
        Ok(self.add(key, None, Some(previous)))
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
            // A lease of an earlier value says nothing about this one.
            if self.newest(&lease.key)? == Some(lease.mod_revision) {
                self.add(lease.key, None, Some(lease.mod_revision));
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

    /// The revision of what `key` holds now.
    fn newest(&mut self, key: &Key) -> Result<Option<Revision>, StorageError> {
        if let Some(record) = self.changed.get(key) {
            return Ok(record.as_ref().map(|record| record.mod_revision));
        }
        if let Some(revision) = self.newest.get(key) {
            return Ok(Some(revision));
        }
        let found = self.database.record(key, self.position.current)?;
        let found = found.map(|record| record.mod_revision);
        if let Some(revision) = found {
            self.newest.note(key, revision);
        }
        Ok(found)
    }

    /// What `key` holds now, for who did not expect it.
    fn record(&self, key: &Key) -> Result<Record, StorageError> {
        let record = match self.changed.get(key) {
            Some(record) => record.clone(),
            None => self.database.record(key, self.position.current)?,
        };
        record.ok_or_else(|| encoding::corrupt("the newest version is missing", key.as_bytes()))
    }

    fn expect_at(&mut self, key: &Key, expected: Revision) -> Result<Revision, StorageError> {
        match self.newest(key)? {
            None => Err(StorageError::NotFound { key: key.clone() }),
            Some(found) if found == expected => Ok(expected),
            Some(_) => Err(StorageError::Conflict {
                expected,
                current: Box::new(self.record(key)?),
            }),
        }
    }

    fn add(&mut self, key: Key, value: Option<Bytes>, previous: Option<Revision>) -> Revision {
        let revision = self.position.current.next();
        self.position.current = revision;
        let write = Write {
            key,
            value,
            revision,
        };
        self.batch.add_version(&write, previous);
        self.changed.insert(write.key.clone(), write.record());
        self.writes.push(write);
        revision
    }

    fn write(self) -> Outcome {
        let Self {
            database,
            fault,
            position,
            batch,
            writes,
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
            writes,
            answers,
        }
    }
}
