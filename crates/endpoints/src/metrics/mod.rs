//! What `/metrics` tells.
//!
//! Counting is a few atomic operations: a [`Family`] is asked for a labelled metric once, and the
//! metric is kept by whoever counts. Families are looked at only when somebody scrapes. Names, labels,
//! buckets and help texts are upstream's, as dashboards and alerts read them.

mod access;
mod admission;
mod family;
mod process;
mod request;
mod storage;
mod stores;
mod text;
mod value;
mod watch;

pub use access::AccessMetrics;
pub(crate) use access::{Attempt, Judgement};
pub use admission::AdmissionMetrics;
pub(crate) use admission::{Admission, Durations};
pub use family::Family;
pub use request::{LongRunning, RequestLabels, RequestMetrics, RequestSeries};
pub use storage::StorageMetrics;
pub(crate) use storage::{Asked, Timed};
pub(crate) use stores::Stores;
pub use text::{Exposition, Kind, Samples};
pub use value::{Counter, Gauge, Histogram};
pub use watch::{WatchMetrics, WatchSeries};

use std::sync::{Arc, Mutex, PoisonError};

use crate::client::CLIENT;

/// Something that has samples when asked.
pub trait Collector: Send + Sync + 'static {
    /// Writes its families.
    fn collect(&self, samples: &mut Samples<'_>);
}

impl<F: Fn(&mut Samples<'_>) + Send + Sync + 'static> Collector for F {
    fn collect(&self, samples: &mut Samples<'_>) {
        self(samples);
    }
}

/// Everything that `/metrics` tells of.
#[derive(Default)]
pub struct Metrics {
    collectors: Mutex<Vec<Arc<dyn Collector>>>,
    /// Requests.
    pub requests: Arc<RequestMetrics>,
    /// Who asks, and whether they may.
    pub access: Arc<AccessMetrics>,
    /// Watches.
    pub watches: Arc<WatchMetrics>,
}

impl Metrics {
    /// The families of requests, access, watches and the process itself.
    pub fn new() -> Self {
        let metrics = Self::default();
        metrics.register(Arc::clone(&metrics.requests) as Arc<dyn Collector>);
        metrics.register(Arc::clone(&metrics.access) as Arc<dyn Collector>);
        metrics.register(Arc::clone(&metrics.watches) as Arc<dyn Collector>);
        metrics.register(Arc::new(process::Process::new()));
        metrics.register(Arc::new(|samples: &mut Samples<'_>| {
            CLIENT.collect(samples);
        }));
        metrics
    }

    /// Adds families, such as those of a storage. Closures over [`Samples`] will do.
    pub fn register(&self, collector: Arc<dyn Collector>) {
        self.collectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(collector);
    }

    /// All samples as text.
    pub fn expose(&self, exposition: Exposition) -> String {
        let collectors = self
            .collectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        exposition.text(|samples| {
            for collector in collectors {
                collector.collect(samples);
            }
            samples.families();
        })
    }
}
