//! Somebody else who decides: [`Webhook`].

mod condition;
mod review;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pintle_runtime::user::UserInfo;

pub use self::condition::MatchCondition;

use self::condition::Matched;
use self::review::{Answer, Review, Spec, Status};
use crate::attributes::{Attributes, ResourceAttributes};
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};
use crate::rules::RulesFor;

/// A review with its status, in JSON; or in words for the log why there is none.
pub type Reviewed<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// Takes a `SubjectAccessReview`, in JSON, to whoever fills in its status.
pub trait AccessReviewer: Send + Sync + 'static {
    /// The review with its status.
    fn review(&self, review: Vec<u8>) -> Reviewed<'_>;

    /// Somebody got through although the webhook did not answer: for whoever counts.
    fn failed_open(&self) {}

    /// Conditions were evaluated: for whoever counts.
    fn matched(&self, matching: Matching) {
        let _ = matching;
    }
}

/// What it took to find out whether a webhook is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matching {
    /// How long it took.
    pub elapsed: Duration,
    /// Whether a condition does not hold, so that the webhook is not asked.
    pub is_excluded: bool,
    /// Whether a condition could not be evaluated.
    pub has_failed: bool,
}

/// What becomes of a request about which the webhook cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Others decide.
    NoOpinion,
    /// It is refused.
    Deny,
}

/// How a webhook is asked.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// Its name, in logs and metrics.
    pub name: String,
    /// The version of `authorization.k8s.io` that it understands.
    pub version: &'static str,
    /// How long a permission is remembered; zero is not at all.
    pub authorized: Duration,
    /// The same for a refusal.
    pub unauthorized: Duration,
    /// If it cannot be asked, or it is not known whether it is to be.
    pub on_failure: OnFailure,
    /// What has to hold of a request for it to be asked; nothing if there are none.
    pub conditions: Vec<MatchCondition>,
}

/// Asks an [`AccessReviewer`] about every request, and remembers what it says.
pub struct Webhook {
    reviewer: Arc<dyn AccessReviewer>,
    options: WebhookOptions,
    known: Mutex<HashMap<String, (Instant, Status)>>,
}

/// Answers that are remembered.
const CAPACITY: usize = 8192;
/// What is said of a webhook that does not know what it wants.
const BOTH: &str = "webhook subject access review returned both allow and deny response";
/// What is longer was made up to fill the memory, and is not remembered; in bytes.
const LONGEST: usize = 10_000;

impl Webhook {
    /// Asks `reviewer` as the options say.
    pub fn new(reviewer: Arc<dyn AccessReviewer>, options: WebhookOptions) -> Self {
        Self {
            reviewer,
            options,
            known: Mutex::default(),
        }
    }

    async fn ask(&self, attributes: &Attributes, key: String) -> Decision {
        let spec = Spec::of(attributes, self.options.version);
        let review = Review::new(&spec, self.options.version);
        let status = match serde_json::to_vec(&review) {
            Ok(review) => self.reviewer.review(review).await,
            Err(error) => Err(error.to_string()),
        };
        let status = status.and_then(|body| {
            let answer: Answer = serde_json::from_slice(&body)
                .map_err(|error| format!("the access review cannot be read: {error}"))?;
            Ok(answer.status)
        });
        match status {
            Ok(status) => {
                if is_memorable(attributes) {
                    self.remember(key, &status);
                }
                decision(status)
            }
            Err(error) => {
                if self.options.on_failure == OnFailure::NoOpinion {
                    self.reviewer.failed_open();
                }
                self.failure(error)
            }
        }
    }

    fn failure(&self, why: String) -> Decision {
        let reason = Reason::failure(why);
        match self.options.on_failure {
            OnFailure::Deny => Decision::Deny(reason),
            OnFailure::NoOpinion => Decision::NoOpinion(reason),
        }
    }

    /// What is decided without the webhook, as it is not asked about this; `None` if it is.
    fn unasked(&self, attributes: &Attributes) -> Option<Decision> {
        if self.options.conditions.is_empty() {
            return None;
        }
        let began = Instant::now();
        let matched = Matched::of(&self.options.conditions, attributes);
        self.reviewer.matched(Matching {
            elapsed: began.elapsed(),
            is_excluded: matched.is_excluded,
            has_failed: matched.failures.is_some(),
        });
        if matched.is_excluded {
            return Some(Decision::NO_OPINION);
        }
        matched.failures.map(|why| self.failure(why))
    }

    fn recall(&self, key: &str) -> Option<Status> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, status) = known.get(key)?;
        (*until > Instant::now()).then(|| status.clone())
    }

    fn remember(&self, key: String, status: &Status) {
        let lifetime = if status.allowed {
            self.options.authorized
        } else {
            self.options.unauthorized
        };
        if lifetime.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.retain(|_, (until, _)| *until > now);
        }
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(key, (now + lifetime, status.clone()));
    }
}

fn decision(status: Status) -> Decision {
    let reason = Reason::new(status.reason);
    match (status.denied, status.allowed) {
        (true, true) => Decision::Deny(reason.with_failure(BOTH)),
        (true, false) => Decision::Deny(reason),
        (false, true) => Decision::Allow(reason),
        (false, false) => Decision::NoOpinion(reason),
    }
}

fn is_memorable(attributes: &Attributes) -> bool {
    let default = ResourceAttributes::default();
    let target = attributes.resource.as_ref().unwrap_or(&default);
    let controlled = [
        &attributes.verb,
        &attributes.path,
        &target.namespace,
        &target.group,
        &target.version,
        &target.resource,
        &target.subresource,
        &target.name,
        &target.field_selector,
        &target.label_selector,
    ];
    controlled.iter().map(|text| text.len()).sum::<usize>() < LONGEST
}

impl Authorizer for Webhook {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        if let Some(decision) = self.unasked(attributes) {
            return Verdict::Now(decision);
        }
        let Ok(key) = serde_json::to_string(&Spec::of(attributes, self.options.version)) else {
            return Verdict::Now(Decision::NO_OPINION);
        };
        match self.recall(&key) {
            Some(status) => Verdict::Now(decision(status)),
            None => Verdict::Later(Box::pin(self.ask(attributes, key))),
        }
    }

    fn rules_for(&self, _: &UserInfo, _: &str) -> RulesFor {
        RulesFor::unknown("webhook authorizer does not support user rule resolution")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Answers always the same, and counts how often and keeps what it was asked.
    #[derive(Default)]
    struct Says {
        status: Option<&'static str>,
        asked: AtomicUsize,
        last: Mutex<Vec<u8>>,
    }

    impl AccessReviewer for Says {
        fn review(&self, review: Vec<u8>) -> Reviewed<'_> {
            self.asked.fetch_add(1, Relaxed);
            *self.last.lock().expect("no panic") = review;
            let answer = match self.status {
                Some(status) => Ok(format!(r#"{{"status":{status}}}"#).into_bytes()),
                None => Err("it is down".to_owned()),
            };
            Box::pin(async { answer })
        }
    }

    fn options(version: &'static str, on_failure: OnFailure) -> WebhookOptions {
        WebhookOptions {
            name: "w".to_owned(),
            version,
            authorized: Duration::from_secs(60),
            unauthorized: Duration::from_secs(60),
            on_failure,
            conditions: Vec::new(),
        }
    }

    fn attributes() -> Attributes {
        let mut user = UserInfo::named("alice");
        user.groups = vec!["devs".into()];
        Attributes {
            user: Arc::new(user),
            verb: "list".into(),
            path: "".into(),
            resource: Some(ResourceAttributes {
                version: "v1".into(),
                resource: "pods".into(),
                field_selector: "spec.nodeName=n1".into(),
                label_selector: "a in (b,c),!d".into(),
                ..ResourceAttributes::default()
            }),
        }
    }

    fn ask(webhook: &Webhook) -> Decision {
        let attributes = attributes();
        let mut waiting = Box::pin(webhook.authorize(&attributes).wait());
        let mut cx = Context::from_waker(Waker::noop());
        match waiting.as_mut().poll(&mut cx) {
            Poll::Ready(decision) => decision,
            Poll::Pending => panic!("never waits"),
        }
    }

    #[track_caller]
    fn check(status: &'static str, expected: Decision) {
        let says = Arc::new(Says {
            status: Some(status),
            ..Says::default()
        });
        let webhook = Webhook::new(says.clone(), options("v1", OnFailure::NoOpinion));
        assert_eq!(ask(&webhook), expected, "{status}");
        assert_eq!(ask(&webhook), expected, "{status}");
        assert_eq!(says.asked.load(Relaxed), 1, "the answer is remembered");
    }

    #[test]
    fn the_status_is_the_decision() {
        check(r#"{"allowed":true}"#, Decision::ALLOW);
        check(
            r#"{"denied":true,"reason":"no"}"#,
            Decision::Deny(Reason::new("no")),
        );
        check(
            r#"{"denied":true,"allowed":true,"reason":"no"}"#,
            Decision::Deny(Reason::new("no").with_failure(BOTH)),
        );
        check(
            r#"{"reason":"not mine"}"#,
            Decision::NoOpinion(Reason::new("not mine")),
        );
    }

    #[test]
    fn a_failure_is_never_a_permission_and_never_remembered() {
        for (on_failure, is_deny) in [(OnFailure::NoOpinion, false), (OnFailure::Deny, true)] {
            let says = Arc::new(Says::default());
            let webhook = Webhook::new(says.clone(), options("v1", on_failure));
            for _ in 0..2 {
                let down = Reason::failure("it is down");
                let expected = if is_deny {
                    Decision::Deny(down)
                } else {
                    Decision::NoOpinion(down)
                };
                assert_eq!(ask(&webhook), expected);
            }
            assert_eq!(says.asked.load(Relaxed), 2);
        }
    }

    #[test]
    fn the_review_says_who_wants_what() {
        for (version, groups) in [("v1", "groups"), ("v1beta1", "group")] {
            let says = Arc::new(Says::default());
            let webhook = Webhook::new(says.clone(), options(version, OnFailure::NoOpinion));
            ask(&webhook);
            let asked = String::from_utf8(says.last.lock().expect("no panic").clone());
            let expected = format!(
                r#"{{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/{version}","metadata":{{}},"spec":{{"resourceAttributes":{{"verb":"list","version":"v1","resource":"pods","fieldSelector":{{"requirements":[{{"key":"spec.nodeName","operator":"In","values":["n1"]}}]}},"labelSelector":{{"requirements":[{{"key":"a","operator":"In","values":["b","c"]}},{{"key":"d","operator":"DoesNotExist"}}]}}}},"user":"alice","{groups}":["devs"]}},"status":{{"allowed":false}}}}"#
            );
            assert_eq!(asked.expect("text"), expected);
        }
    }
}
