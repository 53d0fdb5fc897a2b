//! What is said where only an HTTP status code is known.

use std::borrow::Cow;

use super::{
    ApiError, CauseReason, Failure, Outcome, RetryAfter, Status, StatusCause, StatusDetails,
    StatusReason,
};
use crate::gvk::GroupResource;
use crate::quote::Quoted;
use crate::text::Text;

/// An answer of which little more than the code is known. The server itself speaks like this
/// where no resource was found to speak of (`NewGenericServerResponse` upstream).
#[derive(Debug, Clone)]
pub struct Responded<'a> {
    /// The HTTP status code.
    pub code: u16,
    /// The HTTP method.
    pub verb: &'a str,
    /// The resource asked for; may be empty.
    pub resource: GroupResource,
    /// The name asked for; may be empty.
    pub name: &'a str,
    /// What the server said, as text.
    pub server_message: &'a str,
    /// When to try again.
    pub retry_after: Option<RetryAfter>,
    /// Whether what the server said was not understood, which makes it a cause.
    pub unexpected: bool,
}

impl<'a> Responded<'a> {
    /// An answer of which only the code is known, and that it was not understood.
    pub fn new(code: u16) -> Self {
        Self {
            code,
            verb: "",
            resource: GroupResource::default(),
            name: "",
            server_message: "",
            retry_after: None,
            unexpected: false,
        }
    }

    /// The same, to a `verb`.
    #[must_use]
    pub const fn to(mut self, verb: &'a str) -> Self {
        self.verb = verb;
        self
    }

    fn message(&self) -> Cow<'static, str> {
        let Self {
            code,
            server_message,
            ..
        } = *self;
        let message = match code {
            400 => "the server rejected our request for an unknown reason",
            401 => "the server has asked for the client to provide credentials",
            404 => "the server could not find the requested resource",
            405 => "the server does not allow this method on the requested resource",
            406 if server_message.is_empty() || server_message == "unknown" => {
                "the server was unable to respond with a content type that the client supports"
            }
            403 | 406 | 415 => return Cow::Owned(server_message.to_owned()),
            409 => "the server reported a conflict",
            422 => "the server rejected our request due to an error in our request",
            429 => "the server has received too many requests and has asked us to try again later",
            503 => "the server is currently unable to handle the request",
            504 => {
                "the server was unable to return a response in the time allotted, but may still be processing the request"
            }
            500.. => {
                let quoted = Quoted(server_message);
                return format!(
                    "an error on the server ({quoted}) has prevented the request from succeeding"
                )
                .into();
            }
            _ => {
                return format!("the server responded with the status code {code} but did not return more information")
                    .into();
            }
        };
        Cow::Borrowed(message)
    }

    fn full_message(&self) -> Cow<'static, str> {
        let message = self.message();
        if self.resource.is_empty() {
            return message;
        }
        let verb = self.verb.to_lowercase();
        if self.name.is_empty() {
            format!("{message} ({verb} {})", self.resource).into()
        } else {
            format!("{message} ({verb} {} {})", self.resource, self.name).into()
        }
    }

    fn details(&self) -> StatusDetails {
        let cause = self.unexpected.then(|| {
            StatusCause::new(
                CauseReason::UnexpectedServerResponse,
                self.server_message,
                "",
            )
        });
        StatusDetails {
            name: Text::from(self.name.to_owned()),
            group: self.resource.group.clone(),
            kind: self.resource.resource.clone(),
            uid: Text::default(),
            causes: cause.into_iter().collect(),
            retry_after: self.retry_after,
        }
    }
}

impl From<Responded<'_>> for ApiError {
    fn from(answer: Responded<'_>) -> Self {
        let failure = Box::new(Failure {
            details: Some(answer.details()),
            ..Failure::new(answer.full_message())
        });
        match answer.code {
            400 => Self::BadRequest(failure),
            401 => Self::Unauthorized(failure),
            403 => Self::Forbidden(failure),
            404 => Self::NotFound(failure),
            405 => Self::MethodNotAllowed(failure),
            406 => Self::NotAcceptable(failure),
            409 if answer.verb == "POST" => Self::AlreadyExists(failure),
            409 => Self::Conflict(failure),
            415 => Self::UnsupportedMediaType(failure),
            422 => Self::Invalid(failure),
            429 => Self::TooManyRequests(failure),
            500 => Self::Internal(failure),
            503 => Self::ServiceUnavailable(failure),
            504 => Self::Timeout(failure),
            code => Self::Foreign(Box::new(Status {
                outcome: Outcome::Failure,
                message: failure.message,
                reason: if code >= 500 {
                    StatusReason::InternalError
                } else {
                    StatusReason::Unknown
                },
                details: failure.details,
                code,
                continue_token: Text::default(),
            })),
        }
    }
}
