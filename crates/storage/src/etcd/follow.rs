//! A watch that goes on: over broken connections, lost members and new leaders.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use tracing::{debug, warn};

use super::{
    cluster::{Cluster, Repeat},
    messages::{
        DELETE, Ignored, KeyValue, RangeRequest, RangeResponse, WatchAsk, WatchCreateRequest,
        WatchRequest, WatchResponse, WatchedEvent, number, revision, revision_of,
    },
    recent::Recent,
    span,
};
use crate::{Event, Key, KeyRange, Record, Revision, StorageError};

/// Gives out what happens in a range, each event once and in order, whatever happens to connections.
pub(super) struct Follower {
    cluster: Arc<Cluster>,
    recent: Arc<Recent>,
    range: KeyRange,
    /// Everything up to here was given out; a new connection begins after it.
    told: Revision,
    open: Option<Open>,
    failures: u32,
}

struct Open {
    /// The member that is watched, by [`Cluster::asked`].
    member: usize,
    asks: mpsc::Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
}

/// What there is to tell.
#[derive(Debug)]
pub(super) enum Step {
    /// These events, which are whole revisions.
    Events(Vec<Event>),
    /// Nothing happened in the range up to this revision that was not told.
    Progress(Revision),
}

/// Between attempts to connect, doubled up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Follower {
    /// Tells what happens in `range` after `told`.
    pub(super) fn new(
        cluster: Arc<Cluster>,
        recent: Arc<Recent>,
        range: KeyRange,
        told: Revision,
    ) -> Self {
        Self {
            cluster,
            recent,
            range,
            told,
            open: None,
            failures: 0,
        }
    }

    /// Everything up to there was given out.
    pub(super) fn told(&self) -> Revision {
        self.told
    }

    /// Whether changes arrive at the moment, as far as this side can know.
    pub(super) fn is_connected(&self) -> bool {
        self.open.is_some()
    }

    /// The next step. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// `Compacted`, when what is next to be told is gone. Nothing else ends it.
    pub(super) async fn next(&mut self) -> Result<Step, StorageError> {
        loop {
            let open = match &mut self.open {
                Some(open) => open,
                None => match self.connect().await {
                    Ok(open) => self.open.insert(open),
                    Err(status) => {
                        self.lost(&status).await;
                        continue;
                    }
                },
            };
            match open.answers.message().await {
                Ok(Some(answer)) => {
                    if let Some(step) = self.take(answer).await? {
                        return Ok(step);
                    }
                }
                Ok(None) => self.lost(&Status::unavailable("the stream ended")).await,
                Err(status) => self.lost(&status).await,
            }
        }
    }

    /// Has etcd say how far it is, if it is known how.
    pub(super) async fn ask_progress(&mut self) {
        if let Some(open) = &self.open {
            let ask = WatchRequest {
                ask: Some(WatchAsk::Progress(Ignored {})),
            };
            // A full queue holds requests that do as well.
            let _ = open.asks.try_send(ask);
        }
    }

    /// Leaves a member that tells nothing while others are asked with success: one that is cut off without a word
    /// would be noticed much later.
    pub(super) fn go_where_others_are(&mut self) {
        let member = self.open.as_ref().map(|open| open.member);
        if member.is_some_and(|member| member != self.cluster.asked()) {
            debug!("the member that is watched tells nothing; another is");
            self.open = None;
        }
    }

    async fn connect(&self) -> Result<Open, Status> {
        let member = self.cluster.asked();
        let (asks, receiver) = mpsc::channel(4);
        let (key, range_end) = span(&self.range);
        let create = WatchCreateRequest {
            key,
            range_end,
            start_revision: number(self.told.next()),
            progress_notify: true,
            prev_kv: true,
        };
        let create = WatchRequest {
            ask: Some(WatchAsk::Create(create)),
        };
        let _ = asks.send(create).await;
        let answers = self.cluster.watch(receiver).await?;
        Ok(Open {
            member,
            asks,
            answers,
        })
    }

    /// The connection is of no use any more.
    async fn lost(&mut self, status: &Status) {
        if self.failures == 1 {
            warn!(
                said = status.message(),
                "etcd tells no changes; trying again"
            );
        } else {
            debug!(said = status.message(), "a watch is opened again");
        }
        if self.open.take().is_some() {
            self.cluster.turn();
        }
        let pause = PAUSE.saturating_mul(1 << self.failures.min(8));
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }

    async fn take(&mut self, answer: WatchResponse) -> Result<Option<Step>, StorageError> {
        if answer.compact_revision > 0 {
            self.open = None;
            return Err(self.compacted(revision(answer.compact_revision)));
        }
        if answer.canceled {
            self.lost(&Status::unavailable(answer.cancel_reason)).await;
            return Ok(None);
        }
        self.failures = 0;
        if answer.created {
            return Ok(Some(Step::Progress(self.told)));
        }
        if answer.events.is_empty() {
            self.told = self.told.max(revision_of(answer.header.as_ref()));
            return Ok(Some(Step::Progress(self.told)));
        }
        let mut events = Vec::with_capacity(answer.events.len());
        for event in answer.events {
            events.extend(self.event(event).await?);
        }
        let Some(last) = events.last() else {
            return Ok(None);
        };
        self.told = last.revision;
        Ok(Some(Step::Events(events)))
    }

    async fn event(&mut self, event: WatchedEvent) -> Result<Option<Event>, StorageError> {
        let Some(kv) = event.kv else {
            return Ok(None);
        };
        let revision = revision(kv.mod_revision);
        if revision <= self.told {
            return Ok(None);
        }
        let is_delete = event.kind == DELETE;
        let was_there = is_delete || kv.version > 1;
        let before = match event.prev_kv {
            None if was_there => Some(self.before(kv.key.clone(), revision).await?),
            before => before,
        };
        let value = (!is_delete).then(|| self.recent.own(&kv.key, &kv.value));
        let key = Key::from(Bytes::copy_from_slice(&kv.key));
        let previous = before.map(|before: KeyValue| Record {
            key: key.clone(),
            value: Bytes::copy_from_slice(&before.value),
            mod_revision: super::messages::revision(before.mod_revision),
        });
        Ok(Some(Event {
            key,
            value,
            previous,
            revision,
        }))
    }

    /// What was there before a change. etcd leaves it out where it is compacted, and now and then when it is busy.
    async fn before(&mut self, key: Bytes, change: Revision) -> Result<KeyValue, StorageError> {
        let ask = RangeRequest {
            key,
            revision: number(change) - 1,
            ..RangeRequest::default()
        };
        // Who drops this meanwhile finds no connection, and begins again behind what was told.
        let open = self.open.take();
        let path = "/etcdserverpb.KV/Range";
        let answer: Result<RangeResponse, Status> = self.cluster.ask(path, ask, Repeat::Safe).await;
        self.open = open;
        let found = answer.ok().and_then(|answer| answer.kvs.into_iter().next());
        // Its place in the history is there still, but not what was before.
        found.ok_or_else(|| self.compacted(change))
    }

    fn compacted(&self, compacted: Revision) -> StorageError {
        StorageError::Compacted {
            requested: self.told,
            compacted,
        }
    }
}
