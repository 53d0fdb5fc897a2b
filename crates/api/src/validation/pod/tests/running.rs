//! What containers ask for, and how they begin, are looked at and end.

use super::{POD, check_each, container, spec};

/// A container that asks for this.
fn wants(fields: &str) -> String {
    container(&format!(r#""resources":{{{fields}}}"#))
}

#[test]
fn resources_have_known_names_and_whole_pages() {
    // What is limited is asked for as well, if nothing else is.
    let check = |name: &str, amount: &str, said: &str| {
        let at = |field: &str| {
            format!("spec.containers[0].resources.{field}[{name}]: Invalid value: {said}")
        };
        POD.created(
            &wants(&format!(r#""limits":{{"cpu":"1","{name}":"{amount}"}}"#)),
            &[&at("limits"), &at("requests")],
        );
    };
    for name in ["hugepages-2Mi", "hugepages-x"] {
        let said = format!("\"3Mi\": 3Mi is not positive integer multiple of {name}");
        check(name, "3Mi", &said);
    }
    let odd = "doesn't follow extended resource name standard";
    let name = "requests.example.com/x";
    check(name, "1", &format!("\"{name}\": {odd}"));
    let said = |field: &str, why: &str| {
        format!("spec.containers[0].resources.{field}[a b/c]: Invalid value: \"a b/c\": {why}")
    };
    POD.created(
        &wants(r#""limits":{"a b/c":"1"}"#),
        &[
            &said("limits", "prefix part"),
            &said("limits", odd),
            &said("requests", "prefix part"),
            &said("requests", odd),
        ],
    );
    POD.created(
        &wants(r#""limits":{"example.com/x":"2"},"requests":{"example.com/x":"1"}"#),
        &["spec.containers[0].resources.requests: Invalid value: \"1\": must be equal to example.com/x limit of 2"],
    );
    let parted = wants(r#""limits":{"cpu":"1","hugepages-2Mi":"3Mi"}"#);
    POD.updated(&parted, &parted, &[]);
}

#[test]
fn claims_are_named_once() {
    let claims = |names: &str| {
        spec(&format!(
            r#""resourceClaims":[{{"name":"x","resourceClaimName":"x"}},{{"name":"y","resourceClaimName":"y"}}],"containers":[{{"name":"c","image":"i","resources":{{"claims":[{names}]}}}}]"#
        ))
    };
    let at = "spec.containers[0].resources.claims";
    let check = |names: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|it| format!("{at}{it}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        POD.created(&claims(names), &expected);
    };
    check(
        r#"{"name":"x","request":"a"},{"name":"x","request":"b"},{"name":"y"}"#,
        &[],
    );
    check(r#"{"name":""}"#, &["[0]: Required value"]);
    check(
        r#"{"name":"x"},{"name":"x"}"#,
        &["[1]: Duplicate value: \"x\""],
    );
    check(
        r#"{"name":"x","request":"a"},{"name":"x","request":"a"}"#,
        &["[1]: Duplicate value: \"x/a\""],
    );
    check(
        r#"{"name":"x","request":"a"},{"name":"x"}"#,
        &["[1]: Duplicate value: \"x\""],
    );
    check(
        r#"{"name":"x","request":"A"}"#,
        &["[0].request: Invalid value: \"A\": a lowercase RFC 1123 label"],
    );
    check(
        r#"{"name":"z"}"#,
        &["[0]: Not found: \"z\": must be one of the names in pod.spec.resourceClaims: x, y"],
    );
}

#[test]
fn a_pod_holds_what_its_containers_ask_for() {
    let pod = |resources: &str, containers: &str| {
        spec(&format!(r#"{resources},"containers":[{containers}]"#))
    };
    let asks = |name: &str, resources: &str| {
        format!(r#"{{"name":"{name}","image":"i","resources":{{{resources}}}}}"#)
    };
    let two = format!(
        "{},{}",
        asks(
            "c",
            r#""requests":{"cpu":"1"},"limits":{"cpu":"3","hugepages-2Mi":"2Mi"}"#
        ),
        asks(
            "d",
            r#""requests":{"cpu":"1"},"limits":{"cpu":"1","hugepages-2Mi":"2Mi"}"#
        ),
    );
    POD.created(
        &pod(
            r#""resources":{"requests":{"cpu":"2","hugepages-2Mi":"4Mi"},"limits":{"cpu":"3","hugepages-2Mi":"4Mi"}}"#,
            &two,
        ),
        &[],
    );
    POD.created(
        &pod(
            r#""resources":{"requests":{"cpu":"1","hugepages-2Mi":"2Mi"},"limits":{"cpu":"2","hugepages-2Mi":"2Mi"}}"#,
            &two,
        ),
        &[
            "spec.resources.requests[cpu]: Invalid value: \"1\": must be greater than or equal to aggregate container requests of 2",
            "spec.resources.requests[hugepages-2Mi]: Invalid value: \"2Mi\": must be greater than or equal to aggregate container requests of 4Mi",
            "spec.resources.limits[hugepages-2Mi]: Invalid value: \"2Mi\": must be greater than or equal to aggregate container limits of 4Mi",
            "spec.resources.containers[0][cpu].limits: Invalid value: \"3\": must be less than or equal to pod limits of 2",
        ],
    );
    // Containers that stay count beside those that come first one by one.
    let init = |policy: &str| {
        format!(
            r#""resources":{{"requests":{{"cpu":"2"}}}},"initContainers":[{{"name":"a","image":"i","resources":{{"requests":{{"cpu":"2"}}}}{policy}}},{{"name":"b","image":"i","resources":{{"requests":{{"cpu":"1"}}}}}}]"#
        )
    };
    let one = asks("c", r#""requests":{"cpu":"1"}"#);
    POD.created(&pod(&init(""), &one), &[]);
    POD.created(
        &pod(&init(r#","restartPolicy":"Always""#), &one),
        &["spec.resources.requests[cpu]: Invalid value: \"2\": must be greater than or equal to aggregate container requests of 3"],
    );
    POD.created(
        &spec(r#""resources":{"requests":{"ephemeral-storage":"1"},"claims":[]}"#),
        &[
            "spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level",
            "spec.resources.requests[ephemeral-storage]: Unsupported value: \"ephemeral-storage\": supported values: \"cpu\", \"hugepages-\", \"memory\"",
        ],
    );
    POD.created(
        &spec(r#""os":{"name":"windows"},"resources":{"requests":{"cpu":"1"}}"#),
        &["spec.resources: Forbidden: may not be set for a windows pod"],
    );
}

#[test]
fn rules_of_restarts_are_few_and_complete() {
    let rules = |rules: &str| {
        container(&format!(
            r#""restartPolicy":"Never","restartPolicyRules":[{rules}]"#
        ))
    };
    let rule = r#"{"action":"Restart","exitCodes":{"operator":"In","values":[1]}}"#;
    POD.created(&rules(rule), &[]);
    POD.created(
        &rules(&[rule; 21].join(",")),
        &["spec.containers[0].restartPolicyRules: Too many: 21: must have at most 20 items"],
    );
    let values: Vec<String> = (0..256).map(|value| value.to_string()).collect();
    POD.created(
        &rules(&format!(
            r#"{{"action":"x","exitCodes":{{"operator":"y","values":[{}]}}}}"#,
            values.join(",")
        )),
        &[
            "spec.containers[0].restartPolicyRules[0].action: Unsupported value: \"x\": supported values: \"Restart\", \"RestartAllContainers\"",
            "spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: \"y\": supported values: \"In\", \"NotIn\"",
            "spec.containers[0].restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items",
        ],
    );
    let init = |fields: &str| {
        spec(&format!(
            r#""initContainers":[{{"name":"d","image":"i",{fields}}}]"#
        ))
    };
    POD.created(
        &init(&format!(r#""restartPolicyRules":[{rule}]"#)),
        &["spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    );
    let resized =
        init(r#""resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]"#);
    POD.created(
        &resized,
        &["spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": must not be set to 'RestartContainer' for non-sidecar initContainers"],
    );
    POD.updated(&resized, &resized, &[]);
    POD.created(
        &spec(
            r#""restartPolicy":"Never","containers":[{"name":"c","image":"i","resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]}]"#,
        ),
        &["spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'"],
    );
}

#[test]
fn probes_are_of_one_kind_in_full() {
    check_each(
        container,
        "spec.containers[0]",
        &[
            (
                r#""livenessProbe":{"exec":{"command":["a"]},"terminationGracePeriodSeconds":0}"#,
                &[
                    "@.livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
                ],
            ),
            (
                r#""startupProbe":{"grpc":{"port":0},"successThreshold":2}"#,
                &[
                    "@.startupProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    "@.startupProbe.successThreshold: Invalid value: 2: must be 1",
                ],
            ),
            (
                r#""readinessProbe":{"tcpSocket":{"port":70000},"timeoutSeconds":-1,"initialDelaySeconds":-1,"failureThreshold":-1}"#,
                &[
                    "@.readinessProbe.tcpSocket.port: Invalid value: 70000: must be between 1 and 65535, inclusive",
                    "@.readinessProbe.initialDelaySeconds: Invalid value: -1",
                    "@.readinessProbe.timeoutSeconds: Invalid value: -1",
                    "@.readinessProbe.failureThreshold: Invalid value: -1",
                ],
            ),
            (
                r#""livenessProbe":{"exec":{"command":["a"]},"grpc":{"port":1}}"#,
                &["@.livenessProbe.grpc: Forbidden: may not specify more than 1 handler type"],
            ),
            (
                r#""lifecycle":{"postStart":{"httpGet":{"port":1,"path":"/","httpHeaders":[{"name":"a b","value":""}]}}}"#,
                &[
                    "@.lifecycle.postStart.httpGet.httpHeaders: Invalid value: \"a b\": a valid HTTP header",
                ],
            ),
        ],
    );
}

#[test]
fn a_container_that_stays_is_probed() {
    POD.created(
        &spec(
            r#""initContainers":[{"name":"d","image":"i","restartPolicy":"Always","livenessProbe":{}}]"#,
        ),
        &["spec.initContainers[0].livenessProbe: Required value: must specify a handler type"],
    );
    POD.created(
        &spec(r#""containers":[{"name":"","image":"i"},{"name":"A","image":""}]"#),
        &[
            "spec.containers[0].name: Required value",
            "spec.containers[1].name: Invalid value: \"A\": a lowercase RFC 1123 label",
            "spec.containers[1].image: Required value",
        ],
    );
}

#[test]
fn a_debugger_only_looks() {
    let fields = [
        (r#""ports":[{"containerPort":1}]"#, "ports"),
        (
            r#""livenessProbe":{"exec":{"command":["a"]}}"#,
            "livenessProbe",
        ),
        (
            r#""readinessProbe":{"exec":{"command":["a"]}}"#,
            "readinessProbe",
        ),
        (
            r#""startupProbe":{"exec":{"command":["a"]}}"#,
            "startupProbe",
        ),
        (
            r#""lifecycle":{"preStop":{"exec":{"command":["a"]}}}"#,
            "lifecycle",
        ),
        (r#""resources":{"requests":{"cpu":"1"}}"#, "resources"),
        (
            r#""resizePolicy":[{"resourceName":"cpu","restartPolicy":"NotRequired"}]"#,
            "resizePolicy",
        ),
        (
            r#""volumeMounts":[{"name":"v","mountPath":"/a","subPath":"b"}]"#,
            "volumeMounts[0].subPath",
        ),
        (
            r#""volumeMounts":[{"name":"v","mountPath":"/a","subPathExpr":"b"}]"#,
            "volumeMounts[0].subPathExpr",
        ),
    ];
    for (field, refused) in fields {
        let pod = |debuggers: &str| {
            spec(&format!(
                r#""volumes":[{{"name":"v","emptyDir":{{}}}}],"ephemeralContainers":[{debuggers}]"#
            ))
        };
        let new = pod(&format!(r#"{{"name":"d","image":"i",{field}}}"#));
        let said = format!(
            "spec.ephemeralContainers[0].{refused}: Forbidden: cannot be set for an Ephemeral Container"
        );
        POD.updated_in("ephemeralcontainers", &pod(""), &new, &[&said]);
    }
}
