//! Who may do what, for code that asks more than the request's own authorization: [`Access`].

use std::fmt;
use std::sync::Arc;

use pintle_authz::{Attributes, Authorizer, Rbac, ResourceAttributes};
use pintle_runtime::user::{MASTERS, UserInfo};

/// The server's authorizer, and the rules behind it.
#[derive(Clone)]
pub struct Access {
    /// What requests are authorized by.
    pub authorizer: Arc<dyn Authorizer>,
    /// The roles and bindings, whether or not they are what requests are authorized by.
    pub rbac: Arc<Rbac>,
}

impl Access {
    /// Whether `user` may do `verb` on a resource.
    pub async fn allows(
        &self,
        user: &Arc<UserInfo>,
        verb: &'static str,
        target: ResourceAttributes,
    ) -> bool {
        let attributes = Attributes {
            user: Arc::clone(user),
            verb: verb.into(),
            path: "".into(),
            resource: Some(target),
        };
        self.authorizer
            .authorize(&attributes)
            .wait()
            .await
            .is_allow()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access by {}", self.authorizer.name())
    }
}

/// Whether no rule binds `user`.
pub(crate) fn is_unbound(user: &UserInfo) -> bool {
    user.is_in(MASTERS)
}
