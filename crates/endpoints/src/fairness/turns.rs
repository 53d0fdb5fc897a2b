//! Whose turn it is, where more are to be served at once than there are processors: [`Turns`].
//!
//! Seats bound how much is under way; most of what is under way waits for something. But reads from memory do not
//! wait: a few of them keep all processors busy, and what else is ready to run is served behind all of them, whoever
//! it is for. So reads that have a seat also take turns, as many at a time as there are processors, one flow after the
//! other: however many requests a flow has, another waits for one of them.
//!
//! A turn ends with its answer, and at the latest after [`LONGEST`]: who reads slowly keeps no processor busy. Exempt
//! requests take no turns, nor do writes, most of whose time is the disk's.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::lock;

/// After this a turn counts as one of somebody who waits for something.
const LONGEST: Duration = Duration::from_millis(5);

/// Who has a turn, and who waits for one.
pub(super) struct Turns {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Turns that are taken, and since when; the oldest first.
    taken: VecDeque<(u64, Instant)>,
    /// Who waits, by flow. None of them is empty.
    waiting: HashMap<u64, VecDeque<oneshot::Sender<Turn>>>,
    /// Flows that wait, the one first whose turn it is next.
    order: VecDeque<u64>,
    /// Whether somebody looks for turns that have lasted too long.
    is_watched: bool,
}

/// A turn. It ends when it is dropped, if not before.
pub(super) struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turns {
    /// As many as there are processors.
    pub(super) fn new() -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::of(processors)
    }

    pub(super) fn of(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Mutex::default(),
        })
    }

    /// A turn for a request of a flow.
    pub(super) async fn take(self: &Arc<Self>, flow: u64, now: Instant) -> Option<Turn> {
        let (turn, waits) = self.arrive(flow, now);
        match waits {
            None => turn,
            Some(told) => told.await.ok(),
        }
    }

    /// A turn at once, or somebody who will tell.
    pub(super) fn arrive(
        self: &Arc<Self>,
        flow: u64,
        now: Instant,
    ) -> (Option<Turn>, Option<oneshot::Receiver<Turn>>) {
        let mut state = lock(&self.state);
        state.end_longest(now);
        if state.order.is_empty() && state.taken.len() < self.limit {
            return (Some(self.begin(&mut state, now)), None);
        }
        let (tell, told) = oneshot::channel();
        let flows = &mut state.waiting;
        let line = flows.entry(flow).or_default();
        line.push_back(tell);
        if line.len() == 1 {
            state.order.push_back(flow);
        }
        if !state.is_watched
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            state.is_watched = true;
            runtime.spawn(Arc::clone(self).watch());
        }
        (None, Some(told))
    }

    fn begin(self: &Arc<Self>, state: &mut State, now: Instant) -> Turn {
        let number = state.next;
        state.next += 1;
        state.taken.push_back((number, now));
        Turn {
            turns: Arc::clone(self),
            number,
        }
    }

    /// Gives turns to those who wait, while there are any. Who has gone meanwhile gives his back outside of the lock.
    fn go_on(self: &Arc<Self>, now: Instant) {
        loop {
            let mut state = lock(&self.state);
            if state.taken.len() >= self.limit {
                return;
            }
            let Some(tell) = state.next_in_turn() else {
                return;
            };
            let turn = self.begin(&mut state, now);
            drop(state);
            // Dropped if nobody waits for it, which goes on as well.
            let _ = tell.send(turn);
        }
    }

    /// Ends turns that last too long, as long as somebody waits.
    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LONGEST).await;
            let now = Instant::now();
            {
                let mut state = lock(&self.state);
                state.end_longest(now);
                if state.order.is_empty() {
                    state.is_watched = false;
                    return;
                }
            }
            self.go_on(now);
        }
    }
}

impl State {
    fn end_longest(&mut self, now: Instant) {
        let is_long = |since: &Instant| now.saturating_duration_since(*since) >= LONGEST;
        while self.taken.front().is_some_and(|(_, since)| is_long(since)) {
            self.taken.pop_front();
        }
    }

    /// The first of the flow whose turn it is; that flow is the last then.
    fn next_in_turn(&mut self) -> Option<oneshot::Sender<Turn>> {
        let flow = self.order.pop_front()?;
        let line = self.waiting.get_mut(&flow)?;
        let first = line.pop_front();
        if line.is_empty() {
            self.waiting.remove(&flow);
        } else {
            self.order.push_back(flow);
        }
        first
    }
}

impl Turn {
    /// Ends it, and lets others go on.
    pub(super) fn end(&mut self, now: impl FnOnce() -> Instant) {
        {
            let mut state = lock(&self.turns.state);
            let place = state
                .taken
                .iter()
                .position(|(number, _)| *number == self.number);
            let Some(place) = place else { return };
            state.taken.remove(place);
            if state.order.is_empty() {
                return;
            }
        }
        self.turns.go_on(now());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: u64 = 1;
    const POLITE: u64 = 2;

    #[test]
    fn who_comes_alone_waits_for_one_of_the_many() {
        let (turns, now) = (Turns::of(1), Instant::now());
        let (first, _) = turns.arrive(GREEDY, now);
        let first = first.expect("nobody has a turn");
        let mut many: Vec<_> = (0..100)
            .map(|_| turns.arrive(GREEDY, now).1.expect("it waits"))
            .collect();
        let mut polite = turns.arrive(POLITE, now).1.expect("it waits");
        drop(first);
        let second = many[0].try_recv().expect("it is its turn");
        assert!(polite.try_recv().is_err(), "one at a time");
        drop(second);
        let third = polite.try_recv().expect("it is the other flow's turn");
        assert!(many[1].try_recv().is_err());
        drop(third);
        assert!(many[1].try_recv().is_ok());
    }

    #[test]
    fn who_waits_no_more_is_passed_over() {
        let (turns, now) = (Turns::of(1), Instant::now());
        let (first, _) = turns.arrive(GREEDY, now);
        drop(turns.arrive(GREEDY, now));
        let mut polite = turns.arrive(POLITE, now).1.expect("it waits");
        drop(first);
        assert!(polite.try_recv().is_ok());
    }

    #[test]
    fn a_turn_that_lasts_too_long_is_nobodys() {
        let (turns, now) = (Turns::of(1), Instant::now());
        let (slow, _) = turns.arrive(GREEDY, now);
        let (next, _) = turns.arrive(POLITE, now + LONGEST);
        let next = next.expect("the slow one has had its turn");
        drop(slow);
        let mut third = turns.arrive(GREEDY, now + LONGEST).1.expect("it waits");
        drop(next);
        assert!(third.try_recv().is_ok());
    }

    #[tokio::test]
    async fn who_waits_behind_the_slow_is_served() {
        let turns = Turns::of(1);
        let slow = turns.take(GREEDY, Instant::now()).await;
        let next = turns.take(POLITE, Instant::now()).await;
        assert!(slow.is_some() && next.is_some());
    }
}
