//! Names, labels and buckets of what is counted of requests.

use super::{Known, RequestMetrics};
use crate::metrics::Collector;
use crate::metrics::family::Family;
use crate::metrics::text::{Kind, Samples};
use crate::metrics::value::{Counter, Gauge, Histogram};

const DURATIONS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];
const SLI_DURATIONS: &[f64] = &[
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0,
    30.0, 45.0, 60.0,
];
const SIZES: &[f64] = &[1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Half of 100 KB, and from there on in steps of that.
const BODIES: [f64; 31] = {
    let mut bounds = [50_000.0; 31];
    let mut at = 1;
    while at < bounds.len() {
        bounds[at] = bounds[at - 1] + 100_000.0;
        at += 1;
    }
    bounds
};

impl Default for RequestMetrics {
    fn default() -> Self {
        const COMMON: &[&str] = &[
            "verb",
            "group",
            "version",
            "resource",
            "subresource",
            "scope",
            "component",
        ];
        const WITH_DRY_RUN: &[&str] = &[
            "verb",
            "dry_run",
            "group",
            "version",
            "resource",
            "subresource",
            "scope",
            "component",
        ];
        Self {
            total: Family::new(
                "apiserver_request_total",
                "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, \
                 component, and HTTP response code.",
                &[
                    "verb",
                    "dry_run",
                    "group",
                    "version",
                    "resource",
                    "subresource",
                    "scope",
                    "component",
                    "code",
                ],
                Counter::default,
            ),
            durations: Family::new(
                "apiserver_request_duration_seconds",
                "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, \
                 subresource, scope and component.",
                WITH_DRY_RUN,
                || Histogram::new(DURATIONS),
            ),
            sli_durations: Family::new(
                "apiserver_request_sli_duration_seconds",
                "[ALPHA] Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in \
                 seconds for each verb, group, version, resource, subresource, scope and component.",
                COMMON,
                || Histogram::new(SLI_DURATIONS),
            ),
            sizes: Family::new(
                "apiserver_response_sizes",
                "[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and \
                 component.",
                COMMON,
                || Histogram::new(SIZES),
            ),
            long_running: Family::new(
                "apiserver_longrunning_requests",
                "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope \
                 and component. Not all requests are tracked this way.",
                COMMON,
                Gauge::default,
            ),
            terminations: Family::new(
                "apiserver_request_terminations_total",
                "[ALPHA] Number of requests which apiserver terminated in self-defense.",
                &[
                    "verb",
                    "group",
                    "version",
                    "resource",
                    "subresource",
                    "scope",
                    "component",
                    "code",
                ],
                Counter::default,
            ),
            inflight: Family::new(
                "apiserver_current_inflight_requests",
                "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
                &["request_kind"],
                Gauge::default,
            ),
            deprecated: Family::new(
                "apiserver_requested_deprecated_apis",
                "[STABLE] Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.",
                &[
                    "group",
                    "version",
                    "resource",
                    "subresource",
                    "removed_release",
                ],
                Gauge::default,
            ),
            dropped: Family::new(
                "apiserver_dropped_requests_total",
                "[ALPHA] Number of requests dropped with 'Try again later' response",
                &["request_kind"],
                Counter::default,
            ),
            aborts: Family::new(
                "apiserver_request_aborts_total",
                "[ALPHA] Number of requests which apiserver aborted possibly due to a timeout, for each group, version, verb, \
                 resource, subresource and scope",
                &[
                    "verb",
                    "group",
                    "version",
                    "resource",
                    "subresource",
                    "scope",
                ],
                Counter::default,
            ),
            bodies: Family::new(
                "apiserver_request_body_size_bytes",
                "[ALPHA] Apiserver request body size in bytes broken out by resource and verb.",
                &["group", "resource", "verb"],
                || Histogram::new(&BODIES),
            ),
            panics: Counter::default(),
            tls_handshake_errors: Counter::default(),
            known: Known::default(),
        }
    }
}

impl Collector for RequestMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.inflight.collect(samples);
        self.dropped.collect(samples);
        self.long_running.collect(samples);
        self.durations.collect(samples);
        self.deprecated.collect(samples);
        self.sli_durations.collect(samples);
        self.terminations.collect(samples);
        self.aborts.collect(samples);
        self.bodies
            .collect_those(samples, |bodies| bodies.snapshot().1 > 0);
        self.total.collect(samples);
        self.sizes.collect(samples);
        let help = "[ALPHA] Number of requests dropped with 'TLS handshake error from' error";
        samples.single(
            "apiserver_tls_handshake_errors_total",
            help,
            Kind::Counter,
            self.tls_handshake_errors.value() as f64,
        );
        let help = "Number of panics of request handlers that were recovered from";
        samples.single(
            "apiserver_request_panics_total",
            help,
            Kind::Counter,
            self.panics.value() as f64,
        );
    }
}
