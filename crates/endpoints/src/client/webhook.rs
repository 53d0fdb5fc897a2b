//! Somebody who answers reviews: [`Webhook`].

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

use super::counted::CLIENT;
use super::transport::{Answer, CallError, Transport};

/// What a webhook is made from.
#[derive(Debug)]
pub struct WebhookOptions {
    /// Where it is asked.
    pub url: String,
    /// How it is reached.
    pub transport: Transport,
    /// What is shown to it in a header.
    pub credential: Credential,
    /// How it is asked again.
    pub retries: Retries,
}

/// What is shown in the header `Authorization`. It is never printed.
pub enum Credential {
    /// Nothing.
    None,
    /// A token.
    Token(String),
    /// The token in a file, which is read each time.
    TokenFile(PathBuf),
    /// A name and a password.
    Basic(String, String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token",
            Self::TokenFile(_) => "TokenFile",
            Self::Basic(..) => "Basic",
        })
    }
}

/// How often and when somebody is asked again who had a bad moment.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// How often in all.
    pub steps: u32,
    /// The first pause; each is half as long again as the one before, and a fifth of it is left to chance.
    pub first: Duration,
    /// Whatever went wrong, and not only after a bad moment.
    pub always: bool,
}

impl Default for Retries {
    /// Upstream's `DefaultRetryBackoff`.
    fn default() -> Self {
        Self {
            steps: 5,
            first: Duration::from_millis(500),
            always: false,
        }
    }
}

impl Retries {
    /// The pause after so many attempts.
    pub fn pause(&self, attempts: u32) -> Duration {
        let chance = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
        let factor = 1.5_f64.powi(i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX));
        self.first.mul_f64(factor * (1.0 + 0.2 * chance))
    }
}

/// Somebody who answers reviews.
#[derive(Debug)]
pub struct Webhook {
    options: WebhookOptions,
    /// As it is counted.
    host: String,
}

impl Webhook {
    /// A webhook as the options say.
    pub fn new(options: WebhookOptions) -> Self {
        let url = Uri::try_from(&options.url).ok();
        let host = url.as_ref().and_then(Uri::authority);
        let host = host.map(ToString::to_string).unwrap_or_default();
        Self { options, host }
    }

    /// Posts a JSON document, again after a pause where the other side had a bad moment. Tells `seen` of every attempt:
    /// its status, if there was one, or whether it took too long.
    ///
    /// # Errors
    /// Where there is no answer, or one that is none of success: in words for the log.
    pub async fn post(
        &self,
        body: Bytes,
        seen: impl Fn(Result<StatusCode, &CallError>) + Send,
    ) -> Result<Bytes, String> {
        let headers = self.headers()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let options = &self.options;
            let began = Instant::now();
            let answered = options
                .transport
                .send(Method::POST, &options.url, &headers, body.clone())
                .await;
            let answer = answered.as_ref().ok();
            let answer = answer.map(|answer| (answer.status, answer.body.len()));
            CLIENT.posted(&self.host, body.len(), began.elapsed(), answer);
            seen(answered.as_ref().map(|answer| answer.status));
            let (error, is_passing) = match answered {
                Ok(answer) if answer.status.is_success() => return Ok(answer.body),
                Ok(answer) => (refusal(&answer), had_bad_moment(&answer)),
                Err(error) => (chain(&error), error.is_passing()),
            };
            if !(is_passing || options.retries.always) || attempts >= options.retries.steps {
                return Err(error);
            }
            tokio::time::sleep(options.retries.pause(attempts)).await;
        }
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let json = HeaderValue::from_static("application/json");
        let mut headers = vec![(ACCEPT, json.clone()), (CONTENT_TYPE, json)];
        let shown = match &self.options.credential {
            Credential::None => return Ok(headers),
            Credential::Token(token) => format!("Bearer {token}"),
            Credential::TokenFile(file) => {
                let token = fs::read_to_string(file)
                    .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
                format!("Bearer {}", token.trim())
            }
            Credential::Basic(name, password) => {
                let pair = BASE64_STANDARD.encode(format!("{name}:{password}"));
                format!("Basic {pair}")
            }
        };
        let mut shown = HeaderValue::try_from(shown)
            .map_err(|_| "the credential is no text for a header".to_owned())?;
        shown.set_sensitive(true);
        headers.push((AUTHORIZATION, shown));
        Ok(headers)
    }
}

fn had_bad_moment(answer: &Answer) -> bool {
    matches!(
        answer.status,
        StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
    ) || answer.headers.contains_key(RETRY_AFTER)
}

/// The beginning of what was answered, for the log.
fn refusal(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]);
    format!("status {}: {}", answer.status.as_u16(), text.trim())
}

/// An error and what caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_half() {
        let retries = Retries::default();
        for (attempts, least) in [(1, 500), (2, 750), (3, 1125)] {
            let least = Duration::from_millis(least);
            let pause = retries.pause(attempts);
            assert!(pause >= least && pause <= least.mul_f64(1.21), "{pause:?}");
        }
    }
}
