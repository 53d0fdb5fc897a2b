//! Who did what, when, and how it ended: the events of `audit.k8s.io/v1`.
//!
//! A [`Policy`] says how much of which request is recorded, and a [`Backend`] keeps it. Without a policy a
//! request costs nothing here. With one, a [`Recording`] goes with each request that is recorded: the
//! chain begins and ends it, the handlers add the objects, and admission its annotations.

mod backend;
mod batch;
mod event;
mod log;
mod metrics;
mod policy;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;
use http::uri::PathAndQuery;
use pintle_authz::Attributes;
use pintle_runtime::duration;
use pintle_runtime::status::{ApiError, Status};
use pintle_runtime::text::Text;
use pintle_runtime::time::{Clock, Time};
use pintle_runtime::user::UserInfo;

pub use backend::{Backend, Lenient, Told, Truncating};
pub use batch::{BatchOptions, Batching, Sink};
use event::{Event, Origin, Outcome, Repeated};
pub use log::{LogFile, LogOptions};
pub use metrics::AuditMetrics;
pub use policy::{GroupResources, Level, Policy, Rule, Stage, Stages, Verdict};

/// What takes longer is told of by its parts; in nanoseconds.
const LONG: i64 = 500_000_000;

/// What is recorded, and where.
pub struct Audit {
    policy: Policy,
    backends: Vec<Arc<dyn Backend>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<AuditMetrics>,
}

impl Audit {
    /// Records in all of `backends` what `policy` says.
    pub fn new(
        policy: Policy,
        backends: Vec<Arc<dyn Backend>>,
        clock: Arc<dyn Clock>,
        metrics: Arc<AuditMetrics>,
    ) -> Self {
        Self {
            policy,
            backends,
            clock,
            metrics,
        }
    }

    /// Waits until everything that was recorded is kept.
    pub async fn close(&self) {
        join_all(self.backends.iter().map(|backend| backend.close())).await;
    }
}

/// A place for the recording of a request, which may come to be while it is answered.
#[derive(Default)]
pub(crate) struct Slot(OnceLock<Arc<Recording>>);

impl Slot {
    /// The recording, if the request is recorded.
    pub(crate) fn get(&self) -> Option<&Arc<Recording>> {
        self.0.get()
    }

    /// Begins to record a request, if the policy says so. Where that fails and must not, the request is not to go on.
    pub(crate) fn begin(&self, audit: &Arc<Audit>, received: Received<'_>) -> bool {
        let verdict = audit.policy.judge(received.attributes, received.knows_user);
        audit.metrics.judged(verdict.level);
        if verdict.level == Level::None {
            return true;
        }
        let recording = Recording {
            verdict,
            facts: Facts::of(&received, audit.clock.now()),
            audit: Arc::clone(audit),
            findings: Mutex::default(),
        };
        let recording = self.0.get_or_init(|| Arc::new(recording));
        let is_kept = !received.knows_user || recording.tell(Stage::RequestReceived, None);
        if !is_kept {
            audit.metrics.rejected();
        }
        is_kept
    }
}

/// A request as it came in.
pub(crate) struct Received<'a> {
    pub(crate) attributes: &'a Attributes,
    /// Whether it could be told who asks.
    pub(crate) knows_user: bool,
    pub(crate) is_long_running: bool,
    pub(crate) parts: &'a Parts,
    pub(crate) peer: SocketAddr,
    pub(crate) audit_id: &'a [u8],
}

/// What is known of a request from the beginning.
struct Facts {
    attributes: Attributes,
    knows_user: bool,
    is_long_running: bool,
    repeated: Repeated,
    received: Time,
}

impl Facts {
    fn of(received: &Received<'_>, now: Time) -> Self {
        let headers = &received.parts.headers;
        let uri = received.parts.uri.path_and_query();
        Self {
            attributes: received.attributes.clone(),
            knows_user: received.knows_user,
            is_long_running: received.is_long_running,
            repeated: Repeated::of(&Origin {
                audit_id: &String::from_utf8_lossy(received.audit_id),
                request_uri: uri.map_or("", PathAndQuery::as_str),
                verb: &received.attributes.verb,
                user: received.knows_user.then_some(&*received.attributes.user),
                source_ips: &source_ips(headers, received.peer),
                user_agent: &user_agent(headers),
            }),
            received: now,
        }
    }
}

/// What came to be known since.
#[derive(Default)]
struct Findings {
    impersonated: Option<Arc<UserInfo>>,
    /// Under which verb that was allowed, unless it was the one for everything.
    constraint: &'static str,
    annotations: Vec<(Text, String)>,
    /// How long parts of the work took.
    latencies: Vec<(&'static str, Duration)>,
    object: ObjectFacts,
    request_object: Option<Bytes>,
    response_object: Option<Bytes>,
    status: Option<Status>,
    refusal: Option<String>,
}

impl Findings {
    /// Notes how long the parts of a request took that took long.
    fn tell_latencies(&mut self, received: Time, now: Time) {
        let nanos = |time: Time| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
        let total = i64::try_from(nanos(now) - nanos(received)).unwrap_or(i64::MAX);
        if total <= LONG {
            return;
        }
        let parts = self.latencies.iter().map(|(part, elapsed)| {
            let elapsed = i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX);
            (*part, elapsed)
        });
        for (part, nanos) in parts.chain([("total", total)]) {
            let key = Text::from(format!("apiserver.latency.k8s.io/{part}"));
            self.annotations.push((key, duration::format(nanos)));
        }
    }
}

/// What the object of a request says of itself.
#[derive(Default)]
struct ObjectFacts {
    namespace: String,
    name: String,
    uid: String,
    resource_version: String,
}

/// A request that is recorded.
pub(crate) struct Recording {
    verdict: Verdict,
    facts: Facts,
    audit: Arc<Audit>,
    findings: Mutex<Findings>,
}

impl Recording {
    /// Whether the request's object is recorded.
    pub(crate) fn wants_request(&self) -> bool {
        self.verdict.level >= Level::Request
    }

    /// Whether the answer's object is recorded.
    pub(crate) fn wants_response(&self) -> bool {
        self.verdict.level >= Level::RequestResponse
    }

    /// Notes something. The first value of a key stays.
    pub(crate) fn annotate(&self, key: impl Into<Text>, value: impl Into<String>) {
        let key = key.into();
        self.find(|findings| {
            if findings.annotations.iter().all(|(known, _)| *known != key) {
                findings.annotations.push((key, value.into()));
            }
        });
    }

    /// How long a part of the work took. It is told of if all of it took long.
    pub(crate) fn took(&self, part: &'static str, elapsed: Duration) {
        self.find(|findings| findings.latencies.push((part, elapsed)));
    }

    /// Says as whom the user acts, and by which constrained right if it was one.
    pub(crate) fn impersonate(&self, user: Arc<UserInfo>, constraint: &'static str) {
        self.find(|findings| {
            findings.impersonated = Some(user);
            findings.constraint = constraint;
        });
    }

    /// What the object in the body says of itself, and its JSON where it is wanted.
    pub(crate) fn request(
        &self,
        metadata: crate::metadata::Metadata<'_>,
        json: impl FnOnce() -> Vec<u8>,
    ) {
        let object = ObjectFacts {
            namespace: metadata.namespace().to_owned(),
            name: metadata.name().to_owned(),
            uid: metadata.uid().to_owned(),
            resource_version: metadata.resource_version().to_owned(),
        };
        let json = self.wants_request().then(json);
        self.find(|findings| {
            findings.object = object;
            findings.request_object = json.map(|json| self.tidy(json.into()));
        });
    }

    /// The body of what is no object: a patch, or the options of a delete.
    pub(crate) fn body(&self, body: impl FnOnce() -> Bytes) {
        if self.wants_request() {
            let body = body();
            self.find(|findings| findings.request_object = Some(body));
        }
    }

    /// The JSON of the answer.
    pub(crate) fn response(&self, json: &Bytes) {
        if self.wants_response() {
            let json = self.tidy(json.clone());
            self.find(|findings| findings.response_object = Some(json));
        }
    }

    /// That the answer is a `Status`.
    pub(crate) fn status(&self, status: &Status) {
        let json = self.wants_response().then(|| Bytes::from(status.to_json()));
        self.find(|findings| {
            findings.status = Some(status.clone());
            findings.response_object = json;
        });
    }

    /// That the request was refused before it was known whose it is.
    pub(crate) fn refuse(&self, message: String) {
        self.find(|findings| findings.refusal = Some(message));
    }

    /// The stage at which a request ends whose answer is whole.
    pub(crate) fn last_stage(&self) -> Stage {
        if self.facts.knows_user {
            Stage::ResponseComplete
        } else {
            Stage::ResponseStarted
        }
    }

    /// Whether the request goes on for as long as the client likes.
    pub(crate) fn is_long_running(&self) -> bool {
        self.facts.is_long_running
    }

    /// That the answer is an error.
    pub(crate) fn error(&self, error: &ApiError) {
        self.status(&error.to_status());
    }

    /// Tells the backends how far it is; `code` is the HTTP status if there is one yet. Says whether all of them keep
    /// that who have to.
    pub(crate) fn tell(&self, stage: Stage, code: Option<u16>) -> bool {
        if self.verdict.omit_stages.has(stage) {
            return true;
        }
        let now = if stage == Stage::RequestReceived {
            self.facts.received
        } else {
            self.audit.clock.now()
        };
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        if stage == Stage::ResponseComplete {
            findings.tell_latencies(self.facts.received, now);
        }
        let outcome = code.map(|code| Outcome {
            code,
            status: findings.status.as_ref(),
            refusal: findings.refusal.as_deref(),
        });
        let event = Event {
            level: self.verdict.level,
            stage,
            facts: &self.facts,
            findings: &findings,
            outcome,
            now,
        };
        self.audit.metrics.told();
        let bare = || Bytes::from(event.to_bare_line());
        let told = Told {
            line: event.to_line().into(),
            bare: (self.verdict.level >= Level::Request).then_some(&bare),
        };
        // Each of them is told, whatever the others say.
        let mut is_kept = true;
        for backend in &self.audit.backends {
            is_kept &= backend.take(&told);
        }
        is_kept
    }

    fn find(&self, note: impl FnOnce(&mut Findings)) {
        note(&mut self.findings.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Without `managedFields`, if they are not wanted.
    fn tidy(&self, json: Bytes) -> Bytes {
        if self.verdict.omit_managed_fields {
            event::without_managed_fields(&json).unwrap_or(json)
        } else {
            json
        }
    }
}

/// Where a request came from: the proxies' word for it first, then the peer.
fn source_ips(headers: &HeaderMap, peer: SocketAddr) -> Vec<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let parsed = |text: &str| text.parse::<IpAddr>().ok();
    let forwarded = header("x-forwarded-for").unwrap_or_default().split(',');
    let mut ips: Vec<IpAddr> = forwarded.filter_map(|ip| parsed(ip.trim())).collect();
    let real = header("x-real-ip").and_then(parsed);
    ips.extend(real.filter(|real| !ips.contains(real)));
    let peer = peer.ip().to_canonical();
    if ips.last() != Some(&peer) {
        ips.push(peer);
    }
    ips.iter().map(ToString::to_string).collect()
}

/// The client's name for itself, up to a kilobyte.
fn user_agent(headers: &HeaderMap) -> Cow<'_, str> {
    const LONGEST: usize = 1024;
    const CUT: &str = "...TRUNCATED";
    let agent = headers
        .get(USER_AGENT)
        .map_or(&b""[..], |agent| agent.as_bytes());
    let agent = String::from_utf8_lossy(agent);
    if agent.len() <= LONGEST {
        return agent;
    }
    let end = (0..=LONGEST).rev().find(|&end| agent.is_char_boundary(end));
    format!("{}{CUT}", &agent[..end.unwrap_or_default()]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: &[&str]) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 4711));
        assert_eq!(source_ips(&map, peer), expected, "{headers:?}");
    }

    #[test]
    fn a_request_comes_from_where_proxies_say_and_from_the_peer() {
        check(&[], &["127.0.0.1"]);
        check(
            &[
                ("x-forwarded-for", "10.0.0.1, nowhere,10.0.0.2"),
                ("x-real-ip", "10.0.0.1"),
            ],
            &["10.0.0.1", "10.0.0.2", "127.0.0.1"],
        );
        check(
            &[("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "fd00::1")],
            &["127.0.0.1", "fd00::1", "127.0.0.1"],
        );
        check(&[("x-real-ip", "127.0.0.1")], &["127.0.0.1"]);
    }

    #[test]
    fn what_takes_long_is_told_by_its_parts() {
        let time = |nanos| Time { seconds: 1, nanos };
        let mut findings = Findings {
            latencies: vec![("authentication", Duration::from_millis(2))],
            ..Findings::default()
        };
        findings.tell_latencies(time(0), time(500_000_000));
        assert!(findings.annotations.is_empty());
        findings.tell_latencies(time(0), time(500_000_001));
        let told: Vec<String> = findings
            .annotations
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            told,
            [
                "apiserver.latency.k8s.io/authentication=2ms",
                "apiserver.latency.k8s.io/total=500.000001ms",
            ]
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        let mut headers = HeaderMap::new();
        assert_eq!(user_agent(&headers), "");
        let long = "a".repeat(1_025);
        headers.insert(USER_AGENT, long.parse().expect("a header"));
        assert_eq!(
            user_agent(&headers),
            format!("{}...TRUNCATED", &long[..1_024])
        );
    }
}
