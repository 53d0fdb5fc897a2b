use serde_json::{Value, json};

use crate::validation::cases::Kind;

const LABELS: &str = "`selector` does not match template `labels`";

fn template() -> Value {
    json!({
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    })
}

fn workload(kind: &'static str) -> Kind {
    Kind {
        group: "apps",
        kind,
        good: json!({
            "metadata": {"name": "x"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template()},
        }),
    }
}

fn spec(spec: Value) -> Value {
    json!({ "spec": spec })
}

fn status(status: Value) -> Value {
    json!({ "status": status })
}

#[test]
fn a_good_workload_has_nothing_wrong_with_it() {
    for kind in ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"] {
        workload(kind).create(Value::Null, &[]);
        workload(kind).update(Value::Null, &[]);
    }
}

#[test]
fn a_workload_selects_the_pods_that_it_makes() {
    let mismatch = spec(json!({"selector": {"matchLabels": {"a": "c"}}}));
    let shown = format!("spec.template.metadata.labels: Invalid value: {{\"a\":\"b\"}}: {LABELS}");
    for kind in ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"] {
        workload(kind).create(mismatch.clone(), &[&shown]);
    }
    let none = spec(json!({"selector": null}));
    for kind in ["Deployment", "ReplicaSet", "StatefulSet"] {
        workload(kind).create(none.clone(), &["spec.selector: Required value", &shown]);
    }
    workload("DaemonSet").create(none, &[&shown]);
}

#[test]
fn a_selector_says_something() {
    let empty = spec(json!({"selector": {"matchLabels": null}}));
    let check = |kind, said: &str| {
        let said = format!("spec.selector: Invalid value: {{}}: empty selector is {said}");
        workload(kind).create(empty.clone(), &[&said]);
    };
    check("Deployment", "invalid for deployment");
    check("ReplicaSet", "invalid for deployment");
    check("DaemonSet", "invalid for daemonset");
    check("StatefulSet", "invalid for statefulset");
}

#[test]
fn a_selector_without_sense_is_shown() {
    let odd = json!({"matchExpressions": [{"key": "a", "operator": "Near"}]});
    let shown = r#"{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"Near"}]}"#;
    let first = "spec.selector.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator";
    for (kind, detail) in [
        ("Deployment", ": invalid label selector"),
        ("ReplicaSet", ": invalid label selector"),
        ("StatefulSet", ""),
    ] {
        let second = format!("spec.selector: Invalid value: {shown}{detail}");
        workload(kind).create(spec(json!({"selector": odd})), &[first, &second]);
    }
    workload("DaemonSet").create(spec(json!({"selector": odd})), &[first]);
}

#[test]
fn pods_of_a_workload_go_on() {
    for (kind, named) in [
        ("Deployment", "ReplicaSet"),
        ("ReplicaSet", "ReplicaSet"),
        ("DaemonSet", "DaemonSet"),
        ("StatefulSet", "StatefulSet"),
    ] {
        let said = format!(
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in {named} is not Supported"
        );
        workload(kind).create(
            spec(json!({"template": {"spec": {
                "restartPolicy": "Never",
                "activeDeadlineSeconds": 5,
            }}})),
            &[
                "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
                &said,
            ],
        );
    }
}

#[test]
fn a_selector_stays() {
    let before = spec(json!({"selector": {"matchLabels": {"a": "b"}}}));
    let change = spec(json!({
        "selector": {"matchLabels": {"a": "c"}},
        "template": {"metadata": {"labels": {"a": "c"}}},
    }));
    for kind in ["Deployment", "ReplicaSet", "DaemonSet"] {
        workload(kind).update_from(
            before.clone(),
            change.clone(),
            &["spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"c\"}}: field is immutable"],
        );
    }
}

#[test]
fn a_deployment_rolls_within_bounds() {
    let kind = workload("Deployment");
    let negative = "must be greater than or equal to 0";
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
        let said = format!("spec.{field}: Invalid value: -1: {negative}");
        kind.create(spec(json!({field: -1})), &[&said]);
    }
    kind.create(
        spec(json!({"progressDeadlineSeconds": 5, "minReadySeconds": 5})),
        &["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
    );
    kind.create(
        spec(json!({"strategy": {"type": "Big"}})),
        &[
            "spec.strategy: Unsupported value: {\"Type\":\"Big\",\"RollingUpdate\":null}: supported values: \"Recreate\", \"RollingUpdate\"",
        ],
    );
    kind.create(
        spec(json!({"strategy": {"type": "Recreate", "rollingUpdate": {}}})),
        &[
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ],
    );
    kind.create(spec(json!({"strategy": {"type": "Recreate"}})), &[]);
    let rolling = |rolling: Value| spec(json!({"strategy": {"rollingUpdate": rolling}}));
    kind.create(
        rolling(json!({"maxUnavailable": 0, "maxSurge": "0%"})),
        &[
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ],
    );
    kind.create(
        rolling(json!({"maxUnavailable": "101%", "maxSurge": -1})),
        &[
            "spec.strategy.rollingUpdate.maxSurge: Invalid value: -1: must be greater than or equal to 0",
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
        ],
    );
}

#[test]
fn a_daemon_set_rolls_one_way() {
    let kind = workload("DaemonSet");
    let rolling = |rolling: Value| spec(json!({"updateStrategy": {"rollingUpdate": rolling}}));
    kind.create(
        rolling(json!({"maxUnavailable": 0})),
        &[
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
        ],
    );
    kind.create(
        rolling(json!({"maxUnavailable": 1, "maxSurge": "101%"})),
        &[
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"101%\": must not be greater than 100%",
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"101%\": may not be set when maxUnavailable is non-zero",
        ],
    );
    kind.create(
        spec(json!({"updateStrategy": {"type": "Big"}})),
        &[
            "spec.updateStrategy: Unsupported value: {\"Type\":\"Big\",\"RollingUpdate\":null}: supported values: \"RollingUpdate\", \"OnDelete\"",
        ],
    );
}

#[test]
fn a_stateful_set_has_its_own_words() {
    let kind = workload("StatefulSet");
    let check = |change: Value, said: &str| kind.create(spec(change), &[said]);
    check(
        json!({"podManagementPolicy": "Odd"}),
        "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'",
    );
    check(
        json!({"updateStrategy": {"type": "Big"}}),
        "spec.updateStrategy: Invalid value: {\"Type\":\"Big\",\"RollingUpdate\":null}: must be 'RollingUpdate' or 'OnDelete'",
    );
    check(
        json!({"updateStrategy": {"rollingUpdate": {"partition": -1}}}),
        "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
    );
    check(
        json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}),
        "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
    );
    check(
        json!({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Maybe"}}),
        "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"Maybe\": supported values: \"Retain\", \"Delete\"",
    );
    check(
        json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}}),
        "spec.updateStrategy.rollingUpdate: Invalid value: {\"Partition\":1,\"MaxUnavailable\":null}: only allowed for updateStrategy 'RollingUpdate'",
    );
    check(
        json!({"serviceName": "-"}),
        "spec.serviceName: Invalid value: \"-\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    );
    check(
        json!({"ordinals": {"start": -1}}),
        "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
    );
    kind.create(
        spec(json!({"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {}}]})),
        &[
            "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
            "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value",
        ],
    );
}

#[test]
fn little_of_a_stateful_set_changes() {
    let kind = workload("StatefulSet");
    kind.update(
        spec(json!({
            "replicas": 3,
            "minReadySeconds": 1,
            "ordinals": {"start": 1},
            "revisionHistoryLimit": 1,
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"},
            "updateStrategy": {"type": "OnDelete", "rollingUpdate": null},
            "template": {"metadata": {"labels": {"x": "y"}}},
        })),
        &[],
    );
    let forbidden = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    kind.update(spec(json!({"serviceName": "s"})), &[forbidden]);
    kind.update(
        spec(json!({"podManagementPolicy": "Parallel"})),
        &[forbidden],
    );
}

#[test]
fn a_status_adds_up() {
    let all = "cannot be greater than status.replicas";
    let check = |kind, before: Value, change: Value, expected: &[&str]| {
        workload(kind).part("status", status(before), status(change), expected);
    };
    let too_many = |field: &str| format!("status.{field}: Invalid value: 1: {all}");
    for kind in ["Deployment", "ReplicaSet", "StatefulSet"] {
        let said = too_many("readyReplicas");
        check(kind, json!({}), json!({"readyReplicas": 1}), &[&said]);
    }
    check(
        "Deployment",
        json!({"collisionCount": 2}),
        json!({"replicas": 1, "availableReplicas": 1, "collisionCount": 1}),
        &[
            "status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas",
            "status.collisionCount: Invalid value: 1: cannot be decremented",
        ],
    );
    check(
        "DaemonSet",
        json!({"collisionCount": 2}),
        json!({"numberReady": -1}),
        &[
            "status.numberReady: Invalid value: -1: must be greater than or equal to 0",
            "status.collisionCount: Invalid value: 0: cannot be decremented",
        ],
    );
}

#[test]
fn a_revision_has_data_that_stay() {
    let kind = Kind {
        group: "apps",
        kind: "ControllerRevision",
        good: json!({"metadata": {"name": "x"}, "data": {"a": 1}, "revision": 1}),
    };
    kind.create(Value::Null, &[]);
    kind.create(
        json!({"data": null, "revision": -1}),
        &[
            "revision: Invalid value: -1: must be greater than or equal to 0",
            "data: Required value: data is mandatory",
        ],
    );
    kind.create(
        json!({"data": [1]}),
        &["data: Required value: data must be a valid JSON object"],
    );
    kind.update(json!({"revision": 2}), &[]);
    kind.update(
        json!({"data": {"a": 2}}),
        &["data: Invalid value: {\"a\":2}: field is immutable"],
    );
}
