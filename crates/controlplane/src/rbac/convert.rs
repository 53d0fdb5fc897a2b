//! Between objects and what `pintle_authz` knows of them.

use pintle_api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, PolicyRuleMut, Role, RoleBinding,
    RoleRef as RoleRefView, Subject as SubjectView,
};
use pintle_authz::rbac::{Binding, RoleKind, RoleRef, Rule, Subject};
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, Strings, View};

/// The rules of a `Role` or `ClusterRole`.
pub(super) fn rules_of(object: &Record) -> Vec<Rule> {
    let rules = if object.ty().name == <ClusterRole<'_> as View>::table().name {
        ClusterRole::from_record(object).rules()
    } else {
        Role::from_record(object).rules()
    };
    rules_in(rules)
}

pub(super) fn rules_in(rules: List<'_, PolicyRule<'_>>) -> Vec<Rule> {
    rules.iter().map(rule_of).collect()
}

fn rule_of(rule: PolicyRule<'_>) -> Rule {
    Rule {
        verbs: texts(rule.verbs()),
        api_groups: texts(rule.api_groups()),
        resources: texts(rule.resources()),
        resource_names: texts(rule.resource_names()),
        non_resource_urls: texts(rule.non_resource_urls()),
    }
}

fn texts(strings: Strings<'_>) -> Vec<Text> {
    strings.iter().map(own).collect()
}

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}

/// Writes a rule into an object.
pub(super) fn write_rule(rule: &Rule, into: &mut PolicyRuleMut<'_>) {
    into.verbs_mut().extend(rule.verbs.iter().cloned());
    if !rule.api_groups.is_empty() {
        into.api_groups_mut()
            .extend(rule.api_groups.iter().cloned());
    }
    if !rule.resources.is_empty() {
        into.resources_mut().extend(rule.resources.iter().cloned());
    }
    if !rule.resource_names.is_empty() {
        into.resource_names_mut()
            .extend(rule.resource_names.iter().cloned());
    }
    if !rule.non_resource_urls.is_empty() {
        into.non_resource_urls_mut()
            .extend(rule.non_resource_urls.iter().cloned());
    }
}

/// What a `RoleBinding` or `ClusterRoleBinding` grants to whom. Subjects of kinds that are not known are nobody.
pub(super) fn binding_of(object: &Record) -> Option<Binding> {
    let is_cluster_wide = object.ty().name == <ClusterRoleBinding<'_> as View>::table().name;
    let (metadata, role, subjects) = if is_cluster_wide {
        let binding = ClusterRoleBinding::from_record(object);
        (binding.metadata(), binding.role_ref(), binding.subjects())
    } else {
        let binding = RoleBinding::from_record(object);
        (binding.metadata(), binding.role_ref(), binding.subjects())
    };
    let namespace = metadata.namespace();
    Some(Binding {
        namespace: own(namespace),
        name: own(metadata.name()),
        role: role_of(role)?,
        subjects: subjects
            .iter()
            .filter_map(|subject| subject_of(subject, namespace))
            .collect(),
    })
}

/// The role that a binding names; none of a kind that is not known.
pub(super) fn role_of(role: RoleRefView<'_>) -> Option<RoleRef> {
    let kind = match role.kind() {
        "Role" => RoleKind::Role,
        "ClusterRole" => RoleKind::ClusterRole,
        _ => return None,
    };
    let name = own(role.name());
    Some(RoleRef { kind, name })
}

fn subject_of(subject: SubjectView<'_>, namespace: &str) -> Option<Subject> {
    let name = own(subject.name());
    Some(match subject.kind() {
        "User" => Subject::User(name),
        "Group" => Subject::Group(name),
        "ServiceAccount" => {
            let namespace = match subject.namespace() {
                "" => own(namespace),
                given => own(given),
            };
            Subject::ServiceAccount { namespace, name }
        }
        _ => return None,
    })
}
