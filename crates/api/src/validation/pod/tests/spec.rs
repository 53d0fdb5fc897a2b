//! The fields of a spec itself.

use super::{POD, check, check_each, spec};

#[test]
fn a_pod_has_containers_with_names_of_their_own() {
    check(r#""containers":[]"#, r#"spec.containers: Required value"#);
    check(
        r#""containers":[{"name":"c","image":"i"},{"name":"c","image":"i"}]"#,
        r#"spec.containers[1].name: Duplicate value: "c""#,
    );
    check(
        r#""containers":[{"name":"C_","image":""}]"#,
        r#"spec.containers[0].name: Invalid value: "C_": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); spec.containers[0].image: Required value"#,
    );
    check(
        r#""initContainers":[{"name":"c","image":"i"}]"#,
        r#"spec.initContainers[0].name: Duplicate value: "c""#,
    );
}

#[test]
fn policies_are_of_those_there_are() {
    check(
        r#""restartPolicy":"Sometimes""#,
        r#"spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never""#,
    );
    check(
        r#""dnsPolicy":"Mine""#,
        r#"spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None""#,
    );
    check(
        r#""dnsPolicy":"None""#,
        r#"spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"#,
    );
    check(
        r#""os":{"name":"plan9"}"#,
        r#"spec.os: Unsupported value: "plan9": supported values: "linux", "windows""#,
    );
    check(r#""os":{"name":""}"#, r#"spec.os.name: Required value"#);
}

#[test]
fn names_in_a_spec_are_names() {
    check(
        r#""nodeName":"A""#,
        r#"spec.nodeName: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
    );
    check(
        r#""hostname":"A.b""#,
        r#"spec.hostname: Invalid value: "A.b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"#,
    );
    check(
        r#""subdomain":"a.b""#,
        r#"spec.subdomain: Invalid value: "a.b": must not contain dots"#,
    );
    check(
        r#""nodeSelector":{"a b":"c d"}"#,
        r#"spec.nodeSelector: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'); spec.nodeSelector: Invalid value: "c d": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"#,
    );
}

#[test]
fn seconds_have_their_bounds() {
    check(
        r#""activeDeadlineSeconds":0"#,
        r#"spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"#,
    );
    check(
        r#""activeDeadlineSeconds":3000000000"#,
        r#"spec.activeDeadlineSeconds: Invalid value: 3000000000: must be between 1 and 2147483647, inclusive"#,
    );
}

#[test]
fn aliases_and_resolvers_are_addresses() {
    check(
        r#""hostAliases":[{"ip":"x","hostnames":["A_"]}]"#,
        r#"spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff); spec.hostAliases[0].hostnames[0]: Invalid value: "A_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
    );
    check(
        r#""dnsConfig":{"nameservers":["x"],"searches":["a b"],"options":[{}]}"#,
        r#"spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff); spec.dnsConfig.searches[0]: Invalid value: "a b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*'); spec.dnsConfig.options[0]: Required value: must not be empty"#,
    );
    check(
        r#""dnsPolicy":"None","dnsConfig":{"nameservers":[]}"#,
        r#"spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None"#,
    );
}

#[test]
fn host_names_are_one_thing_or_another() {
    check(
        r#""hostnameOverride":"a","setHostnameAsFQDN":true"#,
        r#"spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true"#,
    );
    check(
        r#""hostnameOverride":"a","hostNetwork":true"#,
        r#"spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true"#,
    );
    check(
        r#""hostnameOverride":"A_""#,
        r#"spec.hostnameOverride: Invalid value: "A_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
    );
}

#[test]
fn gates_are_qualified_names_and_there_once() {
    check(
        r#""readinessGates":[{"conditionType":"a b"}]"#,
        r#"spec.readinessGates[0].conditionType: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#,
    );
    check(
        r#""schedulingGates":[{"name":"a b"},{"name":"a"},{"name":"a"}]"#,
        r#"spec.schedulingGates[0]: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'); spec.schedulingGates[2]: Duplicate value: "a""#,
    );
    check(
        r#""schedulingGates":[{"name":"a"}],"nodeName":"n""#,
        r#"spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"#,
    );
}

#[test]
fn claims_are_named_and_used() {
    check(
        r#""resourceClaims":[{"name":"A"},{"name":"a"},{"name":"a","resourceClaimName":"x","resourceClaimTemplateName":"y"}]"#,
        r#"spec.resourceClaims[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); spec.resourceClaims[0]: Invalid value: {"Name":"A","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`; spec.resourceClaims[1]: Invalid value: {"Name":"a","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`; spec.resourceClaims[2].name: Duplicate value: "a"; spec.resourceClaims[2]: Invalid value: {"Name":"a","ResourceClaimName":"x","ResourceClaimTemplateName":"y"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","resources":{"claims":[{"name":"x"}]}}]"#,
        r#"spec.containers[0].resources.claims[0]: Not found: "x": must be one of the names in pod.spec.resourceClaims which is empty"#,
    );
}

#[test]
fn a_pod_of_an_operating_system_sets_what_it_has() {
    check(
        r#""os":{"name":"windows"},"securityContext":{"runAsUser":1,"seLinuxOptions":{}}"#,
        r#"spec.securityContext.seLinuxOptions: Forbidden: cannot be set for a windows pod; spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"#,
    );
    check(
        r#""os":{"name":"linux"},"securityContext":{"windowsOptions":{"hostProcess":true}}"#,
        r#"spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers; spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"#,
    );
    check(
        r#""os":{"name":"windows"},"hostPID":true"#,
        r#"spec.hostPID: Forbidden: cannot be set for a windows pod"#,
    );
}

#[test]
fn classes_and_policies_have_names() {
    check_each(
        spec,
        "spec",
        &[
            (
                r#""serviceAccountName":"A","priorityClassName":"B","runtimeClassName":"C","preemptionPolicy":"""#,
                &[
                    "@.serviceAccountName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
                    "@.priorityClassName: Invalid value: \"B\": a lowercase RFC 1123 subdomain",
                    "@.runtimeClassName: Invalid value: \"C\": a lowercase RFC 1123 subdomain",
                    "@.preemptionPolicy: Required value",
                ],
            ),
            (
                r#""preemptionPolicy":"x""#,
                &[
                    "@.preemptionPolicy: Unsupported value: \"x\": supported values: \"PreemptLowerPriority\", \"Never\"",
                ],
            ),
            (
                r#""overhead":{"x":"-1"}"#,
                &[
                    "@.overhead.limits[x]: Invalid value: \"x\": must be a standard resource type or fully qualified",
                    "@.overhead.limits[x]: Invalid value: \"x\": must be a standard resource for containers",
                    "@.overhead.limits[x]: Invalid value: \"-1\": must be greater than or equal to 0",
                ],
            ),
            (
                r#""resourceClaims":[{"name":"","resourceClaimName":"A"}]"#,
                &[
                    "@.resourceClaims[0].name: Required value",
                    "@.resourceClaims[0].resourceClaimName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
                ],
            ),
            (
                r#""schedulingGroup":{}"#,
                &[
                    "@.schedulingGroup.podGroupName: Invalid value: null: must specify one of: `podGroupName`",
                ],
            ),
            (
                r#""schedulingGroup":{"podGroupName":"A"}"#,
                &[
                    "@.schedulingGroup.podGroupName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
                ],
            ),
            (
                r#""volumes":[{"name":"","emptyDir":{}}]"#,
                &["@.volumes[0].name: Required value"],
            ),
            (r#""imagePullSecrets":[{}]"#, &[]),
            (r#""containers":[]"#, &["@.containers: Required value"]),
            (r#""restartPolicy":"""#, &[]),
        ],
    );
    POD.created(
        r#"{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n","resourceClaims":[{"name":"a","resourceClaimName":"a"}]}}"#,
        &["[]: Forbidden: static pods do not support resource claims"],
    );
}

#[test]
fn resolvers_and_host_names_have_their_limits() {
    let list = |count: usize, one: &str| vec![format!("\"{one}\""); count].join(",");
    let config =
        |field: &str, values: &str| spec(&format!(r#""dnsConfig":{{"{field}":[{values}]}}"#));
    POD.created(
        &config("nameservers", &list(4, "1.1.1.1")),
        &["spec.dnsConfig.nameservers: Invalid value: [\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\"]: must not have more than 3 nameservers"],
    );
    let searches = "spec.dnsConfig.searches: Invalid value: ";
    POD.created(&config("searches", &list(33, "a")), &[searches]);
    let long = vec!["a".repeat(60); 4].join(".");
    POD.created(&config("searches", &list(9, &long)), &[searches]);
    POD.created(
        &spec(&format!(r#""hostnameOverride":"{}""#, "a".repeat(65))),
        &["spec.hostnameOverride: Too long: may not be more than 64 bytes"],
    );
    POD.created(
        &spec(r#""automountServiceAccountToken":true,"volumes":[{"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"p"}}]}}]"#),
        &["spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set"],
    );
}
