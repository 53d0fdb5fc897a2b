//! Events that were sent to watchers.

use std::sync::Arc;

use pintle_runtime::resource::Resource;

use super::Collector;
use super::family::Family;
use super::text::Samples;
use super::value::{Counter, Histogram};

/// The families of watch events.
pub struct WatchMetrics {
    events: Family<Counter>,
    sizes: Family<Histogram>,
    lists: Family<Histogram>,
}

/// Those of one resource.
#[derive(Clone)]
pub struct WatchSeries {
    events: Arc<Counter>,
    sizes: Arc<Histogram>,
}

impl WatchMetrics {
    /// The metrics of one resource, to be kept for the life of a watch.
    pub fn of(&self, group: &str, version: &str, resource: &str) -> WatchSeries {
        let labels = [group, version, resource];
        WatchSeries {
            events: self.events.with(&labels),
            sizes: self.sizes.with(&labels),
        }
    }
}

impl WatchMetrics {
    /// How long it takes until all objects are told to watches that begin with them.
    pub fn lists(&self, row: &Resource, scope: &str) -> Arc<Histogram> {
        self.lists
            .with(&[&row.group, &row.version, &row.name, scope])
    }
}

impl WatchSeries {
    /// An event of so many bytes is on its way.
    pub fn sent(&self, bytes: usize) {
        self.events.inc();
        self.sizes.observe(bytes as f64);
    }
}

const LIST_SECONDS: &[f64] = &[
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];

impl Default for WatchMetrics {
    fn default() -> Self {
        const LABELS: &[&str] = &["group", "version", "resource"];
        const SIZES: &[f64] = &[
            1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 65536.0, 131_072.0,
        ];
        Self {
            events: Family::new(
                "apiserver_watch_events_total",
                "[BETA] Number of events sent in watch clients",
                LABELS,
                Counter::default,
            ),
            sizes: Family::new(
                "apiserver_watch_events_sizes",
                "[BETA] Watch event size distribution in bytes",
                LABELS,
                || Histogram::new(SIZES),
            ),
            lists: Family::new(
                "apiserver_watch_list_duration_seconds",
                "[BETA] Response latency distribution in seconds for watch list requests broken by group, version, resource and \
                 scope.",
                &["group", "version", "resource", "scope"],
                || Histogram::new(LIST_SECONDS),
            ),
        }
    }
}

impl Collector for WatchMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.sizes.collect(samples);
        self.events.collect(samples);
        self.lists
            .collect_those(samples, |lists| lists.snapshot().1 > 0);
    }
}
