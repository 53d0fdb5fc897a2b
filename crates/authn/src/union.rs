//! Several authenticators in order: [`Union`].

use std::sync::Arc;

use crate::authenticator::{Authenticated, AuthenticationError, Authenticator, Outcome};
use crate::credentials::Credentials;

/// Tries its members in order. The first user counts. If there is none, a bad credential refuses
/// the request; only if none was shown at all, `fallback` is asked.
pub struct Union {
    members: Vec<Arc<dyn Authenticator>>,
    fallback: Option<Arc<dyn Authenticator>>,
}

impl Union {
    /// A union of `members`, tried in this order, with `fallback` (anonymous access) for requests
    /// that show nothing.
    pub fn new(
        members: Vec<Arc<dyn Authenticator>>,
        fallback: Option<Arc<dyn Authenticator>>,
    ) -> Self {
        Self { members, fallback }
    }

    async fn ask(
        &self,
        first: Outcome<'_>,
        rest: usize,
        mut failed: Option<AuthenticationError>,
        credentials: Credentials<'_>,
    ) -> Authenticated {
        let mut outcome = first;
        let mut rest = self.members[rest..].iter();
        loop {
            match outcome.wait().await {
                Ok(Some(user)) => return Ok(Some(user)),
                Ok(None) => {}
                Err(error) => failed = Some(joined(failed, error)),
            }
            let Some(member) = rest.next() else { break };
            outcome = member.authenticate(credentials);
        }
        match (failed, &self.fallback) {
            (Some(error), _) => Err(error),
            (None, Some(fallback)) => fallback.authenticate(credentials).wait().await,
            (None, None) => Ok(None),
        }
    }
}

impl Authenticator for Union {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a> {
        let mut failed = None;
        for (index, member) in self.members.iter().enumerate() {
            match member.authenticate(credentials) {
                Outcome::Now(Ok(None)) => {}
                Outcome::Now(Ok(user)) => return Outcome::Now(Ok(user)),
                Outcome::Now(Err(error)) => failed = Some(joined(failed, error)),
                later => {
                    return Outcome::Later(Box::pin(self.ask(
                        later,
                        index + 1,
                        failed,
                        credentials,
                    )));
                }
            }
        }
        match (failed, &self.fallback) {
            (Some(error), _) => Outcome::Now(Err(error)),
            (None, Some(fallback)) => fallback.authenticate(credentials),
            (None, None) => Outcome::Now(Ok(None)),
        }
    }
}

fn joined(before: Option<AuthenticationError>, error: AuthenticationError) -> AuthenticationError {
    match before {
        None => error,
        Some(mut before) => {
            before.add(error);
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    use pintle_runtime::user::{ANONYMOUS, UserInfo};

    use super::*;
    use crate::anonymous::Anonymous;

    struct Says(Authenticated, bool);

    impl Authenticator for Says {
        fn authenticate<'a>(&'a self, _: Credentials<'a>) -> Outcome<'a> {
            let answer = self.0.clone();
            if self.1 {
                Outcome::Later(Box::pin(async { answer }))
            } else {
                Outcome::Now(answer)
            }
        }
    }

    /// `members` are names, `!` for an error and `-` for nothing.
    #[track_caller]
    fn check(members: &[&'static str], expected: Result<&str, &str>) {
        for late in [false, true] {
            let members = members.iter().map(|said| {
                let answer = match *said {
                    "!" => Err(AuthenticationError::new("bad")),
                    "-" => Ok(None),
                    name => Ok(Some(Arc::new(UserInfo::named(name)))),
                };
                Arc::new(Says(answer, late)) as Arc<dyn Authenticator>
            });
            let union = Union::new(members.collect(), Some(Arc::new(Anonymous::everywhere())));
            let mut waiting = Box::pin(union.authenticate(Credentials::default()).wait());
            let Poll::Ready(found) = waiting
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            else {
                panic!("never waits")
            };
            let found = found
                .map(|user| user.map_or_else(String::new, |user| user.name.to_string()))
                .map_err(|error| error.to_string());
            assert_eq!(
                found.as_deref().map_err(String::as_str),
                expected,
                "late: {late}"
            );
        }
    }

    #[test]
    fn the_first_user_counts_even_after_a_bad_credential() {
        check(&["-", "alice", "bob"], Ok("alice"));
        check(&["!", "bob"], Ok("bob"));
    }

    #[test]
    fn only_who_shows_nothing_is_anonymous() {
        check(&["-", "-"], Ok(ANONYMOUS));
        check(&["-", "!"], Err("bad"));
        check(&["!", "!"], Err("bad"));
    }
}
