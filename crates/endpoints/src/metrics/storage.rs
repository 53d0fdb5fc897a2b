//! How long the store takes, by what is asked of it: [`Timed`].

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pintle_storage::{
    Answer, At, Expect, Key, KeyRange, Layer, Listing, Page, Record, Revision, Storage,
    StorageError,
};

use super::Collector;
use super::family::Family;
use super::text::Samples;
use super::value::{Counter, Histogram};

const LABELS: &[&str] = &["group", "operation", "resource"];
const SECONDS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];

/// The families of requests to the store. They have the names that they have always had, whatever keeps the objects.
#[derive(Debug)]
pub struct StorageMetrics {
    durations: Family<Histogram>,
    requests: Family<Counter>,
    errors: Family<Counter>,
}

impl Default for StorageMetrics {
    fn default() -> Self {
        Self {
            durations: Family::new(
                "etcd_request_duration_seconds",
                "[ALPHA] Etcd request latency in seconds for each operation and object type.",
                LABELS,
                || Histogram::new(SECONDS),
            ),
            requests: Family::new(
                "etcd_requests_total",
                "[ALPHA] Etcd request counts for each operation and object type.",
                LABELS,
                Counter::default,
            ),
            errors: Family::new(
                "etcd_request_errors_total",
                "[ALPHA] Etcd failed request counts for each operation and object type.",
                LABELS,
                Counter::default,
            ),
        }
    }
}

impl Collector for StorageMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.durations.collect(samples);
        self.requests.collect(samples);
        self.errors.collect(samples);
    }
}

/// One operation on one resource.
#[derive(Debug)]
struct Operation {
    name: &'static str,
    /// Made when there is something to count.
    series: OnceLock<(Arc<Histogram>, Arc<Counter>)>,
}

impl Operation {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            series: OnceLock::new(),
        }
    }
}

/// What one resource asks of the store.
pub(crate) struct Asked {
    metrics: Arc<StorageMetrics>,
    group: String,
    resource: String,
    get: Operation,
    list: Operation,
    create: Operation,
    update: Operation,
    delete: Operation,
}

impl Asked {
    pub(crate) fn new(metrics: Arc<StorageMetrics>, group: &str, resource: &str) -> Self {
        Self {
            metrics,
            group: group.to_owned(),
            resource: resource.to_owned(),
            get: Operation::new("get"),
            list: Operation::new("list"),
            create: Operation::new("create"),
            update: Operation::new("update"),
            delete: Operation::new("delete"),
        }
    }

    fn count(&self, operation: &Operation, took: Duration, error: Option<&StorageError>) {
        let labels = [&*self.group, operation.name, &*self.resource];
        let (durations, requests) = operation.series.get_or_init(|| {
            let metrics = &self.metrics;
            (
                metrics.durations.with(&labels),
                metrics.requests.with(&labels),
            )
        });
        durations.observe(took.as_secs_f64());
        requests.inc();
        // That something is not as it was thought to be is an answer.
        if matches!(
            error,
            Some(
                StorageError::Corrupt { .. }
                    | StorageError::Remote { .. }
                    | StorageError::Unavailable { .. }
            )
        ) {
            self.metrics.errors.with(&labels).inc();
        }
    }
}

/// The store as one resource uses it, timed.
pub(crate) struct Timed {
    inner: Arc<dyn Storage>,
    asked: Arc<Asked>,
}

impl Timed {
    pub(crate) fn new(inner: Arc<dyn Storage>, asked: Arc<Asked>) -> Self {
        Self { inner, asked }
    }

    fn timed<'a, T: Send + 'a>(
        &'a self,
        operation: &'a Operation,
        answer: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let began = Instant::now();
            let answer = answer.await;
            let took = began.elapsed();
            self.asked.count(operation, took, answer.as_ref().err());
            answer
        })
    }
}

impl Layer for Timed {
    fn inner(&self) -> &dyn Storage {
        &*self.inner
    }

    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>> {
        self.timed(&self.asked.get, self.inner.get(key, not_before))
    }

    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>> {
        self.timed(&self.asked.list, self.inner.list(range, page))
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision> {
        let operation = match expect {
            Expect::Absent => &self.asked.create,
            Expect::At(_) => &self.asked.update,
        };
        self.timed(operation, self.inner.put(key, expect, value, lease))
    }

    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        self.timed(&self.asked.delete, self.inner.delete(key, expect))
    }
}
