//! What an authorizer answers: [`Decision`].

use std::borrow::Cow;
use std::fmt;

use pintle_runtime::text::Text;

use crate::rules::joined;

/// The answer to "may they?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Allow(Reason),
    /// They may not, whatever others say.
    Deny(Reason),
    /// Not mine to decide. A failure on the way is told with it; it never becomes an `Allow`.
    NoOpinion(Reason),
}

impl Decision {
    /// An `Allow` without a reason.
    pub const ALLOW: Self = Self::Allow(Reason::NONE);
    /// A `NoOpinion` without a reason.
    pub const NO_OPINION: Self = Self::NoOpinion(Reason::NONE);

    /// Whether it is an `Allow`.
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// Why a decision fell; cheap to clone. Shown to the client after a refusal, and kept for the audit of a permission.
///
/// What went wrong on the way to it is kept apart from that: who is refused because nobody could be asked is told of a
/// fault of the server, not that they are forbidden.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    text: Text,
    failures: Vec<Text>,
}

impl Reason {
    /// No reason.
    pub const NONE: Self = Self {
        text: Text::from_static(""),
        failures: Vec::new(),
    };

    /// A reason.
    pub fn new(text: impl Into<Text>) -> Self {
        Self {
            text: text.into(),
            failures: Vec::new(),
        }
    }

    /// Something went wrong, and that is all that is known.
    pub fn failure(why: impl Into<Text>) -> Self {
        Self::NONE.with_failure(why)
    }

    /// The same, and something went wrong besides.
    #[must_use]
    pub fn with_failure(mut self, why: impl Into<Text>) -> Self {
        self.failures.push(why.into());
        self
    }

    /// The text, maybe empty.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What went wrong, each fault once: one as it is, several as Go shows an aggregate of errors.
    pub fn failures(&self) -> Option<String> {
        joined(self.failures.iter().map(ToString::to_string))
    }

    /// What went wrong, and the reason after it: for where both are told in one line.
    pub fn in_full(&self) -> Cow<'_, str> {
        match self.failures() {
            None => Cow::Borrowed(self.as_str()),
            Some(failures) if self.is_empty() => failures.into(),
            Some(failures) => format!("{failures}: {self}").into(),
        }
    }

    /// Adds the reason of another authorizer, on a line of its own as upstream's union does, and what went wrong there.
    pub fn push(&mut self, other: &Self) {
        self.failures.extend_from_slice(&other.failures);
        if other.is_empty() {
            return;
        }
        self.text = if self.is_empty() {
            other.text.clone()
        } else {
            format!("{self}\n{other}").into()
        };
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
