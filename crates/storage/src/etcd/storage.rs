//! The verbs of [`Storage`].

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;

use super::{
    EtcdStore, STRETCH,
    cluster::{Repeat, failure},
    follow::Step,
    messages::{
        self, CompactionRequest, Ignored, RangeRequest, RequestOp, number, revision, revision_of,
    },
    refused, span,
};
use crate::{
    Answer, At, Event, EventStream, Expect, Key, KeyRange, Listing, Observer, Page, Record,
    Revision, Storage, StorageError, Subscription,
};

impl Storage for EtcdStore {
    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>> {
        Box::pin(async move {
            let request = RangeRequest {
                key: key.clone().into(),
                ..RangeRequest::default()
            };
            let answer = self
                .range(request)
                .await
                .map_err(|status| failure("reading from etcd", &status))?;
            let revision = revision_of(answer.header.as_ref());
            if revision < not_before {
                return Err(StorageError::FutureRevision {
                    requested: not_before,
                    current: revision,
                });
            }
            let value = answer.kvs.into_iter().next().map(Record::from);
            Ok(At { revision, value })
        })
    }

    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>> {
        Box::pin(async move {
            let at = page.at.unwrap_or(Revision::ZERO);
            let mut part = range.clone();
            if let Some(from) = page.from {
                part.start = part.start.max(from.into());
            }
            let is_empty = part.end.as_ref().is_some_and(|end| *end <= part.start);
            // An empty range is asked for nothing but its revision, and none is a limit to etcd.
            let count_only = is_empty || page.limit == Some(0);
            let (key, range_end) = if is_empty {
                (Bytes::from_static(b"\0"), Bytes::new())
            } else {
                span(&part)
            };
            let request = RangeRequest {
                key,
                range_end,
                limit: page
                    .limit
                    .map_or(0, |limit| i64::try_from(limit).unwrap_or(i64::MAX)),
                revision: number(at),
                count_only,
            };
            let answer = match self.range(request).await {
                Ok(answer) => answer,
                Err(status) => return Err(self.explain("listing from etcd", status, at).await),
            };
            let now = revision_of(answer.header.as_ref());
            let more = answer.more || (count_only && !is_empty && answer.count > 0);
            // Copied, so that one of them in a cache does not keep the whole page.
            let copy = |kv: messages::KeyValue| Record {
                key: Bytes::copy_from_slice(&kv.key).into(),
                value: Bytes::copy_from_slice(&kv.value),
                mod_revision: revision(kv.mod_revision),
            };
            Ok(At {
                revision: page.at.unwrap_or(now),
                value: Listing {
                    records: answer.kvs.into_iter().map(copy).collect(),
                    more,
                },
            })
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision> {
        Box::pin(self.put_once(key, expect, value, lease))
    }

    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        Box::pin(async move {
            let expected = if expect == Revision::ZERO {
                Revision(u64::MAX)
            } else {
                expect
            };
            let outcome = self
                .write(key, expected, RequestOp::delete(key.clone().into()))
                .await
                .map_err(|status| failure("deleting from etcd", &status))?;
            match outcome {
                Ok(revision) => {
                    self.observers.told(key, revision).await;
                    Ok(revision)
                }
                Err(current) => Err(refused(key, Expect::At(expect), current)),
            }
        })
    }

    fn watch<'a>(&'a self, range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream> {
        Box::pin(async move {
            self.reached(from).await?;
            let follower = self.follower(range.clone(), from);
            let steps = futures_util::stream::unfold(Some(follower), |follower| async {
                let mut follower = follower?;
                loop {
                    match follower.next().await {
                        Ok(Step::Events(events)) => {
                            return Some((Ok(Arc::from(events)), Some(follower)));
                        }
                        Ok(Step::Progress(_)) => {}
                        Err(error) => return Some((Err(error), None)),
                    }
                }
            });
            Ok(EventStream::new(steps))
        })
    }

    fn history<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Revision,
        up_to: Revision,
    ) -> Answer<'a, At<Vec<Event>>> {
        Box::pin(async move {
            self.reached(up_to).await?;
            // Every revision has an event somewhere, so the end is seen to be reached.
            let mut follower = self.follower(KeyRange::all(), after);
            let mut found = Vec::new();
            while follower.told() < up_to && found.len() < STRETCH {
                if let Step::Events(events) = follower.next().await? {
                    let wanted = |event: &Event| {
                        event.revision <= up_to && range.contains(event.key.as_bytes())
                    };
                    found.extend(events.into_iter().filter(wanted));
                }
            }
            Ok(At {
                revision: follower.told().min(up_to),
                value: found,
            })
        })
    }

    fn subscribe<'a>(
        &'a self,
        range: &'a KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Answer<'a, Subscription> {
        Box::pin(async move {
            let ask_progress = self.tells_progress().await;
            let revision = self.current().await?;
            let (subscription, held) = Subscription::new(revision);
            let place = self.observers.place(range.clone(), revision);
            let watched = if ask_progress {
                range.clone()
            } else {
                KeyRange::all()
            };
            let follower = self.follower(watched, revision);
            let observers = Arc::clone(&self.observers);
            let told = observers.tell(Arc::clone(&place), follower, observer, held, ask_progress);
            tokio::spawn(told);
            place.connected().await;
            Ok(subscription)
        })
    }

    fn current<'a>(&'a self) -> Answer<'a, Revision> {
        Box::pin(self.round())
    }

    fn tells_at_once(&self) -> bool {
        false
    }

    fn compact<'a>(&'a self, revision: Revision) -> Answer<'a, ()> {
        Box::pin(async move {
            let request = CompactionRequest {
                revision: number(revision),
            };
            let path = "/etcdserverpb.KV/Compact";
            match self
                .cluster
                .ask::<_, Ignored>(path, request, Repeat::Unsafe)
                .await
            {
                Ok(_) => Ok(()),
                Err(status) => Err(self.explain("compacting etcd", status, revision).await),
            }
        })
    }

    fn size_on_disk<'a>(&'a self) -> Answer<'a, u64> {
        Box::pin(async move {
            match self.size.load(Ordering::Relaxed) {
                0 => self.measure().await,
                size => Ok(size),
            }
        })
    }
}
