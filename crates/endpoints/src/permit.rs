//! Proof that a request was authorized.

use pintle_authz::{Attributes, Reason};

/// Proof that a request was authorized. Its fields are private, so only the authorization filter
/// makes one; every verb of a store takes one, so an unchecked request does not compile.
#[derive(Clone, Debug)]
pub struct Permit {
    attributes: Option<Box<Attributes>>,
    reason: Reason,
}

impl Permit {
    /// For the authorization filter: an authorizer has allowed what `attributes` say.
    pub(crate) fn granted(attributes: Attributes, reason: Reason) -> Self {
        Self {
            attributes: Some(Box::new(attributes)),
            reason,
        }
    }

    /// For the server's own work, which no request asked for: start-up hooks and the controllers
    /// inside. `why` is for the audit.
    pub fn of_the_server_itself(why: &'static str) -> Self {
        Self {
            attributes: None,
            reason: Reason::new(why),
        }
    }

    /// What was allowed; absent for the server's own work.
    pub fn attributes(&self) -> Option<&Attributes> {
        self.attributes.as_deref()
    }

    /// Why it was allowed.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}
