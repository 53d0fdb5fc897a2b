//! Brings the roles and bindings that every cluster has in at start, and back what is missing of them.
//!
//! What somebody added to them stays. An object with the annotation
//! `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone. A binding to another role is replaced.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use pintle_api::rbac::v1::{
    ClusterRole, ClusterRoleBindingMut, ClusterRoleMut, PolicyRuleMut, RoleBindingMut, RoleMut,
    RoleRefMut, SubjectMut,
};
use pintle_authz::Rbac;
use pintle_authz::rbac::{Rule, covers};
use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::health::Milestone;
use pintle_endpoints::metadata::{Metadata, MetadataMut};
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Store;
use pintle_runtime::meta::{METADATA, ObjectMeta, ObjectMetaMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{ListMut, StringMap};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::policy::{
    BindingRow, CLUSTER_BINDINGS, CLUSTER_ROLES, CONTROLLER_ROLES, PREFIX, ROLE_BINDINGS, ROLES,
    RoleRow, RuleRow,
};
use super::{GROUP, MANAGER, convert};
use crate::hooks::server_user;
use crate::rows::Switches;

const LABEL: (&str, &str) = ("kubernetes.io/bootstrapping", "rbac-defaults");
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// Objects that one task brings in.
const PART: usize = 32;
/// How long until what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How often to look whether what was brought in counts.
const GLANCE: Duration = Duration::from_millis(1);

/// An object of the policy.
pub(super) struct Wanted {
    pub(super) resource: &'static str,
    pub(super) namespace: &'static str,
    pub(super) object: Record,
}

impl Wanted {
    /// Whether it counts already.
    fn is_in(&self, rbac: &Rbac) -> bool {
        let name = meta(&self.object).name();
        let index = rbac.index();
        if self.resource.ends_with("bindings") {
            index.has_binding(self.namespace, name)
        } else {
            index.has_role(self.namespace, name)
        }
    }
}

/// Brings the policy in, trying until all of it is there; reaches `done` then. Begins once `namespaces` is reached,
/// as roles are kept in some.
pub async fn bring_in_policy(
    registry: Arc<Registry>,
    environment: Environment,
    switches: Switches,
    rbac: Arc<Rbac>,
    namespaces: Milestone,
    done: Milestone,
) {
    let policy: Arc<[Wanted]> = policy(&switches).into();
    namespaces.reached().await;
    loop {
        // At once, so that they share commits, and in some tasks, so that they share the cores.
        let parts = (0..policy.len()).step_by(PART).map(|start| {
            let (registry, policy) = (Arc::clone(&registry), Arc::clone(&policy));
            let environment = environment.clone();
            async move {
                let part = policy.iter().skip(start).take(PART);
                join_all(part.map(|wanted| bring_in(&registry, &environment, wanted))).await
            }
        });
        let parts = parts.collect::<JoinSet<_>>().join_all().await;
        let results: Vec<_> = parts.into_iter().flatten().collect();
        let failed = results.iter().filter(|result| result.is_err()).count();
        if failed == 0 {
            // Whoever is told that the server is ready may do at once what the policy says.
            let known = async {
                while !policy.iter().all(|wanted| wanted.is_in(&rbac)) {
                    tokio::time::sleep(GLANCE).await;
                }
            };
            if tokio::time::timeout(RETRY, known).await.is_err() {
                warn!("default roles and bindings went as soon as they came");
            }
            done.reach();
            return;
        }
        if let Some(Err(error)) = results.into_iter().find(Result::is_err) {
            warn!(failed, %error, "cannot bring in all default roles and bindings; trying again");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn bring_in(
    registry: &Registry,
    environment: &Environment,
    wanted: &Wanted,
) -> Result<(), ApiError> {
    let Some(store) = registry.store(GROUP, "v1", wanted.resource) else {
        return Err(ApiError::internal("roles and bindings are not served"));
    };
    let mut cx = RequestContext::new(
        Arc::new(server_user()),
        wanted.namespace,
        environment.clone(),
    );
    cx.field_manager = MANAGER.into();
    let permit = Permit::of_the_server_itself("rbac/bootstrap-roles");
    let name = Metadata::of(&wanted.object).name();
    let key = match wanted.namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    };
    let Some(entry) = store.cache().get(&key) else {
        return create(&store, &permit, &cx, wanted).await;
    };
    let old = entry.record()?;
    if meta(&old).annotations().get(AUTOUPDATE) == Some("false") {
        debug!(key, resource = wanted.resource, "left as it is");
        return Ok(());
    }
    let is_role = matches!(wanted.resource, "roles" | "clusterroles");
    if !is_role && !same_role(&old, &wanted.object) {
        info!(
            key,
            resource = wanted.resource,
            "replaced: it bound another role"
        );
        store
            .delete(&permit, &cx, name, &DeleteOptions::default())
            .await?;
        return create(&store, &permit, &cx, wanted).await;
    }
    let mut new = old.clone();
    let changed_metadata = merge_metadata(&mut new, &wanted.object);
    let changed = if is_role {
        add_rules(&mut new, &wanted.object) | add_selectors(&mut new, &wanted.object)
    } else {
        add_subjects(&mut new, &wanted.object)
    };
    if changed_metadata || changed {
        info!(key, resource = wanted.resource, "brought up to date");
        if let Some(mut metadata) = MetadataMut::of(&mut new) {
            metadata.set_resource_version(entry.revision().to_string());
        }
        store.update(&permit, &cx, name, new).await?;
    }
    Ok(())
}

async fn create(
    store: &Store,
    permit: &Permit,
    cx: &RequestContext,
    wanted: &Wanted,
) -> Result<(), ApiError> {
    match store.create(permit, cx, wanted.object.clone()).await {
        // Another instance was faster.
        Ok(_) | Err(ApiError::AlreadyExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn same_role(a: &Record, b: &Record) -> bool {
    a.get_by_name("roleRef") == b.get_by_name("roleRef")
}

/// Adds labels and annotations that are not there; those that are keep their values.
fn merge_metadata(new: &mut Record, wanted: &Record) -> bool {
    let old = meta(new);
    let missing = |wanted: StringMap<'_>, there: StringMap<'_>| -> Vec<(Text, Text)> {
        wanted
            .iter()
            .filter(|(key, _)| there.get(key).is_none())
            .map(|(key, value)| (own(key), own(value)))
            .collect()
    };
    let labels = missing(meta(wanted).labels(), old.labels());
    let annotations = missing(meta(wanted).annotations(), old.annotations());
    let changed = !labels.is_empty() || !annotations.is_empty();
    if let Some(mut metadata) = meta_mut(new).filter(|_| changed) {
        for (key, value) in labels {
            metadata.labels_mut().insert(key, value);
        }
        for (key, value) in annotations {
            metadata.annotations_mut().insert(key, value);
        }
    }
    changed
}

fn meta(object: &Record) -> ObjectMeta<'_> {
    object
        .get(METADATA)
        .and_then(Value::as_record)
        .map_or_else(ObjectMeta::empty, ObjectMeta::from_record)
}

fn meta_mut(object: &mut Record) -> Option<ObjectMetaMut<'_>> {
    match object.get_mut(METADATA) {
        Some(Value::Record(metadata)) => Some(ObjectMetaMut::from_record(metadata)),
        _ => None,
    }
}

/// Adds the single permissions that the role does not give.
fn add_rules(new: &mut Record, wanted: &Record) -> bool {
    let missing = covers::uncovered(&convert::rules_of(new), &convert::rules_of(wanted));
    let changed = !missing.is_empty();
    for rule in &missing {
        push_rule(new, rule);
    }
    changed
}

fn push_rule(role: &mut Record, rule: &Rule) {
    let is_cluster_role = role.ty().name == "io.k8s.api.rbac.v1.ClusterRole";
    let write = |mut rules: ListMut<'_, pintle_api::rbac::v1::PolicyRule<'_>>| {
        let mut into: PolicyRuleMut<'_> = rules.push_new();
        convert::write_rule(rule, &mut into);
    };
    if is_cluster_role {
        write(ClusterRoleMut::from_record(role).rules_mut());
    } else {
        write(RoleMut::from_record(role).rules_mut());
    }
}

/// Adds the selectors of roles to gather that are not there.
fn add_selectors(new: &mut Record, wanted: &Record) -> bool {
    if wanted.ty().name != "io.k8s.api.rbac.v1.ClusterRole" {
        return false;
    }
    let Some(rule) = ClusterRole::from_record(wanted).aggregation_rule() else {
        return false;
    };
    let there: Vec<Value> = ClusterRole::from_record(new)
        .aggregation_rule()
        .map(|rule| rule.cluster_role_selectors().values().to_vec())
        .unwrap_or_default();
    let missing: Vec<Value> = rule
        .cluster_role_selectors()
        .values()
        .iter()
        .filter(|selector| !there.contains(selector))
        .cloned()
        .collect();
    let changed = !missing.is_empty();
    if changed {
        let mut role = ClusterRoleMut::from_record(new);
        let mut rule = role.aggregation_rule_or_new();
        rule.cluster_role_selectors_mut()
            .values_mut()
            .extend(missing);
    }
    changed
}

/// Adds the subjects that are not there.
fn add_subjects(new: &mut Record, wanted: &Record) -> bool {
    let Some(at) = new.ty().field_index("subjects") else {
        return false;
    };
    let wanted = wanted.get(at).and_then(Value::as_list).unwrap_or_default();
    let there = new.get(at).and_then(Value::as_list).unwrap_or_default();
    let missing: Vec<Value> = wanted
        .iter()
        .filter(|subject| !there.contains(subject))
        .cloned()
        .collect();
    if missing.is_empty() {
        return false;
    }
    let mut all = there.to_vec();
    all.extend(missing);
    new.set(at, Value::List(all));
    true
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

    fn find<'a>(policy: &'a [Wanted], resource: &str, name: &str) -> &'a Record {
        let found = policy.iter().find(|wanted| {
            wanted.resource == resource && Metadata::of(&wanted.object).name() == name
        });
        &found.expect("it is in the policy").object
    }

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

    #[test]
    fn what_is_missing_comes_back_and_what_was_added_stays() {
        let policy = policy(&Switches::default());
        let wanted = find(&policy, "clusterroles", "system:public-info-viewer");
        let mut old = wanted.clone();
        let mut role = ClusterRoleMut::from_record(&mut old);
        role.clear_rules();
        let added = Rule {
            verbs: vec!["get".into()],
            non_resource_urls: vec!["/healthz".into(), "/mine".into()],
            ..Rule::default()
        };
        convert::write_rule(&added, &mut role.rules_mut().push_new());
        assert!(add_rules(&mut old, wanted));
        let rules = convert::rules_of(&old);
        assert_eq!(rules[0], added);
        assert_eq!(rules.len(), 5);
        assert!(!add_rules(&mut old, wanted));
    }

    #[test]
    fn subjects_come_back() {
        let policy = policy(&Switches::default());
        let wanted = find(&policy, "clusterrolebindings", "system:discovery");
        let mut old = wanted.clone();
        ClusterRoleBindingMut::from_record(&mut old).clear_subjects();
        assert!(add_subjects(&mut old, wanted));
        assert_eq!(&old, wanted);
        assert!(!add_subjects(&mut old, wanted));
    }
}
