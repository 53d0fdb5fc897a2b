//! Counts what each of those who decide decides: [`Counting`].

use std::sync::Arc;

use pintle_authz::rules::RulesFor;
use pintle_authz::{Attributes, Authorizer, Decision, Verdict};
use pintle_endpoints::metrics::{AccessMetrics, Counter};
use pintle_runtime::user::UserInfo;

use crate::metrics::AccessReviews;

/// Where it is counted.
#[derive(Clone)]
pub(crate) struct Counting {
    /// Decisions.
    pub(crate) access: Arc<AccessMetrics>,
    /// Questions to webhooks.
    pub(crate) reviews: Arc<AccessReviews>,
}

impl Counting {
    /// The same authorizer, with its decisions counted under a type and a name.
    pub(super) fn of(
        &self,
        authorizer: Arc<dyn Authorizer>,
        kind: &str,
        name: &str,
    ) -> Arc<dyn Authorizer> {
        Arc::new(Counted {
            authorizer,
            allowed: self.access.decisions(kind, name, "allowed"),
            denied: self.access.decisions(kind, name, "denied"),
        })
    }
}

struct Counted {
    authorizer: Arc<dyn Authorizer>,
    allowed: Arc<Counter>,
    denied: Arc<Counter>,
}

impl Counted {
    /// Who has no opinion decides nothing.
    fn note(&self, decision: &Decision) {
        match decision {
            Decision::Allow(_) => self.allowed.inc(),
            Decision::Deny(_) => self.denied.inc(),
            Decision::NoOpinion(_) => {}
        }
    }
}

impl Authorizer for Counted {
    fn name(&self) -> &str {
        self.authorizer.name()
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        match self.authorizer.authorize(attributes) {
            Verdict::Now(decision) => {
                self.note(&decision);
                Verdict::Now(decision)
            }
            Verdict::Later(deciding) => Verdict::Later(Box::pin(async move {
                let decision = deciding.await;
                self.note(&decision);
                decision
            })),
        }
    }

    fn rules_for(&self, user: &UserInfo, namespace: &str) -> RulesFor {
        self.authorizer.rules_for(user, namespace)
    }
}
