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

//! Who has acted as somebody else before is asked about in the same way first: a user mostly does it in one way.

mod checks;
mod mode;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use pintle_authz::{Attributes, Authorizer, Reason};
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use crate::query::decode_path;
use mode::Mode;

/// What the names of all these headers begin with.
const ANY: &str = "impersonate-";
const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";

/// Users of whom it is remembered in which way they act as others.
const REMEMBERED: usize = 10_000;

/// Whom the headers ask to be; `None` if they do not.
///
/// # Errors
/// 400 where they ask for groups, a uid or extra and name no user.
pub(crate) fn wanted(headers: &HeaderMap) -> Result<Option<UserInfo>, ApiError> {
    if !headers.keys().any(|name| name.as_str().starts_with(ANY)) {
        return Ok(None);
    }
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

/// Who a request is by after all.
#[derive(Debug)]
pub(crate) struct Become {
    /// The user.
    pub(crate) user: Arc<UserInfo>,
    /// Under which verb that was allowed; empty for the legacy one.
    pub(crate) constraint: &'static str,
}

impl Become {
    /// The name of the mode in metrics.
    pub(crate) fn mode(&self) -> &'static str {
        self.constraint
            .strip_prefix("impersonate:")
            .unwrap_or("legacy")
    }
}

/// Decides who may act as whom.
pub(crate) struct Impersonation {
    /// Whether the constrained modes are tried.
    is_constrained: bool,
    /// In which mode users were allowed last. It decides about the order of questions, and never about an answer.
    last: Mutex<HashMap<Text, Mode>>,
}

impl Impersonation {
    /// With the constrained modes, or the legacy one alone.
    pub(crate) fn new(is_constrained: bool) -> Self {
        Self {
            is_constrained,
            last: Mutex::default(),
        }
    }

    /// Who the request is by, if who asks with `attributes` may be `wanted`.
    pub(crate) async fn become_other(
        &self,
        authorizer: &dyn Authorizer,
        wanted: &UserInfo,
        attributes: &Attributes,
    ) -> Result<Become, Refused> {
        let asking = &attributes.user.name;
        let last = self.lock().get(asking).copied();
        let others = Mode::ALL.into_iter().filter(|mode| Some(*mode) != last);
        let mut first = None;
        for mode in last.into_iter().chain(others) {
            let is_tried = mode == Mode::Legacy || self.is_constrained;
            if !is_tried || !mode.applies(wanted, &attributes.user) {
                continue;
            }
            match mode.check(authorizer, wanted, attributes).await {
                Ok(user) => {
                    if last != Some(mode) {
                        self.remember(asking, mode);
                    }
                    return Ok(Become {
                        user: Arc::new(user),
                        constraint: mode.constraint(),
                    });
                }
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

    fn remember(&self, asking: &Text, mode: Mode) {
        let mut last = self.lock();
        if last.len() >= REMEMBERED {
            last.clear();
        }
        last.insert(asking.clone(), mode);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Text, Mode>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use pintle_authz::{Decision, ResourceAttributes, Verdict};

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
        let impersonation = Impersonation::new(true);
        let becoming = impersonation.become_other(&allows, &wanted, &attributes);
        let found = becoming.now_or_never().expect("decides at once");
        let found = found
            .as_ref()
            .map(|Become { user, .. }| {
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

    #[test]
    fn who_was_allowed_in_one_way_is_asked_about_in_that_way_first() {
        let attributes = Attributes {
            user: Arc::new(UserInfo::named("alice")),
            verb: "list".into(),
            path: Text::default(),
            resource: Some(ResourceAttributes {
                resource: "pods".into(),
                ..Default::default()
            }),
        };
        let impersonation = Impersonation::new(true);
        let allows = Allows(&["impersonate users carol"]);
        let ask = |name| {
            let wanted = UserInfo::named(name);
            let becoming = impersonation.become_other(&allows, &wanted, &attributes);
            let found = becoming.now_or_never().expect("decides at once");
            found
                .map(|other| (other.user.name.to_string(), other.constraint))
                .map_err(|refused| refused.attributes.verb.to_string())
        };
        let constrained = Err("impersonate-on:user-info:list".to_owned());
        assert_eq!(ask("dave"), constrained);
        assert_eq!(ask("carol"), Ok(("carol".to_owned(), "")));
        assert_eq!(ask("dave"), Err("impersonate".to_owned()));
    }
}
