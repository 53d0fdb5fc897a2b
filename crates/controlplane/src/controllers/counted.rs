//! What is counted of controllers, under the names that queues of work have upstream.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pintle_endpoints::metrics::{Collector, Counter, Gauge, Histogram, Kind, Samples};

/// The queues of all controllers that run.
///
/// A controller here looks at everything at once, so its queue holds one thing to do or none.
#[derive(Debug, Default)]
pub struct WorkQueues(Mutex<Vec<Arc<Queue>>>);

/// The queue of one controller.
#[derive(Debug)]
pub(super) struct Queue {
    name: &'static str,
    depth: Gauge,
    adds: Counter,
    retries: Counter,
    waits: Histogram,
    works: Histogram,
    /// Since when there is something to do that nobody does yet.
    due: Mutex<Option<Instant>>,
    /// Since when somebody does it.
    begun: Mutex<Option<Instant>>,
}

/// From ten nanoseconds to ten seconds.
const SECONDS: &[f64] = &[1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0];

/// The name of a controller's queue, where upstream's has one.
fn queue_name(controller: &'static str) -> &'static str {
    match controller {
        "namespace-controller" => "namespace",
        "garbage-collector-controller" => "garbage_collector_attempt_to_delete",
        "serviceaccount-controller" => "serviceaccount",
        "root-ca-certificate-publisher-controller" => "root_ca_cert_publisher",
        "clusterrole-aggregation-controller" => "ClusterRoleAggregator",
        "resourcequota-controller" => "resourcequota_primary",
        other => other,
    }
}

impl WorkQueues {
    /// The queue of a controller that begins to run.
    pub(super) fn of(&self, controller: &'static str) -> Arc<Queue> {
        let queue = Arc::new(Queue {
            name: queue_name(controller),
            depth: Gauge::default(),
            adds: Counter::default(),
            retries: Counter::default(),
            waits: Histogram::new(SECONDS),
            works: Histogram::new(SECONDS),
            due: Mutex::default(),
            begun: Mutex::default(),
        });
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.push(Arc::clone(&queue));
        queue
    }
}

impl Queue {
    /// There is something to do.
    pub(super) fn add(&self) {
        self.adds.inc();
        self.depth.set(1);
        *lock(&self.due) = Some(Instant::now());
    }

    /// It could not be done, and has to be done again.
    pub(super) fn retry(&self) {
        self.retries.inc();
        self.add();
    }

    /// Whether it was said that there is something to do.
    pub(super) fn is_due(&self) -> bool {
        lock(&self.due).is_some()
    }

    /// Somebody does it.
    pub(super) fn begin(&self) {
        self.depth.set(0);
        if let Some(due) = lock(&self.due).take() {
            self.waits.observe(due.elapsed().as_secs_f64());
        }
        *lock(&self.begun) = Some(Instant::now());
    }

    /// It is done, or was given up.
    pub(super) fn end(&self) {
        if let Some(begun) = lock(&self.begun).take() {
            self.works.observe(begun.elapsed().as_secs_f64());
        }
    }

    fn working_for(&self) -> f64 {
        let begun = *lock(&self.begun);
        begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A family with a number for each queue: name, help, kind, number.
type Each = (&'static str, &'static str, Kind, fn(&Queue) -> f64);

const EACH: [Each; 5] = [
    (
        "workqueue_adds_total",
        "[BETA] Total number of adds handled by workqueue",
        Kind::Counter,
        |queue| queue.adds.value() as f64,
    ),
    (
        "workqueue_depth",
        "[BETA] Current depth of workqueue",
        Kind::Gauge,
        |queue| queue.depth.value() as f64,
    ),
    (
        "workqueue_longest_running_processor_seconds",
        "[BETA] How many seconds has the longest running processor for workqueue been running.",
        Kind::Gauge,
        Queue::working_for,
    ),
    (
        "workqueue_retries_total",
        "[BETA] Total number of retries handled by workqueue",
        Kind::Counter,
        |queue| queue.retries.value() as f64,
    ),
    (
        "workqueue_unfinished_work_seconds",
        "[BETA] How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large \
         values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this \
         increases.",
        Kind::Gauge,
        Queue::working_for,
    ),
];

impl Collector for WorkQueues {
    fn collect(&self, samples: &mut Samples<'_>) {
        let mut queues = lock(&self.0).clone();
        queues.sort_unstable_by_key(|queue| queue.name);
        if queues.is_empty() {
            return;
        }
        for (name, help, kind, value) in EACH {
            samples.family(name, help, kind);
            for queue in &queues {
                samples.sample(&[("name", queue.name)], value(queue));
            }
        }
        type Times = fn(&Queue) -> &Histogram;
        let times: [(&'static str, &str, Times); 2] = [
            (
                "workqueue_queue_duration_seconds",
                "[BETA] How long in seconds an item stays in workqueue before being requested.",
                |queue| &queue.waits,
            ),
            (
                "workqueue_work_duration_seconds",
                "[BETA] How long in seconds processing an item from workqueue takes.",
                |queue| &queue.works,
            ),
        ];
        for (name, help, times) in times {
            samples.family(name, help, Kind::Histogram);
            for queue in &queues {
                samples.histogram(&[("name", queue.name)], times(queue));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_endpoints::metrics::Exposition;

    #[test]
    fn what_is_to_do_is_in_the_queue_until_somebody_does_it() {
        let queues = WorkQueues::default();
        let queue = queues.of("namespace-controller");
        let told = |name: &str| {
            let text = Exposition::Text.text(|samples| queues.collect(samples));
            let line = format!("{name}{{name=\"namespace\"}} ");
            let found = text.lines().find_map(|it| it.strip_prefix(&line));
            found.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
        };
        queue.add();
        assert_eq!(told("workqueue_depth"), "1");
        queue.begin();
        assert_eq!(told("workqueue_depth"), "0");
        assert_ne!(told("workqueue_unfinished_work_seconds"), "0");
        queue.end();
        queue.retry();
        for (name, count) in [
            ("workqueue_depth", "1"),
            ("workqueue_adds_total", "2"),
            ("workqueue_retries_total", "1"),
            ("workqueue_unfinished_work_seconds", "0"),
            ("workqueue_queue_duration_seconds_count", "1"),
            ("workqueue_work_duration_seconds_count", "1"),
        ] {
            assert_eq!(told(name), count, "{name}");
        }
    }
}
