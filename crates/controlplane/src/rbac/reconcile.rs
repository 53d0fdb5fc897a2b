//! Brings the roles and bindings that every cluster has in at start, and back what is missing of them.
//!
//! What somebody added to them stays. An object with the annotation
//! `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone. A binding to another role is replaced.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use pintle_api::rbac::v1::{ClusterRole, ClusterRoleMut, PolicyRuleMut, RoleMut};
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

use super::wanted::{Wanted, policy};
use super::{GROUP, MANAGER, convert};
use crate::hooks::server_user;
use crate::rows::Switches;

/// The annotation of an object that is brought back unless it says otherwise.
pub(super) const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// Objects that one task brings in.
const PART: usize = 32;
/// How long until what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How often to look whether what was brought in counts.
const GLANCE: Duration = Duration::from_millis(1);

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

/// The metadata of an object that has some.
pub(super) fn meta_mut(object: &mut Record) -> Option<ObjectMetaMut<'_>> {
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

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}

#[cfg(test)]
mod tests {
    use pintle_api::rbac::v1::ClusterRoleBindingMut;

    use super::*;

    fn find<'a>(policy: &'a [Wanted], resource: &str, name: &str) -> &'a Record {
        let found = policy.iter().find(|wanted| {
            wanted.resource == resource && Metadata::of(&wanted.object).name() == name
        });
        &found.expect("it is in the policy").object
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
