//! The index as an authorizer: [`Rbac`].

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use pintle_runtime::user::UserInfo;

use super::binding::NoSuchRole;
use super::covers::Escalation;
use super::index::Index;
use super::rule::Rule;
use crate::attributes::Attributes;
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};
use crate::rules::{Rules, RulesFor, joined};

/// Allows what a role allows that is bound to the user. Readers never wait, not even for a change.
#[derive(Default)]
pub struct Rbac {
    index: ArcSwap<Index>,
    /// Held by who makes a change.
    changing: Mutex<()>,
}

impl Rbac {
    /// Roles and bindings as they are now.
    pub fn index(&self) -> Arc<Index> {
        self.index.load_full()
    }

    /// Changes roles and bindings; requests see all of the change or nothing.
    pub fn change(&self, change: impl FnOnce(&mut Index)) {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = Index::clone(&self.index.load());
        change(&mut index);
        self.index.store(Arc::new(index));
    }

    /// Whether `user` holds all of `wanted` in `namespace`, and so may grant it.
    ///
    /// # Errors
    /// What they do not hold.
    pub fn confirm_no_escalation(
        &self,
        user: &UserInfo,
        namespace: &str,
        wanted: &[Rule],
    ) -> Result<(), Escalation> {
        let holding = self.index.load().holding(user, namespace);
        let unresolved = match told(&holding.unresolved) {
            Some(text) => vec![text],
            None => Vec::new(),
        };
        Escalation::check(user, &holding.rules, wanted, unresolved)
    }
}

impl Authorizer for Rbac {
    fn name(&self) -> &str {
        "RBAC"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        Verdict::Now(match self.index.load().decide(attributes) {
            Ok(reason) => Decision::Allow(Reason::new(reason)),
            Err(unresolved) => Decision::NoOpinion(match told(&unresolved) {
                Some(text) => Reason::new(format!("RBAC: {text}")),
                None => Reason::NONE,
            }),
        })
    }

    fn rules_for(&self, user: &UserInfo, namespace: &str) -> RulesFor {
        let holding = self.index.load().holding(user, namespace);
        let mut rules = Rules::default();
        for rule in holding.rules {
            if !rule.resources.is_empty() {
                rules.resource.push(rule.clone());
            }
            if !rule.non_resource_urls.is_empty() {
                rules.non_resource.push(rule);
            }
        }
        RulesFor {
            rules,
            incomplete: false,
            errors: holding
                .unresolved
                .iter()
                .map(NoSuchRole::to_string)
                .collect(),
        }
    }
}

fn told(faults: &[NoSuchRole]) -> Option<String> {
    joined(faults.iter().map(NoSuchRole::to_string))
}

#[cfg(test)]
mod tests {
    use pintle_runtime::text::Text;

    use super::super::binding::{Binding, RoleKind, RoleRef, Subject};
    use super::super::rule::tests::{asked, rule};
    use super::*;

    fn rbac() -> Rbac {
        let rbac = Rbac::default();
        rbac.change(|index| {
            index.put_role(
                &Text::default(),
                &"reader".into(),
                vec![rule("get core pods"), rule("get /a")],
            );
            for role in ["reader", "absent", "gone"] {
                index.put_binding(Binding {
                    namespace: Text::default(),
                    name: role.into(),
                    role: RoleRef {
                        kind: RoleKind::ClusterRole,
                        name: role.into(),
                    },
                    subjects: vec![Subject::User("alice".into())],
                });
            }
        });
        rbac
    }

    #[test]
    fn a_refusal_tells_of_roles_that_are_not_there() {
        let rbac = rbac();
        let asked = asked("alice", "delete core pods");
        let Verdict::Now(Decision::NoOpinion(reason)) = rbac.authorize(&asked) else {
            panic!("it is not allowed")
        };
        assert_eq!(
            reason.as_str(),
            r#"RBAC: [clusterrole.rbac.authorization.k8s.io "absent" not found, clusterrole.rbac.authorization.k8s.io "gone" not found]"#
        );
    }

    #[test]
    fn rules_are_told_apart_by_what_they_are_about() {
        let found = rbac().rules_for(&UserInfo::named("alice"), "");
        assert_eq!(found.rules.resource, [rule("get core pods")]);
        assert_eq!(found.rules.non_resource, [rule("get /a")]);
        assert!(!found.incomplete && found.errors.len() == 2);
    }

    #[test]
    fn nobody_grants_what_they_do_not_hold() {
        let rbac = rbac();
        let alice = UserInfo::named("alice");
        assert!(
            rbac.confirm_no_escalation(&alice, "", &[rule("get core pods a")])
                .is_ok()
        );
        let refused = rbac.confirm_no_escalation(&alice, "", &[rule("list core pods")]);
        assert!(
            refused
                .expect_err("not held")
                .to_string()
                .ends_with("not found]]")
        );
    }
}
