//! The constructors of [`ApiError`], with upstream's messages and details.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Display;

use super::{ApiError, CauseReason, Failure, RetryAfter, StatusCause, StatusDetails};
use crate::field_path::{ErrorList, FieldError};
use crate::gvk::{GroupKind, GroupResource};
use crate::quote::Quoted;
use crate::text::Text;

/// What a client reads when its object is older than the stored one.
const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

impl ApiError {
    /// No object `name`.
    pub fn not_found(resource: &GroupResource, name: &str) -> Self {
        let message = format!("{resource} {} not found", Quoted(name));
        Self::NotFound(about(resource, name, message))
    }

    /// An object `name` is there already.
    pub fn already_exists(resource: &GroupResource, name: &str) -> Self {
        let message = format!("{resource} {} already exists", Quoted(name));
        Self::AlreadyExists(about(resource, name, message))
    }

    /// Every name that was generated, the last of them `name`, was taken.
    pub fn generate_name_conflict(
        resource: &GroupResource,
        name: &str,
        retry_after: RetryAfter,
    ) -> Self {
        let message = format!(
            "{resource} {} already exists, the server was not able to generate a unique name for the object",
            Quoted(name)
        );
        Self::AlreadyExists(about(resource, name, message)).with_retry_after(retry_after)
    }

    /// Nobody knows who asks. Without a reason the message is `not authorized`; what the chain
    /// sends says `Unauthorized`.
    pub fn unauthorized(reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self::Unauthorized(said(if reason.is_empty() {
            Cow::Borrowed("not authorized")
        } else {
            reason
        }))
    }

    /// Who asks may not, and `why`. The name is empty for a whole collection, the resource for
    /// what is no resource.
    pub fn forbidden(resource: &GroupResource, name: &str, why: impl Display) -> Self {
        let message = if resource.is_empty() {
            format!("forbidden: {why}")
        } else if name.is_empty() {
            format!("{resource} is forbidden: {why}")
        } else {
            format!("{resource} {} is forbidden: {why}", Quoted(name))
        };
        Self::Forbidden(about(resource, name, message))
    }

    /// The object cannot be changed in this way now, and `why`.
    pub fn conflict(resource: &GroupResource, name: &str, why: impl Display) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {resource} {}: {why}",
            Quoted(name)
        );
        Self::Conflict(about(resource, name, message))
    }

    /// The object is newer than the one that the client has changed.
    pub fn modified(resource: &GroupResource, name: &str) -> Self {
        Self::conflict(resource, name, MODIFIED)
    }

    /// Other managers own fields that were applied.
    pub fn apply_conflict(causes: Vec<StatusCause>, message: impl Into<Cow<'static, str>>) -> Self {
        let details = StatusDetails {
            causes,
            ..StatusDetails::default()
        };
        Self::Conflict(Box::new(Failure {
            details: Some(details),
            ..Failure::new(message)
        }))
    }

    /// It is not there any more. Where a revision is meant, [`ApiError::expired`] says so.
    pub fn gone(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Gone(said(message))
    }

    /// The revision has been compacted.
    pub fn expired(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Expired(said(message))
    }

    /// The object is not valid, for these reasons.
    pub fn invalid(kind: &GroupKind, name: &str, errors: &ErrorList) -> Self {
        let mut message = format!("{kind} {} is invalid", Quoted(name));
        if !errors.is_empty() {
            message = format!("{message}: {errors}");
        }
        let details = StatusDetails {
            name: text(name),
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            causes: errors.iter().map(StatusCause::from).collect(),
            ..StatusDetails::default()
        };
        Self::Invalid(Box::new(Failure {
            details: Some(details),
            ..Failure::new(message)
        }))
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::BadRequest(said(message))
    }

    /// Too much at once; the details are there even if nobody knows when to try again.
    pub fn too_many_requests(
        message: impl Into<Cow<'static, str>>,
        retry_after: Option<RetryAfter>,
    ) -> Self {
        let details = StatusDetails {
            retry_after,
            ..StatusDetails::default()
        };
        Self::TooManyRequests(Box::new(Failure {
            details: Some(details),
            ..Failure::new(message)
        }))
    }

    /// Too much at once, and trying again is the client's own decision.
    pub fn overloaded(message: impl Display) -> Self {
        Self::TooManyRequests(said(format!("Too many requests: {message}")))
    }

    /// What is needed is not there now.
    pub fn service_unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::ServiceUnavailable(said(message))
    }

    /// The resource does not do `action`.
    pub fn method_not_supported(resource: &GroupResource, action: &str) -> Self {
        let message = format!(
            "{action} is not supported on resources of kind {}",
            Quoted(&resource.to_string())
        );
        Self::MethodNotAllowed(about(resource, "", message))
    }

    /// `operation` could not be done now. Upstream names the operation where the object's name
    /// belongs.
    pub fn server_timeout(
        resource: &GroupResource,
        operation: &str,
        retry_after: Option<RetryAfter>,
    ) -> Self {
        let message = format!(
            "The {operation} operation against {resource} could not be completed at this time, please try again."
        );
        let mut failure = about(resource, operation, message);
        failure.details.get_or_insert_default().retry_after = retry_after;
        Self::ServerTimeout(failure)
    }

    /// The server failed, and this is what the client may know of it.
    pub fn internal(what: impl Display) -> Self {
        let what = what.to_string();
        let message = format!("Internal error occurred: {what}");
        let cause = StatusCause {
            message: what,
            ..StatusCause::default()
        };
        Self::Internal(said(message)).with_cause(cause)
    }

    /// The server failed, and why is for operators only.
    pub fn internal_from(what: impl Display, source: impl Error + Send + Sync + 'static) -> Self {
        Self::internal(what).with_source(source)
    }

    /// A plain error, which upstream sends as a 500 without a reason.
    pub fn unknown(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown(said(message))
    }

    /// It took too long; it may yet happen.
    pub fn timeout(message: impl Display, retry_after: Option<RetryAfter>) -> Self {
        let details = StatusDetails {
            retry_after,
            ..StatusDetails::default()
        };
        Self::Timeout(Box::new(Failure {
            details: Some(details),
            ..Failure::new(format!("Timeout: {message}"))
        }))
    }

    /// The store has not got to the revision `wanted` yet.
    pub fn too_large_resource_version(wanted: u64, current: u64, retry_after: RetryAfter) -> Self {
        let message = format!("Too large resource version: {wanted}, current: {current}");
        Self::timeout(message, Some(retry_after)).with_cause(StatusCause {
            reason: CauseReason::ResourceVersionTooLarge,
            message: "Too large resource version".to_owned(),
            field: String::new(),
        })
    }

    /// The body is too large.
    pub fn request_entity_too_large(message: impl Display) -> Self {
        Self::RequestEntityTooLarge(said(format!("Request entity too large: {message}")))
    }

    /// The client takes none of the `accepted` media types.
    pub fn not_acceptable(accepted: &[&str]) -> Self {
        Self::NotAcceptable(said(format!(
            "only the following media types are accepted: {}",
            accepted.join(", ")
        )))
    }

    /// The client takes none of the `accepted` media types, which are all that the `target` type
    /// (`meta.k8s.io/v1, Kind=Table`) comes in.
    pub fn not_acceptable_conversion(target: impl Display, accepted: &[&str]) -> Self {
        let accepted = accepted.join(", ");
        let message = format!(
            "only the following media types are accepted when converting to {target}: {accepted}"
        );
        Self::NotAcceptable(said(message))
    }

    /// The body is none of the `accepted` media types.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let accepted = accepted.join(", ");
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::UnsupportedMediaType(said(message))
    }
}

impl StatusCause {
    /// From its parts.
    pub fn new(reason: CauseReason, message: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            field: field.into(),
        }
    }
}

impl From<&FieldError> for StatusCause {
    fn from(error: &FieldError) -> Self {
        Self {
            reason: CauseReason::from(error.kind.reason()),
            message: error.body().to_string(),
            field: error.field.clone(),
        }
    }
}

fn said(message: impl Into<Cow<'static, str>>) -> Box<Failure> {
    Box::new(Failure::new(message))
}

fn about(resource: &GroupResource, name: &str, message: String) -> Box<Failure> {
    let details = StatusDetails {
        name: text(name),
        group: resource.group.clone(),
        kind: resource.resource.clone(),
        ..StatusDetails::default()
    };
    Box::new(Failure {
        details: Some(details),
        ..Failure::new(message)
    })
}

fn text(text: &str) -> Text {
    Text::from(text.to_owned())
}
