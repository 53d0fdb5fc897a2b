//! Watching: reading on in the history, and waiting at its end.
//!
//! A stream is no more than a position. Nothing is registered and nothing is queued for it: when it
//! is asked, it takes a stretch after its position from the log. So a slow reader costs nothing, a
//! stream can begin anywhere that is not compacted, and there is no moment between "history" and
//! "live" at which to lose an event.

use std::sync::Arc;

use futures_util::stream;
use tokio::{sync::watch, task};

use super::{Shared, publish};
use crate::{At, Event, EventStream, KeyRange, Revision, StorageError};

/// Log entries per read, and bytes of values, before the executor gets its turn.
const STRETCH: u64 = 256;
const STRETCH_SIZE: usize = 1 << 20;

struct Tail {
    shared: Arc<Shared>,
    range: KeyRange,
    /// Everything up to here was delivered, or is outside the range.
    cursor: Revision,
    ticks: watch::Receiver<()>,
}

/// The changes in `range` after `from`.
pub(super) fn watch(
    shared: Arc<Shared>,
    range: KeyRange,
    from: Revision,
) -> Result<EventStream, StorageError> {
    shared.published.check_readable(from)?;
    if shared.published.is_closed() {
        return Err(publish::closed());
    }
    let ticks = shared.published.ticks();
    let tail = Tail {
        shared,
        range,
        cursor: from,
        ticks,
    };
    Ok(EventStream::new(stream::unfold(Some(tail), async |tail| {
        let mut tail = tail?;
        let events = tail.next().await;
        let rest = events.is_ok().then_some(tail);
        Some((events, rest))
    })))
}

/// One stretch of the changes in `range` after one revision and up to another.
pub(super) fn history(
    shared: &Shared,
    range: &KeyRange,
    after: Revision,
    up_to: Revision,
) -> Result<At<Vec<Event>>, StorageError> {
    shared.published.check_readable(after)?;
    shared.published.check_readable(up_to)?;
    let up_to = up_to.min(Revision(after.0 + STRETCH));
    let (value, revision) = shared.stretch(after, up_to, range)?;
    Ok(At { revision, value })
}

impl Tail {
    async fn next(&mut self) -> Result<Arc<[Event]>, StorageError> {
        loop {
            // First the tick and then the look, or a commit between the two would not wake us.
            self.ticks.borrow_and_update();
            if self.shared.published.is_closed() {
                return Err(publish::closed());
            }
            let current = self.shared.published.current();
            if self.cursor < current {
                let events = self.advance(current)?;
                if !events.is_empty() {
                    return Ok(events);
                }
                task::consume_budget().await;
            } else if self.ticks.changed().await.is_err() {
                return Err(publish::closed());
            }
        }
    }

    /// Moves the cursor on and returns what of it is inside the range.
    fn advance(&mut self, current: Revision) -> Result<Arc<[Event]>, StorageError> {
        let up_to = current.min(Revision(self.cursor.0 + STRETCH));
        let (events, read_to) = self.shared.stretch(self.cursor, up_to, &self.range)?;
        self.cursor = read_to;
        Ok(events.into())
    }
}

impl Shared {
    /// As [`Shared::history`], and sure that compaction took nothing of it meanwhile.
    fn stretch(
        &self,
        after: Revision,
        up_to: Revision,
        range: &KeyRange,
    ) -> Result<(Vec<Event>, Revision), StorageError> {
        let read = self.history(after, up_to, range);
        // Compaction says what it will delete before it does, so this look comes after the read.
        let compacted = self.published.compacted();
        if after < compacted {
            return Err(StorageError::Compacted {
                requested: after,
                compacted,
            });
        }
        read
    }

    /// The events in `range` after one revision and up to another, or less far if they are large;
    /// and how far.
    pub(super) fn history(
        &self,
        after: Revision,
        up_to: Revision,
        range: &KeyRange,
    ) -> Result<(Vec<Event>, Revision), StorageError> {
        self.slot.with(|database| {
            let (mut events, mut size, mut read_to) = (Vec::new(), 0, up_to);
            database.log(after, up_to, |revision, entry| {
                if range.contains(entry.key) {
                    let event = database.event(revision, entry)?;
                    size += event.value.as_ref().map_or(0, |value| value.len());
                    size += event
                        .previous
                        .as_ref()
                        .map_or(0, |previous| previous.value.len());
                    events.push(event);
                }
                if size > STRETCH_SIZE {
                    read_to = revision;
                }
                Ok(size <= STRETCH_SIZE)
            })?;
            Ok((events, read_to))
        })
    }
}
