//! `apps`.

use pintle_api::apps::v1::{
    DaemonSet, DaemonSetMut, Deployment, DeploymentMut, StatefulSet, StatefulSetMut,
};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

use super::Particular;
use super::workload::name_in_pods;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "daemonsets" => &DaemonSets,
        "deployments" => &Deployments,
        "replicasets" => &ReplicaSets,
        "statefulsets" => &StatefulSets,
        _ => return None,
    })
}

struct Deployments;

impl Particular for Deployments {
    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        // Annotations count as the spec does.
        let old = Deployment::from_record(old).metadata();
        let mut deployment = DeploymentMut::from_record(new);
        let mut metadata = deployment.metadata_mut();
        if !metadata
            .view()
            .annotations()
            .iter()
            .eq(old.annotations().iter())
        {
            metadata.set_generation(old.generation() + 1);
        }
    }

    fn prepare_subresource(
        &self,
        _: &RequestContext,
        subresource: &str,
        new: &mut Record,
        old: &Record,
    ) {
        if subresource != "status" {
            return;
        }
        let mut deployment = DeploymentMut::from_record(new);
        let mut metadata = deployment.metadata_mut();
        match Deployment::from_record(old).metadata().labels().map() {
            Some(labels) => *metadata.labels_mut().map_mut() = labels.clone(),
            None => metadata.clear_labels(),
        }
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        name_in_pods(new, old)
    }
}

struct ReplicaSets;

impl Particular for ReplicaSets {
    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        name_in_pods(new, old)
    }
}

struct DaemonSets;

/// How often the template has changed: a field of the group's first versions.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

impl Particular for DaemonSets {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let given = template_generation(DaemonSet::from_record(new)).max(1);
        set_template_generation(new, given);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = DaemonSet::from_record(old);
        let template = DaemonSet::from_record(new).spec().template();
        let changed =
            !pintle_api::validation::is_same(template.record(), old.spec().template().record());
        let before = template_generation(old);
        set_template_generation(new, before + i64::from(changed));
    }
}

fn template_generation(set: DaemonSet<'_>) -> i64 {
    let text = set.metadata().annotations().get(TEMPLATE_GENERATION);
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn set_template_generation(set: &mut Record, generation: i64) {
    let mut set = DaemonSetMut::from_record(set);
    set.metadata_mut()
        .annotations_mut()
        .insert(TEMPLATE_GENERATION, generation.to_string());
}

struct StatefulSets;

impl Particular for StatefulSets {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        drop_max_unavailable(new, None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        drop_max_unavailable(new, Some(old));
    }

    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let limit = StatefulSet::from_record(new)
            .spec()
            .revision_history_limit();
        if limit.is_some_and(|limit| limit < 0) {
            vec![
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
                    .to_owned(),
            ]
        } else {
            Vec::new()
        }
    }
}

/// `maxUnavailable` is behind `MaxUnavailableStatefulSet`, which is off.
fn drop_max_unavailable(new: &mut Record, old: Option<&Record>) {
    let in_use = old.is_some_and(|old| {
        let strategy = StatefulSet::from_record(old).spec().update_strategy();
        let rolling = strategy.rolling_update();
        rolling.is_some_and(|rolling| rolling.max_unavailable().is_some())
    });
    if in_use {
        return;
    }
    let mut set = StatefulSetMut::from_record(new);
    let mut spec = set.spec_mut();
    if let Some(mut rolling) = spec.update_strategy_mut().rolling_update_mut() {
        rolling.clear_max_unavailable();
    }
}
