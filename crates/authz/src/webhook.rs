//! Somebody else who decides: [`Webhook`].

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pintle_runtime::selector::{FieldOperator, FieldSelector, LabelSelector, Operator};
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use serde::{Deserialize, Serialize};

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
    /// If it cannot be asked.
    pub on_failure: OnFailure,
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_attributes: Option<Resource<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_resource_attributes: Option<Path<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    /// `group` in the older version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<&'a str, Vec<&'a str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    verb: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subresource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "Requirements::is_empty")]
    field_selector: Requirements,
    #[serde(skip_serializing_if = "Requirements::is_empty")]
    label_selector: Requirements,
}

#[derive(Serialize)]
struct Path<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    verb: &'a str,
}

#[derive(Default, Serialize)]
struct Requirements {
    requirements: Vec<Requirement>,
}

#[derive(Serialize)]
struct Requirement {
    key: String,
    operator: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    kind: &'static str,
    api_version: String,
    metadata: Nothing,
    spec: &'a Spec<'a>,
    status: Status,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Status {
    allowed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    denied: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

impl Requirements {
    fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Of a field selector. What cannot be read narrows nothing.
    fn of_fields(selector: &str) -> Self {
        let Ok(selector) = FieldSelector::parse(selector) else {
            return Self::default();
        };
        let requirements = selector.terms().iter().map(|term| Requirement {
            key: term.field.to_string(),
            operator: match term.operator {
                FieldOperator::Equals => "In",
                FieldOperator::NotEquals => "NotIn",
            },
            values: vec![term.value.to_string()],
        });
        Self {
            requirements: requirements.collect(),
        }
    }

    /// Of a label selector. What the API has no word for narrows nothing.
    fn of_labels(selector: &str) -> Self {
        let Ok(selector) = LabelSelector::parse(selector) else {
            return Self::default();
        };
        let requirement = |requirement: &pintle_runtime::selector::Requirement| {
            Some(Requirement {
                key: requirement.key().to_owned(),
                operator: match requirement.operator() {
                    Operator::Equals | Operator::DoubleEquals | Operator::In => "In",
                    Operator::NotEquals | Operator::NotIn => "NotIn",
                    Operator::Exists => "Exists",
                    Operator::DoesNotExist => "DoesNotExist",
                    Operator::GreaterThan | Operator::LessThan => return None,
                },
                values: requirement.values().map(str::to_owned).collect(),
            })
        };
        Self {
            requirements: selector
                .requirements()
                .iter()
                .filter_map(requirement)
                .collect(),
        }
    }
}

fn texts(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(Text::as_str).collect()
}

impl Webhook {
    /// Asks `reviewer` as the options say.
    pub fn new(reviewer: Arc<dyn AccessReviewer>, options: WebhookOptions) -> Self {
        Self {
            reviewer,
            options,
            known: Mutex::default(),
        }
    }

    fn spec<'a>(&self, attributes: &'a Attributes) -> Spec<'a> {
        let user = &*attributes.user;
        let (groups, group) = match self.options.version {
            "v1beta1" => (Vec::new(), texts(&user.groups)),
            _ => (texts(&user.groups), Vec::new()),
        };
        let resource = attributes.resource.as_ref();
        Spec {
            resource_attributes: resource.map(|target| Resource {
                namespace: &target.namespace,
                verb: &attributes.verb,
                group: &target.group,
                version: &target.version,
                resource: &target.resource,
                subresource: &target.subresource,
                name: &target.name,
                field_selector: Requirements::of_fields(&target.field_selector),
                label_selector: Requirements::of_labels(&target.label_selector),
            }),
            non_resource_attributes: resource.is_none().then(|| Path {
                path: &attributes.path,
                verb: &attributes.verb,
            }),
            user: &user.name,
            groups,
            group,
            extra: user
                .extra
                .iter()
                .map(|(key, values)| (key.as_str(), texts(values)))
                .collect(),
            uid: &user.uid,
        }
    }

    async fn ask(&self, attributes: &Attributes, key: String) -> Decision {
        let review = Review {
            kind: "SubjectAccessReview",
            api_version: format!("authorization.k8s.io/{}", self.options.version),
            metadata: Nothing {},
            spec: &self.spec(attributes),
            status: Status::default(),
        };
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
                let reason = Reason::failure(error);
                match self.options.on_failure {
                    OnFailure::Deny => Decision::Deny(reason),
                    OnFailure::NoOpinion => {
                        self.reviewer.failed_open();
                        Decision::NoOpinion(reason)
                    }
                }
            }
        }
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
        let Ok(key) = serde_json::to_string(&self.spec(attributes)) else {
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
