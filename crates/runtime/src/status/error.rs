//! [`ApiError`]: why a request failed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{Outcome, RetryAfter, Status, StatusCause, StatusDetails, StatusReason};
use crate::text::Text;

/// Why a request failed: one variant per reason that this server gives.
///
/// Shown, it is the message that the client gets; its `source` is for operators only and never on
/// the wire.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// 400: the request makes no sense.
    #[error(transparent)]
    BadRequest(Box<Failure>),
    /// 401: nobody knows who asks.
    #[error(transparent)]
    Unauthorized(Box<Failure>),
    /// 403: who asks may not.
    #[error(transparent)]
    Forbidden(Box<Failure>),
    /// 404: it is not there.
    #[error(transparent)]
    NotFound(Box<Failure>),
    /// 405: the resource does not do that.
    #[error(transparent)]
    MethodNotAllowed(Box<Failure>),
    /// 406: no representation that the client takes.
    #[error(transparent)]
    NotAcceptable(Box<Failure>),
    /// 409: a create met an object of that name.
    #[error(transparent)]
    AlreadyExists(Box<Failure>),
    /// 409: the object changed in between, or another manager owns the field.
    #[error(transparent)]
    Conflict(Box<Failure>),
    /// 410: it is not there any more.
    #[error(transparent)]
    Gone(Box<Failure>),
    /// 410: the revision has been compacted.
    #[error(transparent)]
    Expired(Box<Failure>),
    /// 413: the body is too large.
    #[error(transparent)]
    RequestEntityTooLarge(Box<Failure>),
    /// 415: the body is in no format that the server takes.
    #[error(transparent)]
    UnsupportedMediaType(Box<Failure>),
    /// 422: the object is not valid.
    #[error(transparent)]
    Invalid(Box<Failure>),
    /// 429: too much at once.
    #[error(transparent)]
    TooManyRequests(Box<Failure>),
    /// 500: the server failed.
    #[error(transparent)]
    Internal(Box<Failure>),
    /// 500: could not be done now, try again.
    #[error(transparent)]
    ServerTimeout(Box<Failure>),
    /// 500: stored objects could not be read.
    #[error(transparent)]
    StorageRead(Box<Failure>),
    /// 500 without a reason, which upstream gives where its code returns a plain error.
    #[error(transparent)]
    Unknown(Box<Failure>),
    /// 503: what is needed is not there now.
    #[error(transparent)]
    ServiceUnavailable(Box<Failure>),
    /// 504: took too long; may yet happen.
    #[error(transparent)]
    Timeout(Box<Failure>),
    /// What another server or a webhook said, passed on as it came.
    #[error("{}", .0.message)]
    Foreign(Box<Status>),
}

/// What is known of a failure.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// For the client.
    pub message: Cow<'static, str>,
    /// What it is about. Absent and empty differ on the wire.
    pub details: Option<StatusDetails>,
    /// Where a list whose token has expired may go on; empty if nowhere.
    pub continue_token: Text,
    /// For operators.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of which only the message is known.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

impl ApiError {
    /// All that the wire knows of an error beside its texts.
    pub fn wire(&self) -> (StatusReason, u16) {
        match self {
            Self::BadRequest(_) => (StatusReason::BadRequest, 400),
            Self::Unauthorized(_) => (StatusReason::Unauthorized, 401),
            Self::Forbidden(_) => (StatusReason::Forbidden, 403),
            Self::NotFound(_) => (StatusReason::NotFound, 404),
            Self::MethodNotAllowed(_) => (StatusReason::MethodNotAllowed, 405),
            Self::NotAcceptable(_) => (StatusReason::NotAcceptable, 406),
            Self::AlreadyExists(_) => (StatusReason::AlreadyExists, 409),
            Self::Conflict(_) => (StatusReason::Conflict, 409),
            Self::Gone(_) => (StatusReason::Gone, 410),
            Self::Expired(_) => (StatusReason::Expired, 410),
            Self::RequestEntityTooLarge(_) => (StatusReason::RequestEntityTooLarge, 413),
            Self::UnsupportedMediaType(_) => (StatusReason::UnsupportedMediaType, 415),
            Self::Invalid(_) => (StatusReason::Invalid, 422),
            Self::TooManyRequests(_) => (StatusReason::TooManyRequests, 429),
            Self::Internal(_) => (StatusReason::InternalError, 500),
            // Upstream's conventions say 504, its server sends 500, and clients have only met 500.
            Self::ServerTimeout(_) => (StatusReason::ServerTimeout, 500),
            Self::StorageRead(_) => (StatusReason::StorageReadError, 500),
            Self::Unknown(_) => (StatusReason::Unknown, 500),
            Self::ServiceUnavailable(_) => (StatusReason::ServiceUnavailable, 503),
            Self::Timeout(_) => (StatusReason::Timeout, 504),
            Self::Foreign(status) => (status.reason.clone(), status.http_code()),
        }
    }

    /// The HTTP status code.
    pub fn code(&self) -> u16 {
        self.wire().1
    }

    /// What it is about.
    pub fn details(&self) -> Option<&StatusDetails> {
        match self.inner() {
            Inner::Failure(failure) => failure.details.as_ref(),
            Inner::Status(status) => status.details.as_ref(),
        }
    }

    /// When to try again: the `Retry-After` header.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        self.details().and_then(|details| details.retry_after)
    }

    /// The object that the client gets.
    pub fn to_status(&self) -> Status {
        match self.inner() {
            Inner::Status(status) => Status {
                code: status.http_code(),
                ..status.clone()
            },
            Inner::Failure(failure) => {
                let (reason, code) = self.wire();
                Status {
                    outcome: Outcome::Failure,
                    message: failure.message.clone(),
                    reason,
                    details: failure.details.clone(),
                    code,
                    continue_token: failure.continue_token.clone(),
                }
            }
        }
    }

    /// The object that the client gets as compact JSON, without a newline.
    pub fn status_json(&self) -> Vec<u8> {
        self.to_status().to_json()
    }

    /// With the cause that operators see.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        if let InnerMut::Failure(failure) = self.inner_mut() {
            failure.source = Some(Arc::new(source));
        }
        self
    }

    /// With one more cause in the details.
    #[must_use]
    pub fn with_cause(mut self, cause: StatusCause) -> Self {
        self.details_mut().causes.push(cause);
        self
    }

    /// With a time to try again in the details.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.details_mut().retry_after = Some(retry_after);
        self
    }

    /// With other details.
    #[must_use]
    pub fn with_details(mut self, details: StatusDetails) -> Self {
        *self.details_mut() = details;
        self
    }

    /// With another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        match self.inner_mut() {
            InnerMut::Failure(failure) => failure.message = message.into(),
            InnerMut::Status(status) => status.message = message.into(),
        }
        self
    }

    /// With a token in `metadata.continue`, from which an expired list may go on.
    #[must_use]
    pub fn with_continue_token(mut self, token: impl Into<Text>) -> Self {
        match self.inner_mut() {
            InnerMut::Failure(failure) => failure.continue_token = token.into(),
            InnerMut::Status(status) => status.continue_token = token.into(),
        }
        self
    }

    fn details_mut(&mut self) -> &mut StatusDetails {
        match self.inner_mut() {
            InnerMut::Failure(failure) => failure.details.get_or_insert_default(),
            InnerMut::Status(status) => status.details.get_or_insert_default(),
        }
    }

    fn inner(&self) -> Inner<'_> {
        match self {
            Self::BadRequest(failure)
            | Self::Unauthorized(failure)
            | Self::Forbidden(failure)
            | Self::NotFound(failure)
            | Self::MethodNotAllowed(failure)
            | Self::NotAcceptable(failure)
            | Self::AlreadyExists(failure)
            | Self::Conflict(failure)
            | Self::Gone(failure)
            | Self::Expired(failure)
            | Self::RequestEntityTooLarge(failure)
            | Self::UnsupportedMediaType(failure)
            | Self::Invalid(failure)
            | Self::TooManyRequests(failure)
            | Self::Internal(failure)
            | Self::ServerTimeout(failure)
            | Self::StorageRead(failure)
            | Self::Unknown(failure)
            | Self::ServiceUnavailable(failure)
            | Self::Timeout(failure) => Inner::Failure(failure),
            Self::Foreign(status) => Inner::Status(status),
        }
    }

    fn inner_mut(&mut self) -> InnerMut<'_> {
        match self {
            Self::BadRequest(failure)
            | Self::Unauthorized(failure)
            | Self::Forbidden(failure)
            | Self::NotFound(failure)
            | Self::MethodNotAllowed(failure)
            | Self::NotAcceptable(failure)
            | Self::AlreadyExists(failure)
            | Self::Conflict(failure)
            | Self::Gone(failure)
            | Self::Expired(failure)
            | Self::RequestEntityTooLarge(failure)
            | Self::UnsupportedMediaType(failure)
            | Self::Invalid(failure)
            | Self::TooManyRequests(failure)
            | Self::Internal(failure)
            | Self::ServerTimeout(failure)
            | Self::StorageRead(failure)
            | Self::Unknown(failure)
            | Self::ServiceUnavailable(failure)
            | Self::Timeout(failure) => InnerMut::Failure(failure),
            Self::Foreign(status) => InnerMut::Status(status),
        }
    }
}

enum Inner<'a> {
    Failure(&'a Failure),
    Status(&'a Status),
}

enum InnerMut<'a> {
    Failure(&'a mut Failure),
    Status(&'a mut Status),
}
