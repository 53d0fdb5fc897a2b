//! Two greedy clients of 500 connections each, and a polite one, on a machine whose time is a number.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::fairness::queues::{Arrival, Handling, Queues, Ticket, Work};
use crate::fairness::turns::{Turn, Turns};

/// Processor time of a request.
const COST: Duration = Duration::from_millis(1);
const PROCESSORS: usize = 2;
/// Between an answer and the next request of one who is polite.
const PAUSE: Duration = Duration::from_micros(2_300);
/// Of who was refused.
const STAY_AWAY: Duration = Duration::from_secs(1);
/// What the default configuration has for users: seats, and queues.
const SEATS: u32 = 49;
const QUEUES: Handling = Handling::Queue {
    queues: 128,
    hand: 6,
    length: 50,
};

/// One connection, with a request at a time.
struct Connection {
    flow: u64,
    is_polite: bool,
    state: State,
    asked: Instant,
}

enum State {
    Away,
    WaitsForSeat(Ticket, oneshot::Receiver<Instant>),
    WaitsForTurn(Ticket, Instant, oneshot::Receiver<Turn>),
    Served(Ticket, Instant, Turn),
}

/// What happens next: a connection asks, or has its answer.
struct World {
    now: Instant,
    queues: Queues,
    turns: std::sync::Arc<Turns>,
    connections: Vec<Connection>,
    agenda: BTreeMap<(Instant, usize), usize>,
    planned: usize,
    /// How long the polite one waited for each answer.
    took: Vec<Duration>,
}

impl World {
    fn new(greedy: &[(u64, usize)], polite: u64) -> Self {
        let now = Instant::now();
        let flows = greedy
            .iter()
            .flat_map(|(flow, count)| std::iter::repeat_n((*flow, false), *count));
        let connections = flows.chain([(polite, true)]);
        let connections: Vec<Connection> = connections
            .map(|(flow, is_polite)| Connection {
                flow,
                is_polite,
                state: State::Away,
                asked: now,
            })
            .collect();
        let mut world = Self {
            now,
            queues: Queues::new(QUEUES, SEATS, now),
            turns: Turns::of(PROCESSORS),
            connections,
            agenda: BTreeMap::new(),
            planned: 0,
            took: Vec::new(),
        };
        for at in 0..world.connections.len() {
            // The greedy come first, and not all at the same moment.
            let delay = if world.connections[at].is_polite {
                Duration::from_millis(300)
            } else {
                Duration::from_micros(at as u64 * 37)
            };
            world.plan(delay, at);
        }
        world
    }

    fn plan(&mut self, delay: Duration, connection: usize) {
        self.planned += 1;
        self.agenda
            .insert((self.now + delay, self.planned), connection);
    }

    /// Goes on until the polite one has had so many answers.
    fn run(&mut self, answers: usize) {
        while self.took.len() < answers {
            let ((now, _), at) = self.agenda.pop_first().expect("somebody always asks");
            self.now = now;
            match std::mem::replace(&mut self.connections[at].state, State::Away) {
                State::Away => self.ask(at),
                State::Served(ticket, began, turn) => self.answer(at, &ticket, began, turn),
                waiting => self.connections[at].state = waiting,
            }
            self.wake();
        }
    }

    fn ask(&mut self, at: usize) {
        self.connections[at].asked = self.now;
        let flow = self.connections[at].flow;
        match self.queues.arrive(self.now, Work::of(1), flow) {
            Arrival::Served(ticket) => self.sit(at, ticket, self.now),
            Arrival::Waits(ticket, told, _) => {
                self.connections[at].state = State::WaitsForSeat(ticket, told);
            }
            Arrival::Refused(reason) => {
                assert!(!self.connections[at].is_polite, "it is refused: {reason}");
                self.plan(STAY_AWAY, at);
            }
        }
    }

    fn sit(&mut self, at: usize, ticket: Ticket, began: Instant) {
        let flow = self.connections[at].flow;
        match self.turns.arrive(flow, self.now) {
            (Some(turn), _) => self.serve(at, ticket, began, turn),
            (None, Some(told)) => {
                self.connections[at].state = State::WaitsForTurn(ticket, began, told);
            }
            (None, None) => unreachable!("a turn now or later"),
        }
    }

    fn serve(&mut self, at: usize, ticket: Ticket, began: Instant, turn: Turn) {
        self.connections[at].state = State::Served(ticket, began, turn);
        self.plan(COST, at);
    }

    fn answer(&mut self, at: usize, ticket: &Ticket, began: Instant, mut turn: Turn) {
        turn.end(|| self.now);
        self.queues.finish(self.now, ticket, began);
        let pause = if self.connections[at].is_polite {
            let asked = self.connections[at].asked;
            self.took.push(self.now - asked);
            PAUSE
        } else {
            Duration::ZERO
        };
        self.plan(pause, at);
    }

    /// Who was told of a seat or a turn goes on.
    fn wake(&mut self) {
        for at in 0..self.connections.len() {
            match std::mem::replace(&mut self.connections[at].state, State::Away) {
                State::WaitsForSeat(ticket, mut told) => match told.try_recv() {
                    Ok(began) => self.sit(at, ticket, began),
                    Err(_) => self.connections[at].state = State::WaitsForSeat(ticket, told),
                },
                State::WaitsForTurn(ticket, began, mut told) => match told.try_recv() {
                    Ok(turn) => self.serve(at, ticket, began, turn),
                    Err(_) => self.connections[at].state = State::WaitsForTurn(ticket, began, told),
                },
                other => self.connections[at].state = other,
            }
        }
    }
}

#[test]
fn the_polite_one_waits_three_times_as_long_as_alone_at_most() {
    const ANSWERS: usize = 300;
    let p99 = |greedy: &[(u64, usize)], polite| {
        let mut world = World::new(greedy, polite);
        world.run(ANSWERS);
        world.took.sort_unstable();
        world.took[ANSWERS * 99 / 100]
    };
    // Flows as their hashes: whichever queues they are dealt.
    for seed in 1..=5_u64 {
        let flow = |number: u64| (seed * 10 + number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let alone = p99(&[], flow(3));
        let among = p99(&[(flow(1), 500), (flow(2), 500)], flow(3));
        println!("alone {alone:?}, among the greedy {among:?}");
        assert!(alone == COST && among <= 3 * alone, "{among:?}");
    }
}
