//! `EventRateLimit`: nobody floods the store with events.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use pintle_api::core::v1::Event;
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::configuration::ConfigurationError;
use super::rule::Rule;

/// What shares a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Server,
    Namespace,
    User,
    SourceAndObject,
}

impl Per {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Server" => Self::Server,
            "Namespace" => Self::Namespace,
            "User" => Self::User,
            "SourceAndObject" => Self::SourceAndObject,
            _ => return None,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Namespace => "Namespace",
            Self::User => "User",
            Self::SourceAndObject => "SourceAndObject",
        }
    }
}

/// A bucket: how much is in it, and since when.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Time,
}

/// The buckets of one limit; the ones used longest ago are forgotten.
#[derive(Debug, Default)]
struct Buckets {
    by_key: HashMap<String, Bucket>,
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Limit {
    per: Per,
    rate: f64,
    burst: f64,
    most: usize,
    buckets: Mutex<Buckets>,
}

impl Limit {
    fn takes(&self, key: &str, now: Time) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.by_key.contains_key(key) {
            if buckets.order.len() >= self.most
                && let Some(oldest) = buckets.order.pop_front()
            {
                buckets.by_key.remove(&oldest);
            }
            buckets.order.push_back(key.to_owned());
            let full = Bucket {
                tokens: self.burst,
                at: now,
            };
            buckets.by_key.insert(key.to_owned(), full);
        }
        let Some(bucket) = buckets.by_key.get_mut(key) else {
            return true;
        };
        let seconds = now.nanos_since(bucket.at).max(0) as f64 / 1e9;
        bucket.tokens = (bucket.tokens + seconds * self.rate).min(self.burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

/// The plug-in.
#[derive(Debug)]
pub(super) struct EventRateLimit(Vec<Limit>);

impl EventRateLimit {
    /// From the settings, a `Configuration` of `eventratelimit.admission.k8s.io`.
    pub(super) fn new(settings: Option<&serde_json::Value>) -> Result<Self, ConfigurationError> {
        let wrong = |what: &str| ConfigurationError(format!("EventRateLimit: {what}"));
        let list = settings.and_then(|it| it["limits"].as_array());
        let list = list.filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| wrong("limits: Invalid value: must not be empty"))?;
        let limits = list.iter().enumerate().map(|(at, limit)| {
            let per = limit["type"].as_str().unwrap_or_default();
            let number = |name: &str| {
                let found = limit[name].as_i64().filter(|found| *found > 0);
                found.ok_or_else(|| wrong(&format!("limits[{at}].{name}: must be positive")))
            };
            Ok(Limit {
                per: Per::parse(per)
                    .ok_or_else(|| wrong(&format!("limits[{at}].type: unsupported \"{per}\"")))?,
                rate: number("qps")? as f64,
                burst: number("burst")? as f64,
                most: match limit["cacheSize"].as_u64() {
                    None | Some(0) => 4096,
                    Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
                },
                buckets: Mutex::default(),
            })
        });
        limits.collect::<Result<_, _>>().map(Self)
    }
}

fn key(per: Per, cx: &RequestContext, attributes: &Attributes<'_>, object: &Record) -> String {
    match per {
        Per::Server => String::new(),
        Per::Namespace => attributes.namespace.to_owned(),
        Per::User => cx.user.name.to_string(),
        Per::SourceAndObject => {
            let event = Event::from_record(object);
            let (source, involved) = (event.source(), event.involved_object());
            [
                source.component(),
                source.host(),
                involved.kind(),
                involved.namespace(),
                involved.name(),
                involved.uid(),
                involved.api_version(),
            ]
            .concat()
        }
    }
}

impl Rule for EventRateLimit {
    const NAME: &'static str = "EventRateLimit";

    fn interest(&self, target: Target<'_>) -> Interest {
        let is_event = target.is("", "events") || target.is("events.k8s.io", "events");
        Interest::VALIDATES.when(is_event && target.writes())
    }

    fn validate(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        if cx.dry_run {
            return Ok(());
        }
        let mut refusal = Ok(());
        for limit in &self.0 {
            let key = key(limit.per, cx, attributes, object);
            if !limit.takes(&key, cx.now()) {
                let per = limit.per.as_str();
                let why = format!("limit reached on type {per} for key {key}");
                refusal = Err(ApiError::overloaded(why));
            }
        }
        refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Result<EventRateLimit, ConfigurationError> {
        let settings = serde_json::from_str(text).unwrap_or_default();
        EventRateLimit::new(Some(&settings))
    }

    #[test]
    fn a_bucket_refills_with_time() {
        let text = r#"{"limits":[{"type":"Namespace","qps":1,"burst":2}]}"#;
        let limit = &limits(text).unwrap().0[0];
        let at = Time::from_seconds;
        let taken = [0, 0, 0, 1, 1, 10].map(|second| limit.takes("blue", at(second)));
        assert_eq!(taken, [true, true, false, true, false, true]);
        assert!(limit.takes("green", at(0)), "each namespace has its own");
    }

    #[test]
    fn limits_are_checked() {
        for text in [
            "{}",
            r#"{"limits":[{"type":"Moon","qps":1,"burst":1}]}"#,
            r#"{"limits":[{"type":"User","qps":0,"burst":1}]}"#,
        ] {
            assert!(limits(text).is_err(), "{text}");
        }
    }
}
