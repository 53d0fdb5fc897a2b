//! Tokens that machines join a cluster with: [`BootstrapTokens`].

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::user::UserInfo;

use crate::authenticator::{Outcome, authenticated};
use crate::token_authenticator::{Accepted, Checked, TokenAuthenticator, intersection};

/// A secret `bootstrap-token-<id>` of the right type in `kube-system`, which is not being deleted.
pub trait BootstrapSecret {
    /// The text at a key of its data; empty if there is none.
    fn text(&self, key: &str) -> &str;
}

/// Looks for the secrets of these tokens. Never waits.
pub trait BootstrapSecrets: Send + Sync + 'static {
    /// Hands the secret of `id` to `with`, if there is one.
    fn look_at(&self, id: &str, with: &mut dyn FnMut(&dyn BootstrapSecret));
}

/// Accepts tokens `<id>.<secret>`, as long as their secrets are there and good for it.
pub struct BootstrapTokens {
    secrets: Arc<dyn BootstrapSecrets>,
    audiences: Arc<[Text]>,
}

const GROUP: &str = "system:bootstrappers";

impl BootstrapTokens {
    /// Looks into `secrets`, on a server that is meant by `audiences`.
    pub fn new(secrets: Arc<dyn BootstrapSecrets>, audiences: Arc<[Text]>) -> Self {
        Self { secrets, audiences }
    }
}

impl TokenAuthenticator for BootstrapTokens {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let meant = intersection(&self.audiences, audiences);
        if meant.is_empty() && !self.audiences.is_empty() {
            return Outcome::Now(Ok(None));
        }
        let Some((id, secret)) = parts(token) else {
            return Outcome::Now(Ok(None));
        };
        let mut user = None;
        self.secrets
            .look_at(id, &mut |found| user = accept(id, secret, found));
        let accepted = user.map(|user| Accepted {
            user: authenticated(user),
            audiences: meant.into(),
        });
        Outcome::Now(Ok(accepted))
    }
}

/// The id and the secret of a token, if it looks like one.
fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
    };
    (id.len() == 6 && secret.len() == 16 && plain(id) && plain(secret)).then_some((id, secret))
}

fn accept(id: &str, secret: &str, found: &dyn BootstrapSecret) -> Option<UserInfo> {
    let kept = found.text("token-secret").as_bytes();
    aws_lc_rs::constant_time::verify_slices_are_equal(kept, secret.as_bytes()).ok()?;
    if found.text("token-id") != id || has_expired(found.text("expiration")) {
        return None;
    }
    if found.text("usage-bootstrap-authentication") != "true" {
        return None;
    }
    let mut groups = vec![Text::from_static(GROUP)];
    for group in found
        .text("auth-extra-groups")
        .split(',')
        .filter(|group| !group.is_empty())
    {
        if !is_group(group) {
            return None;
        }
        groups.push(Text::from(group.to_owned()));
    }
    groups.sort_unstable();
    groups.dedup();
    Some(UserInfo {
        name: format!("system:bootstrap:{id}").into(),
        groups,
        ..UserInfo::default()
    })
}

/// What is no time has been.
fn has_expired(expiration: &str) -> bool {
    if expiration.is_empty() {
        return false;
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    Time::parse(expiration).map_or(true, |until| until.seconds < now)
}

/// Whether these tokens may stand for a group: `system:bootstrappers:` and more.
fn is_group(group: &str) -> bool {
    let Some(rest) = group
        .strip_prefix(GROUP)
        .and_then(|rest| rest.strip_prefix(':'))
    else {
        return false;
    };
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'-');
    let last = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    rest.len() <= 256 && rest.bytes().all(inner) && rest.bytes().last().is_some_and(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Secret(Vec<(&'static str, &'static str)>);

    impl BootstrapSecret for Secret {
        fn text(&self, key: &str) -> &str {
            self.0
                .iter()
                .find(|(found, _)| *found == key)
                .map_or("", |(_, value)| value)
        }
    }

    const GOOD: [(&str, &str); 3] = [
        ("token-id", "abcdef"),
        ("token-secret", "0123456789abcdef"),
        ("usage-bootstrap-authentication", "true"),
    ];

    #[track_caller]
    fn check(token: &str, changed: &[(&'static str, &'static str)], expected: Option<&[&str]>) {
        let mut data = changed.to_vec();
        data.extend(GOOD);
        let user = parts(token).and_then(|(id, secret)| accept(id, secret, &Secret(data)));
        let groups: Option<Vec<&str>> = user
            .as_ref()
            .map(|user| user.groups.iter().map(Text::as_str).collect());
        assert_eq!(groups.as_deref(), expected, "{token} {changed:?}");
    }

    #[test]
    fn a_token_is_good_while_its_secret_says_so() {
        check(
            "abcdef.0123456789abcdef",
            &[],
            Some(&["system:bootstrappers"]),
        );
        check("abcdef.0123456789abcdee", &[], None);
        check("abcdef.0123456789abcdef", &[("token-id", "abcdeg")], None);
        check(
            "abcdef.0123456789abcdef",
            &[("usage-bootstrap-authentication", "")],
            None,
        );
        check(
            "abcdef.0123456789abcdef",
            &[("expiration", "2020-01-01T00:00:00Z")],
            None,
        );
        check("abcdef.0123456789abcdef", &[("expiration", "soon")], None);
        check(
            "abcdef.0123456789abcdef",
            &[("expiration", "2999-01-01T00:00:00Z")],
            Some(&["system:bootstrappers"]),
        );
        check("ABCDEF.0123456789abcdef", &[], None);
        check("abcdef0123456789abcdef", &[], None);
    }

    #[test]
    fn further_groups_are_of_one_family() {
        let extra = |groups| [("auth-extra-groups", groups)];
        check(
            "abcdef.0123456789abcdef",
            &extra("system:bootstrappers:kubeadm:node"),
            Some(&["system:bootstrappers", "system:bootstrappers:kubeadm:node"]),
        );
        check("abcdef.0123456789abcdef", &extra("system:masters"), None);
        check(
            "abcdef.0123456789abcdef",
            &extra("system:bootstrappers:"),
            None,
        );
    }
}
