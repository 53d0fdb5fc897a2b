//! Watching: what was there, what happened since, and what happens.
//!
//! A [`Watch`] goes through up to four phases, and gives *batches* of items, so that whoever sends
//! them can put many into one write:
//!
//! 1. *initial*: an ADDED for each object of a snapshot, and the bookmark that says so, if asked for;
//! 2. *history*: what the storage remembers and the cache does not, if the watch starts long ago;
//! 3. *replay*: what the cache remembers;
//! 4. *live*: what comes into its inbox (see [`hub`]).
//!
//! The inbox exists from the beginning, so nothing is lost between the phases; it takes what comes
//! after the state that the earlier phases end with. A watch ends when its time is over, when it was
//! too slow, or after an error.

mod bookmark;
mod follow;
pub(crate) mod hub;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pintle_runtime::status::ApiError;
use pintle_storage::{At, Event as StoredEvent, KeyRange, Revision, Storage, StorageError};
use tokio::time::{Instant, Sleep};

pub use bookmark::Bookmark;
pub use follow::{Told, follow};

use crate::cache::snapshot::Interval;
use crate::cache::{Cache, Event, EventType, Selection, Snapshot, Version, WatchEvent};
use hub::Inbox;

/// What a watcher gets.
#[derive(Clone, Debug)]
pub enum WatchItem {
    /// Something happened to a selected object.
    Event(WatchEvent),
    /// Nothing happened up to a revision that was not told.
    Bookmark(Bookmark),
    /// The watch can not go on; it ends with this.
    Error(Box<ApiError>),
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchFrom {
    /// With an ADDED for each object there is, and then what happens.
    Initial,
    /// The same, and a bookmark when the objects have been told.
    InitialAndBookmark,
    /// With what happens from now on.
    Now,
    /// With what happened after a revision, which may not have come yet.
    After(Revision),
}

/// How a watch runs.
#[derive(Clone, Copy, Debug)]
pub struct WatchOptions {
    /// Where it begins.
    pub from: WatchFrom,
    /// It may send bookmarks of its own.
    pub bookmarks: bool,
    /// When it ends.
    pub timeout: Duration,
}

/// A running watch.
pub struct Watch {
    cache: Arc<Cache>,
    selection: Selection,
    version: Version,
    inbox: Arc<Inbox>,
    phase: Phase,
    replay: VecDeque<Arc<Event>>,
    /// The revision of the newest event that was given out, or of the state it began with.
    told: Revision,
    bookmarks: bool,
    deadline: Instant,
    next_bookmark: Instant,
    timer: Pin<Box<Sleep>>,
    buffer: Vec<(EventType, Arc<Event>)>,
}

enum Phase {
    Initial {
        snapshot: Arc<Snapshot>,
        rest: Interval,
        revision: Revision,
        end_mark: bool,
    },
    /// `read` is a stretch on its way.
    History {
        read: Stretch,
        until: Revision,
    },
    Replay,
    Live,
    Ended,
}

/// Initial objects and replayed events per batch.
const BATCH: usize = 128;
/// How often a watcher that wants bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// How long before its end a watch gets the last one.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

impl Watch {
    /// Begins to watch. `storage` is asked for what the cache has forgotten.
    ///
    /// A start that is too long ago is no error here: the watch's first and last item says so.
    pub fn start(
        cache: Arc<Cache>,
        storage: Arc<dyn Storage>,
        selection: Selection,
        version: Version,
        options: WatchOptions,
    ) -> Self {
        let now = Instant::now();
        let deadline = now + options.timeout;
        let after = match options.from {
            WatchFrom::After(revision) => Some(revision),
            _ => None,
        };
        // Before the snapshot, so that the state is that of the later of both.
        let progress = cache.progress().revision();
        let mut replay = VecDeque::new();
        let subscribed = cache.subscribe(after, &selection, |event| {
            replay.push_back(Arc::clone(event));
        });
        let state = subscribed.snapshot.revision().max(progress);
        let mut watch = Self {
            inbox: subscribed.inbox,
            phase: Phase::Replay,
            replay,
            told: after.unwrap_or(state),
            bookmarks: options.bookmarks,
            deadline,
            next_bookmark: deadline,
            timer: Box::pin(tokio::time::sleep_until(deadline)),
            buffer: Vec::new(),
            cache,
            selection,
            version,
        };
        watch.schedule(now);
        match (options.from, after) {
            (WatchFrom::Initial | WatchFrom::InitialAndBookmark, _) => {
                let end_mark = options.from == WatchFrom::InitialAndBookmark;
                let rest = watch.selection.interval();
                watch.phase = Phase::Initial {
                    snapshot: subscribed.snapshot,
                    rest,
                    revision: state,
                    end_mark,
                };
            }
            (_, Some(revision)) if !subscribed.complete => {
                let until = subscribed.snapshot.revision();
                watch.phase = Phase::History {
                    read: stretch(storage, watch.cache.range(), revision, until),
                    until,
                };
            }
            _ => {}
        }
        watch
    }

    /// Appends the next items to `into`; `false` when the watch is over. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self, into: &mut Vec<WatchItem>) -> bool {
        poll_fn(|cx| self.poll_next(cx, into)).await
    }

    /// As [`Watch::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>, into: &mut Vec<WatchItem>) -> Poll<bool> {
        let before = into.len();
        loop {
            let more = match &self.phase {
                Phase::Initial { .. } => {
                    self.initial(into);
                    true
                }
                Phase::History { .. } => match self.poll_history(cx, into) {
                    Poll::Ready(()) => true,
                    Poll::Pending => return self.poll_timer(cx, into),
                },
                Phase::Replay => {
                    self.replay(into);
                    true
                }
                Phase::Live => {
                    return match self.poll_live(cx, into) {
                        Poll::Pending => self.poll_timer(cx, into),
                        ready => ready,
                    };
                }
                Phase::Ended => false,
            };
            if into.len() > before || !more {
                return Poll::Ready(more);
            }
        }
    }

    /// The revision up to which everything was told, to who sends bookmarks of their own.
    pub fn told(&self) -> Revision {
        self.told
    }

    fn initial(&mut self, into: &mut Vec<WatchItem>) {
        let Phase::Initial {
            snapshot,
            rest,
            revision,
            end_mark,
        } = &mut self.phase
        else {
            return;
        };
        if let Err(error) = snapshot.check_readable(rest, Some(&self.selection)) {
            into.push(WatchItem::Error(Box::new(error)));
            self.phase = Phase::Ended;
            return;
        }
        let mut last = None;
        let mut count = 0;
        let version = self.version;
        self.selection.visit(snapshot, rest, |entry| {
            into.push(WatchItem::Event(WatchEvent::initial(
                Arc::clone(entry),
                version,
            )));
            last = Some(Arc::clone(entry));
            count += 1;
            count < BATCH
        });
        self.cache.counts().initial.add(count as u64);
        if let (Some(last), true) = (last, count == BATCH) {
            *rest = rest.from(std::ops::Bound::Excluded(last.key().into()));
            return;
        }
        if *end_mark {
            let forms = self.cache.forms();
            into.push(WatchItem::Bookmark(Bookmark::initial_events_end(
                forms, version, *revision,
            )));
        }
        self.phase = Phase::Live;
    }

    fn poll_history(&mut self, cx: &mut Context<'_>, into: &mut Vec<WatchItem>) -> Poll<()> {
        let Phase::History { read, until } = &mut self.phase else {
            return Poll::Ready(());
        };
        let until = *until;
        let (storage, answer) = ready!(read.as_mut().poll(cx));
        match answer {
            Ok(At { revision, value }) => {
                for event in &value {
                    if let Some(event) = self.remember(event) {
                        self.tell(&Arc::new(event), into);
                    }
                    if matches!(self.phase, Phase::Ended) {
                        return Poll::Ready(());
                    }
                }
                self.told = revision;
                self.phase = if revision < until {
                    Phase::History {
                        read: stretch(storage, self.cache.range(), revision, until),
                        until,
                    }
                } else {
                    Phase::Live
                };
            }
            Err(error) => {
                let error = match error {
                    StorageError::Compacted {
                        requested,
                        compacted,
                    } => too_old(requested, compacted),
                    error => crate::cache::unavailable(&error),
                };
                into.push(WatchItem::Error(Box::new(error)));
                self.phase = Phase::Ended;
            }
        }
        Poll::Ready(())
    }

    /// An event of the storage, decoded.
    fn remember(&self, event: &StoredEvent) -> Option<Event> {
        let decode = |value, revision| self.cache.decoded(&event.key, value, revision);
        // What could not be read was told to nobody.
        let old = event
            .previous
            .as_ref()
            .and_then(|old| decode(&old.value, old.mod_revision)?.ok());
        match &event.value {
            Some(value) => Some(Event::of(
                event.revision,
                decode(value, event.revision)?,
                old,
            )),
            None => old.map(|old| Event::new(event.revision, None, Some(old))),
        }
    }

    fn replay(&mut self, into: &mut Vec<WatchItem>) {
        for _ in 0..BATCH {
            let Some(event) = self.replay.pop_front() else {
                self.phase = Phase::Live;
                return;
            };
            self.cache.counts().initial.inc();
            self.tell(&event, into);
            if matches!(self.phase, Phase::Ended) {
                return;
            }
        }
    }

    fn poll_live(&mut self, cx: &mut Context<'_>, into: &mut Vec<WatchItem>) -> Poll<bool> {
        let open = ready!(self.inbox.poll_take(cx, &mut self.buffer));
        if !open {
            self.phase = Phase::Ended;
            return Poll::Ready(false);
        }
        into.reserve(self.buffer.len());
        let mut buffer = std::mem::take(&mut self.buffer);
        for (what, event) in buffer.drain(..) {
            self.give(what, event, into);
            if matches!(self.phase, Phase::Ended) {
                break;
            }
        }
        self.buffer = buffer;
        Poll::Ready(true)
    }

    fn tell(&mut self, event: &Arc<Event>, into: &mut Vec<WatchItem>) {
        match self.selection.classify(event) {
            Some(what) => self.give(what, Arc::clone(event), into),
            None => self.told = event.revision(),
        }
    }

    /// Gives out a change. Nothing comes after one to what can not be read.
    fn give(&mut self, what: EventType, event: Arc<Event>, into: &mut Vec<WatchItem>) {
        if let Some(unreadable) = event.unreadable() {
            into.push(WatchItem::Error(Box::new(unreadable.error())));
            self.phase = Phase::Ended;
            return;
        }
        self.told = event.revision();
        into.push(WatchItem::Event(WatchEvent::change(
            what,
            event,
            self.version,
        )));
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, into: &mut Vec<WatchItem>) -> Poll<bool> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= self.deadline {
                self.phase = Phase::Ended;
                return Poll::Ready(false);
            }
            let bookmark = self.bookmark();
            self.schedule(now);
            if let Some(bookmark) = bookmark {
                into.push(WatchItem::Bookmark(bookmark));
                return Poll::Ready(true);
            }
        }
    }

    /// A bookmark, if the watch has been told everything.
    fn bookmark(&mut self) -> Option<Bookmark> {
        if !matches!(self.phase, Phase::Live) {
            return None;
        }
        // In this order: what is not in the inbox by then is after what was reached.
        let progress = self.cache.progress().revision();
        let hub = self.cache.hub();
        let reached = if hub.is_idle() {
            progress
        } else {
            hub.delivered()
        };
        // A watch may begin in the future.
        if !self.inbox.is_empty() || reached < self.told {
            return None;
        }
        self.told = reached;
        Some(Bookmark::new(self.cache.forms(), self.version, self.told))
    }

    /// Sets the timer to the next bookmark or the end.
    fn schedule(&mut self, now: Instant) {
        let wake = if self.bookmarks {
            let heartbeat = now + BOOKMARK_EVERY;
            let last = self
                .deadline
                .checked_sub(BOOKMARK_BEFORE_END)
                .unwrap_or(now);
            if now < last && last < heartbeat {
                last
            } else {
                heartbeat
            }
        } else {
            self.deadline
        };
        self.next_bookmark = wake.min(self.deadline);
        self.timer.as_mut().reset(self.next_bookmark);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.cache.hub().unregister(&self.inbox);
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch of {:?}, told up to {}", self.cache, self.told)
    }
}

/// Upstream's words for a start that is too long ago.
fn too_old(requested: Revision, compacted: Revision) -> ApiError {
    ApiError::expired(format!(
        "too old resource version: {requested} ({compacted})"
    ))
}

/// A stretch of the past on its way, and who was asked for it.
type Stretch = Pin<
    Box<dyn Future<Output = (Arc<dyn Storage>, Result<At<Vec<StoredEvent>>, StorageError>)> + Send>,
>;

fn stretch(
    storage: Arc<dyn Storage>,
    range: KeyRange,
    after: Revision,
    up_to: Revision,
) -> Stretch {
    Box::pin(async move {
        let answer = storage.history(&range, after, up_to).await;
        (storage, answer)
    })
}
