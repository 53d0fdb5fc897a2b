//! What is counted of the audit: [`AuditMetrics`].

use super::Level;
use crate::metrics::{Collector, Counter, Family, Samples};

/// The families of the audit.
pub struct AuditMetrics {
    events: Family<Counter>,
    pub(super) errors: Family<Counter>,
    levels: Family<Counter>,
    rejected: Family<Counter>,
}

impl Default for AuditMetrics {
    fn default() -> Self {
        let family = |name, help, labels| Family::new(name, help, labels, Counter::default);
        Self {
            events: family(
                "apiserver_audit_event_total",
                "[ALPHA] Counter of audit events generated and sent to the audit backend.",
                &[],
            ),
            errors: family(
                "apiserver_audit_error_total",
                "[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
                &["plugin"],
            ),
            levels: family(
                "apiserver_audit_level_total",
                "[ALPHA] Counter of policy levels for audit events (1 per request).",
                &["level"],
            ),
            rejected: family(
                "apiserver_audit_requests_rejected_total",
                "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
                &[],
            ),
        }
    }
}

impl AuditMetrics {
    /// Events are lost; `plugin` could not keep them.
    pub fn lost(&self, plugin: &str, events: u64, why: &str) {
        self.errors.with(&[plugin]).add(events);
        tracing::error!(plugin, events, why, "audit events are lost");
    }

    pub(super) fn told(&self) {
        self.events.with(&[]).inc();
    }

    pub(super) fn judged(&self, level: Level) {
        self.levels.with(&[level.name()]).inc();
    }

    pub(super) fn rejected(&self) {
        self.rejected.with(&[]).inc();
    }
}

impl Collector for AuditMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        // Without labels they are there from the beginning.
        self.events.with(&[]);
        self.rejected.with(&[]);
        for family in [&self.events, &self.errors, &self.levels, &self.rejected] {
            family.collect(samples);
        }
    }
}
