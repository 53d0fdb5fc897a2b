//! Somebody else who knows whose tokens are whose: [`TokenWebhook`].

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use serde::Deserialize;
use serde_json::json;

use crate::authenticator::{AuthenticationError, Outcome, authenticated};
use crate::token_authenticator::{Accepted, Checked, TokenAuthenticator, intersection};

/// Takes a `TokenReview`, in JSON, to whoever fills in its status, and brings it back; or says in words for the log why
/// it cannot.
pub trait TokenReviewer: Send + Sync + 'static {
    /// The review with its status.
    fn review(
        &self,
        review: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + '_>>;
}

/// Asks a [`TokenReviewer`] about every token. A [`crate::CachedTokens`] should stand before it.
pub struct TokenWebhook {
    reviewer: Arc<dyn TokenReviewer>,
    version: &'static str,
    audiences: Arc<[Text]>,
}

#[derive(Deserialize)]
struct Review {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    authenticated: bool,
    user: User,
    audiences: Vec<String>,
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    username: String,
    uid: String,
    groups: Option<Vec<String>>,
    extra: Option<BTreeMap<String, Vec<String>>>,
}

impl TokenWebhook {
    /// Asks `reviewer` with reviews of `authentication.k8s.io/<version>`, on a server that is meant by `audiences`.
    pub fn new(
        reviewer: Arc<dyn TokenReviewer>,
        version: &'static str,
        audiences: Arc<[Text]>,
    ) -> Self {
        Self {
            reviewer,
            version,
            audiences,
        }
    }

    async fn ask(&self, token: &str, wanted: &[Text]) -> Checked {
        let mut spec = json!({"token": token});
        if !wanted.is_empty() {
            spec["audiences"] = wanted.iter().map(Text::as_str).collect();
        }
        let review = json!({
            "kind": "TokenReview",
            "apiVersion": format!("authentication.k8s.io/{}", self.version),
            "metadata": {},
            "spec": spec,
            "status": {"user": {}},
        });
        let answer = self.reviewer.review(review.to_string().into_bytes()).await;
        let answer = answer.map_err(AuthenticationError::new)?;
        let Review { status } = serde_json::from_slice(&answer).map_err(|error| {
            AuthenticationError::new(format!("the token review cannot be read: {error}"))
        })?;
        let meant: Vec<Text> = if status.audiences.is_empty() {
            intersection(&self.audiences, wanted)
        } else {
            let meant: Vec<Text> = status.audiences.into_iter().map(Text::from).collect();
            intersection(&meant, wanted)
        };
        if meant.is_empty() && !wanted.is_empty() {
            return Ok(None);
        }
        if !status.authenticated {
            return if status.error.is_empty() {
                Ok(None)
            } else {
                Err(AuthenticationError::new(status.error))
            };
        }
        let User {
            username,
            uid,
            groups,
            extra,
        } = status.user;
        let texts = |texts: Vec<String>| texts.into_iter().map(Text::from).collect();
        let user = UserInfo {
            name: username.into(),
            uid: uid.into(),
            groups: texts(groups.unwrap_or_default()),
            extra: extra
                .unwrap_or_default()
                .into_iter()
                .map(|(key, values)| (Text::from(key), texts(values)))
                .collect(),
        };
        Ok(Some(Accepted {
            user: authenticated(user),
            audiences: meant.into(),
        }))
    }
}

impl TokenAuthenticator for TokenWebhook {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        Outcome::Later(Box::pin(self.ask(token, audiences)))
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Answers always the same.
    struct Says(&'static str);

    impl TokenReviewer for Says {
        fn review(
            &self,
            review: Vec<u8>,
        ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + '_>> {
            let asked: serde_json::Value = serde_json::from_slice(&review).expect("JSON");
            assert_eq!(asked["apiVersion"], "authentication.k8s.io/v1");
            assert_eq!(asked["spec"]["token"], "t");
            Box::pin(async { Ok(self.0.as_bytes().to_vec()) })
        }
    }

    #[track_caller]
    fn check(status: &'static str, wanted: &[&'static str], expected: Result<Option<&str>, &str>) {
        let ours: Arc<[Text]> = vec![Text::from("us")].into();
        let webhook = TokenWebhook::new(Arc::new(Says(status)), "v1", ours);
        let wanted: Vec<Text> = wanted.iter().map(|text| Text::from(*text)).collect();
        let mut waiting = Box::pin(webhook.check("t", &wanted).wait());
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(checked) = waiting.as_mut().poll(&mut cx) else {
            panic!("never waits")
        };
        let found = checked
            .map(|accepted| accepted.map(|accepted| accepted.user.name.to_string()))
            .map_err(|error| error.to_string());
        let found = found.as_ref().map(Option::as_deref).map_err(String::as_str);
        assert_eq!(found, expected, "{status}");
    }

    #[test]
    fn the_status_says_whose_a_token_is() {
        let good = r#"{"status":{"authenticated":true,"user":{"username":"alice","groups":null}}}"#;
        check(good, &["us"], Ok(Some("alice")));
        check(good, &[], Ok(Some("alice")));
        check(good, &["them"], Ok(None));
        check(r#"{"status":{}}"#, &["us"], Ok(None));
        check("{}", &["us"], Ok(None));
        check(r#"{"status":{"error":"no"}}"#, &["us"], Err("no"));
    }

    #[test]
    fn audiences_of_the_status_count_before_ours() {
        let said =
            r#"{"status":{"authenticated":true,"audiences":["them"],"user":{"username":"alice"}}}"#;
        check(said, &["us"], Ok(None));
        check(said, &["them"], Ok(Some("alice")));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let why = "the token review cannot be read: expected ident at line 1 column 2";
        check("no", &["us"], Err(why));
    }
}
