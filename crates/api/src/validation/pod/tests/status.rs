//! What may be said of the status of a pod.

use super::POD;

fn status(fields: &str) -> String {
    format!(r#"{{"status":{{{fields}}}}}"#)
}

/// A pod with this spec and this status.
fn both(spec: &str, fields: &str) -> String {
    format!(r#"{{"spec":{{{spec}}},"status":{{{fields}}}}}"#)
}

#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    POD.updated_in("status", old, new, expected);
}

/// What is said of a status that follows none; with `@` for `status`.
#[track_caller]
fn first(spec: &str, fields: &str, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|it| it.replacen('@', "status", 1))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&both(spec, ""), &both(spec, fields), &expected);
}

#[test]
fn conditions_and_generations_are_well_formed() {
    first(
        "",
        r#""observedGeneration":-1,"conditions":[{"type":"Ready","status":"True"},{"type":"a b","status":"True","observedGeneration":-1}]"#,
        &[
            "@.conditions[1].observedGeneration: Invalid value: -1: must be a non-negative integer",
            "@.conditions[1].Type: Invalid value: \"a b\": name part must consist",
            "@.observedGeneration: Invalid value: -1: must be a non-negative integer",
        ],
    );
    check(
        &status(r#""qosClass":"Burstable""#),
        &status(r#""qosClass":"Guaranteed""#),
        &["status.qosClass: Invalid value: \"Guaranteed\": field is immutable"],
    );
}

#[test]
fn a_node_is_nominated_for_a_pod_that_has_none() {
    first(
        "",
        r#""nominatedNodeName":"A""#,
        &["@.nominatedNodeName: Invalid value: \"A\": a lowercase RFC 1123 subdomain"],
    );
    first(
        r#""nodeName":"n""#,
        r#""nominatedNodeName":"a""#,
        &[
            "@.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node",
        ],
    );
}

#[test]
fn what_has_ended_begins_again_where_it_is_to() {
    let state = |list: &str, state: &str| {
        format!(
            r#""{list}":[{{"name":"c","ready":false,"restartCount":0,"image":"i","imageID":"x","state":{state}}}]"#
        )
    };
    let ended = |code: i32| format!(r#"{{"terminated":{{"exitCode":{code}}}}}"#);
    let again = r#"{"waiting":{}}"#;
    let may = |spec: &str, list: &str, code: i32, allowed: bool| {
        let said = format!(
            "status.{list}[0].state: Forbidden: may not be transitioned to non-terminated state"
        );
        let said = [said.as_str()];
        check(
            &both(spec, &state(list, &ended(code))),
            &both(spec, &state(list, again)),
            if allowed { &[] } else { &said },
        );
    };
    let main = |policy: &str, fields: &str| {
        format!(r#""restartPolicy":"{policy}","containers":[{{"name":"c","image":"i"{fields}}}]"#)
    };
    let rules = |operator: &str, action: &str| {
        format!(
            r#","restartPolicy":"Never","restartPolicyRules":[{{"action":"{action}","exitCodes":{{"operator":"{operator}","values":[42]}}}}]"#
        )
    };
    for (fields, code, allowed) in [
        (String::new(), 1, false),
        (r#","restartPolicy":"Always""#.to_owned(), 0, true),
        (r#","restartPolicy":"OnFailure""#.to_owned(), 0, false),
        (r#","restartPolicy":"OnFailure""#.to_owned(), 1, true),
        (rules("In", "Restart"), 42, true),
        (rules("In", "Restart"), 1, false),
        (rules("NotIn", "Restart"), 42, false),
        (rules("NotIn", "Restart"), 1, true),
        (rules("In", "RestartAllContainers"), 1, true),
    ] {
        may(&main("Never", &fields), "containerStatuses", code, allowed);
    }
    may(&main("Always", ""), "containerStatuses", 0, true);
    let init = |policy: &str| {
        format!(
            r#""restartPolicy":"{policy}","containers":[{{"name":"m","image":"i"}}],"initContainers":[{{"name":"c","image":"i"}}]"#
        )
    };
    may(&init("Never"), "initContainerStatuses", 1, false);
    may(&init("OnFailure"), "initContainerStatuses", 1, true);
    may("", "ephemeralContainerStatuses", 1, false);
}

#[test]
fn claims_are_those_of_the_spec() {
    let claimed = r#""resourceClaims":[{"name":"x","resourceClaimTemplateName":"t"}]"#;
    first(
        claimed,
        r#""resourceClaimStatuses":[{"name":"x","resourceClaimName":"A"},{"name":"y"},{"name":"x"}]"#,
        &[
            "@.resourceClaimStatuses[0].resourceClaimName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
            "@.resourceClaimStatuses[1].name: Invalid value: \"y\": must match the name of an entry in `spec.resourceClaims`",
            "@.resourceClaimStatuses[2].name: Duplicate value: \"x\"",
        ],
    );
    first(
        claimed,
        r#""resourceClaimStatuses":[{"name":"x","resourceClaimName":"a"}],"nodeAllocatableResourceClaimStatuses":[{"resourceClaimName":"a","containers":["c"],"resources":{"cpu":"1"}},{"resourceClaimName":"b","containers":[],"resources":{}},{"resourceClaimName":"a","containers":["c"],"resources":{"example.com/x":"-1"}}]"#,
        &[
            "@.nodeAllocatableResourceClaimStatuses[1].resourceClaimName: Invalid value: \"b\": no mapping found in pod reference",
            "@.nodeAllocatableResourceClaimStatuses[1].containers: Required value: must not be empty",
            "@.nodeAllocatableResourceClaimStatuses[1].resources: Required value: must not be empty",
            "@.nodeAllocatableResourceClaimStatuses[2].resources[example.com/x]: Invalid value: \"example.com/x\": must be a node allocatable resource name",
            "@.nodeAllocatableResourceClaimStatuses[2].resources[example.com/x]: Invalid value: \"-1\": must be non-negative",
        ],
    );
    first(
        claimed,
        r#""nodeAllocatableResourceClaimStatuses":[{"resourceClaimName":"","containers":["c"],"resources":{"cpu":"1"}}]"#,
        &[
            "@.nodeAllocatableResourceClaimStatuses[0].resourceClaimName: Required value: must not be empty",
            "@.nodeAllocatableResourceClaimStatuses[0].resourceClaimName: Invalid value: \"\": no mapping found in pod reference",
        ],
    );
    let extended = |claim: &str, mappings: &str| {
        format!(
            r#""extendedResourceClaimStatus":{{"resourceClaimName":"{claim}","requestMappings":[{mappings}]}}"#
        )
    };
    let asks = r#""containers":[{"name":"c","image":"i","resources":{"requests":{"example.com/x":"1"},"limits":{"example.com/x":"1"}}}]"#;
    let good = r#"{"containerName":"c","resourceName":"example.com/x","requestName":"r"}"#;
    first(asks, &extended("a", good), &[]);
    first(
        asks,
        &extended("", ""),
        &[
            "@.extendedResourceClaimStatus.requestMappings: Required value: at least one request mapping is required",
            "@.extendedResourceClaimStatus.resourceClaimName: Required value",
        ],
    );
    first(
        asks,
        &extended(
            "A",
            &format!(
                r#"{good},{good},{{"containerName":"d","resourceName":"example.com/x","requestName":"r"}},{{"containerName":"c","resourceName":"cpu","requestName":"R"}}"#
            ),
        ),
        &[
            "@.extendedResourceClaimStatus.requestMappings[1].containerName: Duplicate value: \"c\"",
            "@.extendedResourceClaimStatus.requestMappings[1].resourceName: Duplicate value: \"example.com/x\"",
            "@.extendedResourceClaimStatus.requestMappings[1].requestName: Duplicate value: \"r\"",
            "@.extendedResourceClaimStatus.requestMappings[2].containerName: Invalid value: \"d\": must match the name of an entry",
            "@.extendedResourceClaimStatus.requestMappings[3].resourceName: Invalid value: \"cpu\": must match the extended resource name",
            "@.extendedResourceClaimStatus.requestName: Invalid value: \"R\": a lowercase RFC 1123 label",
            "@.extendedResourceClaimStatus.resourceClaimName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
        ],
    );
}

#[test]
fn addresses_are_one_of_each_family() {
    first(
        "",
        r#""podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"},{"ip":"::1"}]"#,
        &[],
    );
    first(
        "",
        r#""podIPs":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}],"hostIP":"10.0.0.3","hostIPs":[{"ip":"10.0.0.4"}]"#,
        &[
            "@.podIPs: Invalid value: [{\"IP\":\"10.0.0.1\"},{\"IP\":\"10.0.0.2\"}]: may specify no more than one IP for each IP family",
            "@.hostIPs[0].ip: Invalid value: \"10.0.0.4\": must be equal to `hostIP`",
        ],
    );
    first(
        "",
        r#""podIPs":[{"ip":"x"},{"ip":"::1"}]"#,
        &[
            "@.podIPs[0]: Invalid value: \"x\": must be a valid IP address",
            "@.podIPs: Internal error: failed to check for dual stack with error:invalid IP[0]: <nil>",
            "@.podIPs: Invalid value: ",
        ],
    );
}

#[test]
fn containers_have_users_and_resources_they_asked_for() {
    let of = |list: &str, fields: &str| {
        format!(
            r#""{list}":[{{"name":"c","ready":false,"restartCount":0,"image":"i","imageID":"x",{fields}}}]"#
        )
    };
    let user = of(
        "containerStatuses",
        r#""user":{"linux":{"uid":-1,"gid":-1,"supplementalGroups":[1,-1]}}"#,
    );
    first(
        "",
        &user,
        &[
            "@.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between",
            "@.containerStatuses[0].user.linux.gid: Invalid value: -1: must be between",
            "@.containerStatuses[0].user.linux.supplementalGroups[1]: Invalid value: -1: must be between",
        ],
    );
    first(
        r#""os":{"name":"windows"}"#,
        &user,
        &["@.containerStatuses[0].user.linux: Forbidden: cannot be set for a windows pod"],
    );
    let asks = r#""resourceClaims":[{"name":"x","resourceClaimName":"x"},{"name":"y","resourceClaimName":"y"}],"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"},"claims":[{"name":"x"},{"name":"y","request":"r"}]}}]"#;
    let named = |names: &[&str]| {
        let list: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"name":"{name}"}}"#))
            .collect();
        of(
            "containerStatuses",
            &format!(r#""allocatedResourcesStatus":[{}]"#, list.join(",")),
        )
    };
    first(asks, &named(&["cpu", "claim:x", "claim:y/r"]), &[]);
    first(
        asks,
        &named(&["memory", "claim:y", "claim:x/r"]),
        &[
            "@.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: \"memory\": must match one of the container's resource requests",
            "@.containerStatuses[0].allocatedResourcesStatus[1].name: Invalid value: \"claim:y\": must match one of the container's resource claims",
            "@.containerStatuses[0].allocatedResourcesStatus[2].name: Invalid value: \"claim:x/r\": must match one of the container's resource claims",
        ],
    );
    let health = |list: &str, states: &str| {
        of(
            list,
            &format!(r#""allocatedResourcesStatus":[{{"name":"cpu","resources":[{states}]}}]"#),
        )
    };
    first(
        asks,
        &health(
            "containerStatuses",
            &format!(
                r#"{{"resourceID":"a","health":"Healthy","message":"m"}},{{"resourceID":"a","health":"x","message":""}},{{"resourceID":"b","health":"Unknown","message":"{}"}}"#,
                "x".repeat(1025)
            ),
        ),
        &[
            "@.containerStatuses[0].allocatedResourcesStatus[0].resources[1].health: Unsupported value: \"x\": supported values: \"Healthy\", \"Unhealthy\", \"Unknown\"",
            "@.containerStatuses[0].allocatedResourcesStatus[0].resources[1].message: Required value: must be non-empty if specified",
            "@.containerStatuses[0].allocatedResourcesStatus[0].resources[1].resourceID: Duplicate value: \"a\"",
            "@.containerStatuses[0].allocatedResourcesStatus[0].resources[2].message: Too long: may not be more than 1024 bytes",
        ],
    );
    first(
        asks,
        &health(
            "ephemeralContainerStatuses",
            r#"{"resourceID":"a","health":"Healthy"}"#,
        ),
        &[
            "@.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in container status",
        ],
    );
}
