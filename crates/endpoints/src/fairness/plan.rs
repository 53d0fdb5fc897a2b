//! Which requests belong to which flow: what flow schemas say, and whom they match.

use pintle_authz::{Attributes, ResourceAttributes};
use pintle_runtime::text::Text;
use pintle_runtime::user::{AUTHENTICATED, MASTERS, UNAUTHENTICATED, UserInfo};

use super::Handling;

/// All flow schemas and priority levels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In any order.
    pub schemas: Vec<FlowSchema>,
    /// In any order.
    pub levels: Vec<PriorityLevel>,
}

/// Which requests are a flow, and of which priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowSchema {
    /// Name of the object.
    pub name: Text,
    /// Uid of the object, which clients are told.
    pub uid: Text,
    /// Name of the priority level.
    pub level: Text,
    /// Of all schemas that match, the one with the lowest number counts; of equal ones, the first by
    /// name.
    pub precedence: i32,
    /// What tells flows apart within the schema; without it there is one.
    pub distinguisher: Option<Distinguisher>,
    /// Any of them has to match.
    pub rules: Vec<Rule>,
}

/// What tells flows of a schema apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distinguisher {
    /// Who asks.
    User,
    /// The namespace asked about.
    Namespace,
}

/// Whose requests match, and which of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Any of them.
    pub subjects: Vec<Subject>,
    /// Any of them, for a request for a resource.
    pub resources: Vec<ResourceRule>,
    /// Any of them, for another path.
    pub paths: Vec<PathRule>,
}

/// Whose requests match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A user by name, or `*`.
    User(Text),
    /// Members of a group, or `*`.
    Group(Text),
    /// A service account of a namespace by name, or `*` for all of it.
    ServiceAccount {
        /// Its namespace.
        namespace: Text,
        /// Its name.
        name: Text,
    },
}

/// Which requests for resources match. A list of just `*` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceRule {
    /// Verbs.
    pub verbs: Vec<Text>,
    /// API groups.
    pub groups: Vec<Text>,
    /// Resources, as `pods` or `pods/status`.
    pub resources: Vec<Text>,
    /// Whether requests without a namespace match.
    pub cluster_scope: bool,
    /// Namespaces.
    pub namespaces: Vec<Text>,
}

/// Which requests for other paths match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathRule {
    /// Verbs, or just `*`.
    pub verbs: Vec<Text>,
    /// Paths and what is below them, or `*`.
    pub paths: Vec<Text>,
}

/// A share of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorityLevel {
    /// Name of the object.
    pub name: Text,
    /// Uid of the object, which clients are told.
    pub uid: Text,
    /// Its part of the sum of all levels' shares is its part of the seats.
    pub shares: u32,
    /// How much of that others may use.
    pub lendable_percent: u32,
    /// How much of others' it may use, in percent of its own; without it, all there is.
    pub borrowing_percent: Option<u32>,
    /// What becomes of requests that find no seat.
    pub handling: Handling,
}

/// Name of the schema and of the level that are never limited.
pub(super) const EXEMPT: &str = "exempt";
/// Name of the schema and of the level of what nothing else is for.
pub(super) const CATCH_ALL: &str = "catch-all";

impl FlowSchema {
    /// Whether a request is of this schema.
    pub(super) fn matches(&self, attributes: &Attributes) -> bool {
        self.rules.iter().any(|rule| rule.matches(attributes))
    }

    /// What the flow of a request is called within the schema.
    pub(super) fn distinguish(&self, attributes: &Attributes) -> Text {
        match self.distinguisher {
            None => Text::default(),
            Some(Distinguisher::User) => attributes.user.name.clone(),
            Some(Distinguisher::Namespace) => attributes
                .resource
                .as_ref()
                .map_or_else(Text::default, |target| target.namespace.clone()),
        }
    }

    /// The schema that there always is, before or after all others.
    pub(super) fn mandatory(name: &'static str) -> Self {
        let (precedence, groups): (_, &[&'static str]) = if name == EXEMPT {
            (1, &[MASTERS])
        } else {
            (10_000, &[UNAUTHENTICATED, AUTHENTICATED])
        };
        let any = || vec![Text::from("*")];
        Self {
            name: name.into(),
            uid: Text::default(),
            level: name.into(),
            precedence,
            distinguisher: (name == CATCH_ALL).then_some(Distinguisher::User),
            rules: vec![Rule {
                subjects: groups
                    .iter()
                    .map(|group| Subject::Group((*group).into()))
                    .collect(),
                resources: vec![ResourceRule {
                    verbs: any(),
                    groups: any(),
                    resources: any(),
                    cluster_scope: true,
                    namespaces: any(),
                }],
                paths: vec![PathRule {
                    verbs: any(),
                    paths: any(),
                }],
            }],
        }
    }
}

impl PriorityLevel {
    /// The level that there always is.
    pub(super) fn mandatory(name: &'static str) -> Self {
        let is_exempt = name == EXEMPT;
        Self {
            name: name.into(),
            uid: Text::default(),
            shares: if is_exempt { 0 } else { 5 },
            lendable_percent: 0,
            borrowing_percent: None,
            handling: if is_exempt {
                Handling::Exempt
            } else {
                Handling::Reject
            },
        }
    }
}

impl Rule {
    fn matches(&self, attributes: &Attributes) -> bool {
        let verb = &attributes.verb;
        self.subjects
            .iter()
            .any(|subject| subject.is(&attributes.user))
            && match &attributes.resource {
                Some(target) => self.resources.iter().any(|rule| rule.matches(verb, target)),
                None => self
                    .paths
                    .iter()
                    .any(|rule| rule.matches(verb, &attributes.path)),
            }
    }
}

impl Subject {
    fn is(&self, user: &UserInfo) -> bool {
        match self {
            Self::User(name) => name == "*" || *name == *user.name,
            Self::Group(group) => group == "*" || user.is_in(group),
            Self::ServiceAccount { namespace, name } => {
                let account = user.name.strip_prefix("system:serviceaccount:");
                let found = account.and_then(|account| account.split_once(':'));
                found.is_some_and(|(found, of)| {
                    *namespace == *found && (name == "*" || *name == *of)
                })
            }
        }
    }
}

impl ResourceRule {
    fn matches(&self, verb: &str, target: &ResourceAttributes) -> bool {
        contains(&self.verbs, verb)
            && self.has_resource(target)
            && contains(&self.groups, &target.group)
            && if target.namespace.is_empty() {
                self.cluster_scope
            } else {
                contains(&self.namespaces, &target.namespace)
            }
    }

    fn has_resource(&self, target: &ResourceAttributes) -> bool {
        if target.subresource.is_empty() {
            return contains(&self.resources, &target.resource);
        }
        is_everything(&self.resources)
            || self
                .resources
                .iter()
                .any(|known| known.split_once('/') == Some((&target.resource, &target.subresource)))
    }
}

impl PathRule {
    fn matches(&self, verb: &str, path: &str) -> bool {
        let is_below = |rule: &str| {
            let folder = rule.strip_suffix('*').unwrap_or(rule);
            let folder = folder.strip_suffix('/').unwrap_or(folder);
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        contains(&self.verbs, verb)
            && self
                .paths
                .iter()
                .any(|rule| rule == "*" || *rule == *path || is_below(rule))
    }
}

fn is_everything(list: &[Text]) -> bool {
    matches!(list, [only] if only == "*")
}

fn contains(list: &[Text], wanted: &str) -> bool {
    is_everything(list) || list.iter().any(|known| **known == *wanted)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn texts(list: &[&'static str]) -> Vec<Text> {
        list.iter().map(|text| Text::from(*text)).collect()
    }

    #[track_caller]
    fn check_subject(
        subject: &Subject,
        user: &'static str,
        groups: &[&'static str],
        expected: bool,
    ) {
        let user = UserInfo {
            groups: groups.iter().map(|group| (*group).into()).collect(),
            ..UserInfo::named(user)
        };
        assert_eq!(subject.is(&user), expected, "{subject:?} {user:?}");
    }

    #[test]
    fn subjects_are_users_groups_and_service_accounts() {
        let account = |name: &'static str| Subject::ServiceAccount {
            namespace: "shop".into(),
            name: name.into(),
        };
        check_subject(&Subject::User("bob".into()), "bob", &[], true);
        check_subject(&Subject::User("bob".into()), "alice", &[], false);
        check_subject(&Subject::User("*".into()), "alice", &[], true);
        check_subject(&Subject::Group("ops".into()), "bob", &["devs", "ops"], true);
        check_subject(&Subject::Group("ops".into()), "ops", &[], false);
        check_subject(
            &account("till"),
            "system:serviceaccount:shop:till",
            &[],
            true,
        );
        check_subject(
            &account("till"),
            "system:serviceaccount:shop:tills",
            &[],
            false,
        );
        check_subject(&account("*"), "system:serviceaccount:shop:tills", &[], true);
        check_subject(
            &account("*"),
            "system:serviceaccount:shops:till",
            &[],
            false,
        );
    }

    #[test]
    fn a_path_matches_itself_and_what_is_below() {
        let rule = |path| PathRule {
            verbs: texts(&["get"]),
            paths: texts(&[path]),
        };
        for (path, wanted, expected) in [
            ("/healthz", "/healthz", true),
            ("/healthz", "/healthz/etcd", true),
            ("/healthz", "/healthzz", false),
            ("/healthz/*", "/healthz/etcd", true),
            ("/healthz*", "/healthz/etcd", true),
            ("*", "/anything", true),
        ] {
            assert_eq!(
                rule(path).matches("get", wanted),
                expected,
                "{path} {wanted}"
            );
        }
        assert!(!rule("*").matches("post", "/anything"));
    }

    #[test]
    fn a_request_without_a_namespace_needs_a_rule_that_says_so() {
        let rule = |cluster_scope| ResourceRule {
            verbs: texts(&["*"]),
            groups: texts(&[""]),
            resources: texts(&["nodes", "pods", "nodes/status"]),
            cluster_scope,
            namespaces: texts(&["shop"]),
        };
        let target =
            |resource: &'static str, subresource: &'static str, namespace: &'static str| {
                ResourceAttributes {
                    resource: resource.into(),
                    subresource: subresource.into(),
                    namespace: namespace.into(),
                    ..ResourceAttributes::default()
                }
            };
        assert!(rule(true).matches("get", &target("nodes", "", "")));
        assert!(rule(true).matches("get", &target("nodes", "status", "")));
        assert!(!rule(false).matches("get", &target("nodes", "", "")));
        assert!(rule(false).matches("get", &target("pods", "", "shop")));
        assert!(!rule(true).matches("get", &target("pods", "status", "shop")));
        assert!(!rule(true).matches("get", &target("pods", "", "else")));
    }

    #[test]
    fn what_there_always_is_matches_everyone() {
        let attributes = |groups: &[&'static str]| Attributes {
            user: Arc::new(UserInfo {
                groups: groups.iter().map(|group| (*group).into()).collect(),
                ..UserInfo::named("bob")
            }),
            verb: "get".into(),
            path: "/version".into(),
            resource: None,
        };
        let (exempt, rest) = (
            FlowSchema::mandatory(EXEMPT),
            FlowSchema::mandatory(CATCH_ALL),
        );
        assert!(exempt.matches(&attributes(&[MASTERS])));
        assert!(!exempt.matches(&attributes(&[AUTHENTICATED])));
        assert!(rest.matches(&attributes(&[AUTHENTICATED])));
        assert!(rest.matches(&attributes(&[UNAUTHENTICATED])));
        assert_eq!(rest.distinguish(&attributes(&[])).as_str(), "bob");
    }
}
