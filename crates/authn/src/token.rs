//! Bearer tokens from a file: [`StaticTokens`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use crate::authenticator::{Outcome, authenticated};
use crate::csv;
use crate::token_authenticator::{Accepted, Checked, TokenAuthenticator, intersection};

/// The tokens of a `--token-auth-file`: lines of `token,user,uid[,"group,group"]`.
///
/// Tokens are kept as digests, so that the time a lookup takes tells nothing about them.
pub struct StaticTokens {
    users: HashMap<Digest, Arc<UserInfo>>,
    audiences: Arc<[Text]>,
}

pub(crate) type Digest = [u8; 32];

/// What is wrong with a token file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFileError {
    /// A line that is not CSV.
    #[error("line {line}: {what}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A record that is too short.
    #[error("must have at least 3 columns (token, user name, user uid), found {found}")]
    Columns {
        /// How many columns it has.
        found: usize,
    },
}

impl StaticTokens {
    /// Reads a token file. Of lines with the same token the last one counts; a line with an empty
    /// token is ignored.
    ///
    /// # Errors
    /// Where it is not CSV, or a record has fewer than three columns.
    pub fn parse(file: &str) -> Result<Self, TokenFileError> {
        let mut users = HashMap::new();
        for record in csv::records(file)? {
            let [token, name, uid, rest @ ..] = record.as_slice() else {
                return Err(TokenFileError::Columns {
                    found: record.len(),
                });
            };
            if token.is_empty() {
                continue;
            }
            let groups = rest.first().map(|groups| {
                groups
                    .split(',')
                    .map(|group| Text::from(group.to_owned()))
                    .collect()
            });
            let user = UserInfo {
                name: Text::from(name.clone()),
                uid: Text::from(uid.clone()),
                groups: groups.unwrap_or_default(),
                extra: Vec::new(),
            };
            users.insert(digest(token), authenticated(user));
        }
        Ok(Self {
            users,
            audiences: Arc::default(),
        })
    }

    /// The same on a server that is meant by `audiences`.
    #[must_use]
    pub fn for_audiences(self, audiences: Arc<[Text]>) -> Self {
        Self { audiences, ..self }
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

impl TokenAuthenticator for StaticTokens {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        // These tokens are for the server itself.
        let audiences: Arc<[Text]> = if audiences == &*self.audiences {
            Arc::clone(&self.audiences)
        } else {
            intersection(&self.audiences, audiences).into()
        };
        if audiences.is_empty() && !self.audiences.is_empty() {
            return Outcome::Now(Ok(None));
        }
        let found = self.users.get(&digest(token)).map(|user| Accepted {
            user: Arc::clone(user),
            audiences,
        });
        Outcome::Now(Ok(found))
    }
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticTokens")
            .field("tokens", &self.users.len())
            .finish_non_exhaustive()
    }
}

pub(crate) fn digest(token: &str) -> Digest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    let mut bytes = Digest::default();
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, token: &str, expected: Option<(&str, &str, &[&str])>) {
        let tokens = StaticTokens::parse(file).expect("a token file");
        let Outcome::Now(found) = tokens.check(token, &[]) else {
            panic!("answers at once")
        };
        let found = found.ok().flatten().map(|accepted| accepted.user);
        let groups: Option<Vec<&str>> = found
            .as_ref()
            .map(|user| user.groups.iter().map(Text::as_str).collect());
        let found = found
            .as_ref()
            .zip(groups.as_deref())
            .map(|(user, groups)| (user.name.as_str(), user.uid.as_str(), groups));
        assert_eq!(found, expected);
    }

    const FILE: &str = "admintoken,admin,admin-uid,\"system:masters\"\nbobtoken,bob,bob-uid,\"ops,devs\"\n,nobody,x\ncarol,carol,\n";

    #[test]
    fn a_token_stands_for_its_user_and_groups() {
        check(
            FILE,
            "admintoken",
            Some((
                "admin",
                "admin-uid",
                &["system:masters", "system:authenticated"],
            )),
        );
        check(
            FILE,
            "bobtoken",
            Some(("bob", "bob-uid", &["ops", "devs", "system:authenticated"])),
        );
        check(
            FILE,
            "carol",
            Some(("carol", "", &["system:authenticated"])),
        );
    }

    #[test]
    fn other_tokens_are_refused() {
        check(FILE, "wrong", None);
        check(FILE, "", None);
    }

    #[test]
    fn a_short_line_is_an_error() {
        assert_eq!(
            StaticTokens::parse("a,b\n").err(),
            Some(TokenFileError::Columns { found: 2 })
        );
    }
}
