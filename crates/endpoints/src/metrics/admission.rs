//! How long admission takes.

use std::sync::Arc;
use std::time::Duration;

use super::Collector;
use super::family::Family;
use super::text::Samples;
use super::value::Histogram;
use crate::admission::Operation;
use crate::registry::Registry;

/// Bounds of durations, in seconds.
const DURATIONS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 1.0, 2.5];

/// How long plug-ins take, and how long all of them do.
#[derive(Debug)]
pub struct AdmissionMetrics {
    plugins: Family<Histogram>,
    passes: Family<Histogram>,
}

impl Default for AdmissionMetrics {
    fn default() -> Self {
        let make = || Histogram::new(DURATIONS);
        Self {
            plugins: Family::new(
                "apiserver_admission_controller_admission_duration_seconds",
                "[STABLE] Admission controller latency histogram in seconds, identified by name and broken out for each \
                 operation and API resource and type (validate or admit).",
                &["name", "operation", "rejected", "type"],
                make,
            ),
            passes: Family::new(
                "apiserver_admission_step_admission_duration_seconds",
                "[STABLE] Admission sub-step latency histogram in seconds, broken out for each operation and API resource and \
                 step type (validate or admit).",
                &["operation", "rejected", "type"],
                make,
            ),
        }
    }
}

impl AdmissionMetrics {
    /// The histograms of a plug-in in a pass, or of the whole pass where `plugin` is empty. `pass` is `admit` or
    /// `validate`.
    pub(crate) fn durations(
        self: &Arc<Self>,
        plugin: &'static str,
        operation: Operation,
        pass: &'static str,
    ) -> Durations {
        Durations {
            metrics: Arc::clone(self),
            plugin,
            operation,
            pass,
            admitted: self.histogram(plugin, operation, "false", pass),
        }
    }

    fn histogram(
        &self,
        plugin: &str,
        operation: Operation,
        rejected: &str,
        pass: &str,
    ) -> Arc<Histogram> {
        let operation = operation.as_str();
        if plugin.is_empty() {
            self.passes.with(&[operation, rejected, pass])
        } else {
            self.plugins.with(&[plugin, operation, rejected, pass])
        }
    }
}

/// How long one plug-in takes in one pass.
#[derive(Clone)]
pub(crate) struct Durations {
    metrics: Arc<AdmissionMetrics>,
    plugin: &'static str,
    operation: Operation,
    pass: &'static str,
    admitted: Arc<Histogram>,
}

impl Durations {
    /// Counts an answer. Refusals are rare, so their histogram is looked up.
    pub(crate) fn observe(&self, took: Duration, refused: bool) {
        if refused {
            self.metrics
                .histogram(self.plugin, self.operation, "true", self.pass)
                .observe(took.as_secs_f64());
        } else {
            self.admitted.observe(took.as_secs_f64());
        }
    }
}

/// The metrics of a registry's plug-ins.
pub(crate) struct Admission(pub(crate) Arc<Registry>);

impl Collector for Admission {
    fn collect(&self, samples: &mut Samples<'_>) {
        if let Some(chain) = self.0.admission() {
            // Those that were made ready for what has not happened yet are left out.
            let happened = |durations: &Histogram| durations.snapshot().1 > 0;
            let metrics = chain.metrics();
            metrics.plugins.collect_those(samples, happened);
            metrics.passes.collect_those(samples, happened);
        }
    }
}
