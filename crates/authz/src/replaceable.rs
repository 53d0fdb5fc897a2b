//! An authorizer that can be replaced while requests come in: [`Replaceable`].

use std::sync::Arc;

use arc_swap::ArcSwap;
use pintle_runtime::user::UserInfo;

use crate::attributes::Attributes;
use crate::authorizer::{Authorizer, Verdict};
use crate::rules::RulesFor;
use crate::union::Union;

/// Several authorizers in order, and at any time others instead. A request is decided by those that were there when it
/// came.
pub struct Replaceable(ArcSwap<Union>);

impl Replaceable {
    /// These.
    pub fn new(union: Union) -> Self {
        Self(ArcSwap::from_pointee(union))
    }

    /// These, and no others, from now on.
    pub fn replace(&self, union: Union) {
        self.0.store(Arc::new(union));
    }
}

impl Authorizer for Replaceable {
    fn name(&self) -> &str {
        "union"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        let current = self.0.load();
        if let Verdict::Now(decision) = current.authorize(attributes) {
            return Verdict::Now(decision);
        }
        // Nobody has been asked yet: what is to be waited for begins when it is waited for.
        let current = Arc::clone(&current);
        Verdict::Later(Box::pin(async move {
            current.authorize(attributes).wait().await
        }))
    }

    fn rules_for(&self, user: &UserInfo, namespace: &str) -> RulesFor {
        self.0.load().rules_for(user, namespace)
    }
}
