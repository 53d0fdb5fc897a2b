//! A request that has its seats, and one that waits for them.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::measure::Measures;
use super::queues::Ticket;
use super::turns::{Turn, Turns};
use super::{Flow, lock};

/// The seats of a request that is served. They are free when it is dropped, or a moment later for a
/// write that many watch.
pub(crate) struct Seat {
    /// Where it takes a turn, by the hash of its flow, if it does.
    pub(super) turns: Option<(Arc<Turns>, u64)>,
    /// Ends before the seat is free.
    turn: Option<Turn>,
    flow: Arc<Flow>,
    ticket: Option<Ticket>,
    began: Instant,
    stage: &'static str,
}

/// A request that waits for its seats.
pub(super) struct Waiting<'a> {
    pub(super) flow: &'a Arc<Flow>,
    pub(super) measures: &'a Measures,
    pub(super) ticket: Option<Ticket>,
    pub(super) told: oneshot::Receiver<Instant>,
    pub(super) timed_out: bool,
}

impl Seat {
    /// Waits from `now` on for the request's turn, if there is one to wait for: just before it is served.
    pub(crate) async fn take_turn(&mut self, now: Instant) {
        if let Some((turns, flow)) = &self.turns {
            self.turn = turns.take(*flow, now).await;
        }
    }

    pub(super) fn new(
        flow: &Arc<Flow>,
        ticket: Ticket,
        began: Instant,
        stage: &'static str,
    ) -> Self {
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
