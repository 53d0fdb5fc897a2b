//! What is recorded of which request: the rules of `audit.k8s.io/v1` `Policy`.

use std::fmt;

use pintle_authz::{Attributes, ResourceAttributes};

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Who, what, when, and how it ended.
    Metadata,
    /// The object of the request too.
    Request,
    /// The object of the answer too.
    RequestResponse,
}

impl Level {
    /// The level of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "None" => Self::None,
            "Metadata" => Self::Metadata,
            "Request" => Self::Request,
            "RequestResponse" => Self::RequestResponse,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

/// When in a request's life something is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before anything is done.
    RequestReceived,
    /// The headers of a long-running answer are there; and of a refusal of who sends no valid credentials.
    ResponseStarted,
    /// The answer is there.
    ResponseComplete,
    /// Answering went wrong.
    Panic,
}

impl Stage {
    /// The stage of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "RequestReceived" => Self::RequestReceived,
            "ResponseStarted" => Self::ResponseStarted,
            "ResponseComplete" => Self::ResponseComplete,
            "Panic" => Self::Panic,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestReceived => "RequestReceived",
            Self::ResponseStarted => "ResponseStarted",
            Self::ResponseComplete => "ResponseComplete",
            Self::Panic => "Panic",
        }
    }
}

/// Stages that are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages(u8);

impl Stages {
    /// These and another.
    #[must_use]
    pub const fn with(self, stage: Stage) -> Self {
        Self(self.0 | 1 << stage as u8)
    }

    /// Those of either.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether it is one of them.
    pub const fn has(self, stage: Stage) -> bool {
        self.0 & 1 << stage as u8 != 0
    }
}

impl FromIterator<Stage> for Stages {
    fn from_iter<I: IntoIterator<Item = Stage>>(stages: I) -> Self {
        stages.into_iter().fold(Self::default(), Self::with)
    }
}

/// Which requests a rule is for, and what it says of them. An empty list does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// How much is recorded.
    pub level: Level,
    /// Names of users.
    pub users: Vec<String>,
    /// Groups, of which the user is in one.
    pub user_groups: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// Resources; then requests for other paths are not meant.
    pub resources: Vec<GroupResources>,
    /// Namespaces, `""` for what is in none; then requests for other paths are not meant.
    pub namespaces: Vec<String>,
    /// Paths, with a `*` at the end for all below; then requests for resources are not meant.
    pub non_resource_urls: Vec<String>,
    /// Stages that are left out.
    pub omit_stages: Stages,
    /// Whether objects are recorded without `managedFields`; as the policy says, if absent.
    pub omit_managed_fields: Option<bool>,
}

/// Resources of one API group.
#[derive(Clone, Debug, Default)]
pub struct GroupResources {
    /// The group, empty for core.
    pub group: String,
    /// `pods`, `pods/log`, `pods/*`, `*/scale` or `*`; all if empty.
    pub resources: Vec<String>,
    /// Names of objects; all if empty.
    pub resource_names: Vec<String>,
}

/// The rules, of which the first that is for a request decides. Without one, nothing is recorded.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// In order.
    pub rules: Vec<Rule>,
    /// Stages that are left out everywhere.
    pub omit_stages: Stages,
    /// Whether objects are recorded without `managedFields` where a rule does not say.
    pub omit_managed_fields: bool,
}

/// What is recorded of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How much.
    pub level: Level,
    /// When not.
    pub omit_stages: Stages,
    /// Whether objects are recorded without `managedFields`.
    pub omit_managed_fields: bool,
}

impl Policy {
    /// What is recorded of a request. `knows_user` is false where it could not be told who asks:
    /// then users and groups do not restrict.
    pub fn judge(&self, request: &Attributes, knows_user: bool) -> Verdict {
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.is_for(request, knows_user));
        Verdict {
            level: rule.map_or(Level::None, |rule| rule.level),
            omit_stages: rule.map_or(self.omit_stages, |rule| {
                rule.omit_stages.and(self.omit_stages)
            }),
            omit_managed_fields: rule
                .and_then(|rule| rule.omit_managed_fields)
                .unwrap_or(self.omit_managed_fields),
        }
    }
}

impl Rule {
    fn is_for(&self, request: &Attributes, knows_user: bool) -> bool {
        let free = |list: &[String], value: &str| list.is_empty() || has(list, value);
        if knows_user {
            let groups = &request.user.groups;
            let in_group = || groups.iter().any(|group| has(&self.user_groups, group));
            if !free(&self.users, &request.user.name)
                || !(self.user_groups.is_empty() || in_group())
            {
                return false;
            }
        }
        if !free(&self.verbs, &request.verb) {
            return false;
        }
        let for_resources = !self.resources.is_empty() || !self.namespaces.is_empty();
        match &request.resource {
            Some(target) if for_resources => {
                free(&self.namespaces, &target.namespace)
                    && (self.resources.is_empty()
                        || self.resources.iter().any(|some| some.has(target)))
            }
            _ if for_resources => false,
            None if !self.non_resource_urls.is_empty() => self
                .non_resource_urls
                .iter()
                .any(|pattern| covers(pattern, &request.path)),
            _ => self.non_resource_urls.is_empty(),
        }
    }
}

impl GroupResources {
    fn has(&self, target: &ResourceAttributes) -> bool {
        if self.group != target.group.as_str() {
            return false;
        }
        let (resource, subresource) = (target.resource.as_str(), target.subresource.as_str());
        let named = self.resource_names.is_empty() || has(&self.resource_names, &target.name);
        let is_meant = |pattern: &String| match pattern.split_once('/') {
            _ if pattern == "*" => true,
            None => subresource.is_empty() && pattern == resource,
            Some((all, "*")) => all == resource,
            Some(("*", one)) => !subresource.is_empty() && one == subresource,
            Some((one, part)) => one == resource && part == subresource && !part.is_empty(),
        };
        self.resources.is_empty() || named && self.resources.iter().any(is_meant)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn has(list: &[String], value: &str) -> bool {
    list.iter().any(|item| item == value)
}

/// Whether a path is, or is below, what the pattern names.
fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(_) => path.starts_with(pattern.trim_end_matches('*')),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pintle_runtime::user::UserInfo;

    use super::*;

    fn of_resource(resource: &str, namespace: &str, name: &str) -> Attributes {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Attributes {
            user: Arc::new(UserInfo {
                groups: vec!["ops".into()],
                ..UserInfo::named("alice")
            }),
            verb: "get".into(),
            path: "/api".into(),
            resource: Some(ResourceAttributes {
                resource: resource.to_owned().into(),
                subresource: subresource.to_owned().into(),
                namespace: namespace.to_owned().into(),
                name: name.to_owned().into(),
                ..Default::default()
            }),
        }
    }

    fn of_path(path: &str) -> Attributes {
        Attributes {
            path: path.to_owned().into(),
            resource: None,
            ..of_resource("", "", "")
        }
    }

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    fn of_pods(patterns: &[&str], names: &[&str]) -> Rule {
        Rule {
            resources: vec![GroupResources {
                group: String::new(),
                resources: strings(patterns),
                resource_names: strings(names),
            }],
            ..Rule::default()
        }
    }

    #[track_caller]
    fn check(rule: &Rule, request: &Attributes, expected: bool) {
        assert_eq!(
            rule.is_for(request, true),
            expected,
            "{rule:?} {:?}",
            request.resource
        );
    }

    #[test]
    fn resources_are_named_whole_by_part_or_by_a_star() {
        for (patterns, resource, expected) in [
            (&["pods"][..], "pods", true),
            (&["pods"], "pods/log", false),
            (&["pods/log"], "pods/log", true),
            (&["pods/*"], "pods/log", true),
            (&["pods/*"], "pods", true),
            (&["*/log"], "pods/log", true),
            (&["*/log"], "pods", false),
            (&["*"], "pods/log", true),
            (&[], "secrets", true),
        ] {
            check(
                &of_pods(patterns, &[]),
                &of_resource(resource, "default", "a"),
                expected,
            );
        }
        check(
            &of_pods(&["pods"], &["a"]),
            &of_resource("pods", "default", "b"),
            false,
        );
    }

    #[test]
    fn users_groups_verbs_and_namespaces_restrict() {
        let request = of_resource("pods", "default", "a");
        let users = |users: &[&str]| Rule {
            users: strings(users),
            ..Rule::default()
        };
        check(&users(&["alice"]), &request, true);
        check(&users(&["bob"]), &request, false);
        assert!(users(&["bob"]).is_for(&request, false));
        let groups = Rule {
            user_groups: strings(&["devs"]),
            ..Rule::default()
        };
        check(&groups, &request, false);
        let verbs = Rule {
            verbs: strings(&["list"]),
            ..Rule::default()
        };
        check(&verbs, &request, false);
        let namespaces = Rule {
            namespaces: strings(&["default"]),
            ..Rule::default()
        };
        check(&namespaces, &request, true);
        check(&namespaces, &of_path("/healthz"), false);
    }

    #[test]
    fn paths_are_covered_to_their_star() {
        let paths = |paths: &[&str]| Rule {
            non_resource_urls: strings(paths),
            ..Rule::default()
        };
        check(&paths(&["/healthz*"]), &of_path("/healthz/etcd"), true);
        check(&paths(&["/healthz"]), &of_path("/healthz/etcd"), false);
        check(&paths(&["*"]), &of_resource("pods", "", ""), false);
        check(&Rule::default(), &of_path("/healthz"), true);
    }

    #[test]
    fn the_first_rule_decides_and_omissions_add_up() {
        let policy = Policy {
            rules: vec![
                Rule {
                    level: Level::Metadata,
                    omit_stages: Stages::default().with(Stage::Panic),
                    ..of_pods(&["secrets"], &[])
                },
                Rule {
                    level: Level::Request,
                    omit_managed_fields: Some(false),
                    ..Rule::default()
                },
            ],
            omit_stages: Stages::default().with(Stage::RequestReceived),
            omit_managed_fields: true,
        };
        let secrets = policy.judge(&of_resource("secrets", "default", ""), true);
        assert_eq!(secrets.level, Level::Metadata);
        assert!(secrets.omit_stages.has(Stage::Panic) && secrets.omit_managed_fields);
        assert!(secrets.omit_stages.has(Stage::RequestReceived));
        let pods = policy.judge(&of_resource("pods", "default", ""), true);
        assert_eq!(
            (pods.level, pods.omit_managed_fields),
            (Level::Request, false)
        );
        assert_eq!(
            Policy::default().judge(&of_path("/"), true).level,
            Level::None
        );
    }
}
