//! What `/metrics` tells of priority and fairness.

use std::sync::Arc;

use pintle_authz::Attributes;

use super::shares::Claim;
use super::{Fairness, lock};
use crate::metrics::{Collector, Counter, Family, Gauge, Histogram, Kind, Samples};

const LEVEL_AND_SCHEMA: &[&str] = &["flow_schema", "priority_level"];
const SECONDS: &[f64] = &[
    0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0,
];

/// The families that have a schema's and a level's name.
pub(super) struct Measures {
    dispatched: Family<Counter>,
    rejected: Family<Counter>,
    queued: Family<Gauge>,
    queued_seats: Family<Gauge>,
    executing: Family<Gauge>,
    executing_seats: Family<Gauge>,
    waits: Family<Histogram>,
    executions: Family<Histogram>,
    estimates: Family<Histogram>,
    watchers: Family<Histogram>,
    unserved: Family<Counter>,
    lengths: Family<Histogram>,
    pending: Family<Gauge>,
}

/// Those of one schema.
pub(super) struct Series {
    pub(super) dispatched: Arc<Counter>,
    pub(super) queued: Arc<Gauge>,
    pub(super) queued_seats: Arc<Gauge>,
    pub(super) executing: Arc<Gauge>,
    pub(super) executing_seats: Arc<Gauge>,
    pub(super) waited: Arc<Histogram>,
    pub(super) waited_in_vain: Arc<Histogram>,
    pub(super) executed: Arc<Histogram>,
    pub(super) watch_starts: Arc<Histogram>,
    pub(super) estimated: Arc<Histogram>,
    pub(super) watchers: Arc<Histogram>,
    pub(super) unserved: Arc<Counter>,
    pub(super) lengths: Arc<Histogram>,
}

/// A request that waits in a queue, as it is counted.
pub(super) struct Pending(Arc<Gauge>);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Measures {
    /// A request waits in a queue, until the answer is dropped.
    pub(super) fn pending(&self, attributes: &Attributes) -> Pending {
        let is_read = matches!(attributes.verb.as_str(), "get" | "list" | "watch");
        let kind = if is_read { "readOnly" } else { "mutating" };
        let gauge = self.pending.with(&[kind]);
        gauge.inc();
        Pending(gauge)
    }

    pub(super) fn series(&self, level: &str, schema: &str) -> Series {
        let of = &[schema, level];
        Series {
            dispatched: self.dispatched.with(of),
            queued: self.queued.with(of),
            queued_seats: self.queued_seats.with(of),
            executing: self.executing.with(of),
            executing_seats: self.executing_seats.with(of),
            waited: self.waits.with(&["true", schema, level]),
            waited_in_vain: self.waits.with(&["false", schema, level]),
            executed: self.executions.with(&[schema, level, "regular"]),
            watch_starts: self.executions.with(&[schema, level, "watch"]),
            estimated: self.estimates.with(of),
            watchers: self.watchers.with(of),
            unserved: self.unserved.with(of),
            lengths: self.lengths.with(of),
        }
    }

    pub(super) fn refused(&self, level: &str, schema: &str, reason: &str) {
        self.rejected.with(&[schema, level, reason]).inc();
    }
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            dispatched: Family::new(
                "apiserver_flowcontrol_dispatched_requests_total",
                "[BETA] Number of requests executed by API Priority and Fairness subsystem",
                LEVEL_AND_SCHEMA,
                Counter::default,
            ),
            rejected: Family::new(
                "apiserver_flowcontrol_rejected_requests_total",
                "[BETA] Number of requests rejected by API Priority and Fairness subsystem",
                &["flow_schema", "priority_level", "reason"],
                Counter::default,
            ),
            queued: Family::new(
                "apiserver_flowcontrol_current_inqueue_requests",
                "[BETA] Number of requests currently pending in queues of the API Priority and Fairness subsystem",
                LEVEL_AND_SCHEMA,
                Gauge::default,
            ),
            queued_seats: Family::new(
                "apiserver_flowcontrol_current_inqueue_seats",
                "[ALPHA] Number of seats currently pending in queues of the API Priority and Fairness subsystem",
                LEVEL_AND_SCHEMA,
                Gauge::default,
            ),
            executing: Family::new(
                "apiserver_flowcontrol_current_executing_requests",
                "[BETA] Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem",
                LEVEL_AND_SCHEMA,
                Gauge::default,
            ),
            executing_seats: Family::new(
                "apiserver_flowcontrol_current_executing_seats",
                "[BETA] Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem",
                LEVEL_AND_SCHEMA,
                Gauge::default,
            ),
            waits: Family::new(
                "apiserver_flowcontrol_request_wait_duration_seconds",
                "[BETA] Length of time a request spent waiting in its queue",
                &["execute", "flow_schema", "priority_level"],
                || Histogram::new(SECONDS),
            ),
            executions: Family::new(
                "apiserver_flowcontrol_request_execution_seconds",
                "[ALPHA] Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority and Fairness subsystem",
                &["flow_schema", "priority_level", "type"],
                || Histogram::new(SECONDS),
            ),
            estimates: Family::new(
                "apiserver_flowcontrol_work_estimated_seats",
                "[ALPHA] Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness",
                LEVEL_AND_SCHEMA,
                || Histogram::new(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0]),
            ),
            watchers: Family::new(
                "apiserver_flowcontrol_watch_count_samples",
                "[ALPHA] count of watchers for mutating requests in API Priority and Fairness",
                LEVEL_AND_SCHEMA,
                || Histogram::new(&[0.0, 1.0, 10.0, 100.0, 1000.0, 10000.0]),
            ),
            unserved: Family::new(
                "apiserver_flowcontrol_request_dispatch_no_accommodation_total",
                "[ALPHA] Number of times a dispatch attempt resulted in a non accommodation due to lack of available seats",
                LEVEL_AND_SCHEMA,
                Counter::default,
            ),
            pending: Family::new(
                "apiserver_current_inqueue_requests",
                "[ALPHA] Maximal number of queued requests in this apiserver per request kind in last second.",
                &["request_kind"],
                Gauge::default,
            ),
            lengths: Family::new(
                "apiserver_flowcontrol_request_queue_length_after_enqueue",
                "[ALPHA] Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued",
                LEVEL_AND_SCHEMA,
                || Histogram::new(&[0.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0]),
            ),
        }
    }
}

/// A gauge per level: its name, its help, its value.
type OfLevel = (&'static str, &'static str, fn(&Look) -> f64);

const OF_LEVELS: [OfLevel; 9] = [
    (
        "apiserver_flowcontrol_current_limit_seats",
        "[ALPHA] current derived number of execution seats available to each priority level",
        |look| f64::from(look.limit),
    ),
    (
        "apiserver_flowcontrol_demand_seats_average",
        "[ALPHA] Time-weighted average, over last adjustment period, of demand_seats",
        |look| look.claim.need.last.average,
    ),
    (
        "apiserver_flowcontrol_demand_seats_high_watermark",
        "[ALPHA] High watermark, over last adjustment period, of demand_seats",
        |look| look.claim.need.last.peak,
    ),
    (
        "apiserver_flowcontrol_demand_seats_smoothed",
        "[ALPHA] Smoothed seat demands",
        |look| look.claim.need.smoothed,
    ),
    (
        "apiserver_flowcontrol_demand_seats_stdev",
        "[ALPHA] Time-weighted standard deviation, over last adjustment period, of demand_seats",
        |look| look.claim.need.last.deviation,
    ),
    (
        "apiserver_flowcontrol_lower_limit_seats",
        "[ALPHA] Configured lower bound on number of execution seats available to each priority level",
        |look| f64::from(look.claim.bounds.least),
    ),
    (
        "apiserver_flowcontrol_nominal_limit_seats",
        "[BETA] Nominal number of execution seats configured for each priority level",
        |look| f64::from(look.claim.bounds.nominal),
    ),
    (
        "apiserver_flowcontrol_target_seats",
        "[ALPHA] Seat allocation targets",
        |look| look.claim.target(),
    ),
    (
        "apiserver_flowcontrol_upper_limit_seats",
        "[ALPHA] Configured upper bound on number of execution seats available to each priority level",
        |look| f64::from(look.claim.bounds.most),
    ),
];

/// A level at one moment.
struct Look {
    name: String,
    claim: Claim,
    limit: u32,
}

impl Collector for Fairness {
    fn collect(&self, samples: &mut Samples<'_>) {
        let measures = &self.measures;
        for kind in ["mutating", "readOnly"] {
            measures.pending.with(&[kind]);
        }
        measures.pending.collect(samples);
        measures.executing.collect(samples);
        measures.executing_seats.collect(samples);
        measures.queued.collect(samples);
        measures.queued_seats.collect(samples);
        measures.dispatched.collect(samples);
        measures.rejected.collect(samples);
        measures.executions.collect(samples);
        measures.waits.collect(samples);
        measures.watchers.collect(samples);
        measures.estimates.collect(samples);
        measures
            .unserved
            .collect_those(samples, |it| it.value() > 0);
        measures
            .lengths
            .collect_those(samples, |it| it.snapshot().1 > 0);
        let levels = lock(&self.levels);
        let looks: Vec<Look> = levels
            .by_name
            .values()
            .map(|level| {
                let division = lock(&level.division);
                Look {
                    name: level.name.to_string(),
                    claim: Claim {
                        bounds: division.bounds,
                        need: division.need,
                    },
                    limit: lock(&level.queues).limit(),
                }
            })
            .collect();
        for (name, help, value) in OF_LEVELS {
            samples.family(name, help, Kind::Gauge);
            for look in &looks {
                samples.sample(&[("priority_level", &look.name)], value(look));
            }
        }
    }
}
