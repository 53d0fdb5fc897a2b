//! `EventRateLimit`: nobody floods the store with events.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use pintle_api::core::v1::Event;
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
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

/// How much time has gone by since some moment: what buckets refill by.
type Elapsed = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Time as buckets look at it.
#[derive(Clone)]
struct Since(Elapsed);

impl Clock for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from((self.0)())
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, Since>;

/// The buckets of one limit; the ones made longest ago are forgotten.
#[derive(Default)]
struct Buckets {
    by_key: HashMap<String, Bucket>,
    order: VecDeque<String>,
}

struct Limit {
    per: Per,
    quota: Quota,
    most: usize,
    clock: Since,
    buckets: Mutex<Buckets>,
}

impl Limit {
    fn takes(&self, key: &str) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.by_key.get(key) {
            return bucket.check().is_ok();
        }
        if buckets.order.len() >= self.most
            && let Some(oldest) = buckets.order.pop_front()
        {
            buckets.by_key.remove(&oldest);
        }
        let bucket = RateLimiter::direct_with_clock(self.quota, self.clock.clone());
        let takes = bucket.check().is_ok();
        buckets.order.push_back(key.to_owned());
        buckets.by_key.insert(key.to_owned(), bucket);
        takes
    }
}

/// The plug-in.
pub(super) struct EventRateLimit(Vec<Limit>);

impl EventRateLimit {
    /// From the settings, a `Configuration` of `eventratelimit.admission.k8s.io`.
    pub(super) fn new(settings: Option<&serde_json::Value>) -> Result<Self, ConfigurationError> {
        let start = Instant::now();
        Self::by(settings, Arc::new(move || start.elapsed()))
    }

    fn by(
        settings: Option<&serde_json::Value>,
        clock: Elapsed,
    ) -> Result<Self, ConfigurationError> {
        let wrong = |what: &str| ConfigurationError(format!("EventRateLimit: {what}"));
        let list = settings.and_then(|it| it["limits"].as_array());
        let list = list.filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| wrong("limits: Invalid value: must not be empty"))?;
        let limits = list.iter().enumerate().map(|(at, limit)| {
            let per = limit["type"].as_str().unwrap_or_default();
            let number = |name: &str| {
                let found = limit[name]
                    .as_u64()
                    .and_then(|found| u32::try_from(found).ok());
                found
                    .and_then(NonZeroU32::new)
                    .ok_or_else(|| wrong(&format!("limits[{at}].{name}: must be positive")))
            };
            Ok(Limit {
                per: Per::parse(per)
                    .ok_or_else(|| wrong(&format!("limits[{at}].type: unsupported \"{per}\"")))?,
                quota: Quota::per_second(number("qps")?).allow_burst(number("burst")?),
                clock: Since(Arc::clone(&clock)),
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
            if !limit.takes(&key) {
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
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn limits(text: &str) -> Result<EventRateLimit, ConfigurationError> {
        let settings = serde_json::from_str(text).unwrap_or_default();
        EventRateLimit::new(Some(&settings))
    }

    #[test]
    fn a_bucket_refills_with_time() {
        let text = r#"{"limits":[{"type":"Namespace","qps":1,"burst":2,"cacheSize":2}]}"#;
        let settings = serde_json::from_str(text).unwrap_or_default();
        let second = Arc::new(AtomicU64::default());
        let shown = Arc::clone(&second);
        let clock = Arc::new(move || Duration::from_secs(shown.load(Ordering::Relaxed)));
        let plugin = EventRateLimit::by(Some(&settings), clock).unwrap();
        let taken = [0, 0, 0, 1, 1, 10].map(|now| {
            second.store(now, Ordering::Relaxed);
            plugin.0[0].takes("blue")
        });
        assert_eq!(taken, [true, true, false, true, false, true]);
        let takes = |key| [(); 3].map(|()| plugin.0[0].takes(key));
        assert_eq!(takes("green"), [true, true, false], "each has its own");
        assert_eq!(takes("red"), [true, true, false]);
        assert_eq!(takes("blue"), [true, true, false], "it had been forgotten");
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
