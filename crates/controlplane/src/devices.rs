//! Who may write what of claims to devices.
//!
//! Access to a device as its administrator, past who else uses it, is for namespaces that are labelled for it. Of a
//! status, whoever binds a claim takes the right to `resourceclaims/binding`; whoever reports on a device, that to
//! `resourceclaims/driver` of its driver: with the verb `associated-node:` and that of the request if the claim is
//! for the node of the service account that asks, or else with `arbitrary-node:`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pintle_api::resource::v1::{
    AllocatedDeviceStatus, DeviceClaim, ResourceClaim, ResourceClaimStatus, ResourceClaimTemplate,
};
use pintle_authz::{Attributes, Decision, ResourceAttributes};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::{GroupKind, GroupResource};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::Record;

use crate::access::{Access, is_unbound};
use crate::admission::Elsewhere;

/// The API group of devices.
pub(crate) const GROUP: &str = "resource.k8s.io";

const LABEL: &str = "resource.kubernetes.io/admin-access";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";

/// A write of a claim, of its status or of a template for claims.
#[derive(Clone, Copy)]
pub(crate) struct Writing<'a> {
    pub access: &'a Access,
    pub elsewhere: &'a Elsewhere,
    pub cx: &'a RequestContext,
    pub subresource: &'a str,
    pub new: &'a Record,
    /// On an update.
    pub old: Option<&'a Record>,
    /// Whether parts of a status take rights of their own.
    pub by_part: bool,
}

/// What a write takes.
pub(crate) struct Wanted {
    kind: &'static str,
    /// The path of the field that asks for access as an administrator.
    as_administrator: Option<String>,
    binds: bool,
    /// Whose reports change.
    drivers: BTreeSet<String>,
}

impl Writing<'_> {
    /// What this takes beyond the right to write, if it takes anything.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        let (kind, as_administrator) = asked(self.subresource, self.new, self.old)?;
        let status = |record| ResourceClaim::from_record(record).status();
        let before = self
            .old
            .filter(|_| self.by_part && self.subresource == "status" && !is_unbound(&self.cx.user));
        let wanted = Wanted {
            kind,
            as_administrator,
            binds: before.is_some_and(|old| binds(status(self.new), status(old))),
            drivers: before
                .map(|old| changed_drivers(status(self.new), status(old)))
                .unwrap_or_default(),
        };
        let is_nothing =
            wanted.as_administrator.is_none() && !wanted.binds && wanted.drivers.is_empty();
        (!is_nothing).then_some(wanted)
    }

    /// Checks that it may; `more` is what else is wrong.
    pub(crate) async fn check(self, wanted: Wanted, more: ErrorList) -> Result<(), ApiError> {
        let mut errors = ErrorList::new();
        if let Some(path) = &wanted.as_administrator {
            let namespace = self.elsewhere.namespace(&self.cx.namespace)?;
            if namespace.is_none_or(|namespace| namespace.label(LABEL) != Some("true")) {
                errors.forbidden(
                    &Path::new(path),
                    format!(
                        "admin access to devices requires the `{LABEL}: true` label on the containing namespace"
                    ),
                );
            }
        }
        let status = Path::new("status");
        if wanted.binds {
            let verb = &self.cx.verb;
            if let Some(why) = self.refusal(verb.clone(), "binding", "", "").await {
                errors.forbidden(
                    &status,
                    format!(
                        "changing status.allocation or status.reservedFor requires \
                         resource=\"resourceclaims/binding\", verb=\"{verb}\" permission: {why}"
                    ),
                );
            }
        }
        for driver in &wanted.drivers {
            if let Some(why) = self.refusal_of_driver(driver).await {
                errors.forbidden(&status.child("devices"), why);
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        errors.extend(more);
        let kind = GroupKind::new(GROUP, wanted.kind);
        let name = Metadata::of(self.new).name();
        Err(ApiError::invalid(&kind, name, &errors))
    }

    /// Why what a driver reports may not be written.
    async fn refusal_of_driver(&self, driver: &str) -> Option<String> {
        let verb = &self.cx.verb;
        let claim = ResourceClaim::from_record(self.new);
        let mut verbs = vec![format!("arbitrary-node:{verb}")];
        if node_of(claim.status()).is_some_and(|node| is_on_node(&self.cx.user, node)) {
            verbs.insert(0, format!("associated-node:{verb}"));
        }
        let mut first = None;
        for verb in &verbs {
            let namespace = &self.cx.namespace;
            let verb = Text::from(verb.clone());
            let why = self.refusal(verb, "driver", namespace, driver).await?;
            first.get_or_insert(why);
        }
        Some(format!(
            "changing status.devices requires resource=\"resourceclaims/driver\", verb=\"[{}]\" permission: {}",
            verbs.join(" "),
            first.unwrap_or_default()
        ))
    }

    /// Why a right below claims is not there.
    async fn refusal(
        &self,
        verb: Text,
        subresource: &'static str,
        namespace: &str,
        name: &str,
    ) -> Option<String> {
        let attributes = Attributes {
            user: Arc::clone(&self.cx.user),
            verb,
            path: Text::default(),
            resource: Some(ResourceAttributes {
                group: GROUP.into(),
                version: "v1".into(),
                resource: "resourceclaims".into(),
                subresource: subresource.into(),
                namespace: namespace.to_owned().into(),
                name: name.to_owned().into(),
                ..Default::default()
            }),
        };
        let decision = self.access.authorizer.authorize(&attributes).wait().await;
        let reason = match decision {
            Decision::Allow(_) => return None,
            Decision::Deny(reason) | Decision::NoOpinion(reason) => reason.to_string(),
        };
        let why = match reason.as_str() {
            "" => attributes.to_string(),
            reason => format!("{attributes}: {reason}"),
        };
        let resource = GroupResource::new(GROUP, "resourceclaims");
        Some(ApiError::forbidden(&resource, name, why).to_string())
    }
}

/// Whether a claim is allocated or reserved otherwise than before.
fn binds(new: ResourceClaimStatus<'_>, old: ResourceClaimStatus<'_>) -> bool {
    let allocation = |status: ResourceClaimStatus<'_>| {
        let allocation = status.allocation();
        allocation.map(|allocation| allocation.record().clone())
    };
    allocation(new) != allocation(old) || new.reserved_for().values() != old.reserved_for().values()
}

/// Drivers whose devices are reported on otherwise than before.
fn changed_drivers(new: ResourceClaimStatus<'_>, old: ResourceClaimStatus<'_>) -> BTreeSet<String> {
    fn by_device<'a>(
        status: ResourceClaimStatus<'a>,
    ) -> BTreeMap<[&'a str; 4], AllocatedDeviceStatus<'a>> {
        let reports = status.devices().into_iter();
        let key = |report: &AllocatedDeviceStatus<'a>| {
            let share = report.share_id().unwrap_or_default();
            [report.driver(), report.pool(), report.device(), share]
        };
        reports.map(|report| (key(&report), report)).collect()
    }
    let (new, old) = (by_device(new), by_device(old));
    let changed = new.iter().filter(|(device, report)| {
        let before = old.get(*device);
        before.is_none_or(|before| before.record() != report.record())
    });
    let gone = old.keys().filter(|device| !new.contains_key(*device));
    let devices = changed.map(|(device, _)| device).chain(gone);
    devices.map(|device| device[0].to_owned()).collect()
}

/// The node for which a claim is allocated, if it is one by name.
fn node_of(status: ResourceClaimStatus<'_>) -> Option<&str> {
    let terms = status.allocation()?.node_selector()?.node_selector_terms();
    let term = terms.first().filter(|_| terms.len() == 1)?;
    let fields = term.match_fields();
    let field = fields
        .first()
        .filter(|_| fields.len() == 1 && term.match_expressions().is_empty())?;
    let values = field.values();
    let is_name = field.key() == "metadata.name" && field.operator() == "In" && values.len() == 1;
    values.first().filter(|_| is_name)
}

/// Whether a user is a service account on a node.
fn is_on_node(user: &UserInfo, node: &str) -> bool {
    let account = user.name.as_str().strip_prefix("system:serviceaccount:");
    let is_account = account.is_some_and(|account| account.split(':').count() == 2);
    let mut said = user
        .extra
        .iter()
        .filter(|(key, _)| key.as_str() == NODE_NAME);
    let names = said.next().map(|(_, names)| names.as_slice());
    is_account && matches!(names, Some([name]) if name.as_str() == node)
}

/// What kind is written, and the path of the first field that asks for access as an administrator. What has been
/// granted stays; `None` where nothing can be asked for.
fn asked(
    subresource: &str,
    new: &Record,
    old: Option<&Record>,
) -> Option<(&'static str, Option<String>)> {
    if subresource == "status" {
        let first = |record| {
            let status = ResourceClaim::from_record(record).status();
            let mut results = status.allocation()?.devices().results().into_iter();
            results.position(|result| result.admin_access() == Some(true))
        };
        let at = first(new).filter(|_| old.and_then(first).is_none());
        let path = at.map(|at| format!("status.allocation.devices.results[{at}].adminAccess"));
        return Some(("ResourceClaim", path));
    }
    // A spec stays as it is.
    if old.is_some() {
        return None;
    }
    let is_template = new.ty().field_index("status").is_none();
    let (kind, claim) = if is_template {
        let spec = ResourceClaimTemplate::from_record(new).spec();
        ("ResourceClaimTemplate", spec.spec().devices())
    } else {
        (
            "ResourceClaim",
            ResourceClaim::from_record(new).spec().devices(),
        )
    };
    let at = first_request(claim)?;
    let path = format!("spec.devices.requests[{at}].adminAccess");
    Some((kind, Some(path)))
}

fn first_request(claim: DeviceClaim<'_>) -> Option<usize> {
    let mut requests = claim.requests().into_iter();
    requests.position(|request| {
        let exactly = request.exactly();
        exactly.is_some_and(|exactly| exactly.admin_access() == Some(true))
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};

    use super::*;

    fn claim(status: &str) -> Record {
        let ty = pintle_api::type_by_kind(GROUP, "v1", "ResourceClaim").unwrap();
        let body = Bytes::from(format!(r#"{{"status":{status}}}"#));
        json::decode(&ty, &body, &mut Problems::ignored()).unwrap()
    }

    #[test]
    fn a_claim_is_for_a_node_that_is_named_alone() {
        let by = |terms: &str| {
            let selector = format!(r#"{{"nodeSelector":{{"nodeSelectorTerms":[{terms}]}}}}"#);
            let claim = claim(&format!(r#"{{"allocation":{selector}}}"#));
            node_of(ResourceClaim::from_record(&claim).status()).map(str::to_owned)
        };
        let field = |values: &str| {
            format!(r#"{{"key":"metadata.name","operator":"In","values":[{values}]}}"#)
        };
        let one = format!(r#"{{"matchFields":[{}]}}"#, field(r#""n""#));
        assert_eq!(by(&one).as_deref(), Some("n"));
        assert_eq!(by(&format!("{one},{one}")), None);
        let two = format!(r#"{{"matchFields":[{}]}}"#, field(r#""n","m""#));
        assert_eq!(by(&two), None);
        assert_eq!(
            by(r#"{"matchExpressions":[{"key":"a","operator":"Exists"}]}"#),
            None
        );
    }

    #[test]
    fn service_accounts_of_pods_are_on_a_node() {
        let user = |name: &'static str, nodes: &[&'static str]| {
            let mut user = UserInfo::named(name);
            let nodes = nodes.iter().map(|node| Text::from_static(node));
            user.extra = vec![(NODE_NAME.into(), nodes.collect())];
            user
        };
        let account = "system:serviceaccount:a:b";
        assert!(is_on_node(&user(account, &["n"]), "n"));
        assert!(!is_on_node(&user(account, &["m"]), "n"));
        assert!(!is_on_node(&user(account, &["n", "n"]), "n"));
        assert!(!is_on_node(&user("alice", &["n"]), "n"));
    }

    #[test]
    fn drivers_are_told_whose_reports_come_change_or_go() {
        let report = |driver: &str, data: &str| {
            format!(r#"{{"driver":"{driver}","pool":"p","device":"d","data":{{"a":{data}}}}}"#)
        };
        let claim_of =
            |reports: &[String]| claim(&format!(r#"{{"devices":[{}]}}"#, reports.join(",")));
        let old = claim_of(&[
            report("same", "1"),
            report("other", "1"),
            report("gone", "1"),
        ]);
        let new = claim_of(&[
            report("same", "1"),
            report("other", "2"),
            report("new", "1"),
        ]);
        let status = |record| ResourceClaim::from_record(record).status();
        let changed: Vec<_> = changed_drivers(status(&new), status(&old))
            .into_iter()
            .collect();
        assert_eq!(changed, ["gone", "new", "other"]);
    }
}
