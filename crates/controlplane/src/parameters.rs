//! Parameters of policies: who writes a policy or a binding of one must be able to read what these have the server
//! read, and show.

use futures_util::future::BoxFuture;
use pintle_authz::ResourceAttributes;
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

/// The API group of policies.
pub(crate) const GROUP: &str = "admissionregistration.k8s.io";

/// Checks a write of a policy or a binding: `resource` is its plural name, `old` there on an update. `None` where there
/// is nothing to check.
pub(crate) fn check<'a>(
    access: &'a Access,
    elsewhere: &'a Elsewhere,
    resource: &'a GroupResource,
    cx: &'a RequestContext,
    new: &'a Record,
    old: Option<&'a Record>,
) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
    let (kind, policies) = match resource.resource.as_str() {
        "validatingadmissionpolicies" => ("ValidatingAdmissionPolicy", None),
        "mutatingadmissionpolicies" => ("MutatingAdmissionPolicy", None),
        "validatingadmissionpolicybindings" => (
            "ValidatingAdmissionPolicyBinding",
            Some("validatingadmissionpolicies"),
        ),
        "mutatingadmissionpolicybindings" => (
            "MutatingAdmissionPolicyBinding",
            Some("mutatingadmissionpolicies"),
        ),
        _ => return None,
    };
    if is_unbound(&cx.user) {
        return None;
    }
    let (new_spec, old_spec) = (part(new, "spec")?, old.and_then(|old| part(old, "spec")));
    let is_same = |field: &str| {
        let value = new_spec.get_by_name(field);
        old_spec.is_some_and(|old| old.get_by_name(field) == value)
    };
    let field = match policies {
        None => "paramKind",
        Some(_) => "paramRef",
    };
    let said = part(new_spec, field)?;
    if is_same(field) && (policies.is_none() || is_same("policyName")) {
        return None;
    }
    let writing = Writing {
        access,
        elsewhere,
        user: cx,
    };
    Some(Box::pin(async move {
        let refusal = match policies {
            None => writing.kind(said).await?,
            Some(policies) => {
                let policy = text(new_spec, "policyName");
                writing.reference(policies, policy, said).await?
            }
        };
        let Some(why) = refusal else {
            return Ok(());
        };
        let mut errors = ErrorList::new();
        errors.forbidden(&Path::new("spec").child(field), why);
        let name = Metadata::of(new).name();
        Err(ApiError::invalid(
            &GroupKind::new(GROUP, kind),
            name,
            &errors,
        ))
    }))
}

struct Writing<'a> {
    access: &'a Access,
    elsewhere: &'a Elsewhere,
    user: &'a RequestContext,
}

impl Writing<'_> {
    /// Why a policy may not have parameters of a kind.
    async fn kind(&self, kind: &Record) -> Result<Option<String>, ApiError> {
        let mut asked = self.resource(kind)?.0;
        asked.name = "*".into();
        asked.namespace = "*".into();
        let user = &self.user.user;
        if self.access.allows(user, "get", asked).await {
            return Ok(None);
        }
        let (version, name) = (text(kind, "apiVersion"), text(kind, "kind"));
        Ok(Some(format!(
            "user {} must have \"get\" permission on all objects of the referenced paramKind (kind={name}, \
             apiVersion={version})",
            shown(user)
        )))
    }

    /// Why a binding may not have these parameters.
    async fn reference(
        &self,
        policies: &'static str,
        policy: &str,
        reference: &Record,
    ) -> Result<Option<String>, ApiError> {
        let lookup = self.elsewhere.lookup()?;
        let found = lookup.object((GROUP, "v1", policies), "", policy)?;
        let kind = found
            .as_deref()
            .and_then(|policy| part(part(policy, "spec")?, "paramKind"));
        let (mut asked, is_known) = match kind {
            Some(kind) => self.resource(kind)?,
            None => (anything(), true),
        };
        asked.name = text(reference, "name").to_owned().into();
        asked.namespace = text(reference, "namespace").to_owned().into();
        let verb = if asked.name.is_empty() { "list" } else { "get" };
        let user = &self.user.user;
        if self.access.allows(user, verb, asked).await {
            return Ok(None);
        }
        let user = shown(user);
        let everything = format!(
            "to determine minimum required permissions and user {user} does not have \"{verb}\" permission for all \
             groups, versions and resources"
        );
        Ok(Some(match (found.is_some(), kind) {
            (false, _) => format!("unable to get policy {policy} {everything}"),
            (true, Some(kind)) if !is_known => format!(
                "unable to resolve paramKind &{{{} {}}} {everything}",
                text(kind, "apiVersion"),
                text(kind, "kind")
            ),
            _ => format!(
                "user {user} does not have \"{verb}\" permission on the object referenced by paramRef"
            ),
        }))
    }

    /// The resource of a kind, all of its group where it is not served, and whether it is.
    fn resource(&self, kind: &Record) -> Result<(ResourceAttributes, bool), ApiError> {
        let version = text(kind, "apiVersion");
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let stores = self.elsewhere.lookup()?.registry()?.stores();
        let mut rows = stores.iter().map(|store| store.row());
        let row = rows.find(|row| {
            row.group == group && row.version == version && row.kind == text(kind, "kind")
        });
        let plural = row.map_or_else(|| "*".to_owned(), |row| row.name.to_string());
        let asked = ResourceAttributes {
            group: Text::from(group.to_owned()),
            version: Text::from(version.to_owned()),
            resource: Text::from(plural),
            ..Default::default()
        };
        Ok((asked, row.is_some()))
    }
}

fn anything() -> ResourceAttributes {
    ResourceAttributes {
        group: "*".into(),
        version: "*".into(),
        resource: "*".into(),
        ..Default::default()
    }
}

fn part<'a>(record: &'a Record, field: &str) -> Option<&'a Record> {
    record.get_by_name(field)?.as_record()
}

fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    let value = record.get_by_name(field);
    value.and_then(|value| value.as_str()).unwrap_or_default()
}

/// A user as upstream's messages show one.
fn shown(user: &UserInfo) -> String {
    let words = |list: &[Text]| list.iter().map(Text::as_str).collect::<Vec<_>>().join(" ");
    let extra = user.extra.iter();
    let extra: Vec<_> = extra
        .map(|(key, values)| format!("{key}:[{}]", words(values)))
        .collect();
    format!(
        "&{{{} {} [{}] map[{}]}}",
        user.name,
        user.uid,
        words(&user.groups),
        extra.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_as_upstream_does() {
        let mut user = UserInfo::named("alice");
        assert_eq!(shown(&user), "&{alice  [] map[]}");
        user.uid = "7".into();
        user.groups = vec!["devs".into(), "ops".into()];
        user.extra = vec![("k".into(), vec!["a".into(), "b".into()])];
        assert_eq!(shown(&user), "&{alice 7 [devs ops] map[k:[a b]]}");
    }
}
