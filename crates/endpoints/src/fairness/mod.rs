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
mod measure;
mod overload;
mod plan;
mod present;
mod queues;
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
use pintle_runtime::text::Text;
use tokio::sync::oneshot;

pub(crate) use estimate::estimate;
use measure::{Measures, Series};
use overload::Refusals;
use plan::{CATCH_ALL, EXEMPT};
pub use plan::{
    Distinguisher, FlowSchema, PathRule, Plan, PriorityLevel, ResourceRule, Rule, Subject,
};
use present::Present;
use queues::{Arrival, Queues, Ticket};
pub use queues::{Handling, Work};
use shares::{Bounds, Claim, Need};
use turns::{Turn, Turns};

/// How often seats are divided anew.
const PERIOD: Duration = Duration::from_secs(10);
/// Part of a level's seats that one request gets at most.
const LARGEST_PART: f64 = 0.15;

/// Decides who is served when not everyone can be.
pub struct Fairness {
    flows: ArcSwap<Flows>,
    levels: Mutex<Levels>,
    measures: Measures,
    hasher: RandomState,
    /// Turns of reads that wait for nothing; none where they ask somebody else.
    turns: Option<Arc<Turns>>,
}

/// Priority levels by name.
struct Levels {
    seats: u32,
    by_name: BTreeMap<Text, Arc<Level>>,
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

/// A priority level at work.
struct Level {
    name: Text,
    queues: Mutex<Queues>,
    division: Mutex<Division>,
    refusals: Mutex<Refusals>,
    present: Mutex<Present>,
}

/// A level's part in the division of seats.
#[derive(Debug, Clone, Default)]
struct Division {
    bounds: Bounds,
    need: Need,
    /// Nothing refers to it any more.
    is_leaving: bool,
}

/// The seats of a request that is served. They are free when it is dropped, or a moment later for a
/// write that many watch.
pub(crate) struct Seat {
    /// Where it takes a turn, by the hash of its flow, if it does.
    turns: Option<(Arc<Turns>, u64)>,
    /// Ends before the seat is free.
    turn: Option<Turn>,
    flow: Arc<Flow>,
    ticket: Option<Ticket>,
    began: Instant,
    stage: &'static str,
}

/// A request that waits for its seats.
struct Waiting<'a> {
    flow: &'a Arc<Flow>,
    measures: &'a Measures,
    ticket: Option<Ticket>,
    told: oneshot::Receiver<Instant>,
    timed_out: bool,
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

impl Levels {
    fn arrange(&mut self, plan: Plan, measures: &Measures, hasher: &RandomState) -> Flows {
        let Plan {
            mut schemas,
            levels: mut specs,
        } = plan;
        for name in [EXEMPT, CATCH_ALL] {
            if !specs.iter().any(|level| level.name == name) {
                specs.push(PriorityLevel::mandatory(name));
            }
        }
        if !schemas.iter().any(|schema| schema.name == EXEMPT) {
            schemas.push(FlowSchema::mandatory(EXEMPT));
        }
        schemas.sort_by(|one, other| {
            (one.precedence, &one.name).cmp(&(other.precedence, &other.name))
        });
        let now = Instant::now();
        self.by_name.retain(|name, level| {
            if specs.iter().any(|spec| spec.name == *name) {
                return true;
            }
            lock(&level.division).is_leaving = true;
            !lock(&level.queues).is_idle()
        });
        let all_shares = specs.iter().map(|spec| spec.shares).sum();
        for spec in &specs {
            let level = self
                .by_name
                .entry(spec.name.clone())
                .or_insert_with(|| Arc::new(Level::new(spec, now)));
            level.take(spec, self.seats, all_shares, now);
        }
        self.divide(now);
        let flow = |schema: FlowSchema| {
            let spec = specs.iter().find(|spec| spec.name == schema.level)?;
            let level = self.by_name.get(&spec.name)?;
            Some(Arc::new(Flow {
                schema_uid: header(&schema.uid),
                level_uid: header(&spec.uid),
                is_exempt: spec.handling == Handling::Exempt,
                largest: largest(spec.handling, lock(&level.division).bounds.nominal),
                series: measures.series(&level.name, &schema.name),
                seed: hasher.hash_one(&*schema.name),
                level: Arc::clone(level),
                schema,
            }))
        };
        let mut list: Vec<Arc<Flow>> = schemas.into_iter().filter_map(flow).collect();
        let catch_all = list
            .iter()
            .find(|flow| flow.schema.name == CATCH_ALL)
            .cloned();
        let catch_all = catch_all.unwrap_or_else(|| {
            let schema = FlowSchema::mandatory(CATCH_ALL);
            let flow = flow(schema).expect("its level is always there");
            list.push(Arc::clone(&flow));
            flow
        });
        Flows { list, catch_all }
    }

    /// Divides the seats by what each level needed of late.
    fn divide(&self, now: Instant) {
        let (mut limited, mut claims) = (Vec::new(), Vec::new());
        let (mut seats, mut taken) = (0, 0);
        for level in self.by_name.values() {
            let mut division = lock(&level.division);
            let mut queues = lock(&level.queues);
            let period = queues.take_demand(now);
            division.need.learn(period);
            seats += division.bounds.nominal;
            if queues.handling() == Handling::Exempt {
                let limit = division.bounds.least.max(period.peak.round() as u32);
                queues.set_limit(now, limit);
                taken += limit;
            } else {
                limited.push(level);
                claims.push(Claim {
                    bounds: division.bounds,
                    need: division.need,
                });
            }
        }
        let limits = shares::divide(seats.saturating_sub(taken), &claims);
        for (level, limit) in limited.into_iter().zip(limits) {
            lock(&level.queues).set_limit(now, limit);
        }
    }
}

impl Level {
    fn new(spec: &PriorityLevel, now: Instant) -> Self {
        Self {
            name: spec.name.clone(),
            queues: Mutex::new(Queues::new(spec.handling, 0, now)),
            division: Mutex::default(),
            refusals: Mutex::default(),
            present: Mutex::default(),
        }
    }

    fn take(&self, spec: &PriorityLevel, seats: u32, all_shares: u32, now: Instant) {
        let mut division = lock(&self.division);
        division.is_leaving = false;
        division.bounds = Bounds::new(
            seats,
            spec.shares,
            all_shares,
            spec.lendable_percent,
            spec.borrowing_percent,
        );
        lock(&self.queues).shape(now, spec.handling);
    }
}

/// The seats that one request gets at most, where requests wait.
fn largest(handling: Handling, nominal: u32) -> Option<u32> {
    let Handling::Queue { hand, .. } = handling else {
        return None;
    };
    let part = (f64::from(nominal) * LARGEST_PART).ceil() as u32;
    Some(part.min(nominal / hand.max(1)).max(1))
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

impl Seat {
    /// Waits from `now` on for the request's turn, if there is one to wait for: just before it is served.
    pub(crate) async fn take_turn(&mut self, now: Instant) {
        if let Some((turns, flow)) = &self.turns {
            self.turn = turns.take(*flow, now).await;
        }
    }

    fn new(flow: &Arc<Flow>, ticket: Ticket, began: Instant, stage: &'static str) -> Self {
        let series = &flow.series;
        series.dispatched.inc();
        series.executing.inc();
        series.executing_seats.add(i64::from(ticket.work.held()));
        Self {
            turns: None,
            turn: None,
            flow: Arc::clone(flow),
            ticket: Some(ticket),
            began,
            stage,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        drop(self.turn.take());
        let now = Instant::now();
        lock(&self.flow.level.present).leave(&ticket);
        let series = &self.flow.series;
        series.executing.dec();
        let took = now.saturating_duration_since(self.began).as_secs_f64();
        if self.stage == "watch" {
            series.watch_starts.observe(took);
        } else {
            series.executed.observe(took);
        }
        lock(&self.flow.level.queues).finish(now, &ticket, self.began);
        let held = i64::from(ticket.work.held());
        if ticket.work.linger.is_zero() {
            series.executing_seats.add(-held);
            return;
        }
        let flow = Arc::clone(&self.flow);
        let linger = ticket.work.linger;
        let release = move || {
            lock(&flow.level.queues).release(Instant::now(), &ticket);
            flow.series.executing_seats.add(-held);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    tokio::time::sleep(linger).await;
                    release();
                });
            }
            // The server has stopped.
            Err(_) => release(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let series = &self.flow.series;
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let now = Instant::now();
        lock(&self.flow.level.present).leave(&ticket);
        series.queued.dec();
        series.queued_seats.add(-i64::from(ticket.work.held()));
        if !self.timed_out {
            let (level, schema) = (&self.flow.level.name, &self.flow.schema.name);
            self.measures.refused(level, schema, "cancelled");
        }
        let mut queues = lock(&self.flow.level.queues);
        // It may have been served just now, and nobody is there any more.
        if !queues.leave(now, &ticket, self.timed_out)
            && let Ok(began) = self.told.try_recv()
        {
            queues.finish(now, &ticket, began);
            if !ticket.work.linger.is_zero() {
                queues.release(now, &ticket);
            }
        }
    }
}

fn header(uid: &str) -> HeaderValue {
    HeaderValue::from_str(uid).unwrap_or(HeaderValue::from_static(""))
}

/// A panic under one of these locks leaves counts that are off by one request at most.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
