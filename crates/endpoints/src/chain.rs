//! What every request goes through, in order: [`Chain::answer`].

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use pintle_authn::credentials::{Headers, bearer_token};
use pintle_authn::{Authenticator, Credentials};
use pintle_authz::{Attributes, Decision};
use pintle_runtime::status::ApiError;
use pintle_runtime::user::{ANONYMOUS, UNAUTHENTICATED, UserInfo};

use crate::audit::{Audit, Received, Recording, Slot as AuditSlot, Stage};
use crate::body::{Body, OnEnd};
use crate::fairness::{Flow, Refused};
use crate::gate::{Comer, Gate, Place};
use crate::handlers::{self, Call, Serving};
use crate::impersonation;
use crate::metrics::{LongRunning, Metrics, RequestLabels, RequestSeries};
use crate::negotiate::{error_representation, no_such_resource};
use crate::permit::{Permit, forbidden};
use crate::query::{Query, decode_path};
use crate::request_info::RequestInfo;
use crate::respond::{self, AUDIT_ID};
use crate::roots::Roots;
use crate::serve::{Connection, Service};
use crate::websocket;

/// What every request goes through.
pub(crate) struct Chain {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) gate: Gate,
    pub(crate) roots: Roots,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) request_timeout: Duration,
    pub(crate) constrained_impersonation: bool,
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

/// Headers as authenticators look at them.
#[derive(Debug)]
struct Shown<'a>(&'a HeaderMap);

impl Headers for Shown<'_> {
    fn all(&self, name: &str) -> Vec<String> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        self.0.get_all(name).iter().map(text).collect()
    }

    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            let key = name.as_str().strip_prefix(prefix)?;
            // What does not decode is kept as it is.
            let key = decode_path(key).map_or_else(|| key.to_owned(), Cow::into_owned);
            Some((key, String::from_utf8_lossy(value.as_bytes()).into_owned()))
        };
        self.0.iter().filter_map(pair).collect()
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

/// What the filters found out about a request that may go on.
struct Admitted {
    user: Arc<UserInfo>,
    permit: Permit,
    place: Option<Place>,
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
                let response = self.roots.answer(&parts, query, &info).await;
                return self.count_root(response, &info, received);
            };
            if !info.path.starts_with("/api") {
                // Its first slash is doubled: upstream's router has no such root.
                return respond::page_not_found();
            }
            if !self.roots.serves_version(target) {
                return self.roots.unknown_version(target, &parts.headers, query);
            }
            let series = self
                .metrics
                .requests
                .series(labels(&parts.method, query, &info));
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
                    labels(&parts.method, query, &info),
                    StatusCode::GATEWAY_TIMEOUT,
                );
                refuse(&ApiError::timeout(
                    "request did not complete within the allotted timeout",
                    None,
                ))
            }
        }
    }

    /// Authentication, limits, authorization.
    async fn admit(
        &self,
        connection: &Connection,
        parts: &http::request::Parts,
        query: Query<'_>,
        info: &RequestInfo,
        time: Option<Duration>,
        arrival: Arrival<'_>,
    ) -> Result<Admitted, Box<Response<Body>>> {
        let is_http2 = parts.version == Version::HTTP_2;
        let Some(user) = self
            .authenticate(connection, &parts.headers, &info.path)
            .await
        else {
            if is_http2 {
                connection.close();
            }
            let error = ApiError::unauthorized("Unauthorized");
            self.record_stranger(connection, parts, info, arrival);
            return Err(Box::new(respond::error(
                error_representation(&parts.headers, query),
                &error,
            )));
        };
        // HTTP/2 is expensive, and not for those who are not known.
        if is_http2 && (user.name == ANONYMOUS || user.is_in(UNAUTHENTICATED)) {
            connection.close();
        }
        let attributes = info.attributes(Arc::clone(&user));
        if let Some(audit) = &self.audit {
            let received = Received {
                attributes: &attributes,
                knows_user: true,
                parts,
                peer: connection.address,
                audit_id: arrival.audit_id.as_bytes(),
            };
            if !arrival.recording.begin(audit, received) {
                let error = ApiError::internal("failed to store audit event");
                let representation = error_representation(&parts.headers, query);
                return Err(Box::new(respond::error(representation, &error)));
            }
        }
        let attributes = self.impersonate(attributes, parts, query, arrival).await?;
        let user = Arc::clone(&attributes.user);
        let comer = Comer {
            attributes: &attributes,
            query,
            is_long_running: time.is_none(),
            received: arrival.received,
            time: time.unwrap_or(self.request_timeout),
            flow: arrival.flow,
        };
        let place = self.gate.enter(&self.serving.registry, comer).await;
        let place = place.map_err(|refused| {
            let mutating = !attributes.is_read_only();
            self.metrics.requests.dropped(mutating);
            self.metrics.requests.terminated(
                labels(&parts.method, query, info),
                StatusCode::TOO_MANY_REQUESTS,
            );
            Box::new(too_many_requests(&refused))
        })?;
        match self.serving.authorizer.authorize(&attributes).wait().await {
            Decision::Allow(reason) => {
                if let Some(recording) = arrival.recording.get() {
                    decided(recording, "allow", &reason);
                }
                Ok(Admitted {
                    user,
                    permit: Permit::granted(attributes, reason),
                    place,
                })
            }
            Decision::Deny(reason) | Decision::NoOpinion(reason) => {
                let error = forbidden(&attributes, &reason);
                if let Some(recording) = arrival.recording.get() {
                    decided(recording, "forbid", &reason);
                    recording.error(&error);
                }
                Err(Box::new(respond::guarded_error(
                    error_representation(&parts.headers, query),
                    &error,
                )))
            }
        }
    }

    /// What is asked by whom the headers say, if who asks may be that.
    async fn impersonate(
        &self,
        attributes: Attributes,
        parts: &http::request::Parts,
        query: Query<'_>,
        arrival: Arrival<'_>,
    ) -> Result<Attributes, Box<Response<Body>>> {
        let refuse = |error: &ApiError| {
            if let Some(recording) = arrival.recording.get() {
                recording.error(error);
            }
            let representation = error_representation(&parts.headers, query);
            Box::new(respond::guarded_error(representation, error))
        };
        let wanted = impersonation::wanted(&parts.headers).map_err(|error| refuse(&error))?;
        let Some(wanted) = wanted else {
            return Ok(attributes);
        };
        let constrained = self.constrained_impersonation;
        let user = impersonation::become_other(
            &*self.serving.authorizer,
            &wanted,
            &attributes,
            constrained,
        )
        .await
        .map_err(|refused| refuse(&forbidden(&refused.attributes, &refused.reason)))?;
        if let Some(recording) = arrival.recording.get() {
            recording.impersonate(Arc::clone(&user));
        }
        Ok(Attributes { user, ..attributes })
    }

    /// Records a request of who sends no valid credentials.
    fn record_stranger(
        &self,
        connection: &Connection,
        parts: &http::request::Parts,
        info: &RequestInfo,
        arrival: Arrival<'_>,
    ) {
        let Some(audit) = &self.audit else { return };
        let received = Received {
            attributes: &info.attributes(Arc::default()),
            knows_user: false,
            parts,
            peer: connection.address,
            audit_id: arrival.audit_id.as_bytes(),
        };
        arrival.recording.begin(audit, received);
        if let Some(recording) = arrival.recording.get() {
            let header = parts.headers.get(AUTHORIZATION);
            let kind = header.and_then(|value| value.to_str().ok()?.split(' ').next());
            let attempted = match kind {
                Some(kind) if kind.eq_ignore_ascii_case("bearer") => ", attempted: bearer",
                Some(kind) if kind.eq_ignore_ascii_case("basic") => ", attempted: basic",
                _ if connection.peer.is_some() => ", attempted: x509",
                _ => "",
            };
            recording.refuse(format!("Authentication failed{attempted}"));
        }
    }

    async fn authenticate(
        &self,
        connection: &Connection,
        headers: &HeaderMap,
        path: &str,
    ) -> Option<Arc<UserInfo>> {
        // What is no text is a credential all the same, and nobody's.
        let header = headers
            .get(AUTHORIZATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .unwrap_or_default();
        let from_browser = match bearer_token(&header) {
            None if websocket::is_asked_for(headers) => match websocket::bearer_token(headers) {
                Ok(token) => token,
                Err(error) => {
                    tracing::info!(address = %connection.address, error, "a credential was refused");
                    return None;
                }
            },
            _ => None,
        };
        let shown = Shown(headers);
        let credentials = Credentials {
            peer: connection.peer.as_ref(),
            path,
            headers: Some(&shown),
            bearer: bearer_token(&header).or(from_browser.as_deref()),
        };
        match self.authenticator.authenticate(credentials).wait().await {
            Ok(user) => user,
            Err(error) => {
                tracing::info!(address = %connection.address, %error, "a credential was refused");
                None
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
            recording.error(&ApiError::internal("a request handler panicked"));
            recording.tell(Stage::Panic, Some(500));
        }
        tracing::error!(?audit_id, "a request handler panicked");
        let text = "This request caused apiserver to panic. Look in the logs for details.\n";
        respond::text(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// Counts a request for a resource: now, or when its body is sent.
    fn count(
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
            _running: running,
        };
        response.map(|body| body.with_end(Box::new(end)))
    }

    fn count_root(
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
    _running: Option<LongRunning>,
}

impl OnEnd for Ending {
    fn ended(&mut self, bytes: u64) {
        self.metrics
            .requests
            .finished(&self.series, self.code, self.received.elapsed(), bytes);
    }
}

/// Tells the audit how a request ended: now, or when its body is sent.
fn recorded(recording: &Arc<Recording>, response: Response<Body>) -> Response<Body> {
    let code = response.status().as_u16();
    if response.body().known_length().is_some() {
        recording.tell(recording.last_stage(), Some(code));
        return response;
    }
    if recording.is_long_running() {
        recording.tell(Stage::ResponseStarted, Some(code));
    }
    let end = Recorded {
        recording: Arc::clone(recording),
        code,
    };
    response.map(|body| body.with_end(Box::new(end)))
}

/// Tells the audit when a body is sent.
struct Recorded {
    recording: Arc<Recording>,
    code: u16,
}

impl OnEnd for Recorded {
    fn ended(&mut self, _: u64) {
        self.recording
            .tell(Stage::ResponseComplete, Some(self.code));
    }
}

fn decided(recording: &Recording, decision: &'static str, reason: &pintle_authz::Reason) {
    recording.annotate("authorization.k8s.io/decision", decision);
    recording.annotate("authorization.k8s.io/reason", reason.as_str());
}

/// What a request is counted under. The verb is the method, but for reads.
fn labels<'a>(method: &Method, query: Query<'_>, info: &'a RequestInfo) -> RequestLabels<'a> {
    let dry_run = match query.first("dryRun") {
        None => "",
        Some(value) if value == "All" => "All",
        Some(_) => "invalid",
    };
    let Some(target) = &info.resource else {
        let (group, version, resource) = ("", "", "");
        return RequestLabels {
            verb: verb(method, info, ""),
            dry_run,
            group,
            version,
            resource,
            subresource: &info.path,
            scope: "",
        };
    };
    let scope = if info.shape.named || info.verb == "create" {
        "resource"
    } else if info.shape.in_namespace {
        "namespace"
    } else {
        "cluster"
    };
    RequestLabels {
        verb: verb(method, info, scope),
        dry_run,
        group: &target.group,
        version: &target.version,
        resource: &target.resource,
        subresource: &target.subresource,
        scope,
    }
}

fn verb(method: &Method, info: &RequestInfo, scope: &str) -> &'static str {
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
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
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

/// What upstream answers when all places are taken: a text, not a `Status`.
fn too_many_requests(refused: &Refused) -> Response<Body> {
    let mut response = respond::text(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests, please try again later.\n",
    );
    response.headers_mut().insert(
        http::header::RETRY_AFTER,
        HeaderValue::from(refused.stay_away),
    );
    response
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
            let path = pintle_runtime::quote::Quoted(uri.path()).to_string();
            let text =
                format!("Internal Server Error: {path}: failed to create RequestInfo: {error}\n");
            let text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            respond::text(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
    }
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
