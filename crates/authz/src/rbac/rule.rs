//! What a rule allows: [`Rule`].

use std::fmt;

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;

use crate::attributes::Attributes;

/// Stands for every verb, group, resource or path.
pub const ALL: &str = "*";

/// A `PolicyRule`: verbs on resources, or on paths that are no resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Verbs, or `*`.
    pub verbs: Vec<Text>,
    /// API groups, the core group being the empty one, or `*`.
    pub api_groups: Vec<Text>,
    /// Resources, as `pods`, `pods/log`, `*/scale` or `*`.
    pub resources: Vec<Text>,
    /// Names of objects; none at all are all of them.
    pub resource_names: Vec<Text>,
    /// Paths, or what they begin with and a `*`.
    pub non_resource_urls: Vec<Text>,
}

impl Rule {
    /// Whether the rule allows a request.
    pub fn allows(&self, attributes: &Attributes) -> bool {
        if !has_or_all(&self.verbs, &attributes.verb) {
            return false;
        }
        let Some(target) = &attributes.resource else {
            return self
                .non_resource_urls
                .iter()
                .any(|pattern| covers_path(pattern, &attributes.path));
        };
        has_or_all(&self.api_groups, &target.group)
            && self
                .resources
                .iter()
                .any(|pattern| means(pattern, &target.resource, &target.subresource))
            && (self.resource_names.is_empty() || has(&self.resource_names, &target.name))
    }
}

/// Whether a rule's resource means a request's.
fn means(pattern: &str, resource: &str, subresource: &str) -> bool {
    if pattern == ALL {
        return true;
    }
    match pattern.split_once('/') {
        None => subresource.is_empty() && pattern == resource,
        Some((above, below)) => {
            !subresource.is_empty() && below == subresource && (above == ALL || above == resource)
        }
    }
}

/// Whether a rule's path means another path, which may be a pattern itself.
pub(crate) fn covers_path(pattern: &str, path: &str) -> bool {
    pattern == path || (pattern.ends_with(ALL) && path.starts_with(pattern.trim_end_matches('*')))
}

pub(super) fn has(set: &[Text], wanted: &str) -> bool {
    set.iter().any(|found| found == wanted)
}

pub(super) fn has_or_all(set: &[Text], wanted: &str) -> bool {
    set.iter().any(|found| found == ALL || found == wanted)
}

/// The rule as a refusal to grant it shows it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        f.write_str("{")?;
        let mut first = true;
        for (name, values) in parts {
            if values.is_empty() {
                continue;
            }
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            write!(f, "{name}:{}", List(values))?;
        }
        f.write_str("}")
    }
}

/// Texts as Go's `%q` shows a slice of them: `["a" "b"]`.
pub(super) struct List<'a>(pub &'a [Text]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, value) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{}", Quoted(value))?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use pintle_runtime::user::UserInfo;

    use super::*;
    use crate::attributes::ResourceAttributes;

    fn texts(words: &str) -> Vec<Text> {
        words
            .split(',')
            .filter(|word| !word.is_empty())
            .map(|word| Text::from(if word == "core" { "" } else { word }.to_owned()))
            .collect()
    }

    /// `verbs groups resources names`, each with commas, `core` being the empty group.
    pub(crate) fn rule(text: &str) -> Rule {
        let parts: Vec<&str> = text.split(' ').collect();
        let part = |at: usize| texts(parts.get(at).copied().unwrap_or_default());
        if parts
            .get(1)
            .is_some_and(|path| path.starts_with(['/', '*']))
            && parts.len() == 2
        {
            return Rule {
                verbs: part(0),
                non_resource_urls: part(1),
                ..Rule::default()
            };
        }
        Rule {
            verbs: part(0),
            api_groups: part(1),
            resources: part(2),
            resource_names: part(3),
            ..Rule::default()
        }
    }

    /// `verb group resource[/subresource][:name] [namespace]`, or `verb /path`.
    pub(crate) fn asked(user: &str, text: &str) -> Attributes {
        let parts: Vec<&str> = text.split(' ').collect();
        let own = |text: &str| Text::from(text.to_owned());
        let user = Arc::new(UserInfo::named(own(user)));
        let verb = own(parts[0]);
        if parts[1].starts_with('/') {
            return Attributes {
                user,
                verb,
                path: own(parts[1]),
                resource: None,
            };
        }
        let (place, name) = parts[2].split_once(':').unwrap_or((parts[2], ""));
        let (resource, subresource) = place.split_once('/').unwrap_or((place, ""));
        let target = ResourceAttributes {
            group: own(if parts[1] == "core" { "" } else { parts[1] }),
            version: "v1".into(),
            resource: own(resource),
            subresource: own(subresource),
            name: own(name),
            namespace: own(parts.get(3).copied().unwrap_or_default()),
            ..Default::default()
        };
        Attributes {
            user,
            verb,
            path: Text::default(),
            resource: Some(target),
        }
    }

    #[track_caller]
    fn check(held: &str, wanted: &str, expected: bool) {
        let found = rule(held).allows(&asked("u", wanted));
        assert_eq!(found, expected, "{held} on {wanted}");
    }

    #[test]
    fn verbs_groups_and_resources_are_named_or_all() {
        check("get,list core pods", "get core pods:a ns", true);
        check("get core pods", "delete core pods:a ns", false);
        check("* core pods", "delete core pods:a ns", true);
        check("get apps pods", "get core pods", false);
        check("get * *", "get core pods/log:a", true);
        check("get core Pods", "get core pods", false);
        check("", "get core pods", false);
    }

    #[test]
    fn a_subresource_is_named_with_or_without_what_is_above_it() {
        check("get core pods", "get core pods/log:a", false);
        check("get core pods/log", "get core pods/log:a", true);
        check("get core pods/log", "get core pods:a", false);
        check("get * */scale", "get apps deployments/scale:a", true);
        check("get * */scale", "get apps deployments/status:a", false);
        check("get * */scale", "get apps scale:a", false);
        check("get core */*", "get core pods/log:a", false);
        check("get core pods/*", "get core pods/log:a", false);
    }

    #[test]
    fn a_named_rule_means_no_request_without_a_name() {
        check("get,create core pods a,b", "get core pods:a", true);
        check("get,create core pods a,b", "get core pods:c", false);
        check("get,create core pods a,b", "create core pods", false);
    }

    #[test]
    fn paths_are_whole_or_end_with_a_star() {
        check("get /healthz,/version/*", "get /healthz", true);
        check("get /healthz", "get /healthz/", false);
        check("get /version/*", "get /version/a/b", true);
        check("get /version/*", "get /version", false);
        check("get *", "get /x", true);
        check("get core pods", "get /x", false);
        check("get *", "get core pods", false);
        check("get /a*b", "get /axb", false);
    }

    #[test]
    fn a_rule_is_shown_as_upstream_shows_it() {
        assert_eq!(
            rule("get,list core pods a").to_string(),
            r#"{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}"#
        );
        assert_eq!(
            rule("get /a").to_string(),
            r#"{NonResourceURLs:["/a"], Verbs:["get"]}"#
        );
    }
}
