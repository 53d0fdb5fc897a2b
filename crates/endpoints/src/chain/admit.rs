//! Who is it, are they recorded, is there room, and may they: [`Chain::admit`].

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, Version};
use pintle_authn::Credentials;
use pintle_authn::credentials::{Headers, Peer, bearer_token};
use pintle_authz::{Attributes, Decision, Reason};
use pintle_runtime::status::ApiError;
use pintle_runtime::user::{ANONYMOUS, UNAUTHENTICATED, UserInfo};

use super::count::labels;
use super::record::{attempted, decided, undecided};
use super::{Arrival, Chain, internal_error};
use crate::audit::Received;
use crate::body::Body;
use crate::fairness::Refused;
use crate::gate::{Comer, Place};
use crate::impersonation::{self, Become};
use crate::metrics::{Attempt, Judgement};
use crate::negotiate::error_representation;
use crate::permit::{Permit, forbidden};
use crate::query::{Query, decode_path};
use crate::request_info::RequestInfo;
use crate::respond;
use crate::serve::Connection;
use crate::websocket;

/// What the filters found out about a request that may go on.
pub(super) struct Admitted {
    pub(super) user: Arc<UserInfo>,
    pub(super) permit: Permit,
    pub(super) place: Option<Place>,
}

impl Chain {
    /// Authentication, limits, authorization.
    pub(super) async fn admit(
        &self,
        connection: &Connection,
        parts: &Parts,
        query: Query<'_>,
        info: &RequestInfo,
        time: Option<Duration>,
        arrival: Arrival<'_>,
    ) -> Result<Admitted, Box<Response<Body>>> {
        let is_http2 = parts.version == Version::HTTP_2;
        // A look at the clock has its price: where one thing ends the next begins.
        let began = Instant::now();
        let (user, known) = self
            .authenticate(connection, &parts.headers, &info.path, began)
            .await;
        let Some(user) = user else {
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
                is_long_running: info.is_long_running(),
                parts,
                peer: connection.address,
                audit_id: arrival.audit_id.as_bytes(),
            };
            if !arrival.recording.begin(audit, received) {
                let error = internal_error(&parts.uri, "failed to store audit event");
                return Err(Box::new(error));
            }
        }
        let took = |part, elapsed| {
            if let Some(recording) = arrival.recording.get() {
                recording.took(part, elapsed);
            }
        };
        took("authentication", known - began);
        let other = self.impersonate(&attributes, parts, query, arrival).await?;
        let came = if other.is_some() {
            Instant::now()
        } else {
            known
        };
        let attributes = Arc::new(other.unwrap_or(attributes));
        let user = Arc::clone(&attributes.user);
        let comer = Comer {
            attributes: &attributes,
            source: connection.address.ip(),
            query,
            is_long_running: time.is_none(),
            received: arrival.received,
            now: came,
            time: time.unwrap_or(self.request_timeout),
            flow: arrival.flow,
        };
        let place = self.gate.enter(&self.serving.registry, comer).await;
        let entered = Instant::now();
        took("apf-queue-wait", entered - came);
        let mut place = place.map_err(|refused| {
            let mutating = !attributes.is_read_only();
            self.metrics.requests.dropped(mutating);
            self.metrics.requests.terminated(
                labels(&parts.method, &parts.headers, query, info),
                StatusCode::TOO_MANY_REQUESTS,
            );
            Box::new(too_many_requests(&refused))
        })?;
        let (reason, decided) = self
            .authorize(&attributes, parts, query, arrival, entered)
            .await?;
        if let Some(place) = &mut place {
            place.take_turn(decided).await;
        }
        Ok(Admitted {
            user,
            permit: Permit::granted(attributes, reason),
            place,
        })
    }

    /// Whether the request may go on, why, and when that was decided.
    async fn authorize(
        &self,
        attributes: &Attributes,
        parts: &Parts,
        query: Query<'_>,
        arrival: Arrival<'_>,
        began: Instant,
    ) -> Result<(Reason, Instant), Box<Response<Body>>> {
        let decision = self.serving.authorizer.authorize(attributes).wait().await;
        let (judgement, reason) = match decision {
            Decision::Allow(reason) => (Judgement::Allowed, reason),
            Decision::Deny(reason) if reason.failures().is_none() => (Judgement::Denied, reason),
            Decision::NoOpinion(reason) if reason.failures().is_none() => {
                (Judgement::NoOpinion, reason)
            }
            Decision::Deny(reason) | Decision::NoOpinion(reason) => (Judgement::Error, reason),
        };
        let end = Instant::now();
        let elapsed = end - began;
        self.metrics.access.judged(judgement, elapsed);
        let recording = arrival.recording.get();
        if let Some(recording) = recording {
            recording.took("authorization", elapsed);
        }
        match judgement {
            Judgement::Allowed => {
                if let Some(recording) = recording {
                    decided(recording, "allow", &reason);
                }
                Ok((reason, end))
            }
            Judgement::Denied | Judgement::NoOpinion => {
                let error = forbidden(attributes, &reason);
                if let Some(recording) = recording {
                    decided(recording, "forbid", &reason);
                    recording.error(&error);
                }
                let representation = error_representation(&parts.headers, query);
                Err(Box::new(respond::guarded_error(representation, &error)))
            }
            // Nobody may be told that they are forbidden what they might be allowed.
            Judgement::Error => {
                if let Some(recording) = recording {
                    undecided(recording);
                }
                let why = reason.failures().unwrap_or_default();
                Err(Box::new(internal_error(&parts.uri, &why)))
            }
        }
    }

    /// What is asked by whom the headers say, if who asks may be that; `None` if they say nobody.
    async fn impersonate(
        &self,
        attributes: &Attributes,
        parts: &Parts,
        query: Query<'_>,
        arrival: Arrival<'_>,
    ) -> Result<Option<Attributes>, Box<Response<Body>>> {
        let refuse = |error: &ApiError| {
            if let Some(recording) = arrival.recording.get() {
                recording.error(error);
            }
            let representation = error_representation(&parts.headers, query);
            Box::new(respond::guarded_error(representation, error))
        };
        let wanted = impersonation::wanted(&parts.headers).map_err(|error| refuse(&error))?;
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        let began = Instant::now();
        let becoming =
            self.impersonation
                .become_other(&*self.serving.authorizer, &wanted, attributes);
        // Seldom, and large.
        let found = Box::pin(becoming).await;
        let mode = found.as_ref().ok().map(Become::mode);
        self.metrics.access.impersonated(mode, began.elapsed());
        let Become { user, constraint } =
            found.map_err(|refused| refuse(&forbidden(&refused.attributes, &refused.reason)))?;
        if let Some(recording) = arrival.recording.get() {
            recording.impersonate(Arc::clone(&user), constraint);
            recording.took("impersonation", began.elapsed());
        }
        Ok(Some(Attributes {
            user,
            ..attributes.clone()
        }))
    }

    /// Records a request of who sends no valid credentials.
    fn record_stranger(
        &self,
        connection: &Connection,
        parts: &Parts,
        info: &RequestInfo,
        arrival: Arrival<'_>,
    ) {
        let Some(audit) = &self.audit else { return };
        let received = Received {
            attributes: &info.attributes(Arc::default()),
            knows_user: false,
            is_long_running: info.is_long_running(),
            parts,
            peer: connection.address,
            audit_id: arrival.audit_id.as_bytes(),
        };
        arrival.recording.begin(audit, received);
        if let Some(recording) = arrival.recording.get() {
            recording.refuse(attempted(connection, parts));
        }
    }

    /// Who asks, and when that was known.
    async fn authenticate(
        &self,
        connection: &Connection,
        headers: &HeaderMap,
        path: &str,
        began: Instant,
    ) -> (Option<Arc<UserInfo>>, Instant) {
        // What is no text is a credential all the same, and nobody's.
        let header = headers
            .get(AUTHORIZATION)
            .map(|value| match value.to_str() {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(value.as_bytes()),
            })
            .unwrap_or_default();
        let in_header = bearer_token(&header);
        let from_browser = match in_header {
            None if websocket::is_asked_for(headers) => match websocket::bearer_token(headers) {
                Ok(token) => token,
                Err(error) => {
                    tracing::info!(address = %connection.address, error, "a credential was refused");
                    return (None, began);
                }
            },
            _ => None,
        };
        let shown = Shown(headers);
        let credentials = Credentials {
            peer: connection.peer.as_ref(),
            path,
            headers: Some(&shown),
            bearer: in_header.or(from_browser.as_deref()),
        };
        let found = self.authenticator.authenticate(credentials).wait().await;
        let (attempt, user) = match found {
            Ok(Some(user)) => (Attempt::Success, Some(user)),
            Ok(None) => (Attempt::Failure, None),
            Err(error) => {
                tracing::info!(address = %connection.address, %error, "a credential was refused");
                (Attempt::Error, None)
            }
        };
        let name = user.as_ref().map(|user| user.name.as_str());
        let known = Instant::now();
        self.metrics
            .access
            .authenticated(attempt, name, known - began);
        if let Some(left) = connection.peer.as_ref().and_then(Peer::good_for) {
            self.metrics.access.showed_certificate(left);
        }
        (user, known)
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
