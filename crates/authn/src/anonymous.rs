//! Those who show no credential: [`Anonymous`].

use std::sync::Arc;

use arc_swap::ArcSwap;
use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, UNAUTHENTICATED, UserInfo};

use crate::authenticator::{Authenticator, Outcome};
use crate::credentials::Credentials;

/// Who gets in without a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnonymousAccess {
    /// Whether anybody does.
    pub enabled: bool,
    /// To which paths; to all if there are none.
    pub paths: Vec<String>,
}

/// Takes everybody as `system:anonymous`, where that is open to them; the last member of a [`crate::Union`].
pub struct Anonymous {
    user: Arc<UserInfo>,
    access: ArcSwap<AnonymousAccess>,
}

impl Anonymous {
    /// The anonymous user, where `access` says.
    pub fn new(access: AnonymousAccess) -> Self {
        let user = UserInfo {
            groups: vec![Text::from_static(UNAUTHENTICATED)],
            ..UserInfo::named(ANONYMOUS)
        };
        Self {
            user: Arc::new(user),
            access: ArcSwap::from_pointee(access),
        }
    }

    /// The anonymous user, everywhere.
    pub fn everywhere() -> Self {
        Self::new(AnonymousAccess {
            enabled: true,
            paths: Vec::new(),
        })
    }

    /// Other paths are open from now on.
    pub fn replace(&self, access: AnonymousAccess) {
        self.access.store(Arc::new(access));
    }
}

impl Authenticator for Anonymous {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a> {
        let AnonymousAccess { enabled, paths } = &**self.access.load();
        let is_open =
            *enabled && (paths.is_empty() || paths.iter().any(|path| path == credentials.path));
        Outcome::Now(Ok(is_open.then(|| Arc::clone(&self.user))))
    }
}
