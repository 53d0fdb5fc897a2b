//! Authorizers without configuration.

use pintle_runtime::user::MASTERS;

use crate::attributes::Attributes;
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};

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

/// Allows everybody, the anonymous too, to read health and version: what upstream grants by its
/// `system:public-info-viewer` role.
pub struct PublicPaths;

const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

impl Authorizer for PublicPaths {
    fn name(&self) -> &str {
        "PublicPaths"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        let public = attributes.resource.is_none()
            && attributes.verb == "get"
            && PUBLIC.contains(&attributes.path.as_str());
        Verdict::Now(if public {
            Decision::ALLOW
        } else {
            Decision::NO_OPINION
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pintle_runtime::user::UserInfo;

    use super::*;

    #[track_caller]
    fn check(verb: &'static str, path: &'static str, expected: bool) {
        let attributes = Attributes {
            user: Arc::new(UserInfo::default()),
            verb: verb.into(),
            path: path.into(),
            resource: None,
        };
        let Verdict::Now(decision) = PublicPaths.authorize(&attributes) else {
            panic!("decides at once")
        };
        assert_eq!(decision.is_allow(), expected, "{verb} {path}");
    }

    #[test]
    fn health_and_version_are_public_for_reading_and_nothing_below() {
        check("get", "/healthz", true);
        check("get", "/version", true);
        check("post", "/version", false);
        check("get", "/readyz/etcd", false);
        check("get", "/metrics", false);
    }
}
