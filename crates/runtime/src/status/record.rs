//! A Status as a record, which every codec and every form of an answer can take.

use std::borrow::Cow;

use super::{CauseReason, Outcome, RetryAfter, Status, StatusCause, StatusDetails, StatusReason};
use crate::meta;
use crate::text::Text;
use crate::value::Record;
use crate::view::View;

impl Status {
    /// The object as a record of version `v1`.
    pub fn to_record(&self) -> Record {
        let mut record = <meta::Status<'_> as View>::new_record();
        let mut status = meta::StatusMut::from_record(&mut record);
        status.set_kind("Status");
        status.set_api_version("v1");
        if !self.continue_token.is_empty() {
            status
                .metadata_mut()
                .set_continue(self.continue_token.clone());
        }
        status.set_status(self.outcome.as_str());
        status.set_message(self.message.clone());
        status.set_reason(self.reason.as_str().to_owned());
        if let Some(details) = &self.details {
            details.write_to(status.details_or_new());
        }
        status.set_code(self.code.into());
        record
    }
}

impl StatusDetails {
    fn write_to(&self, mut details: meta::StatusDetailsMut<'_>) {
        details.set_name(self.name.clone());
        details.set_group(self.group.clone());
        details.set_kind(self.kind.clone());
        details.set_uid(self.uid.clone());
        for cause in &self.causes {
            let mut causes = details.causes_mut();
            let mut item = causes.push_new();
            item.set_reason(cause.reason.as_str().to_owned());
            item.set_message(cause.message.clone());
            item.set_field(cause.field.clone());
        }
        details.set_retry_after_seconds(self.retry_after.map_or(0, RetryAfter::as_seconds));
    }
}

/// What another server or a webhook said.
impl From<meta::Status<'_>> for Status {
    fn from(status: meta::Status<'_>) -> Self {
        Self {
            outcome: if status.status() == "Success" {
                Outcome::Success
            } else {
                Outcome::Failure
            },
            message: Cow::Owned(status.message().to_owned()),
            reason: StatusReason::from(status.reason()),
            details: status.details().map(StatusDetails::from),
            code: u16::try_from(status.code()).unwrap_or_default(),
            continue_token: text(status.metadata().continue_()),
        }
    }
}

impl From<meta::StatusDetails<'_>> for StatusDetails {
    fn from(details: meta::StatusDetails<'_>) -> Self {
        Self {
            name: text(details.name()),
            group: text(details.group()),
            kind: text(details.kind()),
            uid: text(details.uid()),
            causes: details
                .causes()
                .into_iter()
                .map(StatusCause::from)
                .collect(),
            retry_after: RetryAfter::seconds(details.retry_after_seconds()),
        }
    }
}

impl From<meta::StatusCause<'_>> for StatusCause {
    fn from(cause: meta::StatusCause<'_>) -> Self {
        Self::new(
            CauseReason::from(cause.reason()),
            cause.message(),
            cause.field(),
        )
    }
}

fn text(text: &str) -> Text {
    Text::from(text.to_owned())
}
