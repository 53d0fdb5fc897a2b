//! The policy as objects: [`policy`].

use pintle_api::rbac::v1::{
    ClusterRole, ClusterRoleBindingMut, ClusterRoleMut, RoleBindingMut, RoleMut, RoleRefMut,
    SubjectMut,
};
use pintle_authz::Rbac;
use pintle_authz::rbac::Rule;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use super::policy::{
    BindingRow, CLUSTER_BINDINGS, CLUSTER_ROLES, CONTROLLER_ROLES, PREFIX, ROLE_BINDINGS, ROLES,
    RoleRow, RuleRow,
};
use super::reconcile::{AUTOUPDATE, meta_mut};
use super::{GROUP, convert};
use crate::rows::Switches;

const LABEL: (&str, &str) = ("kubernetes.io/bootstrapping", "rbac-defaults");
const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// An object of the policy.
pub(super) struct Wanted {
    pub(super) resource: &'static str,
    pub(super) namespace: &'static str,
    pub(super) object: Record,
}

impl Wanted {
    /// Whether it counts already.
    pub(super) fn is_in(&self, rbac: &Rbac) -> bool {
        let object = Metadata::of(&self.object);
        let name = object.name();
        let index = rbac.index();
        if self.resource.ends_with("bindings") {
            index.has_binding(self.namespace, name)
        } else {
            index.has_role(self.namespace, name)
        }
    }
}

/// All of the policy, as objects.
pub(super) fn policy(switches: &Switches) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for row in CLUSTER_ROLES.iter().filter(|row| row.is_on(switches)) {
        wanted.push(cluster_role(row, row.name.into(), switches));
    }
    for row in CONTROLLER_ROLES.iter().filter(|row| row.is_on(switches)) {
        let name = format!("{PREFIX}{}", row.name);
        wanted.push(cluster_role(row, name.clone().into(), switches));
        let account = format!("account:kube-system/{}", row.name);
        wanted.push(cluster_binding(&name, &name, &[&account]));
    }
    let is_on = |row: &&BindingRow| row.gate.is_none_or(|gate| switches.gate(gate));
    for row in CLUSTER_BINDINGS.iter().filter(is_on) {
        wanted.push(cluster_binding(row.name, row.role, row.subjects));
    }
    for (namespace, row) in ROLES {
        let mut object = new_record::<pintle_api::rbac::v1::Role<'_>>();
        let mut role = RoleMut::from_record(&mut object);
        role.metadata_mut().set_name(row.name);
        role.metadata_mut().set_namespace(*namespace);
        for rule in row.rules(switches) {
            convert::write_rule(&rule, &mut role.rules_mut().push_new());
        }
        mark(&mut object);
        wanted.push(Wanted {
            resource: "roles",
            namespace,
            object,
        });
    }
    for (namespace, row) in ROLE_BINDINGS {
        let mut object = new_record::<pintle_api::rbac::v1::RoleBinding<'_>>();
        let mut binding = RoleBindingMut::from_record(&mut object);
        binding.metadata_mut().set_name(row.name);
        binding.metadata_mut().set_namespace(*namespace);
        refer(binding.role_ref_mut(), "Role", row.role);
        for subject in row.subjects {
            name_subject(&mut binding.subjects_mut().push_new(), subject);
        }
        mark(&mut object);
        wanted.push(Wanted {
            resource: "rolebindings",
            namespace,
            object,
        });
    }
    wanted
}

/// What every node may do: the rules of `system:node`.
pub fn node_rules(switches: &Switches) -> Vec<Rule> {
    let role = CLUSTER_ROLES.iter().find(|row| row.name == "system:node");
    role.map(|row| row.rules(switches).collect())
        .unwrap_or_default()
}

impl RoleRow {
    fn is_on(&self, switches: &Switches) -> bool {
        self.gate.is_none_or(|gate| switches.gate(gate))
    }

    pub(super) fn rules(&self, switches: &Switches) -> impl Iterator<Item = Rule> {
        self.rules
            .iter()
            .filter(|rule| rule.gate.is_none_or(|gate| switches.gate(gate)))
            .map(RuleRow::rule)
    }
}

impl RuleRow {
    fn rule(&self) -> Rule {
        Rule {
            verbs: words(self.verbs),
            api_groups: words(self.groups),
            resources: words(self.resources),
            resource_names: words(self.names),
            non_resource_urls: words(self.urls),
        }
    }
}

/// Words in order, the core group's being empty.
fn words(words: &'static str) -> Vec<Text> {
    let mut words: Vec<&str> = words
        .split_whitespace()
        .map(|word| if word == "core" { "" } else { word })
        .collect();
    words.sort_unstable();
    words.into_iter().map(Text::from).collect()
}

fn cluster_role(row: &RoleRow, name: Text, switches: &Switches) -> Wanted {
    let mut object = new_record::<ClusterRole<'_>>();
    let mut role = ClusterRoleMut::from_record(&mut object);
    role.metadata_mut().set_name(name);
    if !row.part_of.is_empty() {
        let label = format!("{AGGREGATE_TO}{}", row.part_of);
        role.metadata_mut().labels_mut().insert(label, "true");
    }
    for rule in row.rules(switches) {
        convert::write_rule(&rule, &mut role.rules_mut().push_new());
    }
    if row.gathers {
        let label = format!("{AGGREGATE_TO}{}", row.name);
        let mut rule = role.aggregation_rule_or_new();
        rule.cluster_role_selectors_mut()
            .push_new()
            .match_labels_mut()
            .insert(label, "true");
    }
    mark(&mut object);
    Wanted {
        resource: "clusterroles",
        namespace: "",
        object,
    }
}

fn cluster_binding(name: &str, role: &str, subjects: &[&str]) -> Wanted {
    let mut object = new_record::<pintle_api::rbac::v1::ClusterRoleBinding<'_>>();
    let mut binding = ClusterRoleBindingMut::from_record(&mut object);
    binding.metadata_mut().set_name(own(name));
    refer(binding.role_ref_mut(), "ClusterRole", role);
    for subject in subjects {
        name_subject(&mut binding.subjects_mut().push_new(), subject);
    }
    mark(&mut object);
    Wanted {
        resource: "clusterrolebindings",
        namespace: "",
        object,
    }
}

fn refer(mut role: RoleRefMut<'_>, kind: &'static str, name: &str) {
    role.set_api_group(GROUP);
    role.set_kind(kind);
    role.set_name(own(name));
}

fn name_subject(subject: &mut SubjectMut<'_>, words: &str) {
    let (kind, name) = words.split_once(':').unwrap_or(("", words));
    match kind {
        "account" => {
            let (namespace, name) = name.split_once('/').unwrap_or(("", name));
            subject.set_kind("ServiceAccount");
            subject.set_name(own(name));
            subject.set_namespace(own(namespace));
        }
        kind => {
            subject.set_kind(if kind == "group" { "Group" } else { "User" });
            subject.set_api_group(GROUP);
            subject.set_name(own(name));
        }
    }
}

/// Says that the object is one of these.
fn mark(object: &mut Record) {
    if let Some(mut metadata) = meta_mut(object) {
        metadata.labels_mut().insert(LABEL.0, LABEL.1);
        metadata.annotations_mut().insert(AUTOUPDATE, "true");
    }
}

fn new_record<V: pintle_runtime::view::View>() -> Record {
    V::new_record()
}

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_upstream_has() {
        let policy = policy(&Switches::default());
        let count = |resource: &str| {
            policy
                .iter()
                .filter(|wanted| wanted.resource == resource)
                .count()
        };
        let found = [
            "clusterroles",
            "clusterrolebindings",
            "roles",
            "rolebindings",
        ]
        .map(count);
        assert_eq!(found, [69, 50, 7, 7]);
    }

    #[test]
    fn names_are_told_once() {
        let policy = policy(&Switches::default());
        let mut names: Vec<_> = policy
            .iter()
            .map(|wanted| {
                (
                    wanted.resource,
                    wanted.namespace,
                    Metadata::of(&wanted.object).name(),
                )
            })
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
