//! `apps`.

use pintle_api::apps::v1::{
    DaemonSet, DaemonSetMut, Deployment, DeploymentMut, ReplicaSet, ReplicaSetMut, StatefulSet,
    StatefulSetMut,
};
use pintle_api::settings::is_on;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::value::Record;

use super::Particular;
use super::core::claim_warnings;
use super::pods::{drop_disabled_of_template, of_template};
use super::workload::{is_new_generation, name_in_pods};

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
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut deployment = DeploymentMut::from_record(new);
        drop_disabled_of_template(&mut deployment.spec_mut().template_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = Deployment::from_record(old);
        let mut deployment = DeploymentMut::from_record(new);
        drop_disabled_of_template(
            &mut deployment.spec_mut().template_mut(),
            Some(old.spec().template()),
        );
        // Annotations count as the spec does.
        let old = old.metadata();
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

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let mut warnings = name_in_pods(new, old);
        if is_new_generation(new, old) {
            let template = Deployment::from_record(new).spec().template();
            warnings.extend(of_template(template, &Path::new(TEMPLATE)));
        }
        warnings
    }
}

/// Where a template for pods is.
const TEMPLATE: &str = "spec.template";

struct ReplicaSets;

impl Particular for ReplicaSets {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut set = ReplicaSetMut::from_record(new);
        drop_disabled_of_template(&mut set.spec_mut().template_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = ReplicaSet::from_record(old).spec().template();
        let mut set = ReplicaSetMut::from_record(new);
        drop_disabled_of_template(&mut set.spec_mut().template_mut(), Some(old));
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let mut warnings = name_in_pods(new, old);
        if is_new_generation(new, old) {
            let template = ReplicaSet::from_record(new).spec().template();
            warnings.extend(of_template(template, &Path::new(TEMPLATE)));
        }
        warnings
    }
}

struct DaemonSets;

/// How often the template has changed: a field of the group's first versions.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

impl Particular for DaemonSets {
    fn annotations_of_fields(&self) -> &'static [&'static str] {
        &[TEMPLATE_GENERATION]
    }

    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let given = template_generation(DaemonSet::from_record(new)).max(1);
        set_template_generation(new, given);
        let mut set = DaemonSetMut::from_record(new);
        drop_disabled_of_template(&mut set.spec_mut().template_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = DaemonSet::from_record(old);
        let mut set = DaemonSetMut::from_record(new);
        drop_disabled_of_template(
            &mut set.spec_mut().template_mut(),
            Some(old.spec().template()),
        );
        let template = DaemonSet::from_record(new).spec().template();
        let changed =
            !pintle_api::validation::is_same(template.record(), old.spec().template().record());
        let before = template_generation(old);
        set_template_generation(new, before + i64::from(changed));
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let new = DaemonSet::from_record(new);
        let is_same = old.is_some_and(|old| {
            template_generation(DaemonSet::from_record(old)) == template_generation(new)
        });
        if is_same {
            return Vec::new();
        }
        of_template(new.spec().template(), &Path::new(TEMPLATE))
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
        let mut set = StatefulSetMut::from_record(new);
        drop_disabled_of_template(&mut set.spec_mut().template_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        drop_max_unavailable(new, Some(old));
        let old = StatefulSet::from_record(old).spec().template();
        let mut set = StatefulSetMut::from_record(new);
        drop_disabled_of_template(&mut set.spec_mut().template_mut(), Some(old));
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let spec = StatefulSet::from_record(new).spec();
        let mut warnings = Vec::new();
        if is_new_generation(new, old) {
            warnings.extend(of_template(spec.template(), &Path::new(TEMPLATE)));
        }
        let path = Path::new("spec.volumeClaimTemplates");
        for (index, claim) in spec.volume_claim_templates().iter().enumerate() {
            claim_warnings(claim.spec(), &path.index(index), &mut warnings);
        }
        if spec.revision_history_limit().is_some_and(|limit| limit < 0) {
            warnings.push(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// `maxUnavailable` is behind `MaxUnavailableStatefulSet`.
fn drop_max_unavailable(new: &mut Record, old: Option<&Record>) {
    let in_use = old.is_some_and(|old| {
        let strategy = StatefulSet::from_record(old).spec().update_strategy();
        let rolling = strategy.rolling_update();
        rolling.is_some_and(|rolling| rolling.max_unavailable().is_some())
    });
    if in_use || is_on("MaxUnavailableStatefulSet") {
        return;
    }
    let mut set = StatefulSetMut::from_record(new);
    let mut spec = set.spec_mut();
    if let Some(mut rolling) = spec.update_strategy_mut().rolling_update_mut() {
        rolling.clear_max_unavailable();
    }
}
