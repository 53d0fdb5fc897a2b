//! Between service accounts and the users that they are.

use pintle_runtime::name::{NameRule, Part};
use pintle_runtime::text::Text;

/// What the user names of accounts begin with.
pub const PREFIX: &str = "system:serviceaccount:";
/// The group of all accounts; with `:` and a namespace that of a namespace's.
pub const GROUP: &str = "system:serviceaccounts";

/// The user that an account is.
pub fn of(namespace: &str, name: &str) -> String {
    format!("{PREFIX}{namespace}:{name}")
}

/// The groups that an account is in, besides those of everybody.
pub fn groups(namespace: &str) -> Vec<Text> {
    vec![
        Text::from_static(GROUP),
        format!("{GROUP}:{namespace}").into(),
    ]
}

/// Namespace and name of the account that a user is; `None` if it is none.
pub fn split(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(PREFIX)?.split_once(':')?;
    let valid = !name.contains(':')
        && NameRule::DnsLabel.check(namespace, Part::Whole).is_empty()
        && NameRule::DnsSubdomain.check(name, Part::Whole).is_empty();
    valid.then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user: &str, expected: Option<(&str, &str)>) {
        assert_eq!(split(user), expected, "{user}");
    }

    #[test]
    fn an_account_has_a_namespace_and_a_name() {
        check("system:serviceaccount:blue:bot", Some(("blue", "bot")));
        check("system:serviceaccount:blue:b.o.t", Some(("blue", "b.o.t")));
        check("system:serviceaccount:blue", None);
        check("system:serviceaccount:blue:bot:x", None);
        check("system:serviceaccount:Blue:bot", None);
        check("system:serviceaccount::bot", None);
        check("system:serviceaccount:blue:", None);
        check("blue:bot", None);
    }
}
