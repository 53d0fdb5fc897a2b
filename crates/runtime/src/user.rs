//! Who sends a request.

use crate::text::Text;

/// A user as the API knows one: what authenticators find, authorizers judge and reviews report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// Name, such as `system:serviceaccount:default:builder`.
    pub name: Text,
    /// What tells users of the same name over time apart; may be empty.
    pub uid: Text,
    /// Groups in the order the authenticator gave them.
    pub groups: Vec<Text>,
    /// Further facts by lower-case key, in order of the keys.
    pub extra: Vec<(Text, Vec<Text>)>,
}

impl UserInfo {
    /// A user with a name and nothing else.
    pub fn named(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Whether the user is in `group`.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|found| found == group)
    }
}

/// Members may do everything.
pub const MASTERS: &str = "system:masters";
/// Everybody who authenticated.
pub const AUTHENTICATED: &str = "system:authenticated";
/// Everybody who did not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The name of those who did not.
pub const ANONYMOUS: &str = "system:anonymous";
