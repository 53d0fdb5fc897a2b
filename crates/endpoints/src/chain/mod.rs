//! What every request goes through, in order: [`Chain::answer`].

mod admit;
mod count;
mod record;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONNECTION, HeaderMap};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use pintle_authn::Authenticator;
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::{ApiError, Outcome, Status, StatusReason};
use pintle_runtime::text::Text;

use crate::audit::{Audit, Recording, Slot as AuditSlot, Stage};
use crate::body::Body;
use crate::fairness::Flow;
use crate::gate::Gate;
use crate::handlers::{self, Call, Serving};
use crate::impersonation::Impersonation;
use crate::metrics::Metrics;
use crate::negotiate::{error_representation, no_such_resource};
use crate::query::Query;
use crate::request_info::RequestInfo;
use crate::respond::{self, AUDIT_ID};
use crate::roots::Roots;
use crate::serve::{Connection, Service};
use admit::Admitted;
use count::labels;
use record::recorded;

/// What every request goes through.
pub(crate) struct Chain {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) gate: Gate,
    pub(crate) roots: Roots,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) request_timeout: Duration,
    pub(crate) impersonation: Impersonation,
    pub(crate) serving: Serving,
}

impl Service for Chain {
    /// Panic recovery, audit id, request info, metrics; then within the request's time
    /// [`Chain::admit`] and the verb.
    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let received = Instant::now();
        let audit_id = audit_id(request.headers());
        let is_head = *request.method() == Method::HEAD;
        let recording = AuditSlot::default();
        let flow = OnceLock::new();
        let arrival = Arrival {
            received,
            audit_id: &audit_id,
            recording: &recording,
            flow: &flow,
        };
        let answered = AssertUnwindSafe(self.answer_within_time(&connection, request, arrival))
            .catch_unwind()
            .await;
        let mut response = match (answered, recording.get()) {
            (Ok(response), Some(recording)) => recorded(recording, response),
            (Ok(response), None) => response,
            (Err(_), recording) => self.panicked(&audit_id, recording),
        };
        if let Some(flow) = flow.get() {
            respond::name_flow(&mut response, flow.uids());
        }
        respond::finish(&mut response, audit_id);
        if is_head {
            without_body(response)
        } else {
            response
        }
    }
}

/// What is known of a request before anything is done.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    received: Instant,
    audit_id: &'a HeaderValue,
    recording: &'a AuditSlot,
    /// The flow that the request turns out to be of.
    flow: &'a OnceLock<Arc<Flow>>,
}

impl Chain {
    async fn answer_within_time(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
        arrival: Arrival<'_>,
    ) -> Response<Body> {
        let received = arrival.received;
        let (parts, body) = request.into_parts();
        let query = Query::new(parts.uri.query().unwrap_or_default());
        let info = match RequestInfo::parse(&parts.method, &parts.uri) {
            Ok(info) => info,
            Err(error) => return bad_path(&parts.uri, &error),
        };
        let refuse =
            |error: &ApiError| respond::error(error_representation(&parts.headers, query), error);
        let long_running = info.is_long_running();
        let time = match self.time_for(query, long_running) {
            Ok(time) => time,
            Err(error) => return refuse(&error),
        };
        let work = async {
            let admitted = match self
                .admit(connection, &parts, query, &info, time, arrival)
                .await
            {
                Ok(admitted) => admitted,
                Err(refusal) => return *refusal,
            };
            let Admitted {
                user,
                permit,
                mut place,
            } = admitted;
            let Some(target) = &info.resource else {
                let response = Box::pin(self.roots.answer(&parts, query, &info)).await;
                return self.count_root(response, &info, received);
            };
            if !info.path.starts_with("/api") {
                // Its first slash is doubled: upstream's router has no such root.
                return respond::page_not_found();
            }
            if !self.roots.serves_version(target) {
                return self.roots.unknown_version(target, &parts.headers, query);
            }
            let series =
                self.metrics
                    .requests
                    .series(labels(&parts.method, &parts.headers, query, &info));
            let running = long_running.then(|| self.metrics.requests.long_running(&series));
            let call = Call {
                method: &parts.method,
                headers: &parts.headers,
                query,
                info: &info,
                target,
                user: &user,
                permit,
                body,
                upgrade: parts.extensions.get().cloned(),
                recording: arrival.recording.get(),
                series: &series,
                received,
                server: &self.serving,
            };
            let response = handlers::handle(call).await;
            if long_running {
                // A watch has begun, and takes no more than others' writes.
                place = None;
            }
            self.count(response, series, received, place, running)
        };
        let Some(time) = time else { return work.await };
        match tokio::time::timeout(time, work).await {
            Ok(response) => response,
            Err(_) => {
                self.metrics.requests.terminated(
                    labels(&parts.method, &parts.headers, query, &info),
                    StatusCode::GATEWAY_TIMEOUT,
                );
                refuse(&ApiError::timeout(
                    "request did not complete within the allotted timeout",
                    None,
                ))
            }
        }
    }

    /// How long a request may take; `None` for one that may go on.
    fn time_for(&self, query: Query<'_>, long_running: bool) -> Result<Option<Duration>, ApiError> {
        if long_running {
            return Ok(None);
        }
        let Some(given) = query.first("timeout").filter(|given| !given.is_empty()) else {
            return Ok(Some(self.request_timeout));
        };
        let nanos = pintle_runtime::duration::parse(&given).map_err(|error| {
            ApiError::bad_request(format!(
                "invalid timeout specified in the request URL - {error}"
            ))
        })?;
        let asked = Duration::from_nanos(u64::try_from(nanos).unwrap_or_default());
        let is_shorter = !asked.is_zero() && asked < self.request_timeout;
        Ok(Some(if is_shorter {
            asked
        } else {
            self.request_timeout
        }))
    }

    fn panicked(
        &self,
        audit_id: &HeaderValue,
        recording: Option<&Arc<Recording>>,
    ) -> Response<Body> {
        self.metrics.requests.panics.inc();
        if let Some(recording) = recording {
            recording.status(&Status {
                outcome: Outcome::Failure,
                message: "APIServer panic'd: a request handler panicked".into(),
                reason: StatusReason::InternalError,
                details: None,
                code: 500,
                continue_token: Text::default(),
            });
            recording.tell(Stage::Panic, Some(500));
        }
        tracing::error!(?audit_id, "a request handler panicked");
        let text = "This request caused apiserver to panic. Look in the logs for details.\n";
        respond::text(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

/// The client's audit id, or a new one.
fn audit_id(headers: &HeaderMap) -> HeaderValue {
    if let Some(given) = headers.get(&AUDIT_ID).filter(|given| !given.is_empty()) {
        return given.clone();
    }
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = uuid::Uuid::new_v4().hyphenated().encode_lower(&mut text);
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(text.as_bytes()))
        .unwrap_or(HeaderValue::from_static(""))
}

fn bad_path(uri: &http::Uri, error: &crate::request_info::BadPath) -> Response<Body> {
    use crate::request_info::BadPath;
    match error {
        BadPath::Encoding => {
            let mut response = respond::plain(StatusCode::BAD_REQUEST, "400 Bad Request");
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
        BadPath::NoKind(_) => {
            internal_error(uri, &format!("failed to create RequestInfo: {error}"))
        }
    }
}

/// An internal error as upstream's filters tell of it: a text and not a `Status`, with nothing in it that looks like
/// markup to a browser.
fn internal_error(uri: &Uri, why: &str) -> Response<Body> {
    let uri = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let text = format!("Internal Server Error: {}: {why}\n", Quoted(uri));
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    respond::text(StatusCode::INTERNAL_SERVER_ERROR, text)
}

/// The answer to HEAD: all but the body, whose length is told.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.known_length() {
        parts
            .headers
            .insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

impl Roots {
    /// The answer to a request for a resource of a version that is not served.
    fn unknown_version(
        &self,
        target: &pintle_authz::ResourceAttributes,
        headers: &HeaderMap,
        query: Query<'_>,
    ) -> Response<Body> {
        if target.group.is_empty() || self.serves_group(&target.group) {
            return respond::error(error_representation(headers, query), &no_such_resource());
        }
        respond::page_not_found()
    }
}
