//! The queues of one priority level, and who is next: [`Queues`].
//!
//! A flow is dealt a hand of queues by its hash and waits in the one of them with the least work. So
//! one flow fills few queues, and another shares all of its hand with it only by great misfortune.
//!
//! A seat that becomes free goes to a queue that has the fewest just now, so who asks now and then waits for no
//! more than one request to end. Among equals, seats go to queues as if all queues that have work were served in
//! turn, a bit each, however much each request takes: fair queuing by virtual time. The level's meter, `round`,
//! grows by the work that each busy queue would have got; a queue's `next` is the meter's reading when its next
//! request would begin. Whose first request would be done first is dispatched. Virtual time alone would not do:
//! how long a request takes is known when it has ended, and where all wait for processors that is long after.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::shares::{Demand, Period};

/// How long a request is taken to last before it has ended, in seconds.
const ASSUMED: f64 = 0.003;

/// What a request occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Seats while it is served.
    pub seats: u32,
    /// Seats after that, while what follows from it is done: telling watchers.
    pub last_seats: u32,
    /// How long those are kept.
    pub linger: Duration,
}

impl Work {
    /// Work that is over when its answer is.
    pub fn of(seats: u32) -> Self {
        Self {
            seats,
            last_seats: 0,
            linger: Duration::ZERO,
        }
    }

    /// Seats that are kept for it from beginning to end.
    pub fn held(&self) -> u32 {
        self.seats.max(self.last_seats)
    }

    /// In seat seconds, where nothing is known of how long it takes.
    fn total(&self) -> f64 {
        f64::from(self.seats) * ASSUMED + f64::from(self.last_seats) * self.linger.as_secs_f64()
    }
}

/// What becomes of requests that find no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// There is always a seat.
    Exempt,
    /// They are refused.
    Reject,
    /// They wait.
    Queue {
        /// Number of queues.
        queues: u32,
        /// How many of them a flow may use.
        hand: u32,
        /// How many requests wait in one at most.
        length: u32,
    },
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) dispatched: u64,
    pub(super) rejected: u64,
    pub(super) timed_out: u64,
    pub(super) cancelled: u64,
}

/// The place of a request in a level.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) queue: Option<usize>,
    pub(super) work: Work,
}

/// What becomes of a request on arrival.
pub(super) enum Arrival {
    /// It is served.
    Served(Ticket),
    /// It waits until it is told, with the time, in a queue of this length.
    Waits(Ticket, oneshot::Receiver<Instant>, usize),
    /// It is refused, for this reason.
    Refused(&'static str),
}

struct Waiter {
    id: u64,
    work: Work,
    /// The meter's reading on arrival.
    arrived: f64,
    served: oneshot::Sender<Instant>,
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiter>,
    waiting_work: f64,
    pub(super) executing: usize,
    pub(super) seats: u32,
    pub(super) next: f64,
}

impl Queue {
    fn is_busy(&self) -> bool {
        self.executing > 0 || !self.waiting.is_empty()
    }

    /// A queue does not save up turns that it had no use for.
    fn begin_no_earlier(&mut self) {
        if let Some(first) = self.waiting.front() {
            self.next = self.next.max(first.arrived);
        }
    }

    fn take(&mut self, at: usize) -> Option<Waiter> {
        let waiter = self.waiting.remove(at)?;
        self.waiting_work -= waiter.work.total();
        if self.waiting.is_empty() {
            self.waiting_work = 0.0;
        }
        Some(waiter)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Seats and work, in seat seconds, that are waited for.
    pub(super) fn waited_for(&self) -> (u32, u32, f64) {
        let works = self.waiting.iter().map(|waiter| &waiter.work);
        let (first, most) = works.fold((0, 0), |(first, most), work| {
            (first + work.seats, most + work.held())
        });
        (first, most, self.waiting_work)
    }
}

/// Who waits in a priority level and who is served.
pub(super) struct Queues {
    handling: Handling,
    limit: u32,
    queues: Vec<Queue>,
    round: f64,
    metered: Instant,
    last_served: usize,
    dealt: usize,
    next_id: u64,
    pub(super) waiting: usize,
    waiting_seats: u32,
    pub(super) executing: usize,
    pub(super) seats: u32,
    /// Queues that have work.
    busy: usize,
    demand: Demand,
    pub(super) tally: Tally,
}

impl Queues {
    pub(super) fn new(handling: Handling, limit: u32, now: Instant) -> Self {
        let mut queues = Self {
            handling,
            limit,
            queues: Vec::new(),
            round: 0.0,
            metered: now,
            last_served: 0,
            dealt: 0,
            next_id: 0,
            waiting: 0,
            waiting_seats: 0,
            executing: 0,
            seats: 0,
            busy: 0,
            demand: Demand::new(now),
            tally: Tally::default(),
        };
        queues.shape(now, handling);
        queues
    }

    /// How requests are handled from now on. Who waits goes on waiting.
    pub(super) fn shape(&mut self, now: Instant, handling: Handling) {
        self.meter(now);
        self.handling = handling;
        if let Handling::Queue { queues, .. } = handling
            && self.queues.len() < queues as usize
        {
            self.queues.resize_with(queues as usize, Queue::default);
        }
        self.drop_spare_queues();
    }

    pub(super) fn handling(&self) -> Handling {
        self.handling
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn set_limit(&mut self, now: Instant, limit: u32) {
        self.meter(now);
        self.limit = limit;
        self.dispatch(now);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.executing == 0
    }

    pub(super) fn take_demand(&mut self, now: Instant) -> Period {
        self.demand.take(now)
    }

    pub(super) fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// A request arrives. `flow` is the hash of whose it is.
    pub(super) fn arrive(&mut self, now: Instant, work: Work, flow: u64) -> Arrival {
        self.meter(now);
        let id = self.next_id;
        self.next_id += 1;
        let Handling::Queue { hand, length, .. } = self.handling else {
            if !self.has_room_for(work.held()) {
                self.tally.rejected += 1;
                return Arrival::Refused("concurrency-limit");
            }
            let ticket = Ticket {
                id,
                queue: None,
                work,
            };
            self.serve(now, None, work);
            return Arrival::Served(ticket);
        };
        let at = self.choose(flow, hand);
        let queue = &mut self.queues[at];
        if self.seats >= self.limit && queue.waiting.len() >= length as usize {
            self.tally.rejected += 1;
            return Arrival::Refused("queue-full");
        }
        if !queue.is_busy() {
            queue.next = self.round;
        }
        let ticket = Ticket {
            id,
            queue: Some(at),
            work,
        };
        if self.waiting == 0 && self.seats < self.limit && self.has_room_for(work.held()) {
            // The only one that could be next.
            let queue = &mut self.queues[at];
            queue.next = queue.next.max(self.round);
            self.serve(now, Some(at), work);
            return Arrival::Served(ticket);
        }
        let (served, told) = oneshot::channel();
        let waiter = Waiter {
            id,
            work,
            arrived: self.round,
            served,
        };
        self.with_queue(at, |queue| {
            queue.waiting_work += work.total();
            queue.waiting.push_back(waiter);
            queue.begin_no_earlier();
        });
        let length = self.queues[at].waiting.len();
        self.waiting += 1;
        self.waiting_seats += work.held();
        self.note_demand(now);
        self.dispatch(now);
        Arrival::Waits(ticket, told, length)
    }

    /// A request that waits goes away. Whether it waited still.
    pub(super) fn leave(&mut self, now: Instant, ticket: &Ticket, timed_out: bool) -> bool {
        self.meter(now);
        let Some(at) = ticket.queue else { return false };
        let place = self.queues[at]
            .waiting
            .iter()
            .position(|waiter| waiter.id == ticket.id);
        let Some(place) = place else { return false };
        self.with_queue(at, |queue| {
            queue.take(place);
            queue.begin_no_earlier();
        });
        self.waiting -= 1;
        self.waiting_seats -= ticket.work.held();
        self.tally.rejected += 1;
        if timed_out {
            self.tally.timed_out += 1;
        } else {
            self.tally.cancelled += 1;
        }
        self.note_demand(now);
        self.drop_spare_queues();
        true
    }

    /// A request that was served since `began` has its answer. Unless its work lingers, its seats are
    /// free.
    pub(super) fn finish(&mut self, now: Instant, ticket: &Ticket, began: Instant) {
        self.meter(now);
        self.executing -= 1;
        if let Some(at) = ticket.queue {
            let took = now.saturating_duration_since(began).as_secs_f64();
            self.with_queue(at, |queue| {
                queue.executing -= 1;
                queue.next -= f64::from(ticket.work.seats) * (ASSUMED - took);
                queue.begin_no_earlier();
            });
        }
        if ticket.work.linger.is_zero() {
            self.release(now, ticket);
        } else {
            self.dispatch(now);
        }
    }

    /// The seats of a request that has finished are free.
    pub(super) fn release(&mut self, now: Instant, ticket: &Ticket) {
        self.meter(now);
        let held = ticket.work.held();
        self.seats -= held;
        if let Some(queue) = ticket.queue.and_then(|at| self.queues.get_mut(at)) {
            queue.seats = queue.seats.saturating_sub(held);
        }
        self.note_demand(now);
        self.drop_spare_queues();
        self.dispatch(now);
    }

    /// The queue of a flow's hand that has the least work waiting; of equal ones, another each time.
    fn choose(&mut self, flow: u64, hand: u32) -> usize {
        let Handling::Queue { queues, .. } = self.handling else {
            return 0;
        };
        let mut cards = [0; LARGEST_HAND];
        let hand = deal(flow, queues as usize, hand as usize, &mut cards);
        let offset = self.dealt % hand.len().max(1);
        self.dealt = self.dealt.wrapping_add(1);
        let (before, from) = hand.split_at(offset);
        let in_turn = from.iter().chain(before).copied();
        let work = |at: &usize| self.queues[*at].waiting_work;
        in_turn
            .min_by(|one, other| work(one).total_cmp(&work(other)))
            .unwrap_or_default()
    }

    fn has_room_for(&self, seats: u32) -> bool {
        match self.handling {
            Handling::Exempt => true,
            // Who wants more than there is gets everything.
            _ if seats > self.limit => self.executing == 0,
            _ => self.seats + seats <= self.limit,
        }
    }

    /// Serves who waits while there are seats.
    fn dispatch(&mut self, now: Instant) {
        while self.waiting > 0 && self.seats < self.limit {
            let Some((at, held)) = self.next_in_turn() else {
                return;
            };
            if !self.has_room_for(held) {
                return;
            }
            let waiter = self.with_queue(at, |queue| queue.take(0));
            let Some(waiter) = waiter else { return };
            self.waiting -= 1;
            self.waiting_seats -= held;
            if waiter.served.send(now).is_ok() {
                self.serve(now, Some(at), waiter.work);
            } else {
                self.tally.cancelled += 1;
                self.note_demand(now);
            }
            self.queues[at].begin_no_earlier();
        }
    }

    /// Of the queues that have the fewest seats now, the one whose first request would be done first; and the seats
    /// that it wants.
    fn next_in_turn(&mut self) -> Option<(usize, u32)> {
        let count = self.queues.len();
        let mut best: Option<((u32, f64), usize, u32)> = None;
        for step in 1..=count {
            let at = (self.last_served + step) % count;
            let queue = &self.queues[at];
            let Some(first) = queue.waiting.front() else {
                continue;
            };
            let rank = (queue.seats, queue.next + first.work.total());
            if best.is_none_or(|(least, ..)| rank < least) {
                best = Some((rank, at, first.work.held()));
            }
        }
        let (_, at, held) = best?;
        self.last_served = at;
        Some((at, held))
    }

    fn serve(&mut self, now: Instant, queue: Option<usize>, work: Work) {
        self.executing += 1;
        self.seats += work.held();
        self.tally.dispatched += 1;
        if let Some(at) = queue {
            self.with_queue(at, |queue| {
                queue.executing += 1;
                queue.seats += work.held();
                queue.next += work.total();
            });
        }
        self.note_demand(now);
    }

    /// Lets the meter run up to now: everyone who has work gets an equal part of the seats.
    fn meter(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.metered).as_secs_f64();
        self.metered = self.metered.max(now);
        if self.busy > 0 {
            let wanted = (self.seats + self.waiting_seats).min(self.limit);
            self.round += f64::from(wanted) / self.busy as f64 * passed;
        }
    }

    fn note_demand(&mut self, now: Instant) {
        self.demand.set(now, self.seats + self.waiting_seats);
    }

    fn with_queue<R>(&mut self, at: usize, change: impl FnOnce(&mut Queue) -> R) -> R {
        let queue = &mut self.queues[at];
        let before = queue.is_busy();
        let answer = change(queue);
        match (before, queue.is_busy()) {
            (false, true) => self.busy += 1,
            (true, false) => self.busy -= 1,
            _ => {}
        }
        answer
    }

    /// Queues beyond those that are dealt go when they are empty.
    fn drop_spare_queues(&mut self) {
        let wanted = match self.handling {
            Handling::Queue { queues, .. } => queues as usize,
            Handling::Exempt | Handling::Reject => 0,
        };
        while self.queues.len() > wanted
            && self
                .queues
                .last()
                .is_some_and(|queue| !queue.is_busy() && queue.seats == 0)
        {
            self.queues.pop();
        }
        if self.last_served >= self.queues.len() {
            self.last_served = 0;
        }
    }
}

/// Validation allows no hand for which 60 bits of hash are too few: 15 cards of 16 at most.
const LARGEST_HAND: usize = 15;

/// Deals `hand` different cards out of a deck of `deck` as a hash says, every hand being as likely as
/// any other.
fn deal(mut hash: u64, deck: usize, hand: usize, cards: &mut [usize; LARGEST_HAND]) -> &[usize] {
    let hand = hand.min(deck).min(LARGEST_HAND);
    let mut places = [0; LARGEST_HAND];
    for dealt in 0..hand {
        let left = (deck - dealt) as u64;
        let place = (hash % left) as usize;
        hash /= left;
        places[dealt] = place;
        // The card at that place of what was left then: put back what was dealt before, last one first.
        let step = |card: usize, earlier: &usize| card + usize::from(card >= *earlier);
        cards[dealt] = places[..dealt].iter().rev().fold(place, step);
    }
    &cards[..hand]
}

#[cfg(test)]
#[path = "queues/tests.rs"]
mod tests;
