//! Priority and fairness: who is served when not everyone can be.
//!
//! A request belongs to a flow, as flow schemas say, and a flow to a priority level. A level has so
//! many seats of the server's; a request occupies one, or more if it is large. Who finds no seat waits
//! in one of the level's queues, fairly among the flows, or is refused. Seats that a level does not
//! need are lent to others, anew every ten seconds.
//!
//! [`Fairness`] is told what schemas and levels there are with [`Fairness::configure`]; until then it
//! has the two of each that there always are. Which objects say so is not its business.

mod dump;
mod estimate;
mod levels;
mod measure;
mod overload;
mod plan;
mod present;
mod queues;
mod seat;
mod shares;
mod turns;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::HeaderValue;
use pintle_authz::Attributes;
use pintle_runtime::status::RetryAfter;
use tokio::sync::oneshot;

pub(crate) use estimate::estimate;
use levels::{Level, Levels};
use measure::{Measures, Series};
pub use plan::{
    Distinguisher, FlowSchema, PathRule, Plan, PriorityLevel, ResourceRule, Rule, Subject,
};
use queues::{Arrival, Ticket};
pub use queues::{Handling, Work};
pub(crate) use seat::Seat;
use seat::Waiting;
use turns::Turns;

/// How often seats are divided anew.
const PERIOD: Duration = Duration::from_secs(10);

/// Decides who is served when not everyone can be.
pub struct Fairness {
    flows: ArcSwap<Flows>,
    levels: Mutex<Levels>,
    measures: Measures,
    hasher: RandomState,
    /// Turns of reads that wait for nothing; none where they ask somebody else.
    turns: Option<Arc<Turns>>,
}

/// A flow schema with its level.
pub(crate) struct Flow {
    schema: FlowSchema,
    schema_uid: HeaderValue,
    level_uid: HeaderValue,
    level: Arc<Level>,
    is_exempt: bool,
    /// The seats that one request gets at most, where there is such a limit.
    largest: Option<u32>,
    series: Series,
    seed: u64,
}

/// All flows.
struct Flows {
    /// In the order in which they are matched.
    list: Vec<Arc<Flow>>,
    /// What a request is of that none of them matches.
    catch_all: Arc<Flow>,
}

/// What a client is told that gets no place.
pub(crate) struct Refused {
    /// To stay away for so many seconds.
    pub(crate) stay_away: u64,
}

impl Fairness {
    /// A server of so many seats.
    pub fn new(seats: u32) -> Self {
        let (measures, hasher) = (Measures::default(), RandomState::new());
        let mut levels = Levels {
            seats,
            by_name: BTreeMap::new(),
        };
        let flows = levels.arrange(Plan::default(), &measures, &hasher);
        Self {
            flows: ArcSwap::from_pointee(flows),
            levels: Mutex::new(levels),
            measures,
            hasher,
            turns: Some(Turns::new()),
        }
    }

    /// The same where reads have to ask an etcd, and wait for that.
    #[must_use]
    pub fn without_turns(self) -> Self {
        Self {
            turns: None,
            ..self
        }
    }

    /// From now on there are these schemas and levels, and what there always is. A schema whose level
    /// is not among them is left out. A level that is gone is kept until nobody waits in it.
    pub fn configure(&self, plan: Plan) {
        let mut levels = lock(&self.levels);
        let flows = levels.arrange(plan, &self.measures, &self.hasher);
        self.flows.store(Arc::new(flows));
    }

    /// Divides the seats anew every ten seconds. Runs until it is dropped.
    pub async fn keep_dividing(&self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let mut levels = lock(&self.levels);
            levels.by_name.retain(|_, level| {
                !lock(&level.division).is_leaving || !lock(&level.queues).is_idle()
            });
            levels.divide(Instant::now());
        }
    }

    /// The flow of a request.
    pub(crate) fn classify(&self, attributes: &Attributes) -> Arc<Flow> {
        let flows = self.flows.load();
        let matching = flows
            .list
            .iter()
            .find(|flow| flow.schema.matches(attributes));
        Arc::clone(matching.unwrap_or(&flows.catch_all))
    }

    /// Seats for a request that comes `now`, waited for until `deadline`. `stage` is what it is counted as: `regular`,
    /// or `watch` for the beginning of one.
    ///
    /// # Errors
    /// Where there are none.
    pub(crate) async fn enter(
        &self,
        flow: &Arc<Flow>,
        attributes: &Arc<Attributes>,
        work: Work,
        now: Instant,
        deadline: Instant,
        stage: &'static str,
    ) -> Result<Seat, Refused> {
        let level = &flow.level;
        let series = &flow.series;
        series.estimated.observe(f64::from(work.held()));
        let told_apart = flow.schema.distinguish(attributes);
        let hash = self.hasher.hash_one((flow.seed, &*told_apart));
        let arrival = {
            let mut queues = lock(&level.queues);
            let hash = match queues.handling() {
                Handling::Queue { queues: 2.., .. } => hash,
                _ => 0,
            };
            queues.arrive(now, work, hash)
        };
        let note = |ticket: &Ticket, started| {
            let schema = &flow.schema.name;
            lock(&level.present).arrive(ticket, attributes, schema, told_apart, now, started);
        };
        let mut seat = match arrival {
            Arrival::Served(ticket) => {
                note(&ticket, Some(now));
                if !flow.is_exempt {
                    series.waited.observe(0.0);
                }
                Seat::new(flow, ticket, now, stage)
            }
            Arrival::Refused(reason) => {
                self.measures
                    .refused(&level.name, &flow.schema.name, reason);
                return Err(self.refuse(level));
            }
            Arrival::Waits(ticket, told, length) => {
                note(&ticket, None);
                series.unserved.inc();
                series.lengths.observe(length as f64);
                let _pending = self.measures.pending(attributes);
                let (ticket, began) = self.wait(flow, ticket, told, now, deadline).await?;
                Seat::new(flow, ticket, began, stage)
            }
        };
        if !flow.is_exempt && matches!(attributes.verb.as_str(), "get" | "list") {
            seat.turns = self.turns.clone().map(|turns| (turns, hash));
        }
        Ok(seat)
    }

    /// Waits in a queue, until `deadline` at the latest; gives the moment when that was over.
    async fn wait(
        &self,
        flow: &Arc<Flow>,
        ticket: Ticket,
        told: oneshot::Receiver<Instant>,
        now: Instant,
        deadline: Instant,
    ) -> Result<(Ticket, Instant), Refused> {
        let (level, series) = (&flow.level, &flow.series);
        let held = i64::from(ticket.work.held());
        series.queued.inc();
        series.queued_seats.add(held);
        let mut waiting = Waiting {
            flow,
            measures: &self.measures,
            ticket: Some(ticket),
            told,
            timed_out: false,
        };
        let began = tokio::time::timeout_at(deadline.into(), &mut waiting.told).await;
        let waited = now.elapsed().as_secs_f64();
        if let Ok(Ok(began)) = began
            && let Some(ticket) = waiting.ticket.take()
        {
            series.queued.dec();
            series.queued_seats.add(-held);
            series.waited.observe(waited);
            lock(&level.present).start(&ticket, began);
            return Ok((ticket, began));
        }
        waiting.timed_out = true;
        series.waited_in_vain.observe(waited);
        self.measures
            .refused(&level.name, &flow.schema.name, "time-out");
        Err(self.refuse(level))
    }

    fn refuse(&self, level: &Level) -> Refused {
        Refused {
            stay_away: lock(&level.refusals).note(Instant::now()),
        }
    }
}

impl Flow {
    /// Uids of the flow schema and of the priority level, as clients are told.
    pub(crate) fn uids(&self) -> (HeaderValue, HeaderValue) {
        (self.schema_uid.clone(), self.level_uid.clone())
    }

    /// Counts who watches what a write changes.
    pub(crate) fn note_watchers(&self, count: usize) {
        self.series.watchers.observe(count as f64);
    }
}

impl Refused {
    /// Because there is no place just now.
    pub(crate) fn for_now(time: RetryAfter) -> Self {
        Self {
            stay_away: u64::try_from(time.as_seconds()).unwrap_or_default(),
        }
    }
}

/// A panic under one of these locks leaves counts that are off by one request at most.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
