//! Nobody writes a role or binding that grants more than they have.
//!
//! A role may be written by who holds all of its rules, or may `escalate` the role; a binding by who holds all rules of
//! its role, or may `bind` the role. A change that only lets the garbage collector do its work is let through.

use futures_util::future::BoxFuture;
use pintle_api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use pintle_authz::ResourceAttributes;
use pintle_authz::rbac::NoSuchRole;
use pintle_authz::rbac::{RoleKind, RoleRef, Rule};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::meta::METADATA;
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};

use super::{GROUP, convert};
use crate::access::{Access, is_unbound};

/// Checks a write of a kind of the group: `resource` is its plural name, `old` there on an update. `None` where
/// there is nothing to check.
pub(crate) fn check<'a>(
    access: &'a Access,
    resource: &'a GroupResource,
    cx: &'a RequestContext,
    new: &'a Record,
    old: Option<&'a Record>,
) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
    if is_unbound(&cx.user) || old.is_some_and(|old| is_only_for_collection(new, old)) {
        return None;
    }
    let writing = Writing {
        access,
        resource,
        cx,
        new,
        old,
    };
    match resource.resource.as_str() {
        "roles" | "clusterroles" => Some(Box::pin(writing.check_role())),
        "rolebindings" | "clusterrolebindings" => Some(Box::pin(writing.check_binding())),
        _ => None,
    }
}

struct Writing<'a> {
    access: &'a Access,
    resource: &'a GroupResource,
    cx: &'a RequestContext,
    new: &'a Record,
    old: Option<&'a Record>,
}

impl Writing<'_> {
    async fn check_role(self) -> Result<(), ApiError> {
        let name = self.old.map_or("", |old| Metadata::of(old).name());
        let target = ResourceAttributes {
            group: GROUP.into(),
            version: "*".into(),
            resource: self.resource.resource.clone(),
            name: Text::from(name.to_owned()),
            namespace: self.cx.namespace.clone(),
            ..Default::default()
        };
        if self.access.allows(&self.cx.user, "escalate", target).await {
            return Ok(());
        }
        self.confirm(&convert::rules_of(self.new))?;
        let gathers = |role: &Record| {
            self.resource.resource == "clusterroles"
                && ClusterRole::from_record(role)
                    .aggregation_rule()
                    .is_some_and(|rule| !rule.cluster_role_selectors().is_empty())
        };
        if (gathers(self.new) || self.old.is_some_and(gathers))
            && self.holding(&everything()).is_err()
        {
            return Err(
                self.forbidden("must have cluster-admin privileges to use an aggregationRule")
            );
        }
        Ok(())
    }

    async fn check_binding(self) -> Result<(), ApiError> {
        let is_cluster_wide = self.resource.resource == "clusterrolebindings";
        let role = if is_cluster_wide {
            ClusterRoleBinding::from_record(self.new).role_ref()
        } else {
            RoleBinding::from_record(self.new).role_ref()
        };
        let group = role.api_group();
        let Some(role) = convert::role_of(role) else {
            let text = format!("unsupported role reference kind: {}", Quoted(role.kind()));
            return Err(ApiError::unknown(text));
        };
        let target = ResourceAttributes {
            group: Text::from(group.to_owned()),
            version: "*".into(),
            resource: plural(role.kind).into(),
            name: role.name.clone(),
            namespace: self.cx.namespace.clone(),
            ..Default::default()
        };
        if self.access.allows(&self.cx.user, "bind", target).await {
            return Ok(());
        }
        let index = self.access.rbac.index();
        let rules = index
            .rules(&role, &self.cx.namespace)
            .ok_or_else(|| no_such_role(role))?;
        self.confirm(rules)
    }

    fn holding(&self, wanted: &[Rule]) -> Result<(), pintle_authz::rbac::covers::Escalation> {
        let (user, namespace) = (&self.cx.user, &self.cx.namespace);
        self.access
            .rbac
            .confirm_no_escalation(user, namespace, wanted)
    }

    fn confirm(&self, wanted: &[Rule]) -> Result<(), ApiError> {
        self.holding(wanted).map_err(|why| self.forbidden(why))
    }

    fn forbidden(&self, why: impl std::fmt::Display) -> ApiError {
        ApiError::forbidden(self.resource, Metadata::of(self.new).name(), why)
    }
}

/// Upstream finds roles by a lister, whose error names the kind and not the resource.
fn no_such_role(role: RoleRef) -> ApiError {
    let kind = match role.kind {
        RoleKind::Role => "role",
        RoleKind::ClusterRole => "clusterrole",
    };
    let text = NoSuchRole(role.clone()).to_string();
    ApiError::not_found(&GroupResource::new(GROUP, kind), &role.name).with_message(text)
}

fn plural(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Role => "roles",
        RoleKind::ClusterRole => "clusterroles",
    }
}

/// What a cluster administrator holds.
fn everything() -> [Rule; 2] {
    let all = || vec![Text::from("*")];
    [
        Rule {
            verbs: all(),
            api_groups: all(),
            resources: all(),
            ..Rule::default()
        },
        Rule {
            verbs: all(),
            non_resource_urls: all(),
            ..Rule::default()
        },
    ]
}

/// Whether an update changes nothing but owners, finalizers and the books.
fn is_only_for_collection(new: &Record, old: &Record) -> bool {
    let mut new = new.clone();
    let (Some(Value::Record(metadata)), Some(Value::Record(old_metadata))) =
        (new.get_mut(METADATA), old.get(METADATA))
    else {
        return false;
    };
    for name in ["ownerReferences", "finalizers", "managedFields", "selfLink"] {
        let Some(at) = metadata.ty().field_index(name) else {
            continue;
        };
        match old_metadata.get(at) {
            Some(value) => metadata.set(at, value.clone()),
            None => metadata.remove(at),
        };
    }
    new == *old
}
