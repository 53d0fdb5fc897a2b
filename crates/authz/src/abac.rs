//! Attribute-based access control: a file of who may do what, [`Abac`].
//!
//! Each line of the file is a JSON object, as `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1",
//! "kind":"Policy","spec":{"user":"alice","namespace":"*","resource":"*","apiGroup":"*"}}`. Lines without a version
//! are of the first form, which means more where it says less. Empty lines and those that begin with `#` are passed
//! over.

use pintle_runtime::text::Text;
use pintle_runtime::user::{AUTHENTICATED, UserInfo};
use serde::Deserialize;

use crate::attributes::Attributes;
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};
use crate::rbac::Rule;
use crate::rbac::rule::{ALL, covers_path};
use crate::rules::{Rules, RulesFor};

/// Allows what a line of a file allows.
#[derive(Debug)]
pub struct Abac {
    policies: Vec<Policy>,
}

/// What a line allows to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Policy {
    user: String,
    group: String,
    readonly: bool,
    #[serde(rename = "apiGroup")]
    api_group: String,
    resource: String,
    namespace: String,
    #[serde(rename = "nonResourcePath")]
    path: String,
}

#[derive(Deserialize)]
struct Versioned {
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    spec: Policy,
}

const VERSION: &str = "abac.authorization.kubernetes.io/v1beta1";

/// A line that is no policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PolicyError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Abac {
    /// Reads a file.
    ///
    /// # Errors
    /// All lines that are no policies.
    pub fn parse(file: &str) -> Result<Self, Vec<PolicyError>> {
        let mut policies = Vec::new();
        let mut errors = Vec::new();
        for (at, line) in file.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match policy(line) {
                Ok(policy) => policies.push(policy),
                Err(what) => errors.push(PolicyError { line: at + 1, what }),
            }
        }
        if errors.is_empty() {
            Ok(Self { policies })
        } else {
            Err(errors)
        }
    }
}

fn policy(line: &str) -> Result<Policy, String> {
    let found: Versioned = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let mut policy = match (found.api_version.as_str(), found.kind.as_str()) {
        ("", "") => first_form(serde_json::from_str(line).map_err(|error| error.to_string())?),
        (VERSION, "Policy") => found.spec,
        (version, kind) => {
            return Err(format!(
                "{version} {kind} is no policy: must be {VERSION} Policy"
            ));
        }
    };
    // Everybody is everybody who is known.
    if policy.user == ALL || policy.group == ALL {
        policy.user.clear();
        policy.group = AUTHENTICATED.to_owned();
    }
    Ok(policy)
}

/// What the first form leaves out is anything.
fn first_form(said: Policy) -> Policy {
    let or_all = |text: &str| if text.is_empty() { ALL } else { text }.to_owned();
    let about_nothing = said.namespace.is_empty() && said.resource.is_empty();
    let for_nobody = said.user.is_empty() && said.group.is_empty();
    Policy {
        group: if for_nobody {
            AUTHENTICATED.to_owned()
        } else {
            said.group
        },
        api_group: ALL.to_owned(),
        resource: or_all(&said.resource),
        namespace: or_all(&said.namespace),
        path: if about_nothing {
            ALL.to_owned()
        } else {
            String::new()
        },
        ..said
    }
}

impl Policy {
    fn is_for(&self, user: &UserInfo) -> bool {
        (!self.user.is_empty() || !self.group.is_empty())
            && (self.user.is_empty() || user.name == *self.user)
            && (self.group.is_empty() || user.is_in(&self.group))
    }

    fn allows(&self, attributes: &Attributes) -> bool {
        let means = |said: &str, asked: &str| said == ALL || said == asked;
        self.is_for(&attributes.user)
            && (!self.readonly || attributes.is_read_only())
            && match &attributes.resource {
                Some(target) => {
                    means(&self.namespace, &target.namespace)
                        && means(&self.resource, &target.resource)
                        && means(&self.api_group, &target.group)
                }
                None => !self.path.is_empty() && covers_path(&self.path, &attributes.path),
            }
    }
}

impl Authorizer for Abac {
    fn name(&self) -> &str {
        "ABAC"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        let allowed = self.policies.iter().any(|policy| policy.allows(attributes));
        Verdict::Now(if allowed {
            Decision::ALLOW
        } else {
            Decision::NoOpinion(Reason::new("No policy matched."))
        })
    }

    fn rules_for(&self, user: &UserInfo, namespace: &str) -> RulesFor {
        let own = |text: &str| vec![Text::from(text.to_owned())];
        let mut rules = Rules::default();
        for policy in self.policies.iter().filter(|policy| policy.is_for(user)) {
            if policy.namespace != ALL && policy.namespace != namespace {
                continue;
            }
            let verbs: Vec<Text> = if policy.readonly {
                ["get", "list", "watch"].map(Text::from).to_vec()
            } else {
                own(ALL)
            };
            if !policy.resource.is_empty() {
                rules.resource.push(Rule {
                    verbs: verbs.clone(),
                    api_groups: own(&policy.api_group),
                    resources: own(&policy.resource),
                    ..Rule::default()
                });
            }
            if !policy.path.is_empty() {
                rules.non_resource.push(Rule {
                    verbs,
                    non_resource_urls: own(&policy.path),
                    ..Rule::default()
                });
            }
        }
        RulesFor {
            rules,
            ..RulesFor::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rbac::rule::tests::asked;

    const FILE: &str = r#"
# Who may do what.
{"user":"admin"}
{"user":"scheduler","readonly":true,"resource":"pods"}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"blue","resource":"pods","apiGroup":"*"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"*","readonly":true,"nonResourcePath":"/version*"}}
"#;

    #[track_caller]
    fn check(user: &str, wanted: &str, expected: bool) {
        let abac = Abac::parse(FILE).expect("policies");
        let mut asked = asked(user, wanted);
        let groups = vec![AUTHENTICATED.into()];
        asked.user = Arc::new(UserInfo {
            groups,
            ..(*asked.user).clone()
        });
        let Verdict::Now(decision) = abac.authorize(&asked) else {
            panic!("decides at once")
        };
        assert_eq!(decision.is_allow(), expected, "{user} {wanted}");
    }

    #[test]
    fn a_line_without_a_version_means_more_where_it_says_less() {
        check("admin", "delete apps deployments:a blue", true);
        check("admin", "get /anything", true);
        check("scheduler", "list core pods blue", true);
        check("scheduler", "create core pods blue", false);
        check("scheduler", "get /anything", false);
    }

    #[test]
    fn a_line_with_a_version_means_what_it_says() {
        check("alice", "create core pods blue", true);
        check("alice", "create core pods red", false);
        check("alice", "create core secrets blue", false);
        check("bob", "get /version/x", true);
        check("bob", "post /version", false);
        check("bob", "get /metrics", false);
    }

    #[test]
    fn every_line_that_is_no_policy_is_told() {
        let errors =
            Abac::parse("{\"user\":\"a\"}\nnonsense\n\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}")
                .expect_err("not valid");
        assert_eq!(
            errors.iter().map(|error| error.line).collect::<Vec<_>>(),
            [2, 4]
        );
    }
}
