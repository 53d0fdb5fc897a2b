//! The commit thread: takes all that waits, commits it at once, tells everyone, answers.
//!
//! It is the only writer of values, so a request is checked against the very state it changes.
//! While it syncs, the next requests gather: under load, one sync serves many.
//!
//! # When a write fails
//!
//! Everyone in the round gets `Unavailable`, and from then on nothing that the open database says
//! about writing is trusted: it may refuse for ever, or may have written what it says it has not.
//! Reads go on. Each later round, and one per second, first tries whether the directory takes
//! writes at all; if so, it opens the database again and lets recovery decide what is in it. A
//! commit that turns out to have been written is published then, late but in its place.

use std::{sync::Arc, time::Duration};

use super::{
    Shared, database::Database, encoding::COMPACTED, fault::Step, newest::Newest, queue::Request,
    round, round::Position,
};
use crate::{KeyRange, Revision, StorageError, Write};

/// How long to leave a failed disk alone.
const RETRY: Duration = Duration::from_secs(1);
/// The clock may be set: how long to trust in a lease's end being far away.
const LOOK: Duration = Duration::from_secs(60);

pub(super) struct Committer {
    shared: Arc<Shared>,
    position: Position,
    newest: Newest,
    is_suspect: bool,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, position: Position) -> Self {
        Self {
            shared,
            position,
            newest: Newest::default(),
            is_suspect: false,
        }
    }

    /// Commits until the queue is closed.
    pub(super) fn run(mut self) {
        let shared = self.shared.clone();
        let _last = Last(&shared);
        while let Some(requests) = shared.queue.take(self.patience()) {
            match self.recover() {
                Ok(()) => self.commit(requests),
                Err(error) => {
                    for request in requests {
                        let _ = request.reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        if self.is_suspect {
            return Some(RETRY);
        }
        let deadline = self.position.next_deadline?;
        let wait = deadline.saturating_sub(self.shared.options.clock.now());
        Some(Duration::from_millis(wait).min(LOOK))
    }

    fn commit(&mut self, requests: Vec<Request>) {
        let Shared {
            slot,
            options,
            fault,
            published,
            ..
        } = &*self.shared;
        let (position, newest) = (self.position, &mut self.newest);
        let outcome = slot
            .with(|database| round::commit(database, options, fault, position, newest, requests));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            // The replies are dropped, which answers them too.
            Err(error) => return self.suspect(&error),
        };
        if let Err(error) = outcome.written {
            for (reply, _) in outcome.answers {
                let _ = reply.send(Err(error.clone()));
            }
            return self.suspect(&error);
        }
        self.position = outcome.position;
        // In this order: the present is never compacted, not even for a moment.
        self.newest.take_in(&outcome.writes);
        published.publish(&outcome.writes);
        published.set_compacted(outcome.position.compacted);
        for (reply, answer) in outcome.answers {
            let _ = reply.send(answer);
        }
    }

    fn suspect(&mut self, error: &StorageError) {
        self.is_suspect = true;
        self.newest = Newest::default();
        tracing::error!(
            error = error as &dyn std::error::Error,
            "a commit failed; the store takes no writes until it recovers"
        );
    }

    /// Makes sure that the database can be written to.
    fn recover(&mut self) -> Result<(), StorageError> {
        if !self.is_suspect {
            return Ok(());
        }
        let Shared {
            slot,
            options,
            fault,
            published,
            directory,
            ..
        } = &*self.shared;
        let failed = |source| StorageError::Unavailable {
            doing: "recovering from a failed write",
            source,
        };
        fault.pass(Step::Probe).map_err(failed)?;
        directory
            .probe()
            .map_err(|error| StorageError::unavailable("recovering from a failed write", error))?;
        slot.replace(|| {
            fault.pass(Step::Reopen).map_err(failed)?;
            Database::open(&directory.database(), options.durability)
        })?;
        let position = slot.with(read_position)?;
        let known = published.current();
        if position.current < known {
            slot.close();
            let what = format!(
                "revision {known} was written, but only {} is there",
                position.current
            );
            return Err(StorageError::Corrupt { what, source: None });
        }
        self.adopt(known, position.current)?;
        published.set_compacted(position.compacted);
        self.position = position;
        self.is_suspect = false;
        tracing::info!(revision = %position.current, "the store takes writes again");
        Ok(())
    }

    /// Publishes commits that were thought to have failed.
    fn adopt(&self, mut known: Revision, current: Revision) -> Result<(), StorageError> {
        while known < current {
            let (events, read_to) = self.shared.history(known, current, &KeyRange::all())?;
            let writes: Vec<_> = events.iter().map(Write::from).collect();
            self.shared.published.publish(&writes);
            known = read_to;
        }
        Ok(())
    }
}

/// Sees to it that nobody waits for a thread that has ended, even by a panic.
struct Last<'a>(&'a Shared);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.0.queue.abandon();
        self.0.published.close();
    }
}

/// Where a database is that was just opened.
pub(super) fn read_position(database: &Database) -> Result<Position, StorageError> {
    let (_, next_deadline) = database.due_leases(0, 0, 0)?;
    Ok(Position {
        current: database.current()?,
        compacted: database.number(COMPACTED)?,
        next_deadline,
    })
}
