//! Every rule of autoscalers is broken once.

use crate::validation::check::Good;

const AUTOSCALER: Good = Good {
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    object: r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"maxReplicas":3}}"#,
};

fn metric(json: &str) -> String {
    format!(r#"{{"spec":{{"metrics":[{json}]}}}}"#)
}

#[test]
fn an_autoscaler_has_bounds_and_a_target() {
    AUTOSCALER.created("{}", &[]);
    AUTOSCALER.created(
        r#"{"spec":{"minReplicas":0,"maxReplicas":-1,"scaleTargetRef":{"kind":"","name":"a/b"}}}"#,
        &[
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
            "spec.maxReplicas: Invalid value: -1: must be greater than or equal to 1",
            "spec.maxReplicas: Invalid value: -1: must be greater than or equal to `minReplicas`",
            "spec.scaleTargetRef.kind: Required value",
            "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
            "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
        ],
    );
    AUTOSCALER.created(
        r#"{"spec":{"maxReplicas":0}}"#,
        &[
            "spec.maxReplicas: Required value: must be set and greater than 0",
            "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
        ],
    );
    AUTOSCALER.updated_in(
        "status",
        "{}",
        r#"{"status":{"currentReplicas":-1,"desiredReplicas":-1}}"#,
        &[
            "status.currentReplicas: Invalid value: -1",
            "status.desiredReplicas: Invalid value: -1",
        ],
    );
}

#[test]
fn what_was_scaled_to_nothing_may_stay_so() {
    let nothing = r#"{"spec":{"minReplicas":0,"metrics":[{"type":"External","external":{"metric":{"name":"m"},"target":{"type":"Value","value":"1"}}}]}}"#;
    AUTOSCALER.updated(nothing, nothing, &[]);
    AUTOSCALER.updated(
        "{}",
        nothing,
        &["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
    );
}

#[test]
fn a_metric_has_the_source_of_its_type() {
    AUTOSCALER.created(
        &metric(r#"{"type":""}"#),
        &[
            "spec.metrics[0].type: Required value: must specify a metric source type",
            "spec.metrics[0].type: Unsupported value: \"\": supported values: \"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\"",
            "spec.metrics[0].type: Unsupported value: \"\"",
        ],
    );
    AUTOSCALER.created(
        &metric(r#"{"type":"Pods","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":1}}}"#),
        &["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
    );
    AUTOSCALER.created(
        &metric(
            r#"{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":1}},"pods":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"1"}}}"#,
        ),
        &["spec.metrics[0].pods: Forbidden: must populate the given metric source only"],
    );
}

#[test]
fn every_source_has_a_target_of_its_own() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#"{"type":"Object","object":{"describedObject":{"kind":"K","name":""},"metric":{"name":""},"target":{"type":"Odd"}}}"#,
            &[
                "spec.metrics[0].object.describedObject.name: Required value",
                "spec.metrics[0].object.metric.name: Required value: must specify a metric name",
                "spec.metrics[0].object.target.type: Invalid value: \"Odd\": must be either Utilization, Value, or AverageValue",
                "spec.metrics[0].object.target.averageValue: Required value: must set either a target value or averageValue",
            ],
        ),
        (
            r#"{"type":"External","external":{"metric":{"name":"a/b"},"target":{"type":"","value":"0","averageValue":"-1"}}}"#,
            &[
                "spec.metrics[0].external.metric.name: Invalid value: \"a/b\"",
                "spec.metrics[0].external.target.type: Required value: must specify a metric target type",
                "spec.metrics[0].external.target.type: Invalid value: \"\"",
                "spec.metrics[0].external.target.value: Invalid value: \"0\": must be positive",
                "spec.metrics[0].external.target.averageValue: Invalid value: \"-1\": must be positive",
                "spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target",
            ],
        ),
        (
            r#"{"type":"External","external":{"metric":{"name":"m"},"target":{"type":"Value"}}}"#,
            &[
                "spec.metrics[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target",
            ],
        ),
        (
            r#"{"type":"Pods","pods":{"metric":{"name":"m"},"target":{"type":"Value","value":"1"}}}"#,
            &[
                "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue",
            ],
        ),
        (
            r#"{"type":"Resource","resource":{"name":"","target":{"type":"Utilization"}}}"#,
            &[
                "spec.metrics[0].resource.name: Required value: must specify a resource name",
                "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
            ],
        ),
        (
            r#"{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":0,"averageValue":"1"}}}"#,
            &[
                "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
                "spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
            ],
        ),
        (
            r#"{"type":"ContainerResource","containerResource":{"name":"magic","container":"A","target":{"type":"Utilization","averageUtilization":1}}}"#,
            &[
                "spec.metrics[0].containerResource.name: Invalid value: \"magic\": must be a standard resource type or fully qualified",
                "spec.metrics[0].containerResource.name: Invalid value: \"magic\": must be a standard resource for containers",
                "spec.metrics[0].containerResource.container: Invalid value: \"A\"",
            ],
        ),
        (
            r#"{"type":"ContainerResource","containerResource":{"name":"","container":"","target":{"type":"Utilization","averageUtilization":1}}}"#,
            &[
                "spec.metrics[0].containerResource.name: Required value",
                "spec.metrics[0].containerResource.container: Required value: must specify a container",
            ],
        ),
    ];
    for (json, expected) in cases {
        AUTOSCALER.created(&metric(json), expected);
    }
}

#[test]
fn rules_of_behaviour_have_limits() {
    AUTOSCALER.created(
        r#"{"spec":{"behavior":{"scaleUp":{"stabilizationWindowSeconds":-1,"selectPolicy":"Odd","policies":[],"tolerance":"-1"},"scaleDown":{"stabilizationWindowSeconds":3601,"policies":[{"type":"Odd","value":0,"periodSeconds":0},{"type":"Pods","value":1,"periodSeconds":1801}]}}}}"#,
        &[
            "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero",
            "spec.behavior.scaleUp.selectPolicy: Unsupported value: \"Odd\": supported values: \"Disabled\", \"Max\", \"Min\"",
            "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy",
            "spec.behavior.scaleUp.tolerance: Invalid value: \"-1\": must be greater than or equal to 0",
            "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
            "spec.behavior.scaleDown.policies[0].type: Unsupported value: \"Odd\": supported values: \"Percent\", \"Pods\"",
            "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
            "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 0: must be greater than zero",
            "spec.behavior.scaleDown.policies[1].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
        ],
    );
}

#[test]
fn a_target_is_of_a_group() {
    let target = |version: &str, kind: &str| {
        format!(r#"{{"spec":{{"scaleTargetRef":{{"apiVersion":"{version}","kind":"{kind}"}}}}}}"#)
    };
    let ungrouped = |version: &str| {
        format!(
            "spec.scaleTargetRef.apiVersion: Invalid value: \"{version}\": apiVersion must specify API group"
        )
    };
    AUTOSCALER.created(&target("", "Deployment"), &[&ungrouped("")]);
    AUTOSCALER.created(&target("v1", "Deployment"), &[&ungrouped("v1")]);
    AUTOSCALER.created(&target("v1", "ReplicationController"), &[]);
    let odd = "spec.scaleTargetRef.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c";
    AUTOSCALER.created(&target("a/b/c", "ReplicationController"), &[odd]);
    // What stays is not looked at.
    AUTOSCALER.updated(&target("v1", "Odd"), &target("v1", "Odd"), &[]);
    AUTOSCALER.updated(
        &target("v1", "Odd"),
        &target("v2", "Odd"),
        &[&ungrouped("v2")],
    );
    let object = r#"{"spec":{"metrics":[{"type":"Object","object":{"metric":{"name":"m"},"target":{"type":"Value","value":"1"},"describedObject":{"apiVersion":"a/b/c","kind":"K","name":"n"}}}]}}"#;
    let odd = "spec.metrics[0].object.describedObject.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c";
    AUTOSCALER.created(object, &[odd]);
    AUTOSCALER.updated(object, object, &[]);
}
