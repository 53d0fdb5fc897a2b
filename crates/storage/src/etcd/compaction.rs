//! Compaction that all servers of an etcd agree upon.

use std::time::Duration;

use bytes::Bytes;
use tonic::Status;
use tracing::warn;

use super::{
    EtcdStore,
    cluster::failure,
    messages::{Compare, RequestOp, TxnRequest, revision_of},
};
use crate::{Revision, Storage, StorageError};

/// Where kube-apiserver notes each round; the key's version is the number of the round, its value
/// the revision that the round compacts to.
pub(super) const KEY: &[u8] = b"compact_rev_key";

/// What one server knows of the rounds.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    round: i64,
    /// Where the store was then; the next round that is won compacts to it.
    revision: Revision,
}

impl EtcdStore {
    /// Has the store compacted every `interval`, by whichever server is first, to where it was a
    /// round earlier; so a revision can be read for one to two rounds. `told` learns of each revision
    /// that was compacted, by whomever.
    ///
    /// Runs until it is dropped.
    pub async fn compact_together(&self, interval: Duration, told: impl Fn(Revision)) {
        let mut known = Known::default();
        loop {
            tokio::time::sleep(interval).await;
            match self.compact_round(known, &told).await {
                Ok(now) => known = now,
                Err(error) => warn!(%error, "etcd could not be compacted; trying again next time"),
            }
        }
    }

    async fn compact_round(
        &self,
        known: Known,
        told: &impl Fn(Revision),
    ) -> Result<Known, StorageError> {
        let key = Bytes::from_static(KEY);
        let value = Bytes::from(known.revision.to_string());
        let transaction = TxnRequest {
            compare: vec![Compare::version(key.clone(), known.round)],
            success: vec![RequestOp::put(key.clone(), value, 0)],
            failure: vec![RequestOp::range(key)],
        };
        let wrong = |status: Status| failure("agreeing on a compaction", &status);
        let answer = self.transaction(transaction).await.map_err(wrong)?;
        let revision = revision_of(answer.header.as_ref());
        if !answer.succeeded {
            // Another server has the round. What it noted is what it compacts to.
            let found = answer.found();
            let round = found.as_ref().map_or(0, |found| found.version);
            let noted =
                found.and_then(|found| std::str::from_utf8(&found.value).ok()?.parse().ok());
            told(Revision(noted.unwrap_or(0)));
            return Ok(Known { round, revision });
        }
        let now = Known {
            round: known.round + 1,
            revision,
        };
        if known.revision > Revision::ZERO {
            match self.compact(known.revision).await {
                Ok(()) | Err(StorageError::Compacted { .. }) => told(known.revision),
                Err(error) => return Err(error),
            }
        }
        Ok(now)
    }
}
