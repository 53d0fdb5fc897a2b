//! The [`Authenticator`] trait.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, UserInfo};

use crate::credentials::Credentials;

/// Why a credential that was shown is no good. For the log; a client only reads `Unauthorized`.
///
/// Faults of several authenticators are told together, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationError(Vec<Cow<'static, str>>);

impl AuthenticationError {
    /// One fault.
    pub fn new(fault: impl Into<Cow<'static, str>>) -> Self {
        Self(vec![fault.into()])
    }

    /// Tells of another's faults too.
    pub fn add(&mut self, other: Self) {
        for fault in other.0 {
            if !self.0.contains(&fault) {
                self.0.push(fault);
            }
        }
    }
}

/// As Go shows an aggregate of errors: one as it is, several as `[a, b]`.
impl fmt::Display for AuthenticationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [one] => f.write_str(one),
            many => write!(f, "[{}]", many.join(", ")),
        }
    }
}

impl std::error::Error for AuthenticationError {}

/// A user; nothing, if no credential of the kind was shown; or an error, if a bad one was.
pub type Authenticated = Result<Option<Arc<UserInfo>>, AuthenticationError>;

/// An answer that is there, or one to wait for. Most users are known from memory, so the common
/// case allocates nothing.
pub enum Outcome<'a, T = Authenticated> {
    /// Known.
    Now(T),
    /// Somebody else has to be asked.
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<T> Outcome<'_, T> {
    /// The answer.
    pub async fn wait(self) -> T {
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
