//! What is counted of tokens that are remembered.

use std::sync::Arc;
use std::time::Duration;

use pintle_authn::TokenCacheEvents;
use pintle_endpoints::metrics::{Collector, Counter, Family, Gauge, Histogram, Samples};

/// The families of the cache of tokens. They have no help texts upstream either.
pub(crate) struct TokenCacheMetrics {
    requests: Family<Counter>,
    durations: Family<Histogram>,
    fetches: Family<Counter>,
    active: Family<Gauge>,
    /// Found without looking for them: of what is known, and of what is not.
    answered: [(Arc<Counter>, Arc<Histogram>); 2],
}

/// Those of Prometheus' client libraries.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const STATUS: &[&str] = &["status"];

impl Default for TokenCacheMetrics {
    fn default() -> Self {
        let requests = Family::new(
            "authentication_token_cache_request_total",
            "[ALPHA]",
            STATUS,
            Counter::default,
        );
        let durations = Family::new(
            "authentication_token_cache_request_duration_seconds",
            "[ALPHA]",
            STATUS,
            || Histogram::new(SECONDS),
        );
        let answered = ["hit", "miss"].map(|it| (requests.with(&[it]), durations.with(&[it])));
        Self {
            requests,
            durations,
            fetches: Family::new(
                "authentication_token_cache_fetch_total",
                "[ALPHA]",
                STATUS,
                Counter::default,
            ),
            active: Family::new(
                "authentication_token_cache_active_fetch_count",
                "[ALPHA]",
                STATUS,
                Gauge::default,
            ),
            answered,
        }
    }
}

impl TokenCacheEvents for TokenCacheMetrics {
    fn answered(&self, was_known: bool, took: Duration) {
        let (count, durations) = &self.answered[usize::from(!was_known)];
        count.inc();
        durations.observe(took.as_secs_f64());
    }

    fn waits(&self, begins: bool) {
        let change = if begins { 1 } else { -1 };
        self.active.with(&["blocked"]).add(change);
    }

    fn asks(&self) {
        self.active.with(&["in_flight"]).inc();
    }

    fn asked(&self, has_answer: bool) {
        let status = if has_answer { "ok" } else { "error" };
        self.fetches.with(&[status]).inc();
        self.active.with(&["in_flight"]).dec();
    }
}

impl Collector for TokenCacheMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.active.collect(samples);
        self.fetches.collect(samples);
        // What has happened at all.
        self.durations
            .collect_those(samples, |durations| durations.snapshot().1 > 0);
        self.requests
            .collect_those(samples, |count| count.value() > 0);
    }
}
