//! Workloads.

use pintle_runtime::value::Record;
use pintle_runtime::view::IntOrString;

use super::{fill, pod, volume};
use crate::apps::v1::{DaemonSetMut, DeploymentMut, ReplicaSetMut, StatefulSetMut};
use crate::core::v1::ReplicationControllerMut;

pub(super) fn deployment(object: &mut Record) {
    let mut deployment = DeploymentMut::from_record(object);
    let mut spec = deployment.spec_mut();
    fill!(spec;
        replicas set_replicas = 1,
        revision_history_limit set_revision_history_limit = 10,
        progress_deadline_seconds set_progress_deadline_seconds = 600,
    );
    let mut strategy = spec.strategy_mut();
    fill!(strategy; type_ set_type = "RollingUpdate");
    if strategy.view().type_() == "RollingUpdate" {
        let mut rolling = strategy.rolling_update_or_new();
        fill!(rolling;
            max_unavailable set_max_unavailable = IntOrString::String("25%"),
            max_surge set_max_surge = IntOrString::String("25%"),
        );
    }
    pod::template(&mut spec.template_mut());
}

/// How often a daemon set's template has changed.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(super) fn daemon_set(object: &mut Record) {
    let mut set = DaemonSetMut::from_record(object);
    // A field of its own once, which no one leaves out.
    let mut metadata = set.metadata_mut();
    let mut annotations = metadata.annotations_mut();
    if !annotations.view().contains_key(TEMPLATE_GENERATION) {
        annotations.insert(TEMPLATE_GENERATION, "0");
    }
    let mut spec = set.spec_mut();
    fill!(spec; revision_history_limit set_revision_history_limit = 10);
    let mut strategy = spec.update_strategy_mut();
    fill!(strategy; type_ set_type = "RollingUpdate");
    if strategy.view().type_() == "RollingUpdate" {
        let mut rolling = strategy.rolling_update_or_new();
        fill!(rolling;
            max_unavailable set_max_unavailable = IntOrString::Int(1),
            max_surge set_max_surge = IntOrString::Int(0),
        );
    }
    pod::template(&mut spec.template_mut());
}

pub(super) fn stateful_set(object: &mut Record) {
    let mut set = StatefulSetMut::from_record(object);
    let mut spec = set.spec_mut();
    fill!(spec;
        pod_management_policy set_pod_management_policy = "OrderedReady",
        replicas set_replicas = 1,
        revision_history_limit set_revision_history_limit = 10,
    );
    let mut strategy = spec.update_strategy_mut();
    // Who names the type is taken to have said how, too.
    if strategy.view().type_().is_empty() {
        strategy.set_type("RollingUpdate");
        fill!(strategy.rolling_update_or_new(); partition set_partition = 0);
    } else if strategy.view().type_() == "RollingUpdate"
        && strategy.view().rolling_update().is_some()
    {
        fill!(strategy.rolling_update_or_new(); partition set_partition = 0);
    }
    let mut retention = spec.persistent_volume_claim_retention_policy_or_new();
    fill!(retention; when_deleted set_when_deleted = "Retain", when_scaled set_when_scaled = "Retain");
    pod::template(&mut spec.template_mut());
    for mut claim in spec.volume_claim_templates_mut().iter_mut() {
        volume::claim(&mut claim);
    }
}

pub(super) fn replica_set(object: &mut Record) {
    let mut set = ReplicaSetMut::from_record(object);
    let mut spec = set.spec_mut();
    fill!(spec; replicas set_replicas = 1);
    pod::template(&mut spec.template_mut());
}

pub(super) fn replication_controller(object: &mut Record) {
    let mut controller = ReplicationControllerMut::from_record(object);
    let labels = controller
        .view()
        .spec()
        .template()
        .and_then(|template| template.metadata().labels().map().cloned());
    if let Some(labels) = labels.filter(|labels| !labels.is_empty()) {
        if controller.view().spec().selector().is_empty() {
            *controller.spec_mut().selector_mut().map_mut() = labels.clone();
        }
        if controller.view().metadata().labels().is_empty() {
            *controller.metadata_mut().labels_mut().map_mut() = labels;
        }
    }
    let mut spec = controller.spec_mut();
    fill!(spec; replicas set_replicas = 1);
    if let Some(mut template) = spec.template_mut() {
        pod::template(&mut template);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};

    use crate::apps::v1::StatefulSet;

    #[track_caller]
    fn check(strategy: &str, expected: &str) {
        let ty = crate::type_by_kind("apps", "v1", "StatefulSet").expect("a kind");
        let body = format!(r#"{{"spec":{{"updateStrategy":{strategy}}}}}"#);
        let mut record =
            json::decode(&ty, &Bytes::from(body), &mut Problems::ignored()).expect("a set");
        crate::defaults::apply(&mut record);
        let spec = StatefulSet::from_record(&record).spec();
        let mut text = Vec::new();
        json::encode(spec.update_strategy().record(), &mut text);
        assert_eq!(String::from_utf8_lossy(&text), expected, "{strategy}");
    }

    #[test]
    fn a_stateful_set_that_names_how_it_rolls_gets_no_partition() {
        let rolling = r#"{"type":"RollingUpdate","rollingUpdate":{"partition":0}}"#;
        check("{}", rolling);
        check(r#"{"rollingUpdate":{}}"#, rolling);
        check(r#"{"type":"RollingUpdate","rollingUpdate":{}}"#, rolling);
        check(r#"{"type":"RollingUpdate"}"#, r#"{"type":"RollingUpdate"}"#);
        check(r#"{"type":"OnDelete"}"#, r#"{"type":"OnDelete"}"#);
    }
}
