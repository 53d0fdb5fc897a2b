//! Those who show no credential: [`Anonymous`].

use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, UNAUTHENTICATED, UserInfo};

use crate::authenticator::{Authenticator, Outcome};
use crate::credentials::Credentials;

/// Takes everybody as `system:anonymous`; the last member of a [`crate::Union`].
pub struct Anonymous {
    user: Arc<UserInfo>,
    /// The paths that are open; all if there are none.
    paths: Vec<String>,
}

impl Anonymous {
    /// The anonymous user, everywhere.
    pub fn new() -> Self {
        Self::at(Vec::new())
    }

    /// The anonymous user at these paths, or everywhere if there are none.
    pub fn at(paths: Vec<String>) -> Self {
        let user = UserInfo {
            groups: vec![Text::from_static(UNAUTHENTICATED)],
            ..UserInfo::named(ANONYMOUS)
        };
        Self {
            user: Arc::new(user),
            paths,
        }
    }
}

impl Default for Anonymous {
    fn default() -> Self {
        Self::new()
    }
}

impl Authenticator for Anonymous {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a> {
        let is_open =
            self.paths.is_empty() || self.paths.iter().any(|path| path == credentials.path);
        Outcome::Now(Ok(is_open.then(|| Arc::clone(&self.user))))
    }
}
