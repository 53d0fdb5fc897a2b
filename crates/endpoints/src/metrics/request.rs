//! Requests: how many, how long, how large.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::StatusCode;
use pintle_authz::ResourceAttributes;

use super::Collector;
use super::family::Family;
use super::text::Samples;
use super::value::{Counter, Gauge, Histogram};

/// What tells requests apart in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestLabels<'a> {
    /// `GET`, `LIST`, `WATCH`, `POST`, `PUT`, `PATCH`, `APPLY`, `DELETE`, `CONNECT`; anything else
    /// counts as `other`.
    pub verb: &'static str,
    /// `All`, or nothing.
    pub dry_run: &'static str,
    /// API group.
    pub group: &'a str,
    /// Version.
    pub version: &'a str,
    /// Resource.
    pub resource: &'a str,
    /// Subresource, or the path of what is no resource.
    pub subresource: &'a str,
    /// `resource`, `namespace`, `cluster`, or nothing.
    pub scope: &'static str,
}

const COMPONENT: &str = "apiserver";

/// The families of requests.
pub struct RequestMetrics {
    total: Family<Counter>,
    durations: Family<Histogram>,
    sli_durations: Family<Histogram>,
    sizes: Family<Histogram>,
    long_running: Family<Gauge>,
    terminations: Family<Counter>,
    inflight: Family<Gauge>,
    deprecated: Family<Gauge>,
    dropped: Family<Counter>,
    aborts: Family<Counter>,
    bodies: Family<Histogram>,
    /// Panics of handlers.
    pub panics: Counter,
    /// Handshakes that failed.
    pub tls_handshake_errors: Counter,
    known: Known,
}

/// The series of labels that have been met, by the hash of the labels: a read without a lock.
struct Known {
    series: ArcSwap<BTreeMap<u64, Vec<Arc<RequestSeries>>>>,
    adding: Mutex<()>,
    hasher: RandomState,
}

/// The metrics of requests with the same labels.
#[derive(Debug)]
pub struct RequestSeries {
    labels: OwnedLabels,
    /// By code: 200, 201, and the others are looked up each time. A metric is made when there is
    /// something to count.
    ok: OnceLock<Arc<Counter>>,
    created: OnceLock<Arc<Counter>>,
    duration: Arc<Histogram>,
    sli_duration: Option<Arc<Histogram>>,
    size: Option<Arc<Histogram>>,
    body: Option<Arc<Histogram>>,
}

impl RequestSeries {
    /// The request had a body of so many bytes.
    pub fn body(&self, bytes: usize) {
        if let Some(bodies) = &self.body {
            bodies.observe(bytes as f64);
        }
    }
}

/// What a request with a body is counted as.
fn body_verb(verb: &str, scope: &str) -> Option<&'static str> {
    Some(match (verb, scope) {
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH" | "APPLY", _) => "patch",
        ("DELETE", "resource") => "delete",
        ("DELETE", _) => "delete_collection",
        _ => return None,
    })
}

#[derive(Debug)]
struct OwnedLabels {
    verb: &'static str,
    dry_run: &'static str,
    scope: &'static str,
    texts: [Box<str>; 4],
}

impl OwnedLabels {
    fn borrow(&self) -> RequestLabels<'_> {
        let [group, version, resource, subresource] = &self.texts;
        RequestLabels {
            verb: self.verb,
            dry_run: self.dry_run,
            group,
            version,
            resource,
            subresource,
            scope: self.scope,
        }
    }
}

impl RequestMetrics {
    /// The metrics of requests with these labels.
    pub fn series(&self, labels: RequestLabels<'_>) -> Arc<RequestSeries> {
        let hash = self.known.hasher.hash_one(labels);
        let find = |known: &BTreeMap<u64, Vec<Arc<RequestSeries>>>| {
            known
                .get(&hash)?
                .iter()
                .find(|series| series.labels.borrow() == labels)
                .cloned()
        };
        if let Some(found) = find(&self.known.series.load()) {
            return found;
        }
        let _adding = self
            .known
            .adding
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut known = BTreeMap::clone(&self.known.series.load());
        if let Some(found) = find(&known) {
            return found;
        }
        let series = Arc::new(self.make(labels));
        known.entry(hash).or_default().push(Arc::clone(&series));
        self.known.series.store(Arc::new(known));
        series
    }

    fn make(&self, labels: RequestLabels<'_>) -> RequestSeries {
        let RequestLabels {
            verb,
            dry_run,
            group,
            version,
            resource,
            subresource,
            scope,
        } = labels;
        let common = [
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            COMPONENT,
        ];
        RequestSeries {
            labels: OwnedLabels {
                verb,
                dry_run,
                scope,
                texts: [
                    group.into(),
                    version.into(),
                    resource.into(),
                    subresource.into(),
                ],
            },
            ok: OnceLock::new(),
            created: OnceLock::new(),
            duration: self.durations.with(&[
                verb,
                dry_run,
                group,
                version,
                resource,
                subresource,
                scope,
                COMPONENT,
            ]),
            sli_duration: dry_run.is_empty().then(|| self.sli_durations.with(&common)),
            size: matches!(verb, "GET" | "LIST").then(|| self.sizes.with(&common)),
            body: body_verb(verb, scope).map(|verb| self.bodies.with(&[group, resource, verb])),
        }
    }

    /// A request is over: answered with `code` after `elapsed`, and a body of so many bytes.
    pub fn finished(
        &self,
        series: &RequestSeries,
        code: StatusCode,
        elapsed: Duration,
        bytes: u64,
    ) {
        let total = || {
            let RequestLabels {
                verb,
                dry_run,
                group,
                version,
                resource,
                subresource,
                scope,
            } = series.labels.borrow();
            self.total.with(&[
                verb,
                dry_run,
                group,
                version,
                resource,
                subresource,
                scope,
                COMPONENT,
                code.as_str(),
            ])
        };
        match code {
            StatusCode::OK => series.ok.get_or_init(total).inc(),
            StatusCode::CREATED => series.created.get_or_init(total).inc(),
            _ => total().inc(),
        }
        let seconds = elapsed.as_secs_f64();
        series.duration.observe(seconds);
        if let Some(sli) = &series.sli_duration {
            sli.observe(seconds);
        }
        if let Some(size) = &series.size {
            size.observe(bytes as f64);
        }
    }

    /// A long-running request begins; it ends when the guard is dropped.
    pub fn long_running(&self, series: &RequestSeries) -> LongRunning {
        let RequestLabels {
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            ..
        } = series.labels.borrow();
        let gauge = self.long_running.with(&[
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            COMPONENT,
        ]);
        gauge.inc();
        LongRunning(gauge)
    }

    /// Somebody uses what will be gone with a release, or some time.
    pub fn deprecated(&self, target: &ResourceAttributes, removed: &str) {
        let labels = &[
            &*target.group,
            &*target.version,
            &*target.resource,
            &*target.subresource,
            removed,
        ];
        self.deprecated.with(labels).set(1);
    }

    /// The server cut a request off in self-defence.
    pub fn terminated(&self, labels: RequestLabels<'_>, code: StatusCode) {
        let RequestLabels {
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            ..
        } = labels;
        self.terminations
            .with(&[
                verb,
                group,
                version,
                resource,
                subresource,
                scope,
                COMPONENT,
                code.as_str(),
            ])
            .inc();
    }

    /// An answer was cut off: its client is gone, or read too slowly.
    pub fn aborted(&self, series: &RequestSeries) {
        let RequestLabels {
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            ..
        } = series.labels.borrow();
        self.aborts
            .with(&[verb, group, version, resource, subresource, scope])
            .inc();
    }

    /// A request was turned away because there were too many.
    pub fn dropped(&self, mutating: bool) {
        self.dropped.with(&[request_kind(mutating)]).inc();
    }

    /// How many requests of a kind are being served.
    pub fn inflight(&self, mutating: bool) -> Arc<Gauge> {
        self.inflight.with(&[request_kind(mutating)])
    }
}

/// A long-running request that is counted.
#[derive(Debug)]
pub struct LongRunning(Arc<Gauge>);

impl Drop for LongRunning {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const fn request_kind(mutating: bool) -> &'static str {
    if mutating { "mutating" } else { "readOnly" }
}

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
            known: Known {
                series: ArcSwap::default(),
                adding: Mutex::default(),
                hasher: RandomState::new(),
            },
        }
    }
}

impl Collector for RequestMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        use super::text::Kind;

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

#[cfg(test)]
mod tests {
    use super::super::{Exposition, Metrics};
    use super::*;

    const GET: RequestLabels<'_> = RequestLabels {
        verb: "GET",
        dry_run: "",
        group: "",
        version: "v1",
        resource: "pods",
        subresource: "",
        scope: "resource",
    };

    #[test]
    fn a_request_is_counted_under_its_labels() {
        let metrics = Metrics::new();
        let series = metrics.requests.series(GET);
        assert!(Arc::ptr_eq(&series, &metrics.requests.series(GET)));
        metrics
            .requests
            .finished(&series, StatusCode::OK, Duration::from_millis(1), 2000);
        metrics.requests.finished(
            &series,
            StatusCode::NOT_FOUND,
            Duration::from_millis(1),
            200,
        );
        let watches = metrics.requests.series(RequestLabels {
            verb: "WATCH",
            scope: "cluster",
            ..GET
        });
        let _watching = metrics.requests.long_running(&watches);
        let text = metrics.expose(Exposition::Text);
        let labels = r#"verb="GET",dry_run="",group="",version="v1",resource="pods",subresource="",scope="resource",component="apiserver""#;
        for line in [
            format!("apiserver_request_total{{{labels},code=\"200\"}} 1\n"),
            format!("apiserver_request_total{{{labels},code=\"404\"}} 1\n"),
            format!("apiserver_request_duration_seconds_count{{{labels}}} 2\n"),
            "scope=\"cluster\",component=\"apiserver\"} 1\n".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} in {text}");
        }
    }
}
