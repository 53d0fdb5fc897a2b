//! What somebody may do somewhere, as far as it can be listed: [`RulesFor`].

use crate::rbac::Rule;

/// Rules of both sorts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Those about resources.
    pub resource: Vec<Rule>,
    /// Those about other paths.
    pub non_resource: Vec<Rule>,
}

/// An authorizer's answer to what somebody may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesFor {
    /// What is known.
    pub rules: Rules,
    /// There may be more.
    pub incomplete: bool,
    /// What went wrong on the way.
    pub error: Option<String>,
}

impl RulesFor {
    /// Of an authorizer that decides and cannot list.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self {
            incomplete: true,
            error: Some(error.into()),
            ..Self::default()
        }
    }

    /// Adds what another authorizer answers.
    pub(crate) fn add(&mut self, other: Self) {
        self.rules.resource.extend(other.rules.resource);
        self.rules.non_resource.extend(other.rules.non_resource);
        self.incomplete |= other.incomplete;
        self.error = match (self.error.take(), other.error) {
            (Some(one), Some(two)) => Some(format!("{one}\n{two}")),
            (one, two) => one.or(two),
        };
    }
}
