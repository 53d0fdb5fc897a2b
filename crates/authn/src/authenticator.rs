//! The [`Authenticator`] trait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, UserInfo};

use crate::credentials::Credentials;

/// Why a credential that was shown is no good. For the log; a client only reads `Unauthorized`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct AuthenticationError(pub String);

/// A user; nothing, if no credential of the kind was shown; or an error, if a bad one was.
pub type Authenticated = Result<Option<Arc<UserInfo>>, AuthenticationError>;

/// An answer that is there, or one to wait for. Most users are known from memory, so the common
/// case allocates nothing.
pub enum Outcome<'a> {
    /// Known.
    Now(Authenticated),
    /// Somebody else has to be asked.
    Later(Pin<Box<dyn Future<Output = Authenticated> + Send + 'a>>),
}

impl Outcome<'_> {
    /// The answer.
    pub async fn wait(self) -> Authenticated {
        match self {
            Self::Now(answer) => answer,
            Self::Later(answer) => answer.await,
        }
    }
}

/// Finds out who sent a request. A deployment chooses a list of them.
pub trait Authenticator: Send + Sync + 'static {
    /// Who `credentials` belong to.
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a>;
}

/// `user` as a member of `system:authenticated`, unless it is anonymous or a member already.
/// Every authenticator but the anonymous one ends with this.
pub fn authenticated(mut user: UserInfo) -> Arc<UserInfo> {
    if user.name != ANONYMOUS && !user.is_in(AUTHENTICATED) && !user.is_in(UNAUTHENTICATED) {
        user.groups.push(Text::from_static(AUTHENTICATED));
    }
    Arc::new(user)
}
