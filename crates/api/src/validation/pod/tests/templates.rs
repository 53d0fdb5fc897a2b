//! Templates of pods, and controllers that only core has.

use super::POD;
use crate::validation::check::Good;

const TEMPLATE: Good = Good {
    kind: "PodTemplate",
    object: r#"{"metadata":{"name":"t","namespace":"d"},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}"#,
    ..POD
};

const CONTROLLER: Good = Good {
    kind: "ReplicationController",
    object: r#"{"metadata":{"name":"r","namespace":"d"},"spec":{"selector":{"a":"b"},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#,
    ..POD
};

#[test]
fn a_template_is_of_a_pod_that_is_to_come() {
    let bad = r#"{"template":{"metadata":{"labels":{"a b":"c"},"annotations":{"d e":""}},"spec":{"restartPolicy":"x","ephemeralContainers":[{"name":"d","image":"i"}]}}}"#;
    let expected = [
        "template.labels: Invalid value: \"a b\": name part",
        "template.annotations: Invalid value: \"d e\": name part",
        "template.spec.restartPolicy: Unsupported value: \"x\"",
        "template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
    ];
    TEMPLATE.created("{}", &[]);
    TEMPLATE.created(bad, &expected);
    TEMPLATE.updated("{}", bad, &expected);
}

#[test]
fn a_controller_keeps_pods_that_it_selects() {
    CONTROLLER.created("{}", &[]);
    CONTROLLER.created(
        r#"{"spec":{"minReadySeconds":-1,"replicas":-1,"selector":{"a":"c"},"template":{"spec":{"restartPolicy":"Never","activeDeadlineSeconds":1}}}}"#,
        &[
            "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`",
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported",
        ],
    );
    let nothing = [
        "spec.selector: Required value",
        "spec.template: Required value",
    ];
    CONTROLLER.created(r#"{"spec":{"selector":null,"template":null}}"#, &nothing);
    CONTROLLER.updated(
        "{}",
        r#"{"spec":{"selector":null,"template":null}}"#,
        &nothing,
    );
}

#[test]
fn a_controller_counts_no_more_than_there_are() {
    CONTROLLER.updated_in(
        "status",
        "{}",
        r#"{"status":{"replicas":-1,"fullyLabeledReplicas":1,"readyReplicas":1,"availableReplicas":2,"observedGeneration":-1}}"#,
        &[
            "status.replicas: Invalid value: -1: must be greater than or equal to 0",
            "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
            "status.fullyLabeledReplicas: Invalid value: 1: cannot be greater than status.replicas",
            "status.readyReplicas: Invalid value: 1: cannot be greater than status.replicas",
            "status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas",
            "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas",
        ],
    );
}
