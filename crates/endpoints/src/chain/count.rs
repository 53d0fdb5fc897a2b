//! What is counted of requests.

use std::sync::Arc;
use std::time::Instant;

use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, Response, StatusCode};

use super::Chain;
use crate::body::{Body, OnEnd};
use crate::gate::Place;
use crate::metrics::{LongRunning, Metrics, RequestLabels, RequestSeries};
use crate::query::Query;
use crate::request_info::RequestInfo;

impl Chain {
    /// Counts a request for a resource: now, or when its body is sent.
    pub(super) fn count(
        &self,
        response: Response<Body>,
        series: Arc<RequestSeries>,
        received: Instant,
        place: Option<Place>,
        running: Option<LongRunning>,
    ) -> Response<Body> {
        let code = response.status();
        if let Some(length) = response.body().known_length() {
            self.metrics
                .requests
                .finished(&series, code, received.elapsed(), length);
            return response;
        }
        let metrics = Arc::clone(&self.metrics);
        let end = Ending {
            metrics,
            series,
            code,
            received,
            _place: place,
            running,
        };
        response.map(|body| body.with_end(Box::new(end)))
    }

    /// Counts a request for something else, if it is one of those that are counted.
    pub(super) fn count_root(
        &self,
        response: Response<Body>,
        info: &RequestInfo,
        received: Instant,
    ) -> Response<Body> {
        if let Some(path) = self.roots.counted(&info.path) {
            let labels = RequestLabels {
                verb: "GET",
                dry_run: "",
                group: "",
                version: "",
                resource: "",
                subresource: path,
                scope: "",
            };
            let series = self.metrics.requests.series(labels);
            let length = response.body().known_length().unwrap_or_default();
            self.metrics
                .requests
                .finished(&series, response.status(), received.elapsed(), length);
        }
        response
    }
}

/// Counts a request when its body is sent, and gives back its place.
struct Ending {
    metrics: Arc<Metrics>,
    series: Arc<RequestSeries>,
    code: StatusCode,
    received: Instant,
    _place: Option<Place>,
    running: Option<LongRunning>,
}

impl OnEnd for Ending {
    fn ended(&mut self, bytes: u64, whole: bool) {
        let requests = &self.metrics.requests;
        requests.finished(&self.series, self.code, self.received.elapsed(), bytes);
        // What goes on until somebody has enough of it is not cut off by that; nor is what was not wanted at all.
        if !whole && bytes > 0 && self.running.is_none() {
            requests.aborted(&self.series);
        }
    }
}

/// What a request is counted under. The verb is the method, but for reads.
pub(super) fn labels<'a>(
    method: &Method,
    headers: &HeaderMap,
    query: Query<'_>,
    info: &'a RequestInfo,
) -> RequestLabels<'a> {
    let dry_run = match query.first("dryRun") {
        None => "",
        Some(value) if value == "All" => "All",
        Some(_) => "invalid",
    };
    let Some(target) = &info.resource else {
        let (group, version, resource) = ("", "", "");
        return RequestLabels {
            verb: verb(method, headers, info, ""),
            dry_run,
            group,
            version,
            resource,
            subresource: &info.path,
            scope: "",
        };
    };
    // Whoever selects by name asks for one.
    let scope = if !target.name.is_empty() || info.verb == "create" {
        "resource"
    } else if !target.namespace.is_empty() {
        "namespace"
    } else {
        "cluster"
    };
    RequestLabels {
        verb: verb(method, headers, info, scope),
        dry_run,
        group: &target.group,
        version: &target.version,
        resource: &target.resource,
        subresource: &target.subresource,
        scope,
    }
}

fn verb(method: &Method, headers: &HeaderMap, info: &RequestInfo, scope: &str) -> &'static str {
    if matches!(
        info.subresource(),
        "log" | "exec" | "portforward" | "attach" | "proxy"
    ) {
        return "CONNECT";
    }
    match *method {
        Method::GET | Method::HEAD if info.verb == "watch" => "WATCH",
        Method::GET | Method::HEAD if !matches!(scope, "resource" | "") => "LIST",
        Method::GET | Method::HEAD => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH if headers.get(CONTENT_TYPE).is_some_and(|it| it == APPLY) => "APPLY",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

const APPLY: &str = "application/apply-patch+yaml";

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Uri};

    use super::*;

    #[track_caller]
    fn check(method: &str, path: &'static str, content_type: &'static str, expected: [&str; 2]) {
        let method: Method = method.parse().expect("a method");
        let uri = Uri::from_static(path);
        let info = RequestInfo::parse(&method, &uri).expect("it is a good path");
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let query = Query::new(uri.query().unwrap_or_default());
        let labels = labels(&method, &headers, query, &info);
        assert_eq!([labels.verb, labels.scope], expected, "{method} {path}");
    }

    #[test]
    fn a_request_is_counted_as_what_it_does() {
        const PODS: &str = "/api/v1/namespaces/blue/pods";
        check("GET", PODS, "", ["LIST", "namespace"]);
        check("GET", "/api/v1/pods", "", ["LIST", "cluster"]);
        check("GET", "/api/v1/pods?watch=1", "", ["WATCH", "cluster"]);
        check("POST", PODS, "application/json", ["POST", "resource"]);
        check("DELETE", PODS, "", ["DELETE", "namespace"]);
        check(
            "GET",
            "/api/v1/namespaces/blue/pods/a",
            "",
            ["GET", "resource"],
        );
        check(
            "PATCH",
            "/api/v1/namespaces/blue/pods/a",
            "application/merge-patch+json",
            ["PATCH", "resource"],
        );
        check(
            "PATCH",
            "/api/v1/namespaces/blue/pods/a",
            APPLY,
            ["APPLY", "resource"],
        );
        check(
            "GET",
            "/api/v1/namespaces/blue/pods/a/log",
            "",
            ["CONNECT", "resource"],
        );
    }

    #[test]
    fn who_selects_by_name_asks_for_one() {
        let by_name = "/api/v1/namespaces/blue/pods?fieldSelector=metadata.name=a";
        check("GET", by_name, "", ["GET", "resource"]);
        let watching = "/api/v1/namespaces/blue/pods?watch=1&fieldSelector=metadata.name=a";
        check("GET", watching, "", ["WATCH", "resource"]);
    }
}
