//! What a request ended in, as clients are told: [`Status`], and [`ApiError`], which becomes one.
//!
//! Every constructor of an [`ApiError`] gives kube-apiserver's message and details. Below the edge
//! an error is matched by its variant and asked for its [`StatusDetails`]; nobody reads a message.
//!
//! ```
//! use pintle_runtime::gvk::GroupResource;
//! use pintle_runtime::status::ApiError;
//!
//! let error = ApiError::not_found(&GroupResource::new("apps", "deployments"), "web");
//! assert_eq!(error.to_string(), r#"deployments.apps "web" not found"#);
//! assert_eq!(error.code(), 404);
//! ```

mod error;
mod make;
mod reason;
mod record;
mod responded;

use std::borrow::Cow;

use crate::codec::json::encode_str;
use crate::text::Text;

pub use error::{ApiError, Failure};
pub use reason::{CauseReason, StatusReason};
pub use responded::Responded;

/// A `Status` object: the body of every error and of some answers to a delete.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// How it went.
    pub outcome: Outcome,
    /// For people; may be empty.
    pub message: Cow<'static, str>,
    /// For programs; [`StatusReason::Unknown`] is left out of the object.
    pub reason: StatusReason,
    /// What it is about.
    pub details: Option<StatusDetails>,
    /// The HTTP status code; zero is left out of the object, as in the answer to a delete.
    pub code: u16,
    /// `metadata.continue`: where a list whose token has expired may go on. Empty if nowhere.
    pub continue_token: Text,
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As asked.
    Success,
    /// Not at all.
    Failure,
}

impl Outcome {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Failure => "Failure",
        }
    }
}

/// What a [`Status`] is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusDetails {
    /// Name of the object.
    pub name: Text,
    /// API group, empty for the core group.
    pub group: Text,
    /// The resource (`pods`) for most errors, the kind (`Pod`) where an object is invalid.
    pub kind: Text,
    /// UID of the object.
    pub uid: Text,
    /// What exactly is wrong.
    pub causes: Vec<StatusCause>,
    /// When to try again.
    pub retry_after: Option<RetryAfter>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusCause {
    /// For programs.
    pub reason: CauseReason,
    /// For people.
    pub message: String,
    /// The field, such as `spec.ports[0].name`; may be empty.
    pub field: String,
}

/// Whole seconds to wait before trying again: `retryAfterSeconds` in the details, and the
/// `Retry-After` header. Zero says nothing and is never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RetryAfter {
    seconds: i32,
}

impl RetryAfter {
    /// After so many seconds; `None` for zero and below, which means nothing on the wire.
    pub const fn seconds(seconds: i32) -> Option<Self> {
        if seconds > 0 {
            Some(Self { seconds })
        } else {
            None
        }
    }

    /// After one second, which is what the server asks for where it has no better idea.
    pub const SOON: Self = Self { seconds: 1 };

    /// How many seconds, at least one.
    pub const fn as_seconds(self) -> i32 {
        self.seconds
    }
}

impl Status {
    /// It went as asked.
    pub fn success() -> Self {
        Self {
            outcome: Outcome::Success,
            message: Cow::Borrowed(""),
            reason: StatusReason::Unknown,
            details: None,
            code: 0,
            continue_token: Text::default(),
        }
    }

    /// The object that `details` speak of is gone: the answer to a delete.
    pub fn deleted(details: StatusDetails) -> Self {
        Self {
            details: Some(details),
            ..Self::success()
        }
    }

    /// Something was made that is not worth sending back, such as a binding.
    pub fn created() -> Self {
        Self {
            code: 201,
            ..Self::success()
        }
    }

    /// The HTTP status code of the answer that carries it: its own, or the one that goes with the
    /// outcome.
    pub const fn http_code(&self) -> u16 {
        match (self.code, self.outcome) {
            (0, Outcome::Success) => 200,
            (0, Outcome::Failure) => 500,
            (code, _) => code,
        }
    }

    /// Appends the object as compact JSON, without a newline, as version `v1`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"kind":"Status","apiVersion":"v1","metadata":{"#);
        if !self.continue_token.is_empty() {
            out.extend_from_slice(br#""continue":"#);
            encode_str(&self.continue_token, out);
        }
        out.extend_from_slice(br#"},"status":""#);
        out.extend_from_slice(self.outcome.as_str().as_bytes());
        out.push(b'"');
        write_text(",\"message\":", &self.message, out);
        write_text(",\"reason\":", self.reason.as_str(), out);
        if let Some(details) = &self.details {
            out.extend_from_slice(br#","details":"#);
            details.write_json(out);
        }
        write_number(",\"code\":", self.code.into(), out);
        out.push(b'}');
    }

    /// The object as compact JSON, without a newline.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(256);
        self.write_json(&mut json);
        json
    }
}

impl StatusDetails {
    fn write_json(&self, out: &mut Vec<u8>) {
        let start = out.len();
        write_text(",\"name\":", &self.name, out);
        write_text(",\"group\":", &self.group, out);
        write_text(",\"kind\":", &self.kind, out);
        write_text(",\"uid\":", &self.uid, out);
        if !self.causes.is_empty() {
            out.extend_from_slice(br#","causes":"#);
            let start = out.len();
            for cause in &self.causes {
                out.push(b',');
                cause.write_json(out);
            }
            out[start] = b'[';
            out.push(b']');
        }
        write_number(
            ",\"retryAfterSeconds\":",
            self.retry_after.map_or(0, RetryAfter::as_seconds),
            out,
        );
        close(start, out);
    }
}

impl StatusCause {
    fn write_json(&self, out: &mut Vec<u8>) {
        let start = out.len();
        write_text(",\"reason\":", self.reason.as_str(), out);
        write_text(",\"message\":", &self.message, out);
        write_text(",\"field\":", &self.field, out);
        close(start, out);
    }
}

fn write_text(key: &str, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        out.extend_from_slice(key.as_bytes());
        encode_str(text, out);
    }
}

fn write_number(key: &str, number: i32, out: &mut Vec<u8>) {
    if number != 0 {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}

/// Makes an object of the members written since `start`, each of which begins with a comma.
fn close(start: usize, out: &mut Vec<u8>) {
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests;
