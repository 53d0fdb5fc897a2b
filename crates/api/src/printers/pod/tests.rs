use crate::printers::conditions;
use crate::printers::tests::{check, decode};

/// A pod with two containers, from its metadata, further spec and status; `expected` are ready,
/// status and restarts.
#[track_caller]
fn check_pod(meta: &str, spec: &str, status: &str, expected: [&str; 3]) {
    let [ready, reason, restarts] = expected;
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"{meta}}},
            "spec":{{"containers":[{{"name":"c1"}},{{"name":"c2"}}]{spec}}},"status":{{{status}}}}}"#
        ),
        &format!(
            r#"["a","{ready}","{reason}","{restarts}","<unknown>","<none>","<none>","<none>","<none>"]"#
        ),
    );
}

const DELETED: &str = r#","deletionTimestamp":"2025-12-31T23:59:00Z""#;
const INIT: &str =
    r#","initContainers":[{"name":"i1"},{"name":"s1","restartPolicy":"Always"},{"name":"i2"}]"#;

#[test]
fn a_new_pod_is_pending() {
    check(
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"aaa","creationTimestamp":"2025-12-31T23:55:00Z"},
        "spec":{"containers":[{"name":"app","image":"registry.example/app:1"}]},"status":{"phase":"Pending"}}"#,
        r#"["aaa","0/1","Pending","0","5m","<none>","<none>","<none>","<none>"]"#,
    );
}

#[test]
fn the_reason_of_the_pod_counts_more_than_its_phase() {
    check_pod(
        "",
        "",
        r#""phase":"Failed","reason":"Evicted""#,
        ["0/2", "Evicted", "0"],
    );
    let gated = r#""phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]"#;
    check_pod("", "", gated, ["0/2", "SchedulingGated", "0"]);
}

#[test]
fn containers_that_run_and_are_ready_are_counted() {
    let status = r#""phase":"Running","containerStatuses":[
        {"name":"c1","ready":true,"restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"exitCode":1,"finishedAt":"2025-12-31T23:50:00Z"}}},
        {"name":"c2","ready":true,"restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"exitCode":1,"finishedAt":"2025-12-31T23:55:00Z"}}}]"#;
    check_pod("", "", status, ["2/2", "Running", "3 (5m ago)"]);
    let status = r#""phase":"Running","containerStatuses":[{"name":"c1","restartCount":4,"state":{"running":{}}}]"#;
    check_pod("", "", status, ["0/2", "Running", "4"]);
}

#[test]
fn the_first_container_that_waits_or_ended_gives_the_reason() {
    let status = r#""phase":"Running","containerStatuses":[
        {"name":"c1","state":{"waiting":{"reason":"CrashLoopBackOff"}}},{"name":"c2","state":{"terminated":{"exitCode":3}}}]"#;
    check_pod("", "", status, ["0/2", "CrashLoopBackOff", "0"]);
    let status = r#""phase":"Running","containerStatuses":[{"name":"c1","state":{"terminated":{"exitCode":137,"signal":9}}}]"#;
    check_pod("", "", status, ["0/2", "Signal:9", "0"]);
    let status = r#""phase":"Running","containerStatuses":[{"name":"c1","state":{"terminated":{"exitCode":3}}}]"#;
    check_pod("", "", status, ["0/2", "ExitCode:3", "0"]);
}

#[test]
fn completed_is_not_the_whole_story_while_another_container_runs_or_failed() {
    let runs = |ready: &str| {
        format!(
            r#""phase":"Running","conditions":[{{"type":"Ready","status":"{ready}"}}],"containerStatuses":[
            {{"name":"c1","state":{{"terminated":{{"exitCode":0,"reason":"Completed"}}}}}},
            {{"name":"c2","ready":true,"state":{{"running":{{}}}}}}]"#
        )
    };
    check_pod("", "", &runs("True"), ["1/2", "Running", "0"]);
    check_pod("", "", &runs("False"), ["1/2", "NotReady", "0"]);
    let failed = r#""phase":"Failed","containerStatuses":[
        {"name":"c1","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},
        {"name":"c2","state":{"terminated":{"exitCode":1,"reason":"Error"}}}]"#;
    check_pod("", "", failed, ["0/2", "Error", "0"]);
}

#[test]
fn init_containers_are_counted_until_they_are_through() {
    check_pod(
        "",
        INIT,
        r#""phase":"Pending","initContainerStatuses":[{"name":"i1","restartCount":1,"state":{"terminated":{"exitCode":0}}},{"name":"s1","state":{"waiting":{"reason":"PodInitializing"}}}]"#,
        ["0/3", "Init:1/3", "1"],
    );
    let waiting = r#""phase":"Pending","initContainerStatuses":[{"name":"i1","state":{"waiting":{"reason":"ImagePullBackOff"}}}]"#;
    check_pod("", INIT, waiting, ["0/3", "Init:ImagePullBackOff", "0"]);
    let failed = r#""phase":"Pending","initContainerStatuses":[{"name":"i1","state":{"terminated":{"exitCode":2}}}]"#;
    check_pod("", INIT, failed, ["0/3", "Init:ExitCode:2", "0"]);
    let failed = r#""phase":"Pending","initContainerStatuses":[{"name":"i1","state":{"terminated":{"exitCode":2,"signal":15}}}]"#;
    check_pod("", INIT, failed, ["0/3", "Init:Signal:15", "0"]);
    let failed = r#""phase":"Pending","initContainerStatuses":[{"name":"i1","state":{"terminated":{"exitCode":2,"reason":"OOMKilled"}}}]"#;
    check_pod("", INIT, failed, ["0/3", "Init:OOMKilled", "0"]);
}

#[test]
fn sidecars_count_like_containers_once_they_have_started() {
    let through = r#""initContainerStatuses":[{"name":"i1","restartCount":7,"state":{"terminated":{"exitCode":0}}},
        {"name":"s1","started":true,"ready":true,"restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"exitCode":1,"finishedAt":"2025-12-31T22:00:00Z"}}},
        {"name":"i2","state":{"terminated":{"exitCode":0}}}]"#;
    let status = format!(
        r#""phase":"Running",{through},"containerStatuses":[{{"name":"c1","ready":true,"restartCount":1,"state":{{"running":{{}}}}}}]"#
    );
    check_pod("", INIT, &status, ["2/3", "Running", "3 (120m ago)"]);
    // While an init container is under way, only sidecars can be ready.
    let status = r#""phase":"Pending","initContainerStatuses":[{"name":"i1","state":{"terminated":{"exitCode":0}}},
        {"name":"s1","started":true,"ready":true,"state":{"running":{}}},{"name":"i2","state":{"running":{}}}]"#;
    check_pod("", INIT, status, ["1/3", "Init:2/3", "0"]);
}

#[test]
fn a_restarted_init_container_does_not_hide_an_initialized_pod() {
    let status = r#""phase":"Running","conditions":[{"type":"Initialized","status":"True"}],
        "initContainerStatuses":[{"name":"i1","restartCount":5,"state":{"running":{}}}],
        "containerStatuses":[{"name":"c1","ready":true,"state":{"running":{}}}]"#;
    check_pod("", INIT, status, ["1/3", "Init:0/3", "0"]);
}

#[test]
fn a_deleted_pod_is_terminating_unless_it_has_ended_or_its_node_is_lost() {
    check_pod(
        DELETED,
        "",
        r#""phase":"Running""#,
        ["0/2", "Terminating", "0"],
    );
    check_pod(
        DELETED,
        "",
        r#""phase":"Succeeded""#,
        ["0/2", "Succeeded", "0"],
    );
    check_pod(
        DELETED,
        "",
        r#""phase":"Running","reason":"NodeLost""#,
        ["0/2", "Unknown", "0"],
    );
}

#[test]
fn wide_columns_say_where_a_pod_is() {
    check(
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},
        "spec":{"nodeName":"n1","containers":[],"readinessGates":[{"conditionType":"x"},{"conditionType":"y"},{"conditionType":"z"}]},
        "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.7"},{"ip":"fd00::7"}],"nominatedNodeName":"n2",
        "conditions":[{"type":"x","status":"True"},{"type":"y","status":"False"}]}}"#,
        r#"["a","0/0","Running","0","<unknown>","10.0.0.7","n1","n2","1/3"]"#,
    );
}

#[test]
fn a_pod_that_has_ended_is_completed() {
    let of = |phase: &str| {
        let pod = decode(&format!(
            r#"{{"apiVersion":"v1","kind":"Pod","status":{{"phase":"{phase}"}}}}"#
        ));
        let mut text = Vec::new();
        for condition in conditions(&pod) {
            condition.write(&mut text);
        }
        String::from_utf8(text).unwrap()
    };
    assert_eq!(
        of("Succeeded"),
        r#"{"type":"Completed","status":"True","reason":"Succeeded","message":"The pod has completed successfully."}"#
    );
    assert_eq!(
        of("Failed"),
        r#"{"type":"Completed","status":"True","reason":"Failed","message":"The pod failed."}"#
    );
    assert_eq!(of("Running"), "");
}

#[test]
fn a_template_shows_its_containers_and_labels() {
    check(
        r#"{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"aaa"},"template":{"metadata":{"labels":{"b":"2","app":"golden"}},
        "spec":{"containers":[{"name":"app","image":"registry.example/app:1"},{"name":"x","image":"y"}]}}}"#,
        r#"["aaa","app,x","registry.example/app:1,y","app=golden,b=2"]"#,
    );
}
