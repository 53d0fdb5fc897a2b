//! `EventRateLimit`: nobody floods the store with events.

use std::collections::{BTreeMap, HashMap};
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
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use serde_json::Value;

use super::configuration::{ConfigurationError, check_kind};
use super::limits::together;
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

/// The buckets of one limit; the ones used longest ago are forgotten.
#[derive(Default)]
struct Buckets {
    by_key: HashMap<String, (u64, Bucket)>,
    /// Keys by when they were used last.
    by_use: BTreeMap<u64, String>,
    uses: u64,
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
        let Buckets {
            by_key,
            by_use,
            uses,
        } = &mut *buckets;
        *uses += 1;
        if let Some((used, bucket)) = by_key.get_mut(key) {
            by_use.remove(used);
            by_use.insert(*uses, key.to_owned());
            *used = *uses;
            return bucket.check().is_ok();
        }
        if by_key.len() >= self.most
            && let Some((_, oldest)) = by_use.pop_first()
        {
            by_key.remove(&oldest);
        }
        let bucket = RateLimiter::direct_with_clock(self.quota, self.clock.clone());
        let takes = bucket.check().is_ok();
        by_use.insert(*uses, key.to_owned());
        by_key.insert(key.to_owned(), (*uses, bucket));
        takes
    }
}

/// The plug-in.
pub(super) struct EventRateLimit(Vec<Limit>);

impl EventRateLimit {
    /// From the settings, a `Configuration` of `eventratelimit.admission.k8s.io`.
    pub(super) fn new(settings: Option<&Value>) -> Result<Self, ConfigurationError> {
        let start = Instant::now();
        Self::by(settings, Arc::new(move || start.elapsed()))
    }

    fn by(settings: Option<&Value>, clock: Elapsed) -> Result<Self, ConfigurationError> {
        if let Some(settings) = settings {
            let versions = ["eventratelimit.admission.k8s.io/v1alpha1"];
            check_kind(settings, &versions, &["Configuration"])?;
        }
        let list = settings.map_or(&Value::Null, |settings| &settings["limits"]);
        let path = Path::new("limits");
        let mut errors = ErrorList::new();
        if list.as_array().is_none_or(Vec::is_empty) {
            let shown = BadValue::Json(list.to_string());
            errors.invalid(&path, shown, "must not be empty");
        }
        let limits = list.as_array().into_iter().flatten().enumerate();
        let limits = limits
            .filter_map(|(at, limit)| Self::limit(limit, &clock, &path.index(at), &mut errors));
        let limits = limits.collect();
        let faults = errors.iter().map(ToString::to_string).collect();
        match together(faults) {
            None => Ok(Self(limits)),
            Some(faults) => Err(ConfigurationError(faults)),
        }
    }

    fn limit(
        limit: &Value,
        clock: &Elapsed,
        path: &Path<'_>,
        errors: &mut ErrorList,
    ) -> Option<Limit> {
        let ty = limit["type"].as_str().unwrap_or_default();
        let per = Per::parse(ty);
        if per.is_none() {
            let known = ["Namespace", "Server", "SourceAndObject", "User"];
            errors.not_supported(&path.child("type"), BadValue::json_string(ty), known);
        }
        let mut positive = |name: &str| {
            let number = limit[name].as_i64().unwrap_or_default();
            let found = u32::try_from(number).ok().and_then(NonZeroU32::new);
            if found.is_none() {
                errors.invalid(&path.child(name), number, "must be positive");
            }
            found
        };
        let (burst, qps) = (positive("burst"), positive("qps"));
        let size = limit["cacheSize"].as_i64().unwrap_or_default();
        if size < 0 && per != Some(Per::Server) {
            errors.invalid(&path.child("cacheSize"), size, "must not be negative");
        }
        Some(Limit {
            per: per?,
            quota: Quota::per_second(qps?).allow_burst(burst?),
            clock: Since(Arc::clone(clock)),
            most: match usize::try_from(size) {
                Ok(0) | Err(_) => 4096,
                Ok(most) => most,
            },
            buckets: Mutex::default(),
        })
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
        // Upstream knows events by their older group alone.
        Interest::VALIDATES.when(target.is("", "events") && target.writes())
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
        let mut refusals = Vec::new();
        for limit in &self.0 {
            let key = key(limit.per, cx, attributes, object);
            if !limit.takes(&key) {
                let per = limit.per.as_str();
                refusals.push(format!("limit reached on type {per} for key {key}"));
            }
        }
        together(refusals).map_or(Ok(()), |why| Err(ApiError::overloaded(why)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn settings(limits: &str) -> Value {
        let text = format!(
            r#"{{"apiVersion":"eventratelimit.admission.k8s.io/v1alpha1","kind":"Configuration","limits":{limits}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_bucket_refills_with_time() {
        let settings = settings(r#"[{"type":"Namespace","qps":1,"burst":2,"cacheSize":2}]"#);
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
        plugin.0[0].takes("blue");
        assert_eq!(takes("red"), [true, true, false]);
        assert_eq!(takes("green"), [true, true, false], "it had been forgotten");
    }

    #[track_caller]
    fn check(settings: Option<&Value>, expected: &str) {
        let error = EventRateLimit::new(settings).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn limits_are_checked() {
        check(None, "limits: Invalid value: null: must not be empty");
        check(
            Some(&settings("[]")),
            "limits: Invalid value: []: must not be empty",
        );
        check(
            Some(&settings(
                r#"[{"type":"Moon","burst":1},{"type":"User","qps":1,"burst":0,"cacheSize":-1}]"#,
            )),
            "[limits[0].type: Unsupported value: \"Moon\": supported values: \"Namespace\", \"Server\", \"SourceAndObject\", \"User\", \
             limits[0].qps: Invalid value: 0: must be positive, limits[1].burst: Invalid value: 0: must be positive, \
             limits[1].cacheSize: Invalid value: -1: must not be negative]",
        );
        check(
            Some(&serde_json::json!({"limits": []})),
            "Object 'Kind' is missing in '{\"limits\":[]}'",
        );
    }
}
