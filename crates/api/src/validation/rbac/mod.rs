//! `rbac.authorization.k8s.io`: who may do what. Whether someone may give away what they give away is
//! not a matter of the object alone and not looked at here.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_subdomain, path_segment_name};
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, Strings};

use super::Rules;
use super::immutable::Content;
use super::labels::{self, Values};
use super::workload;
use crate::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};

#[cfg(test)]
mod tests;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Where rules apply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Namespace,
    Cluster,
}

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    let (create, update): (fn(&Record, &mut ErrorList), super::Update) = match kind {
        "Role" => (role, |new, _, errors| role(new, errors)),
        "ClusterRole" => (
            |new, errors| cluster_role(new, None, errors),
            |new, old, errors| cluster_role(new, Some(old), errors),
        ),
        "RoleBinding" => (role_binding, |new, old, errors| {
            role_binding(new, errors);
            let role = |record| RoleBinding::from_record(record).role_ref();
            same_role(role(new), role(old), errors);
        }),
        "ClusterRoleBinding" => (cluster_role_binding, |new, old, errors| {
            cluster_role_binding(new, errors);
            let role = |record| ClusterRoleBinding::from_record(record).role_ref();
            same_role(role(new), role(old), errors);
        }),
        _ => return None,
    };
    Some(Rules {
        create,
        update,
        subresources: &[],
    })
}

fn role(new: &Record, errors: &mut ErrorList) {
    policy_rules(Role::from_record(new).rules(), Scope::Namespace, errors);
}

fn cluster_role(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let role = ClusterRole::from_record(new);
    policy_rules(role.rules(), Scope::Cluster, errors);
    let Some(aggregation) = role.aggregation_rule() else {
        return;
    };
    // A selector with a value that no label can have may stay where one was before.
    let before = old.and_then(|old| ClusterRole::from_record(old).aggregation_rule());
    let kept = before.is_some_and(|before| {
        let mut selectors = before.cluster_role_selectors().iter();
        selectors.any(|selector| Values::as_before(Some(selector)) == Values::Kept)
    });
    let values = if kept { Values::Kept } else { Values::Checked };
    let rule = Path::new("aggregationRule");
    let path = rule.child("clusterRoleSelectors");
    let selectors = aggregation.cluster_role_selectors();
    if selectors.is_empty() {
        errors.required(
            &path,
            "at least one clusterRoleSelector required if aggregationRule is non-nil",
        );
    }
    for (index, selector) in selectors.iter().enumerate() {
        let path = path.index(index);
        labels::selector(Some(selector), values, &path, errors);
        if workload::parsed(Some(selector)).is_none() {
            // Upstream shows what it could not make of it.
            errors.invalid(&path, BadValue::null(), "invalid label selector.");
        }
    }
}

fn policy_rules(rules: List<'_, PolicyRule<'_>>, scope: Scope, errors: &mut ErrorList) {
    let path = Path::new("rules");
    for (index, rule) in rules.iter().enumerate() {
        policy_rule(rule, scope, &path.index(index), errors);
    }
}

fn policy_rule(rule: PolicyRule<'_>, scope: Scope, path: &Path<'_>, errors: &mut ErrorList) {
    let need = |list: Strings<'_>, name: &str, detail: &str, errors: &mut ErrorList| {
        if list.is_empty() {
            errors.required(&path.child(name), detail);
        }
    };
    let one_verb = "verbs must contain at least one value";
    need(rule.verbs(), "verbs", one_verb, errors);
    let urls = rule.non_resource_urls();
    if urls.is_empty() {
        let one_group = "resource rules must supply at least one api group";
        need(rule.api_groups(), "apiGroups", one_group, errors);
        let one_resource = "resource rules must supply at least one resource";
        return need(rule.resources(), "resources", one_resource, errors);
    }
    let at = path.child("nonResourceURLs");
    if scope == Scope::Namespace {
        errors.invalid(
            &at,
            urls.shown(),
            "namespaced rules cannot apply to non-resource URLs",
        );
    }
    let resources = [rule.api_groups(), rule.resources(), rule.resource_names()];
    if resources.iter().any(|list| !list.is_empty()) {
        errors.invalid(
            &at,
            urls.shown(),
            "rules cannot apply to both regular resources and non-resource URLs",
        );
    }
}

fn role_binding(new: &Record, errors: &mut ErrorList) {
    let binding = RoleBinding::from_record(new);
    role_ref(binding.role_ref(), &["Role", "ClusterRole"], errors);
    subjects(binding.subjects(), Scope::Namespace, errors);
}

fn cluster_role_binding(new: &Record, errors: &mut ErrorList) {
    let binding = ClusterRoleBinding::from_record(new);
    role_ref(binding.role_ref(), &["ClusterRole"], errors);
    subjects(binding.subjects(), Scope::Cluster, errors);
}

fn same_role(new: RoleRef<'_>, old: RoleRef<'_>, errors: &mut ErrorList) {
    let (new, old) = (new.record(), old.record());
    if !Content::is_same(&new, &old) {
        errors.invalid(&Path::new("roleRef"), new.shown(), "cannot change roleRef");
    }
}

fn role_ref(role: RoleRef<'_>, kinds: &[&str], errors: &mut ErrorList) {
    let path = Path::new("roleRef");
    if role.api_group() != GROUP {
        errors.not_supported(&path.child("apiGroup"), role.api_group(), [GROUP]);
    }
    if !kinds.contains(&role.kind()) {
        errors.not_supported(&path.child("kind"), role.kind(), kinds);
    }
    let at = path.child("name");
    if role.name().is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, role.name(), path_segment_name(role.name()));
    }
}

fn subjects(subjects: List<'_, Subject<'_>>, scope: Scope, errors: &mut ErrorList) {
    let path = Path::new("subjects");
    for (index, found) in subjects.iter().enumerate() {
        subject(found, scope, &path.index(index), errors);
    }
}

fn subject(subject: Subject<'_>, scope: Scope, path: &Path<'_>, errors: &mut ErrorList) {
    let (name, group) = (subject.name(), subject.api_group());
    let at = path.child("name");
    if name.is_empty() {
        errors.required(&at, "");
    }
    match subject.kind() {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.invalid_each(&at, name, dns1123_subdomain(name));
            }
            if !group.is_empty() {
                errors.not_supported(&path.child("apiGroup"), group, [""]);
            }
            if scope == Scope::Cluster && subject.namespace().is_empty() {
                errors.required(&path.child("namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.not_supported(&path.child("apiGroup"), group, [GROUP]);
            }
        }
        other => errors.not_supported(
            &path.child("kind"),
            other,
            ["ServiceAccount", "User", "Group"],
        ),
    }
}
