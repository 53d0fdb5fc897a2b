//! What the audit is told of requests.

use std::sync::Arc;

use http::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use pintle_authz::Reason;

use crate::audit::{Recording, Stage};
use crate::body::{Body, OnEnd};
use crate::query::Query;
use crate::serve::Connection;

/// Tells the audit how a request ended: now, or when its body is sent.
pub(super) fn recorded(recording: &Arc<Recording>, response: Response<Body>) -> Response<Body> {
    let code = response.status().as_u16();
    let last = recording.last_stage();
    if recording.is_long_running() && last != Stage::ResponseStarted {
        recording.tell(Stage::ResponseStarted, Some(code));
    }
    if response.body().known_length().is_some() {
        recording.tell(last, Some(code));
        return response;
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
    fn ended(&mut self, _: u64, _: bool) {
        self.recording
            .tell(Stage::ResponseComplete, Some(self.code));
    }
}

/// Notes how it was decided whether a request may go on.
pub(super) fn decided(recording: &Recording, decision: &'static str, reason: &Reason) {
    recording.annotate("authorization.k8s.io/decision", decision);
    recording.annotate("authorization.k8s.io/reason", reason.as_str());
}

/// Notes that it could not be decided.
pub(super) fn undecided(recording: &Recording) {
    recording.annotate("authorization.k8s.io/reason", "internal error");
}

/// Which sorts of credentials were shown by who is not let in.
pub(super) fn attempted(connection: &Connection, parts: &Parts) -> String {
    let header = parts.headers.get(AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    let (scheme, rest) = header
        .and_then(|header| header.trim().split_once(' '))
        .unwrap_or_default();
    let query = Query::new(parts.uri.query().unwrap_or_default());
    let in_query = query.first("access_token");
    let shown = [
        (
            scheme.eq_ignore_ascii_case("basic") && !rest.is_empty(),
            "basic",
        ),
        (scheme.eq_ignore_ascii_case("bearer"), "bearer"),
        (
            in_query.is_some_and(|token| !token.trim().is_empty()),
            "access_token",
        ),
        (connection.peer.is_some(), "x509"),
    ];
    let shown: Vec<&str> = shown
        .into_iter()
        .filter_map(|(is_shown, sort)| is_shown.then_some(sort))
        .collect();
    if shown.is_empty() {
        "Authentication failed, no credentials provided".to_owned()
    } else {
        format!("Authentication failed, attempted: {}", shown.join(", "))
    }
}
