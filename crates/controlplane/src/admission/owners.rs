//! `OwnerReferencesPermissionEnforcement`: who says what an object belongs to may delete the object, and who makes its
//! owner wait for it may finalize the owner.

use std::sync::Arc;

use pintle_authz::{self as authz, Authorizer, Decision, ResourceAttributes};
use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::meta::OwnerReference;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use super::lookup::Lookup;

/// The plug-in.
pub(super) struct OwnerReferences {
    pub lookup: Lookup,
    pub authorizer: Arc<dyn Authorizer>,
}

impl Plugin for OwnerReferences {
    fn name(&self) -> &'static str {
        "OwnerReferencesPermissionEnforcement"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        // A status endpoint changes no owners.
        Interest::VALIDATES.when(target.writes() && !target.is_below("", "pods", "status"))
    }

    fn validate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        let owners = |object: Option<&'a Record>| -> Vec<&'a Record> {
            let metadata = object.map(Metadata::of);
            metadata
                .into_iter()
                .flat_map(Metadata::owner_references)
                .collect()
        };
        let (new, old) = (owners(object), owners(attributes.old));
        if new == old {
            return Answer::YES;
        }
        let blocks = |owner: &&&Record| {
            let owner = OwnerReference::from_record(owner);
            let was = old
                .iter()
                .map(|old| OwnerReference::from_record(old))
                .find(|old| old.uid() == owner.uid());
            let blocks = |owner: OwnerReference<'_>| owner.block_owner_deletion() == Some(true);
            blocks(owner) && !was.is_some_and(blocks)
        };
        let blocking: Vec<&Record> = new.iter().filter(blocks).copied().collect();
        Answer::later(self.check(cx, attributes, blocking))
    }
}

impl OwnerReferences {
    async fn check(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        blocking: Vec<&Record>,
    ) -> Result<(), ApiError> {
        let row = attributes.resource;
        let owned = |text: &str| Text::from(text.to_owned());
        let deletes = ResourceAttributes {
            group: owned(&row.group),
            version: owned(&row.version),
            resource: owned(&row.name),
            subresource: owned(attributes.subresource),
            namespace: owned(attributes.namespace),
            name: attributes.name.clone(),
            ..ResourceAttributes::default()
        };
        if let Err(reason) = self.ask(cx, "delete", deletes).await {
            return Err(attributes.forbid(format!(
                "cannot set an ownerRef on a resource you can't delete: {reason}, <nil>"
            )));
        }
        if blocking.is_empty() || self.finalizes_anything(cx).await {
            return Ok(());
        }
        for owner in blocking {
            let owner = OwnerReference::from_record(owner);
            let Some(finalizes) = self.finalizers_of(owner, attributes.namespace)? else {
                let (version, kind) = (owner.api_version(), owner.kind());
                return Err(attributes.forbid(format!(
                    "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion \
                     {version} Kind {kind}: no matches for kind \"{kind}\" in version \"{version}\""
                )));
            };
            if let Err(reason) = self.ask(cx, "update", finalizes).await {
                return Err(attributes.forbid(format!(
                    "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set \
                     finalizers on: {reason}, <nil>"
                )));
            }
        }
        Ok(())
    }

    /// Whether someone may finalize whatever there is, so that owners need not be looked up.
    async fn finalizes_anything(&self, cx: &RequestContext) -> bool {
        let all = || Text::from_static("*");
        let anything = ResourceAttributes {
            group: all(),
            version: all(),
            resource: all(),
            subresource: Text::from_static("finalizers"),
            name: all(),
            ..ResourceAttributes::default()
        };
        self.ask(cx, "update", anything).await.is_ok()
    }

    /// The subresource `finalizers` of an owner, which exists for the sake of rights alone.
    fn finalizers_of(
        &self,
        owner: OwnerReference<'_>,
        namespace: &str,
    ) -> Result<Option<ResourceAttributes>, ApiError> {
        let (group, version) = owner
            .api_version()
            .split_once('/')
            .unwrap_or(("", owner.api_version()));
        let stores = self.lookup.registry()?.stores();
        let found = stores
            .iter()
            .map(|store| store.row())
            .find(|row| row.group == group && row.version == version && row.kind == owner.kind());
        Ok(found.map(|row| ResourceAttributes {
            group: Text::from(group.to_owned()),
            version: Text::from(version.to_owned()),
            resource: Text::from(row.name.to_string()),
            subresource: Text::from_static("finalizers"),
            namespace: Text::from(if row.namespaced { namespace } else { "" }.to_owned()),
            name: Text::from(owner.name().to_owned()),
            ..ResourceAttributes::default()
        }))
    }

    async fn ask(
        &self,
        cx: &RequestContext,
        verb: &'static str,
        resource: ResourceAttributes,
    ) -> Result<(), String> {
        let asked = authz::Attributes {
            user: Arc::clone(&cx.user),
            verb: Text::from_static(verb),
            path: Text::default(),
            resource: Some(resource),
        };
        match self.authorizer.authorize(&asked).wait().await {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) | Decision::NoOpinion(reason) => {
                Err(reason.in_full().into_owned())
            }
        }
    }
}
