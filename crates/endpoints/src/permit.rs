//! Proof that a request was authorized.

use std::sync::Arc;

use pintle_authz::{Attributes, Authorizer, Decision, Reason};
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::ApiError;

/// Proof that a request was authorized. Its fields are private, so only the authorization filter
/// makes one; every verb of a store takes one, so an unchecked request does not compile.
#[derive(Clone, Debug)]
pub struct Permit {
    attributes: Option<Arc<Attributes>>,
    reason: Reason,
}

impl Permit {
    /// For the authorization filter: an authorizer has allowed what `attributes` say.
    pub(crate) fn granted(attributes: Arc<Attributes>, reason: Reason) -> Self {
        Self {
            attributes: Some(attributes),
            reason,
        }
    }

    /// Whether the same who was allowed this, as an update or a patch, may also create the object.
    ///
    /// # Errors
    /// 403
    pub(crate) async fn check_creation(&self, authorizer: &dyn Authorizer) -> Result<(), ApiError> {
        let refused = self.check_also("create", authorizer).await;
        refused.map_or(Ok(()), |(attributes, reason)| {
            Err(forbidden(&attributes, &reason))
        })
    }

    /// Whether the same who may delete an object may do so although it can not be read.
    ///
    /// # Errors
    /// 403
    pub(crate) async fn check_unsafe_deletion(
        &self,
        authorizer: &dyn Authorizer,
    ) -> Result<(), ApiError> {
        let verb = "unsafe-delete-ignore-read-errors";
        let Some((attributes, reason)) = self.check_also(verb, authorizer).await else {
            return Ok(());
        };
        let why = format!(
            "not permitted to do \"{verb}\", reason: {}",
            reason.as_str()
        );
        let target = attributes.resource.unwrap_or_default();
        let resource = GroupResource::new(target.group, target.resource);
        Err(ApiError::forbidden(&resource, &target.name, why))
    }

    /// What is refused to who was allowed this, with another verb, and why; `None` if that is allowed, too.
    async fn check_also(
        &self,
        verb: &'static str,
        authorizer: &dyn Authorizer,
    ) -> Option<(Attributes, Reason)> {
        let attributes = Attributes {
            verb: verb.into(),
            ..(**self.attributes.as_ref()?).clone()
        };
        match authorizer.authorize(&attributes).wait().await {
            Decision::Allow(_) => None,
            Decision::Deny(reason) | Decision::NoOpinion(reason) => Some((attributes, reason)),
        }
    }

    /// For the server's own work, which no request asked for: start-up hooks and the controllers
    /// inside. `why` is for the audit.
    pub fn of_the_server_itself(why: &'static str) -> Self {
        Self {
            attributes: None,
            reason: Reason::new(why),
        }
    }

    /// What was allowed; absent for the server's own work.
    pub fn attributes(&self) -> Option<&Attributes> {
        self.attributes.as_deref()
    }

    /// Why it was allowed.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// 403, in upstream's words.
pub(crate) fn forbidden(attributes: &Attributes, reason: &Reason) -> ApiError {
    // Nothing in the text may look like markup to a browser.
    let mut why = attributes
        .to_string()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    if !reason.is_empty() {
        why.push_str(": ");
        why.push_str(reason.as_str());
    }
    let Some(target) = &attributes.resource else {
        return ApiError::forbidden(&GroupResource::default(), "", why);
    };
    let resource = GroupResource {
        group: target.group.clone(),
        resource: target.resource.clone(),
    };
    ApiError::forbidden(&resource, &target.name, why)
}
