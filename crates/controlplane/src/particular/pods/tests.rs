//! What is said of pods that are odd.

use pintle_api::core::v1::Pod;
use pintle_runtime::codec::{Problems, json};

use super::of_pod;

#[track_caller]
fn check_pod(pod: &str, expected: &[&str]) {
    let ty = pintle_api::type_by_kind("", "v1", "Pod").expect("a kind");
    let body = bytes::Bytes::from(pod.to_owned());
    let record = json::decode(&ty, &body, &mut Problems::ignored()).expect("a pod");
    let pod = Pod::from_record(&record);
    assert_eq!(of_pod(pod.metadata(), pod.spec()), expected);
}

/// What is said of a pod with these fields of its spec.
#[track_caller]
fn check(spec: &str, expected: &[&str]) {
    check_pod(&format!(r#"{{"spec":{{{spec}}}}}"#), expected);
}

/// What is said of a pod whose container has these fields.
#[track_caller]
fn check_container(fields: &str, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|it| it.replace('@', "spec.containers[0]"))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(
        &format!(r#""containers":[{{"name":"c",{fields}}}]"#),
        &expected,
    );
}

#[test]
fn labels_of_old_are_told() {
    const OLD: &str = r#""beta.kubernetes.io/arch""#;
    let term = format!(r#"{{"matchExpressions":[{{"key":{OLD},"values":["a b"]}}]}}"#);
    let odd = r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#;
    let at = "spec.affinity.nodeAffinity";
    let preferred = format!(
        "{at}.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0]"
    );
    check(
        &format!(
            r#""nodeSelector":{{{OLD}:"x"}},"affinity":{{"nodeAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":{{"nodeSelectorTerms":[{term}]}},"preferredDuringSchedulingIgnoredDuringExecution":[{{"preference":{term}}}]}}}},"topologySpreadConstraints":[{{"topologyKey":{OLD}}}]"#
        ),
        &[
            &format!("spec.nodeSelector[beta.kubernetes.io/arch]: {odd}"),
            &format!(
                "{at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/arch is {odd}"
            ),
            &format!("{preferred}.key: beta.kubernetes.io/arch is {odd}"),
            &format!(
                "{preferred}.values[0]: a b is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ),
            &format!(
                "spec.topologySpreadConstraints[0].topologyKey: beta.kubernetes.io/arch is {odd}"
            ),
            "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
        ],
    );
    let none = "labelSelector: a null labelSelector results in matching no pod";
    for kind in ["podAffinity", "podAntiAffinity"] {
        let at = format!("spec.affinity.{kind}");
        check(
            &format!(
                r#""affinity":{{"{kind}":{{"requiredDuringSchedulingIgnoredDuringExecution":[{{}}],"preferredDuringSchedulingIgnoredDuringExecution":[{{}}]}}}}"#
            ),
            &[
                &format!("{at}.requiredDuringSchedulingIgnoredDuringExecution[0].{none}"),
                &format!(
                    "{at}.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.{none}"
                ),
            ],
        );
    }
}

#[test]
fn annotations_of_old_are_told() {
    let check = |key: &str, expected: &[&str]| {
        let pod = format!(
            r#"{{"metadata":{{"annotations":{{"{key}":"x"}}}},"spec":{{"containers":[{{"name":"c"}}]}}}}"#
        );
        let expected: Vec<String> = expected
            .iter()
            .map(|it| format!("metadata.annotations[{key}]: {it}"))
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check_pod(&pod, &expected);
    };
    let sysctls = r#"non-functional in v1.11+; use the "sysctls" field instead"#;
    let seccomp = r#"non-functional in v1.27+; use the "seccompProfile" field instead"#;
    check(
        "scheduler.alpha.kubernetes.io/critical-pod",
        &[r#"non-functional in v1.16+; use the "priorityClassName" field instead"#],
    );
    check("security.alpha.kubernetes.io/sysctls", &[sysctls]);
    check("security.alpha.kubernetes.io/unsafe-sysctls", &[sysctls]);
    check("seccomp.security.alpha.kubernetes.io/pod", &[seccomp]);
    check(
        "container.seccomp.security.alpha.kubernetes.io/c",
        &[seccomp],
    );
    // Of AppArmor only templates are told: a pod's annotations are made from its fields.
    check("container.apparmor.security.beta.kubernetes.io/c", &[]);
}

#[test]
fn sources_of_old_are_told() {
    for (source, what) in [
        (
            "photonPersistentDisk",
            "deprecated in v1.11, non-functional in v1.16+",
        ),
        (
            "gitRepo",
            "deprecated in v1.11, and disabled by default in v1.33+",
        ),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ] {
        let name = if source == "storageos" {
            "storageOS"
        } else {
            source
        };
        check(
            &format!(r#""volumes":[{{"name":"v","{source}":{{}}}}]"#),
            &[&format!("spec.volumes[0].{name}: {what}")],
        );
    }
}

#[test]
fn half_a_byte_is_told() {
    let odd = r#"fractional byte value "1500m" is invalid, must be an integer"#;
    let amounts = r#""requests":{"storage":"1500m"},"limits":{"storage":"1500m"}"#;
    let at = "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources";
    check(
        &format!(
            r#""volumes":[{{"name":"v","ephemeral":{{"volumeClaimTemplate":{{"spec":{{"resources":{{{amounts}}}}}}}}}}}]"#
        ),
        &[
            &format!("{at}.requests[storage]: {odd}"),
            &format!("{at}.limits[storage]: {odd}"),
        ],
    );
    check(
        r#""overhead":{"memory":"1500m","cpu":"1500m"}"#,
        &[&format!("spec.overhead[memory]: {odd}")],
    );
    let amounts = r#"{"memory":"1500m","ephemeral-storage":"1500m"}"#;
    check_container(
        &format!(r#""resources":{{"limits":{amounts},"requests":{amounts}}}"#),
        &[
            &format!("@.resources.limits[memory]: {odd}"),
            &format!("@.resources.requests[memory]: {odd}"),
            &format!("@.resources.limits[ephemeral-storage]: {odd}"),
            &format!("@.resources.requests[ephemeral-storage]: {odd}"),
        ],
    );
}

#[test]
fn what_is_there_twice_is_told() {
    check(
        r#""hostAliases":[{"ip":"10.0.0.1"},{"ip":"10.0.0.1"}],"imagePullSecrets":[{"name":"a"},{"name":"a"},{}],"terminationGracePeriodSeconds":-1"#,
        &[
            "spec.hostAliases[1].ip: duplicate ip \"10.0.0.1\"",
            "spec.imagePullSecrets[1].name: duplicate name \"a\"",
            "spec.imagePullSecrets[2].name: invalid empty name \"\"",
            "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
        ],
    );
    let hidden = |at: usize| {
        format!(
            "@.env[{at}]: hides previous definition of \"a\", which may be dropped when using apply"
        )
    };
    check_container(
        r#""env":[{"name":"a","value":"x"},{"name":"a","value":"$(a)y"},{"name":"a","value":"$(a)"},{"name":"a","valueFrom":{}}]"#,
        &[&hidden(2), &hidden(3)],
    );
    let ports = |ports: &str, what: &str| {
        check_container(
            &format!(r#""ports":[{ports}]"#),
            &[&format!(
                "@.ports[1]: {what} port definition with @.ports[0]"
            )],
        );
    };
    ports(r#"{"containerPort":1},{"containerPort":1}"#, "duplicate");
    ports(
        r#"{"containerPort":1},{"containerPort":1,"hostPort":2}"#,
        "overlapping",
    );
    ports(
        r#"{"containerPort":1,"hostPort":2},{"containerPort":1,"hostPort":2,"hostIP":"10.0.0.1"}"#,
        "dangerously ambiguous",
    );
    check_container(
        r#""ports":[{"containerPort":1,"hostPort":2},{"containerPort":1,"hostPort":3},{"containerPort":4,"hostIP":"10.0.0.1","protocol":"TCP"}]"#,
        &[
            "@.ports[2]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:4 Protocol:TCP HostIP:10.0.0.1}",
        ],
    );
}
