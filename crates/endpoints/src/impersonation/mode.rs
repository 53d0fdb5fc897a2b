//! Ways to be allowed to act as somebody else: [`Mode`].

use std::sync::Arc;

use pintle_authn::service_account::username;
use pintle_authz::{Attributes, Authorizer};
use pintle_runtime::name::{NameRule, Part};
use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, UserInfo};

use super::Refused;
use super::checks::{AUTHENTICATION, Checks, ask};

const NODE: &str = "system:node:";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";

/// A way to be allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    Legacy,
}

impl Mode {
    /// In the order in which they are tried.
    pub(super) const ALL: [Self; 5] = [
        Self::AssociatedNode,
        Self::ArbitraryNode,
        Self::ServiceAccount,
        Self::UserInfo,
        Self::Legacy,
    ];

    /// The verb on whom somebody wants to be.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::AssociatedNode => "impersonate:associated-node",
            Self::ArbitraryNode => "impersonate:arbitrary-node",
            Self::ServiceAccount => "impersonate:serviceaccount",
            Self::UserInfo => "impersonate:user-info",
            Self::Legacy => "impersonate",
        }
    }

    /// The verb that the audit tells of.
    pub(super) fn constraint(self) -> &'static str {
        match self {
            Self::Legacy => "",
            constrained => constrained.verb(),
        }
    }

    /// Whether it is for who is wanted by who asks.
    pub(super) fn applies(self, wanted: &UserInfo, asking: &UserInfo) -> bool {
        let name_only =
            wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_name(&wanted.name);
        let is_account = username::split(&wanted.name).is_some();
        match self {
            Self::AssociatedNode => name_only && node.is_some() && node == node_of(asking),
            Self::ArbitraryNode => name_only && node.is_some(),
            Self::ServiceAccount => name_only && is_account,
            Self::UserInfo => node.is_none() && !is_account,
            Self::Legacy => true,
        }
    }

    /// Who the request is by in this mode, if who asks with `attributes` may be `wanted`.
    pub(super) async fn check(
        self,
        authorizer: &dyn Authorizer,
        wanted: &UserInfo,
        attributes: &Attributes,
    ) -> Result<UserInfo, Refused> {
        let asking = if self == Self::AssociatedNode {
            // What authorizers see does not depend on which of an account's pods asks.
            let extra = attributes.user.extra.iter();
            let mut keys: Vec<Text> = extra.map(|(key, _)| key.clone()).collect();
            keys.sort_unstable();
            let key = Text::from_static("authentication.kubernetes.io/associated-node-keys");
            Arc::new(UserInfo {
                extra: vec![(key, keys)],
                ..UserInfo::clone(&attributes.user)
            })
        } else {
            Arc::clone(&attributes.user)
        };
        if self != Self::Legacy {
            let mode = self.verb().trim_start_matches("impersonate:");
            let verb = format!("impersonate-on:{mode}:{}", attributes.verb);
            let on = Attributes {
                user: Arc::clone(&asking),
                verb: verb.into(),
                ..attributes.clone()
            };
            ask(authorizer, on).await?;
        }
        let checks = Checks {
            mode: self,
            authorizer,
            asking,
        };
        let mut user = wanted.clone();
        checks.name(wanted, &mut user).await?;
        if !wanted.uid.is_empty() {
            checks.one(AUTHENTICATION, "uids", "", &wanted.uid).await?;
        }
        checks.groups(&wanted.groups).await?;
        checks.extra(&wanted.extra).await?;
        let everybody = if user.name == ANONYMOUS {
            Some(UNAUTHENTICATED)
        } else if user.is_in(UNAUTHENTICATED) {
            None
        } else {
            Some(AUTHENTICATED)
        };
        if let Some(group) = everybody.filter(|group| !user.is_in(group)) {
            user.groups.push(Text::from_static(group));
        }
        Ok(user)
    }
}

/// The node that a user is.
pub(super) fn node_name(user: &str) -> Option<&str> {
    user.strip_prefix(NODE)
        .filter(|name| NameRule::DnsSubdomain.check(name, Part::Whole).is_empty())
}

/// The node that an asking service account's pod runs on.
fn node_of(asking: &UserInfo) -> Option<&str> {
    username::split(&asking.name)?;
    let (_, values) = asking.extra.iter().find(|(key, _)| *key == NODE_NAME)?;
    match &values[..] {
        [node] => Some(node),
        _ => None,
    }
}
