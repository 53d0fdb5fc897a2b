//! The [`Authorizer`] trait.

use std::future::Future;
use std::pin::Pin;

use pintle_runtime::user::UserInfo;

use crate::attributes::Attributes;
use crate::decision::Decision;
use crate::rules::RulesFor;

/// A decision that is there, or one to wait for. Rules in memory decide at once, so the common
/// case allocates nothing.
pub enum Verdict<'a> {
    /// Decided.
    Now(Decision),
    /// Somebody else has to be asked.
    Later(Pin<Box<dyn Future<Output = Decision> + Send + 'a>>),
}

impl Verdict<'_> {
    /// The decision.
    pub async fn wait(self) -> Decision {
        match self {
            Self::Now(decision) => decision,
            Self::Later(decision) => decision.await,
        }
    }
}

/// Decides about requests. A deployment chooses a list of them.
pub trait Authorizer: Send + Sync + 'static {
    /// Name for logs and metrics, such as `RBAC`.
    fn name(&self) -> &str;

    /// Whether `attributes` are allowed.
    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a>;

    /// What `user` may do in `namespace`, as far as it can be listed.
    fn rules_for(&self, user: &UserInfo, namespace: &str) -> RulesFor {
        let _ = (user, namespace);
        RulesFor::default()
    }
}
