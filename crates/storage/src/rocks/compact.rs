//! Compaction: forgetting what only old revisions need.
//!
//! First the commit thread makes it known, durably, that older revisions are no longer read; then
//! this deletes them, beside the commits, a stretch of the log at a time. Each stretch says how far
//! it came, so one that is cut short, by a crash or a full disk, is gone on with by the next.
//!
//! The log says it all: a write at or before the compacted revision ended the version that it names
//! as the one before, and a delete there leaves nothing that anyone may still ask for.

use std::sync::PoisonError;

use super::{
    Shared,
    encoding::{COMPACTED, Kind, SWEPT},
};
use crate::{Revision, StorageError};

/// Log entries per batch.
const STRETCH: u64 = 1024;

impl Shared {
    /// Deletes the versions that no readable revision needs. One at a time; the second finds little left.
    pub(super) fn sweep(&self) -> Result<(), StorageError> {
        let _alone = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.sweep_stretch()? {}
        Ok(())
    }

    /// Whether that was the last.
    fn sweep_stretch(&self) -> Result<bool, StorageError> {
        self.slot.with(|database| {
            let (compacted, swept) = (database.number(COMPACTED)?, database.number(SWEPT)?);
            if swept >= compacted {
                return Ok(true);
            }
            let up_to = compacted.min(Revision(swept.0 + STRETCH));
            let mut batch = database.batch()?;
            database.log(swept, up_to, |revision, entry| {
                if let Some(previous) = entry.previous {
                    batch.delete_version(entry.key, previous);
                }
                if entry.kind == Kind::Delete {
                    batch.delete_version(entry.key, revision);
                }
                Ok(true)
            })?;
            batch.set_number(SWEPT, up_to);
            if up_to == compacted {
                batch.cut_log(compacted);
            }
            database.write_lazily(batch)?;
            Ok(up_to == compacted)
        })
    }
}
