//! `ImagePolicyWebhook`: somebody else says which images may run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pintle_api::core::v1::Pod;
use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::client::Webhook;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use serde_json::{Value, json};

use super::configuration::ConfigurationError;

/// How many answers are remembered.
const MOST: usize = 1024;
/// What audit annotations of answers begin with.
const PREFIX: &str = "imagepolicywebhook.image-policy.k8s.io/";

/// The plug-in.
pub(super) struct ImagePolicy {
    webhook: Arc<Webhook>,
    /// How long an answer is good: a yes, and a no.
    lives: [Duration; 2],
    default_allow: bool,
    known: Mutex<HashMap<String, (Instant, Review)>>,
}

/// An answer.
#[derive(Debug, Clone, Default)]
struct Review {
    allowed: bool,
    reason: String,
    annotations: Vec<(String, String)>,
}

impl fmt::Debug for ImagePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImagePolicy")
            .field("lives", &self.lives)
            .field("default_allow", &self.default_allow)
            .finish_non_exhaustive()
    }
}

impl ImagePolicy {
    /// From the settings, whose `imagePolicy` says all but how to reach the webhook.
    pub(super) fn new(
        webhook: Option<&Arc<Webhook>>,
        settings: Option<&Value>,
    ) -> Result<Self, ConfigurationError> {
        let missing = || ConfigurationError("no config specified".to_owned());
        let webhook = webhook.ok_or_else(missing)?;
        let policy = &settings.ok_or_else(missing)?["imagePolicy"];
        let life = |name: &str, default: u64| match policy[name].as_i64() {
            None | Some(0) => Duration::from_secs(default),
            Some(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        };
        Ok(Self {
            webhook: Arc::clone(webhook),
            lives: [life("allowTTL", 300), life("denyTTL", 30)],
            default_allow: policy["defaultAllow"].as_bool().unwrap_or_default(),
            known: Mutex::default(),
        })
    }

    async fn review(&self, spec: Value) -> Result<Review, String> {
        let key = spec.to_string();
        let now = Instant::now();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((until, review)) = known.get(&key)
                && *until > now
            {
                return Ok(review.clone());
            }
        }
        let body = json!({"apiVersion": "imagepolicy.k8s.io/v1alpha1", "kind": "ImageReview", "spec": spec});
        let answer = self.webhook.post(body.to_string().into(), |_| ()).await?;
        let answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let review = Review::of(&answer["status"]);
        let [yes, no] = self.lives;
        let until = now + if review.allowed { yes } else { no };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (until, _)| *until > now);
        }
        if known.len() < MOST {
            known.insert(key, (until, review.clone()));
        }
        Ok(review)
    }
}

impl Review {
    fn of(status: &Value) -> Self {
        let annotations = status["auditAnnotations"].as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            allowed: status["allowed"].as_bool().unwrap_or_default(),
            reason: text(&status["reason"]),
            annotations: annotations
                .map(|(key, value)| (key.clone(), text(value)))
                .collect(),
        }
    }

    fn refusal(&self) -> String {
        if self.reason.is_empty() {
            "one or more images rejected by webhook backend".to_owned()
        } else {
            let reason = &self.reason;
            format!("image policy webhook backend denied one or more images: {reason}")
        }
    }
}

/// What is asked: images, annotations that are for whoever answers, and the namespace.
fn spec(pod: Pod<'_>, subresource: &str, namespace: &str) -> Value {
    let (metadata, spec) = (pod.metadata(), pod.spec());
    let images: Vec<&str> = if subresource.is_empty() {
        let containers = spec
            .containers()
            .iter()
            .chain(spec.init_containers().iter());
        containers.map(|it| it.image()).collect()
    } else {
        spec.ephemeral_containers()
            .iter()
            .map(|it| it.image())
            .collect()
    };
    let containers: Vec<Value> = images.iter().map(|image| json!({"image": image})).collect();
    let annotations = metadata.annotations();
    let told = annotations
        .iter()
        .filter(|(key, _)| key.contains(".image-policy.k8s.io/"));
    let told: serde_json::Map<String, Value> = told
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let mut asked = json!({"containers": containers, "namespace": namespace});
    if !told.is_empty() {
        asked["annotations"] = Value::Object(told);
    }
    asked
}

impl Plugin for ImagePolicy {
    fn name(&self) -> &'static str {
        "ImagePolicyWebhook"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let is_pod = target.is("", "pods") || target.is_below("", "pods", "ephemeralcontainers");
        Interest::VALIDATES.when(is_pod && target.writes())
    }

    fn validate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        let Some(object) = object else {
            return Answer::YES;
        };
        let pod = Pod::from_record(object);
        let spec = spec(pod, attributes.subresource, attributes.namespace);
        Answer::later(async move {
            let review = match self.review(spec).await {
                Ok(review) => review,
                Err(error) if self.default_allow => {
                    tracing::warn!(%error, "nobody says which images may run; all may");
                    cx.annotate(format!("{PREFIX}failed-open"), "true");
                    return Ok(());
                }
                Err(error) => return Err::<(), ApiError>(attributes.forbid(error)),
            };
            for (key, value) in &review.annotations {
                cx.annotate(format!("{PREFIX}{key}"), value.clone());
            }
            if review.allowed {
                Ok(())
            } else {
                Err(attributes.forbid(review.refusal()))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why_if_it_was_said() {
        let review = |status| Review::of(&status).refusal();
        assert_eq!(
            review(json!({"allowed": false, "reason": "too old"})),
            "image policy webhook backend denied one or more images: too old"
        );
        assert_eq!(
            review(json!({"allowed": false})),
            "one or more images rejected by webhook backend"
        );
        let answer = Review::of(&json!({"allowed": true, "auditAnnotations": {"a": "b"}}));
        assert!(answer.allowed && answer.annotations == [("a".to_owned(), "b".to_owned())]);
    }
}
