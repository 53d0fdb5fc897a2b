//! Those who are called with every change, and those who wait until they were.
//!
//! # Who waits for whom
//!
//! Each subscription has a task that takes steps from a [`Follower`] and calls its observer. A put
//! that etcd has answered waits until the observers of its key were told of it, so that who has
//! written reads what was written; where the watch is broken it waits for nothing, and never longer
//! than [`PATIENCE`].
//!
//! # Which watch
//!
//! Observers are owed the news of every revision, also of those that wrote nothing in their range.
//! An etcd that tells its progress when asked is watched in the range alone, and asked as soon as
//! any answer of it was of a revision that no event has brought. An older one, whose progress may
//! run ahead of events, is watched as a whole: every revision has an event there.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::follow::{Follower, Step};
use crate::{Batch, Event, Key, KeyRange, Observer, Revision, Write};

/// All observers of a store.
pub(super) struct Observers {
    places: Mutex<Vec<Weak<Place>>>,
    /// The newest revision that any answer was of.
    seen: watch::Sender<Revision>,
}

/// One of them.
pub(super) struct Place {
    range: KeyRange,
    told: watch::Sender<Revision>,
    /// Whether changes arrive.
    connected: watch::Sender<bool>,
}

/// How long a writer waits for an observer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an event has to come by itself before etcd is asked for its progress.
const GRACE: Duration = Duration::from_millis(10);
/// How soon a dropped subscription is noticed when nothing happens.
const LOOK: Duration = Duration::from_secs(1);

impl Default for Observers {
    fn default() -> Self {
        Self {
            places: Mutex::default(),
            seen: watch::Sender::new(Revision::ZERO),
        }
    }
}

impl Observers {
    /// An answer was of this revision.
    pub(super) fn see(&self, revision: Revision) {
        self.seen.send_if_modified(|seen| {
            let newer = revision > *seen;
            *seen = revision.max(*seen);
            newer
        });
    }

    /// A place for who has been told everything up to `revision`.
    pub(super) fn place(&self, range: KeyRange, revision: Revision) -> Arc<Place> {
        let place = Arc::new(Place {
            range,
            told: watch::Sender::new(revision),
            connected: watch::Sender::new(false),
        });
        let mut places = self.lock();
        places.retain(|place| place.strong_count() > 0);
        places.push(Arc::downgrade(&place));
        place
    }

    /// Waits until all who follow `key` were told of `revision`.
    pub(super) async fn told(&self, key: &Key, revision: Revision) {
        let places: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        for place in places {
            if place.range.contains(key.as_bytes()) && *place.connected.borrow() {
                let mut told = place.told.subscribe();
                let _ = timeout(PATIENCE, told.wait_for(|told| *told >= revision)).await;
            }
        }
    }

    /// Calls `observer` with every step, until nobody holds the subscription any more.
    pub(super) async fn tell(
        self: Arc<Self>,
        place: Arc<Place>,
        mut follower: Follower,
        observer: Arc<dyn Observer>,
        held: Weak<()>,
        ask_progress: bool,
    ) {
        let mut seen = self.seen.subscribe();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = follower.told();
            let behind = async {
                if seen.wait_for(|seen| *seen > told).await.is_err() {
                    std::future::pending::<()>().await;
                }
                sleep(GRACE).await;
            };
            let step = tokio::select! {
                step = follower.next() => Some(step),
                () = behind, if ask_progress => None,
                _ = look.tick() => None,
            };
            place.connected.send_replace(follower.is_connected());
            let Some(_held) = held.upgrade() else {
                return;
            };
            match step {
                Some(Ok(Step::Events(events))) => {
                    place.tell(&*observer, follower.told(), &events);
                }
                Some(Ok(Step::Progress(revision))) => place.tell(&*observer, revision, &[]),
                Some(Err(error)) => {
                    observer.on_end(&error);
                    return;
                }
                None if *self.seen.borrow() > follower.told() => {
                    follower.go_where_others_are();
                    if ask_progress {
                        follower.ask_progress().await;
                    }
                }
                None => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until changes arrive, but not for ever.
    pub(super) async fn connected(&self) {
        let mut connected = self.connected.subscribe();
        let _ = timeout(PATIENCE, connected.wait_for(|connected| *connected)).await;
    }

    /// Calls the observer, unless there is nothing that it does not know: etcd tells the same progress again when it is
    /// asked again.
    fn tell(&self, observer: &dyn Observer, revision: Revision, events: &[Event]) {
        if revision <= *self.told.borrow() {
            return;
        }
        let is_own = |event: &&Event| self.range.contains(event.key.as_bytes());
        let writes: Vec<_> = events.iter().filter(is_own).map(Write::from).collect();
        observer.on_batch(Batch {
            revision,
            writes: &writes,
        });
        self.told.send_replace(revision);
    }
}
