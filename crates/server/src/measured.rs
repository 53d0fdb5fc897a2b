//! How long it takes to ask etcd, and to seal and open values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pintle_endpoints::metrics::{Collector, Counter, Family, Histogram, Samples};
use pintle_storage::encryption::Transformation;
use pintle_storage::{
    Answer, At, Event, EventStream, Expect, Key, KeyRange, Listing, Observer, Page, Record,
    Revision, Storage, StorageError, Subscription,
};

use crate::resources::Resources;

/// What is counted of values that are sealed and opened.
pub(crate) struct Transformations {
    resources: Arc<Resources>,
    durations: Family<Histogram>,
    total: Family<Counter>,
}

/// From five microseconds on, each twice the one before it.
const TRANSFORMATIONS: &[f64] = &[
    5e-6, 1e-5, 2e-5, 4e-5, 8e-5, 1.6e-4, 3.2e-4, 6.4e-4, 1.28e-3, 2.56e-3, 5.12e-3, 1.024e-2,
    2.048e-2, 4.096e-2, 8.192e-2, 1.6384e-1, 3.2768e-1, 6.5536e-1, 1.31072, 2.62144, 5.24288,
    10.48576, 20.97152, 41.94304, 83.88608,
];

impl Transformations {
    /// Nothing yet, of the resources that are kept in these places.
    pub(crate) fn new(resources: Arc<Resources>) -> Self {
        Self {
            resources,
            durations: Family::new(
                "apiserver_storage_transformation_duration_seconds",
                "[ALPHA] Latencies in seconds of value transformation operations.",
                &["transformation_type", "transformer_prefix"],
                || Histogram::new(TRANSFORMATIONS),
            ),
            total: Family::new(
                "apiserver_storage_transformation_operations_total",
                "[ALPHA] Total number of transformations. Successful transformation will have a status 'OK' and a varied \
                 status string when the transformation fails. The status, resource, and transformation_type fields can \
                 be used for alerting purposes. For example, you can monitor for encryption/decryption failures using \
                 the transformation_type (e.g., from_storage for decryption and to_storage for encryption). \
                 Additionally, these fields can be used to ensure that the correct transformers are applied to each \
                 resource.",
                &[
                    "resource",
                    "status",
                    "transformation_type",
                    "transformer_prefix",
                ],
                Counter::default,
            ),
        }
    }

    /// A value was sealed or opened, or could not be.
    pub(crate) fn happened(&self, what: &Transformation<'_>) {
        let kind = if what.is_sealing {
            "to_storage"
        } else {
            "from_storage"
        };
        let resource = match self.resources.of(what.key.as_bytes()).unwrap_or_default() {
            ("", resource) => resource.to_owned(),
            (group, resource) => format!("{resource}.{group}"),
        };
        let status = match what.refusal {
            None => "OK",
            Some(_) => "unknown-non-grpc",
        };
        self.total
            .with(&[&resource, status, kind, what.prefix])
            .inc();
        if what.refusal.is_none() {
            let durations = self.durations.with(&[kind, what.prefix]);
            durations.observe(what.took.as_secs_f64());
        }
    }
}

impl Collector for Transformations {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.durations.collect(samples);
        self.total.collect(samples);
    }
}

/// A store whose answers are timed.
pub(crate) struct MeasuredStore {
    inner: Arc<dyn Storage>,
    requests: Arc<EtcdRequests>,
}

/// What is counted of requests to etcd.
pub(crate) struct EtcdRequests {
    resources: Arc<Resources>,
    durations: Family<Histogram>,
    total: Family<Counter>,
    errors: Family<Counter>,
}

const BUCKETS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];

impl EtcdRequests {
    /// Nothing yet, of the resources that are kept in these places.
    pub(crate) fn new(resources: Arc<Resources>) -> Self {
        const LABELS: &[&str] = &["group", "operation", "resource"];
        Self {
            resources,
            durations: Family::new(
                "etcd_request_duration_seconds",
                "[ALPHA] Etcd request latency in seconds for each operation and object type.",
                LABELS,
                || Histogram::new(BUCKETS),
            ),
            total: Family::new(
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

    fn answered(&self, operation: &str, key: &[u8], took: Duration, failed: bool) {
        let (group, resource) = self.resources.of(key).unwrap_or_default();
        let labels = [group, operation, resource];
        self.durations.with(&labels).observe(took.as_secs_f64());
        self.total.with(&labels).inc();
        if failed {
            self.errors.with(&labels).inc();
        }
    }
}

impl Collector for EtcdRequests {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.durations.collect(samples);
        self.total.collect(samples);
        self.errors.collect(samples);
    }
}

impl MeasuredStore {
    /// The same store, with its answers counted there.
    pub(crate) fn new(inner: Arc<dyn Storage>, requests: &Arc<EtcdRequests>) -> Self {
        Self {
            inner,
            requests: Arc::clone(requests),
        }
    }

    async fn time<T>(
        &self,
        operation: &str,
        key: &[u8],
        answer: Answer<'_, T>,
    ) -> Result<T, StorageError> {
        let began = Instant::now();
        let answer = answer.await;
        let failed = answer.as_ref().is_err_and(is_failure);
        self.requests
            .answered(operation, key, began.elapsed(), failed);
        answer
    }
}

/// Whether it is etcd's failure, and not the truth about a key.
fn is_failure(error: &StorageError) -> bool {
    !matches!(
        error,
        StorageError::NotFound { .. } | StorageError::Exists { .. } | StorageError::Conflict { .. }
    )
}

impl Storage for MeasuredStore {
    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>> {
        let answer = self.inner.get(key, not_before);
        Box::pin(self.time("get", key.as_bytes(), answer))
    }

    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>> {
        let answer = self.inner.list(range, page);
        Box::pin(self.time("list", &range.start, answer))
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision> {
        let operation = match expect {
            Expect::Absent => "create",
            Expect::At(_) => "update",
        };
        let answer = self.inner.put(key, expect, value, lease);
        Box::pin(self.time(operation, key.as_bytes(), answer))
    }

    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        let answer = self.inner.delete(key, expect);
        Box::pin(self.time("delete", key.as_bytes(), answer))
    }

    fn watch<'a>(&'a self, range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream> {
        self.inner.watch(range, from)
    }

    fn history<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Revision,
        up_to: Revision,
    ) -> Answer<'a, At<Vec<Event>>> {
        self.inner.history(range, after, up_to)
    }

    fn subscribe<'a>(
        &'a self,
        range: &'a KeyRange,
        observer: Arc<dyn Observer>,
    ) -> Answer<'a, Subscription> {
        self.inner.subscribe(range, observer)
    }

    fn current<'a>(&'a self) -> Answer<'a, Revision> {
        self.inner.current()
    }

    fn tells_at_once(&self) -> bool {
        self.inner.tells_at_once()
    }

    fn is_stale<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        self.inner.is_stale(key)
    }

    fn compact<'a>(&'a self, revision: Revision) -> Answer<'a, ()> {
        self.inner.compact(revision)
    }

    fn size_on_disk<'a>(&'a self) -> Answer<'a, u64> {
        self.inner.size_on_disk()
    }
}
