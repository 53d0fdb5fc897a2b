//! What is counted below the storage: values that are sealed and opened, and leases.

use std::sync::Arc;

use pintle_endpoints::metrics::{Collector, Counter, Family, Histogram, Samples};
use pintle_storage::encryption::Transformation;

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

/// What is counted of etcd's leases.
pub(crate) struct Leases {
    values: Family<Histogram>,
    /// The only one of them: there is no label.
    value: Arc<Histogram>,
}

impl Default for Leases {
    fn default() -> Self {
        let values = Family::new(
            "etcd_lease_object_counts",
            "[ALPHA] Number of objects attached to a single etcd lease.",
            &[],
            || Histogram::new(&[10.0, 50.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0]),
        );
        let value = values.with(&[]);
        Self { values, value }
    }
}

impl Leases {
    /// A lease was given to so many values.
    pub(crate) fn given(&self, values: usize) {
        self.value.observe(values as f64);
    }
}

impl Collector for Leases {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.values
            .collect_those(samples, |values| values.snapshot().1 > 0);
    }
}
