//! Authorizers without configuration.

use pintle_runtime::user::{MASTERS, UserInfo};

use crate::attributes::Attributes;
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};
use crate::rbac::Rule;
use crate::rbac::rule::ALL;
use crate::rules::{Rules, RulesFor};

/// Allows everything to members of `system:masters`; asked before all others.
pub struct SystemMasters;

impl Authorizer for SystemMasters {
    fn name(&self) -> &str {
        "PrivilegedGroup"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        Verdict::Now(if attributes.user.is_in(MASTERS) {
            Decision::ALLOW
        } else {
            Decision::NO_OPINION
        })
    }
}

/// Allows everything to everybody.
pub struct AlwaysAllow;

impl Authorizer for AlwaysAllow {
    fn name(&self) -> &str {
        "AlwaysAllow"
    }

    fn authorize<'a>(&'a self, _: &'a Attributes) -> Verdict<'a> {
        Verdict::Now(Decision::ALLOW)
    }

    fn rules_for(&self, _: &UserInfo, _: &str) -> RulesFor {
        let all = || vec![ALL.into()];
        let resource = Rule {
            verbs: all(),
            api_groups: all(),
            resources: all(),
            ..Rule::default()
        };
        let non_resource = Rule {
            verbs: all(),
            non_resource_urls: all(),
            ..Rule::default()
        };
        RulesFor {
            rules: Rules {
                resource: vec![resource],
                non_resource: vec![non_resource],
            },
            ..RulesFor::default()
        }
    }
}

/// Has no opinion on anything, so that nothing is allowed where nobody else allows it.
pub struct AlwaysDeny;

impl Authorizer for AlwaysDeny {
    fn name(&self) -> &str {
        "AlwaysDeny"
    }

    fn authorize<'a>(&'a self, _: &'a Attributes) -> Verdict<'a> {
        Verdict::Now(Decision::NoOpinion(Reason::new("Everything is forbidden.")))
    }
}
