//! What an authorizer answers: [`Decision`].

use std::fmt;

use pintle_runtime::text::Text;

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

/// Why a decision fell; cheap to clone. Shown to the client after a refusal, and kept for the audit of a permission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason(Text);

impl Reason {
    /// No reason.
    pub const NONE: Self = Self(Text::from_static(""));

    /// A reason.
    pub fn new(text: impl Into<Text>) -> Self {
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
        self.0 = if self.is_empty() {
            other.0.clone()
        } else {
            format!("{self}\n{other}").into()
        };
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
