//! What an authorizer answers: [`Decision`].

use std::borrow::Cow;
use std::fmt;

/// The answer to "may they?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Allow(Reason),
    /// They may not, whatever others say.
    Deny(Reason),
    /// Not mine to decide. A failure on the way is a reason too; it never becomes an `Allow`.
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

/// Why a decision fell; shown to the client after a refusal, and kept for the audit of a permission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// No reason.
    pub const NONE: Self = Self(Cow::Borrowed(""));

    /// A reason.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// The text, maybe empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the reason of another authorizer, on a line of its own as upstream's union does.
    pub fn push(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let text = self.0.to_mut();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&other.0);
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
