//! Those who show no credential: [`Anonymous`].

use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, UNAUTHENTICATED, UserInfo};

use crate::authenticator::{Authenticator, Outcome};
use crate::credentials::Credentials;

/// Takes everybody as `system:anonymous`; the last member of a [`crate::Union`].
pub struct Anonymous(Arc<UserInfo>);

impl Anonymous {
    /// The anonymous user.
    pub fn new() -> Self {
        Self(Arc::new(UserInfo {
            groups: vec![Text::from_static(UNAUTHENTICATED)],
            ..UserInfo::named(ANONYMOUS)
        }))
    }
}

impl Default for Anonymous {
    fn default() -> Self {
        Self::new()
    }
}

impl Authenticator for Anonymous {
    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> Outcome<'a> {
        Outcome::Now(Ok(Some(Arc::clone(&self.0))))
    }
}
