//! Tokens, whoever brings them: [`TokenAuthenticator`], [`Tokens`] and [`Bearer`].

use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use crate::authenticator::{AuthenticationError, Authenticator, Outcome};
use crate::credentials::Credentials;

/// Whose a token is, and for whom of those asked about it is meant.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The user, as a member of `system:authenticated`.
    pub user: Arc<UserInfo>,
    /// The audiences that it is meant for, of those asked about.
    pub audiences: Arc<[Text]>,
}

/// Whose a token is; nobody's, if it is not of the kind; or an error, if it is of the kind and no good.
pub type Checked = Result<Option<Accepted>, AuthenticationError>;

/// Finds out whose a token is.
pub trait TokenAuthenticator: Send + Sync + 'static {
    /// Whose `token` is, among those meant for one of `audiences`.
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked>;
}

/// Several authenticators of tokens, tried in order.
pub struct Tokens {
    members: Vec<Arc<dyn TokenAuthenticator>>,
    audiences: Arc<[Text]>,
}

impl Tokens {
    /// These, on a server that is meant by `audiences`.
    pub fn new(members: Vec<Arc<dyn TokenAuthenticator>>, audiences: Arc<[Text]>) -> Self {
        Self { members, audiences }
    }

    /// Who the server is to those that issue tokens.
    pub fn audiences(&self) -> &Arc<[Text]> {
        &self.audiences
    }

    async fn ask(
        &self,
        first: Outcome<'_, Checked>,
        rest: usize,
        mut failed: AuthenticationError,
        token: &str,
        audiences: &[Text],
    ) -> Checked {
        let mut outcome = first;
        let mut rest = self.members[rest..].iter();
        loop {
            match outcome.wait().await {
                Ok(Some(accepted)) => return Ok(Some(accepted)),
                Ok(None) => {}
                Err(error) => failed.add(error),
            }
            let Some(member) = rest.next() else {
                return Err(failed);
            };
            outcome = member.check(token, audiences);
        }
    }
}

/// What is said of a token that is nobody's.
fn invalid() -> AuthenticationError {
    AuthenticationError::new("invalid bearer token")
}

impl TokenAuthenticator for Tokens {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let mut failed = invalid();
        for (index, member) in self.members.iter().enumerate() {
            match member.check(token, audiences) {
                Outcome::Now(Ok(None)) => {}
                Outcome::Now(Ok(accepted)) => return Outcome::Now(Ok(accepted)),
                Outcome::Now(Err(error)) => failed.add(error),
                later => {
                    let asking = self.ask(later, index + 1, failed, token, audiences);
                    return Outcome::Later(Box::pin(asking));
                }
            }
        }
        Outcome::Now(Err(failed))
    }
}

/// Tokens in requests to the server.
pub struct Bearer(pub Arc<Tokens>);

impl Authenticator for Bearer {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a> {
        let Some(token) = credentials.bearer else {
            return Outcome::Now(Ok(None));
        };
        let user = |checked: Checked| checked.map(|accepted| accepted.map(|found| found.user));
        match self.0.check(token, &self.0.audiences) {
            Outcome::Now(checked) => Outcome::Now(user(checked)),
            Outcome::Later(checked) => Outcome::Later(Box::pin(async move { user(checked.await) })),
        }
    }
}

/// The texts of `wanted` that are among `found`, in the order of `found`.
pub(crate) fn intersection(found: &[Text], wanted: &[Text]) -> Vec<Text> {
    found
        .iter()
        .filter(|found| wanted.contains(found))
        .cloned()
        .collect()
}
