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
    pub errors: Vec<String>,
}

impl RulesFor {
    /// Of an authorizer that decides and cannot list.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self {
            incomplete: true,
            errors: vec![error.into()],
            ..Self::default()
        }
    }

    /// Adds what another authorizer answers.
    pub(crate) fn add(&mut self, other: Self) {
        self.rules.resource.extend(other.rules.resource);
        self.rules.non_resource.extend(other.rules.non_resource);
        self.incomplete |= other.incomplete;
        self.errors.extend(other.errors);
    }

    /// What went wrong in one text, each fault once, as Go shows an aggregate of errors.
    pub fn error(&self) -> Option<String> {
        joined(self.errors.iter().cloned())
    }
}

/// Faults in one text, each once: one as it is, several as `[a, b]`.
pub(crate) fn joined(faults: impl IntoIterator<Item = String>) -> Option<String> {
    let mut texts: Vec<String> = Vec::new();
    for fault in faults {
        if !texts.contains(&fault) {
            texts.push(fault);
        }
    }
    match texts.len() {
        0 => None,
        1 => texts.pop(),
        _ => Some(format!("[{}]", texts.join(", "))),
    }
}
