//! Acting as somebody else: the `Impersonate-…` headers.
//!
//! There are five ways to be allowed to, tried in this order; what is said if none allows it is the first one's answer
//! that applies:
//!
//! | mode | whom | who asks needs |
//! | --- | --- | --- |
//! | `associated-node` | the node that the asking service account's pod runs on | `impersonate:associated-node` on `nodes` |
//! | `arbitrary-node` | any node | `impersonate:arbitrary-node` on `nodes` |
//! | `serviceaccount` | a service account | `impersonate:serviceaccount` on `serviceaccounts` |
//! | `user-info` | anybody else, with groups, uid and extra | `impersonate:user-info` on each of them |
//! | legacy | anybody | `impersonate` on each of them |
//!
//! The first four are constrained: each also takes `impersonate-on:<mode>:<verb>` on what the request itself is for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use pintle_authn::service_account::username;
use pintle_authz::{Attributes, Authorizer, Decision, Reason, ResourceAttributes};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::{NameRule, Part, domain_prefixed_path};
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, UserInfo};

use crate::query::decode_path;

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";

const AUTHENTICATION: &str = "authentication.k8s.io";
const NODE: &str = "system:node:";
const NODES: &str = "system:nodes";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";

/// So many checks of one sort are tried with one check of all, first.
const MANY: usize = 4;

/// Whom the headers ask to be; `None` if they do not.
///
/// # Errors
/// 400 where they ask for groups, a uid or extra and name no user.
pub(crate) fn wanted(headers: &HeaderMap) -> Result<Option<UserInfo>, ApiError> {
    let text = |bytes: &[u8]| Text::from(String::from_utf8_lossy(bytes).into_owned());
    let one = |name| {
        headers
            .get(name)
            .map(|value| text(value.as_bytes()))
            .unwrap_or_default()
    };
    let mut extra: BTreeMap<String, Vec<Text>> = BTreeMap::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix(EXTRA) {
            // What does not decode is kept as it is.
            let key = decode_path(key).map_or_else(|| key.to_owned(), Cow::into_owned);
            extra.entry(key).or_default().push(text(value.as_bytes()));
        }
    }
    let wanted = UserInfo {
        name: one(USER),
        uid: one(UID),
        groups: headers
            .get_all(GROUP)
            .iter()
            .map(|value| text(value.as_bytes()))
            .collect(),
        extra: extra
            .into_iter()
            .map(|(key, values)| (key.into(), values))
            .collect(),
    };
    if !wanted.name.is_empty() {
        return Ok(Some(wanted));
    }
    if wanted == UserInfo::default() {
        return Ok(None);
    }
    Err(ApiError::bad_request(format!(
        "requested {} without impersonating a user name",
        shown(&wanted)
    )))
}

/// A user as Go's `%#v` shows upstream's type.
fn shown(user: &UserInfo) -> String {
    let list = |texts: &[Text]| {
        let texts: Vec<String> = texts.iter().map(|text| Quoted(text).to_string()).collect();
        format!("[]string{{{}}}", texts.join(", "))
    };
    let groups = if user.groups.is_empty() {
        "[]string(nil)".to_owned()
    } else {
        list(&user.groups)
    };
    let extra = if user.extra.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        let pairs: Vec<String> = user
            .extra
            .iter()
            .map(|(key, values)| format!("{}:{}", Quoted(key), list(values)))
            .collect();
        format!("map[string][]string{{{}}}", pairs.join(", "))
    };
    format!(
        "&user.DefaultInfo{{Name:{}, UID:{}, Groups:{groups}, Extra:{extra}}}",
        Quoted(&user.name),
        Quoted(&user.uid)
    )
}

/// A check that failed: what was asked, and why not.
pub(crate) struct Refused {
    /// What was asked of the authorizer.
    pub(crate) attributes: Box<Attributes>,
    /// What it said, or what is wrong with the wish.
    pub(crate) reason: Reason,
}

/// Who the request is by, if who asks with `attributes` may be `wanted`.
///
/// `constrained` says whether the constrained modes are tried.
pub(crate) async fn become_other(
    authorizer: &dyn Authorizer,
    wanted: &UserInfo,
    attributes: &Attributes,
    constrained: bool,
) -> Result<Arc<UserInfo>, Refused> {
    let mut first = None;
    for mode in Mode::ALL {
        if (mode != Mode::Legacy && !constrained) || !mode.applies(wanted, &attributes.user) {
            continue;
        }
        match mode.check(authorizer, wanted, attributes).await {
            Ok(user) => return Ok(Arc::new(user)),
            Err(refused) => {
                first.get_or_insert(refused);
            }
        }
    }
    Err(first.unwrap_or_else(|| Refused {
        attributes: Box::new(attributes.clone()),
        reason: Reason::new("all impersonation modes failed"),
    }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    Legacy,
}

impl Mode {
    const ALL: [Self; 5] = [
        Self::AssociatedNode,
        Self::ArbitraryNode,
        Self::ServiceAccount,
        Self::UserInfo,
        Self::Legacy,
    ];

    /// The verbs of the two checks; there is no second one of the legacy mode.
    fn verb(self) -> &'static str {
        match self {
            Self::AssociatedNode => "impersonate:associated-node",
            Self::ArbitraryNode => "impersonate:arbitrary-node",
            Self::ServiceAccount => "impersonate:serviceaccount",
            Self::UserInfo => "impersonate:user-info",
            Self::Legacy => "impersonate",
        }
    }

    fn applies(self, wanted: &UserInfo, asking: &UserInfo) -> bool {
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

    async fn check(
        self,
        authorizer: &dyn Authorizer,
        wanted: &UserInfo,
        attributes: &Attributes,
    ) -> Result<UserInfo, Refused> {
        let asking = if self == Self::AssociatedNode {
            // What authorizers see does not depend on which of an account's pods asks.
            let keys = attributes
                .user
                .extra
                .iter()
                .map(|(key, _)| key.clone())
                .collect();
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

struct Checks<'a> {
    mode: Mode,
    authorizer: &'a dyn Authorizer,
    asking: Arc<UserInfo>,
}

impl Checks<'_> {
    /// The group of users and groups.
    fn group(&self) -> &'static str {
        if self.mode == Mode::Legacy {
            ""
        } else {
            AUTHENTICATION
        }
    }

    fn attributes(&self, group: &'static str, resource: &'static str) -> Attributes {
        Attributes {
            user: Arc::clone(&self.asking),
            verb: Text::from_static(self.mode.verb()),
            path: Text::default(),
            resource: Some(ResourceAttributes {
                group: group.into(),
                version: "v1".into(),
                resource: resource.into(),
                ..Default::default()
            }),
        }
    }

    async fn one(
        &self,
        group: &'static str,
        resource: &'static str,
        subresource: &str,
        name: &str,
    ) -> Result<(), Refused> {
        let mut attributes = self.attributes(group, resource);
        if let Some(target) = &mut attributes.resource {
            target.subresource = Text::from(subresource.to_owned());
            target.name = Text::from(name.to_owned());
        }
        ask(self.authorizer, attributes).await
    }

    async fn name(&self, wanted: &UserInfo, user: &mut UserInfo) -> Result<(), Refused> {
        if self.mode != Mode::Legacy
            && let Some(node) = node_name(&wanted.name)
        {
            user.groups = vec![Text::from_static(NODES)];
            let name = if self.mode == Mode::AssociatedNode {
                "*"
            } else {
                node
            };
            return self.one(self.group(), "nodes", "", name).await;
        }
        if let Some((namespace, name)) = username::split(&wanted.name) {
            if wanted.groups.is_empty() {
                user.groups = username::groups(namespace);
            }
            let mut attributes = self.attributes(self.group(), "serviceaccounts");
            if let Some(target) = &mut attributes.resource {
                target.namespace = Text::from(namespace.to_owned());
                target.name = Text::from(name.to_owned());
            }
            return ask(self.authorizer, attributes).await;
        }
        self.one(self.group(), "users", "", &wanted.name).await
    }

    async fn groups(&self, groups: &[Text]) -> Result<(), Refused> {
        let constrained = self.mode != Mode::Legacy;
        if constrained && groups.iter().any(Text::is_empty) {
            let why = "impersonating the empty string group is not allowed";
            return Err(refused(self.attributes(self.group(), "groups"), why));
        }
        if constrained && groups.iter().any(|group| *group == MASTERS) {
            let mut attributes = self.attributes(self.group(), "groups");
            if let Some(target) = &mut attributes.resource {
                target.name = MASTERS.into();
            }
            let why = "impersonating the system:masters group is not allowed";
            return Err(refused(attributes, why));
        }
        if constrained
            && groups.len() >= MANY
            && self.one(self.group(), "groups", "", "*").await.is_ok()
        {
            return Ok(());
        }
        for group in groups {
            self.one(self.group(), "groups", "", group).await?;
        }
        Ok(())
    }

    async fn extra(&self, extra: &[(Text, Vec<Text>)]) -> Result<(), Refused> {
        if self.mode != Mode::Legacy {
            if let Some(why) = extra
                .iter()
                .find_map(|(key, values)| wrong_with(key, values))
            {
                return Err(refused(self.attributes(AUTHENTICATION, "userextras"), why));
            }
            let many = extra.len() >= MANY
                || extra.iter().map(|(_, values)| values.len()).sum::<usize>() >= MANY;
            if many
                && self
                    .one(AUTHENTICATION, "userextras", "*", "*")
                    .await
                    .is_ok()
            {
                return Ok(());
            }
        }
        for (key, values) in extra {
            for value in values {
                self.one(AUTHENTICATION, "userextras", key, value).await?;
            }
        }
        Ok(())
    }
}

/// Why a key of extra and its values cannot be asked for.
fn wrong_with(key: &str, values: &[Text]) -> Option<String> {
    if key.is_empty() {
        return Some("impersonating the empty string key in extra is not allowed".to_owned());
    }
    let mut faults = ErrorList::new();
    domain_prefixed_path(&Path::new("extra.key"), key, &mut faults);
    if !faults.is_empty() {
        return Some(format!(
            "impersonating an invalid key in extra is not allowed: {faults}"
        ));
    }
    if key != key.to_lowercase() {
        return Some(format!(
            "impersonating a non-lowercase key in extra is not allowed: {}",
            Quoted(key)
        ));
    }
    values
        .iter()
        .any(Text::is_empty)
        .then(|| "impersonating the empty string value in extra is not allowed".to_owned())
}

async fn ask(authorizer: &dyn Authorizer, attributes: Attributes) -> Result<(), Refused> {
    match authorizer.authorize(&attributes).wait().await {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(reason) | Decision::NoOpinion(reason) => Err(Refused {
            attributes: Box::new(attributes),
            reason,
        }),
    }
}

fn refused(attributes: Attributes, why: impl Into<Text>) -> Refused {
    Refused {
        attributes: Box::new(attributes),
        reason: Reason::new(why),
    }
}

/// The node that a user is.
fn node_name(user: &str) -> Option<&str> {
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use pintle_authz::Verdict;

    use super::*;

    /// Allows what is in its list: verbs, resources and names.
    struct Allows(&'static [&'static str]);

    impl Authorizer for Allows {
        fn name(&self) -> &str {
            "test"
        }

        fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
            let target = attributes.resource.clone().unwrap_or_default();
            let asked = format!("{} {} {}", attributes.verb, target.resource, target.name);
            let allowed = self.0.contains(&asked.trim());
            Verdict::Now(if allowed {
                Decision::ALLOW
            } else {
                Decision::NO_OPINION
            })
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[track_caller]
    fn check(
        allowed: &'static [&'static str],
        pairs: &[(&'static str, &'static str)],
        expected: Result<(&str, &[&str]), &str>,
    ) {
        let wanted = wanted(&headers(pairs))
            .expect("good headers")
            .expect("somebody");
        let attributes = Attributes {
            user: Arc::new(UserInfo::named("alice")),
            verb: "list".into(),
            path: Text::default(),
            resource: Some(ResourceAttributes {
                resource: "pods".into(),
                ..Default::default()
            }),
        };
        let allows = Allows(allowed);
        let becoming = become_other(&allows, &wanted, &attributes, true);
        let found = becoming.now_or_never().expect("decides at once");
        let found = found
            .as_ref()
            .map(|user| {
                let groups = user.groups.iter().map(Text::as_str).collect::<Vec<_>>();
                (user.name.as_str(), groups)
            })
            .map_err(|refused| refused.attributes.to_string());
        let expected = expected
            .map(|(name, groups)| (name, groups.to_vec()))
            .map_err(str::to_owned);
        assert_eq!(found, expected, "{pairs:?}");
    }

    #[test]
    fn the_old_way_takes_one_verb_on_each_thing() {
        let both: &[&str] = &["impersonate users carol", "impersonate groups g"];
        let pairs = [("impersonate-user", "carol"), ("impersonate-group", "g")];
        check(both, &pairs, Ok(("carol", &["g", "system:authenticated"])));
        let refused = r#"User "alice" cannot impersonate-on:user-info:list resource "pods" in API group "" at the cluster scope"#;
        check(&["impersonate users carol"], &pairs, Err(refused));
    }

    #[test]
    fn the_constrained_way_takes_the_request_too() {
        let pairs = [("impersonate-user", "carol")];
        let both: &[&str] = &[
            "impersonate-on:user-info:list pods",
            "impersonate:user-info users carol",
        ];
        check(both, &pairs, Ok(("carol", &["system:authenticated"])));
        let refused = r#"User "alice" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope"#;
        check(
            &["impersonate-on:user-info:list pods"],
            &pairs,
            Err(refused),
        );
    }

    #[test]
    fn nobody_becomes_a_master_in_the_constrained_way() {
        let pairs = [
            ("impersonate-user", "carol"),
            ("impersonate-group", "system:masters"),
        ];
        let all: &[&str] = &[
            "impersonate-on:user-info:list pods",
            "impersonate:user-info users carol",
            "impersonate:user-info groups system:masters",
        ];
        let refused = r#"User "alice" cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope"#;
        check(all, &pairs, Err(refused));
    }

    #[test]
    fn accounts_and_nodes_bring_their_groups() {
        check(
            &["impersonate serviceaccounts bot"],
            &[("impersonate-user", "system:serviceaccount:blue:bot")],
            Ok((
                "system:serviceaccount:blue:bot",
                &[
                    "system:serviceaccounts",
                    "system:serviceaccounts:blue",
                    "system:authenticated",
                ],
            )),
        );
        check(
            &[
                "impersonate-on:arbitrary-node:list pods",
                "impersonate:arbitrary-node nodes n1",
            ],
            &[("impersonate-user", "system:node:n1")],
            Ok(("system:node:n1", &["system:nodes", "system:authenticated"])),
        );
        check(
            &["impersonate users system:anonymous"],
            &[("impersonate-user", "system:anonymous")],
            Ok(("system:anonymous", &["system:unauthenticated"])),
        );
    }

    #[test]
    fn what_is_asked_for_without_a_name_is_shown() {
        let refused = wanted(&headers(&[
            ("impersonate-group", "g"),
            ("impersonate-extra-a%2fb", "c"),
        ]));
        assert_eq!(
            refused.expect_err("no name").to_string(),
            r#"requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string{"a/b":[]string{"c"}}} without impersonating a user name"#
        );
        assert!(wanted(&HeaderMap::new()).expect("good headers").is_none());
    }
}
