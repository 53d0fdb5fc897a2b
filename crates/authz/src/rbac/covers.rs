//! Whether rules are held already: [`uncovered`], and what is said if not: [`Escalation`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use super::rule::{ALL, List, Rule, covers_path, has};

/// The single permissions of `wanted` that no rule of `held` has, in the order of `wanted`.
pub fn uncovered(held: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    wanted
        .iter()
        .flat_map(broken_down)
        .filter(|wanted| !held.iter().any(|held| covers(held, wanted)))
        .collect()
}

/// A rule as rules of one verb on one resource, name or path each.
fn broken_down(rule: &Rule) -> Vec<Rule> {
    let mut single = Vec::new();
    let one = |text: &Text| vec![text.clone()];
    for group in &rule.api_groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                let bare = Rule {
                    verbs: one(verb),
                    api_groups: one(group),
                    resources: one(resource),
                    ..Rule::default()
                };
                if rule.resource_names.is_empty() {
                    single.push(bare);
                    continue;
                }
                single.extend(rule.resource_names.iter().map(|name| Rule {
                    resource_names: one(name),
                    ..bare.clone()
                }));
            }
        }
    }
    for path in &rule.non_resource_urls {
        single.extend(rule.verbs.iter().map(|verb| Rule {
            verbs: one(verb),
            non_resource_urls: one(path),
            ..Rule::default()
        }));
    }
    single
}

fn covers(held: &Rule, wanted: &Rule) -> bool {
    let all = |held: &[Text], wanted: &[Text]| wanted.iter().all(|wanted| has(held, wanted));
    let starred = |held: &[Text], wanted: &[Text]| has(held, ALL) || all(held, wanted);
    let names = held.resource_names.is_empty()
        || (!wanted.resource_names.is_empty() && all(&held.resource_names, &wanted.resource_names));
    names
        && starred(&held.verbs, &wanted.verbs)
        && starred(&held.api_groups, &wanted.api_groups)
        && (has(&held.resources, ALL)
            || wanted
                .resources
                .iter()
                .all(|wanted| covers_resource(&held.resources, wanted)))
        && wanted.non_resource_urls.iter().all(|wanted| {
            held.non_resource_urls
                .iter()
                .any(|held| covers_path(held, wanted))
        })
}

fn covers_resource(held: &[Text], wanted: &str) -> bool {
    has(held, wanted)
        || wanted.split_once('/').is_some_and(|(_, subresource)| {
            held.iter()
                .any(|held| held.strip_prefix("*/") == Some(subresource))
        })
}

/// Rules with those of one resource put together.
fn compacted(rules: Vec<Rule>) -> Vec<Rule> {
    let mut compact = Vec::new();
    let mut simple: BTreeMap<(Text, Text, Option<Text>), Rule> = BTreeMap::new();
    for rule in rules {
        let ([group], [resource]) = (&rule.api_groups[..], &rule.resources[..]) else {
            compact.push(rule);
            continue;
        };
        if rule.resource_names.len() > 1 || !rule.non_resource_urls.is_empty() {
            compact.push(rule);
            continue;
        }
        let key = (
            group.clone(),
            resource.clone(),
            rule.resource_names.first().cloned(),
        );
        match simple.get_mut(&key) {
            Some(known) => known.verbs.extend(rule.verbs),
            None => {
                simple.insert(key, rule);
            }
        }
    }
    compact.extend(simple.into_values());
    compact
}

/// Somebody is about to grant what they do not have. Its text is what the client reads after `is forbidden: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Escalation {
    user: Text,
    groups: Vec<Text>,
    missing: Vec<Rule>,
    /// Why what they have may be known in part only.
    unresolved: Vec<String>,
}

impl Escalation {
    /// Compares what `user` holds with what is to be granted; `unresolved` are faults met on the way to `held`.
    ///
    /// # Errors
    /// Where something is not held.
    pub fn check(
        user: &UserInfo,
        held: &[Rule],
        wanted: &[Rule],
        unresolved: Vec<String>,
    ) -> Result<(), Self> {
        let missing = uncovered(held, wanted);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Self {
            user: user.name.clone(),
            groups: user.groups.clone(),
            missing: compacted(missing),
            unresolved,
        })
    }
}

impl fmt::Display for Escalation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "user {} (groups={}) is attempting to grant RBAC permissions not currently held:",
            Quoted(&self.user),
            List(&self.groups)
        )?;
        let missing: BTreeSet<String> = self.missing.iter().map(Rule::to_string).collect();
        for missing in missing {
            write!(f, "\n{missing}")?;
        }
        if !self.unresolved.is_empty() {
            write!(f, "; resolution errors: [{}]", self.unresolved.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::tests::rule;
    use super::*;

    #[track_caller]
    fn check(held: &[&str], wanted: &[&str], expected: &[&str]) {
        let rules = |texts: &[&str]| texts.iter().map(|text| rule(text)).collect::<Vec<_>>();
        let found: Vec<String> = compacted(uncovered(&rules(held), &rules(wanted)))
            .iter()
            .map(Rule::to_string)
            .collect();
        assert_eq!(found, expected, "{held:?} for {wanted:?}");
    }

    #[test]
    fn what_several_rules_hold_together_is_held() {
        check(
            &["get core pods", "list core pods", "* apps *"],
            &["get,list core pods", "delete apps deployments/scale x"],
            &[],
        );
    }

    #[test]
    fn a_star_is_covered_by_a_star_alone() {
        check(
            &["get,list,watch,create,update,patch,delete core pods"],
            &["* core pods"],
            &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["*"]}"#],
        );
        check(&["* * *", "* *"], &["* * *", "* *"], &[]);
    }

    #[test]
    fn verbs_of_one_resource_are_told_together() {
        check(
            &["get core configmaps"],
            &["get,delete core configmaps,secrets"],
            &[
                r#"{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}"#,
                r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}"#,
            ],
        );
    }

    #[test]
    fn names_are_covered_by_no_name_and_not_the_other_way_round() {
        check(&["get core pods"], &["get core pods a"], &[]);
        check(
            &["get core pods a"],
            &["get core pods"],
            &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["get"]}"#],
        );
        check(&["get core pods a,b"], &["get core pods b"], &[]);
    }

    #[test]
    fn subresources_and_paths_are_covered_by_patterns() {
        check(&["get apps */scale"], &["get apps deployments/scale"], &[]);
        check(&["get /a/*"], &["get /a/b,/a/c*"], &[]);
        check(
            &["get /a/b"],
            &["get /a/*"],
            &[r#"{NonResourceURLs:["/a/*"], Verbs:["get"]}"#],
        );
    }

    #[test]
    fn the_refusal_names_user_groups_and_what_is_missing() {
        let user = UserInfo {
            groups: vec!["devs".into(), "system:authenticated".into()],
            ..UserInfo::named("alice")
        };
        let refused = Escalation::check(&user, &[], &[rule("get core pods")], Vec::new());
        assert_eq!(
            refused.expect_err("not held").to_string(),
            "user \"alice\" (groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions not \
             currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}"
        );
    }
}
