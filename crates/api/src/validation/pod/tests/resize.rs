//! What may change in the resources of a pod that runs.

use super::POD;

/// A pod with fields of its spec besides those of the pod that nothing is wrong with.
fn pod(fields: &str) -> String {
    super::spec(fields)
}

/// A pod whose container has these resources and these fields.
fn with(resources: &str, fields: &str) -> String {
    pod(&format!(
        r#""containers":[{{"name":"c","image":"i","resources":{resources}{fields}}}]"#
    ))
}

fn status(json: &str) -> String {
    format!(r#"{{"status":{json}}}"#)
}

#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    POD.updated_in("resize", old, new, expected);
}

#[test]
fn processors_and_memory_of_containers_change() {
    let old = r#"{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"2"}}"#;
    let amounts = |json: &str| with(json, "");
    let old = amounts(old);
    check(
        &old,
        &amounts(r#"{"requests":{"cpu":"2","memory":"2Gi"},"limits":{"cpu":"3"}}"#),
        &[],
    );
    check(
        &old,
        &amounts(r#"{"requests":{"memory":"1Gi"},"limits":{}}"#),
        &[
            "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
            "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
        ],
    );
    check(
        &old,
        &amounts(
            r#"{"requests":{"cpu":"1","memory":"1Gi","ephemeral-storage":"1"},"limits":{"cpu":"2"}}"#,
        ),
        &["spec: Forbidden: only cpu and memory resources are mutable"],
    );
    let elsewhere = with(
        r#"{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"2"}}"#,
        "",
    )
    .replace(r#""spec":{"#, r#""spec":{"hostname":"h","#);
    check(
        &old,
        &elsewhere,
        &["spec: Forbidden: only cpu and memory resources are mutable"],
    );
    check(
        &amounts(r#"{"requests":{"cpu":"1"}}"#),
        &amounts(r#"{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"1","memory":"1Gi"}}"#),
        &["spec: Invalid value: \"\": Pod QOS Class may not change as a result of resizing"],
    );
}

#[test]
fn some_pods_are_not_resized() {
    let mirror = r#"{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n"}}"#;
    check(
        mirror,
        mirror,
        &["[]: Forbidden: static pods cannot be resized"],
    );
    let windows = pod(r#""os":{"name":"windows"}"#);
    check(
        &windows,
        &windows,
        &["[]: Forbidden: windows pods cannot be resized"],
    );
    let running = |resources: &str| {
        status(&format!(
            r#"{{"containerStatuses":[{{"name":"c","ready":true,"restartCount":0,"image":"i","imageID":"x","state":{{"running":{{}}}}{resources}}}]}}"#
        ))
    };
    let old = running("");
    check(
        &old,
        &old,
        &["spec: Forbidden: Pod running on node without support for resize"],
    );
    let able = running(r#","resources":{}"#);
    check(&able, &able, &[]);
    let claimed = status(
        r#"{"nodeAllocatableResourceClaimStatuses":[{"resourceClaimName":"x","containers":["c"],"resources":{"cpu":"1"}}]}"#,
    );
    check(
        &claimed,
        &claimed,
        &["spec: Forbidden: pods with node allocatable resource claims cannot be resized"],
    );
}

#[test]
fn containers_stay_in_order() {
    let named = |field: &str, names: &[&str]| {
        let list: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"name":"{name}","image":"i"}}"#))
            .collect();
        pod(&format!(r#""{field}":[{}]"#, list.join(",")))
    };
    for field in ["containers", "initContainers"] {
        let old = named(field, &["x", "y"]);
        let said =
            format!("spec.{field}: Forbidden: {field} may not be added or removed on resize");
        check(&old, &named(field, &["x"]), &[&said]);
        let said = |at: usize| {
            format!(
                "spec.{field}[{at}].name: Forbidden: {field} may not be renamed or reordered on resize"
            )
        };
        let (first, second) = (said(0), said(1));
        check(&old, &named(field, &["y", "x"]), &[&first, &second]);
    }
}

#[test]
fn pods_as_a_whole_change_like_containers() {
    let old = pod(r#""resources":{"requests":{"cpu":"1"},"limits":{"cpu":"1"}}"#);
    check(
        &old,
        &pod(r#""resources":{"requests":{"cpu":"2"},"limits":{"cpu":"2"}}"#),
        &[],
    );
    check(
        &old,
        &pod(r#""resources":{"requests":{"memory":"1Gi"}}"#),
        &[
            "spec.resources.requests: Forbidden: pod-level resource requests cannot be removed",
            "spec.resources.limits: Forbidden: pod-level resource limits cannot be removed",
        ],
    );
    check(
        &old,
        &pod(r#""resources":{"requests":{"cpu":"1"},"limits":{"cpu":"1","hugepages-2Mi":"2Mi"}}"#),
        &["spec: Forbidden: only cpu and memory resources are mutable at pod-level"],
    );
    check(
        &old,
        "{}",
        &[
            "spec: Invalid value: \"\": Pod QOS Class may not change as a result of resizing",
            "spec.resources: Forbidden: pod-level resources cannot be removed",
        ],
    );
}

#[test]
fn init_containers_change_when_they_stay() {
    let init = |fields: &str| {
        pod(&format!(
            r#""initContainers":[{{"name":"d","image":"i",{fields}}}]"#
        ))
    };
    let amounts = |requests: &str, more: &str| {
        init(&format!(
            r#""resources":{{"requests":{{{requests}}}}}{more}"#
        ))
    };
    let (less, much) = (r#""cpu":"1""#, r#""cpu":"2""#);
    check(&amounts(less, ""), &amounts(much, ""), &[]);
    let other = format!(r#"{less},"ephemeral-storage":"1""#);
    check(
        &amounts(less, ""),
        &amounts(&other, ""),
        &[
            "spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable",
        ],
    );
    let restarted =
        r#","resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]"#;
    check(
        &amounts(less, restarted),
        &amounts(much, restarted),
        &[
            "spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of RestartContainer cannot be resized",
        ],
    );
    let stays = format!(r#"{restarted},"restartPolicy":"Always""#);
    check(&amounts(less, &stays), &amounts(much, &stays), &[]);
}
