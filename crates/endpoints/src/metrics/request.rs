//! Requests: how many, how long, how large.

mod families;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::StatusCode;
use pintle_authz::ResourceAttributes;

use super::family::Family;
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
#[derive(Default)]
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
