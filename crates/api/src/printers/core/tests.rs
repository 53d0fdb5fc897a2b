use crate::printers::tests::check;

#[test]
fn simple_kinds_show_their_phase_or_how_much_is_in_them() {
    check(
        r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"},"status":{"phase":"Active"}}"#,
        r#"["a","Active","<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"aaa"},"type":"Opaque","data":{"a":"Yg==","c":"ZA=="}}"#,
        r#"["aaa","Opaque",2,"<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"aaa","creationTimestamp":"2025-12-31T23:58:00Z"},"data":{"a":"b"},"binaryData":{"c":"ZA=="}}"#,
        r#"["aaa",2,"2m"]"#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"aaa"}}"#,
        r#"["aaa","<unknown>"]"#,
    );
}

#[test]
fn a_component_is_healthy_or_not() {
    let component = |conditions: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ComponentStatus","metadata":{{"name":"a"}},"conditions":[{conditions}]}}"#
        )
    };
    check(&component(""), r#"["a","Unknown","",""]"#);
    check(
        &component(r#"{"type":"Healthy","status":"True","message":"ok"}"#),
        r#"["a","Healthy","ok",""]"#,
    );
    check(
        &component(r#"{"type":"Healthy","status":"False","error":"refused"}"#),
        r#"["a","Unhealthy","","refused"]"#,
    );
}

#[test]
fn a_quota_shows_requests_apart_from_limits() {
    check(
        r#"{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"aaa"},"spec":{"hard":{"pods":"3"}}}"#,
        r#"["aaa","","","<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"aaa"},"status":{
        "hard":{"pods":"3","limits.cpu":"2","requests.memory":"1Gi","limits.memory":"4Gi","limits":"1"},"used":{"pods":"1","limits.cpu":"500m"}}}"#,
        r#"["aaa","limits: 0/1, pods: 1/3, requests.memory: 0/1Gi","limits.cpu: 500m/2, limits.memory: 0/4Gi","<unknown>"]"#,
    );
}

#[track_caller]
fn check_event(fields: &str, expected: &str) {
    let object = r#""involvedObject":{"kind":"Pod","name":"p","fieldPath":"spec"}"#;
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"aaa"}},"type":"Normal","reason":"Tested",{object}{fields}}}"#
        ),
        expected,
    );
}

#[test]
fn an_event_shows_when_it_was_seen() {
    check_event(
        r#","message":" it was tested\n","source":{"component":"golden"}"#,
        r#"["<unknown>","Normal","Tested","pod/p","spec","golden","it was tested","<unknown>",1,"aaa"]"#,
    );
    check_event(
        r#","firstTimestamp":"2025-12-31T23:00:00Z","lastTimestamp":"2025-12-31T23:59:00Z","count":7,"source":{"component":"kubelet","host":"n1"}"#,
        r#"["60s","Normal","Tested","pod/p","spec","kubelet, n1","","60m",7,"aaa"]"#,
    );
    check_event(
        r#","eventTime":"2025-12-31T23:50:00.000000Z","reportingComponent":"c","reportingInstance":"i","series":{"count":9,"lastObservedTime":"2025-12-31T23:59:50.000000Z"}"#,
        r#"["10s","Normal","Tested","pod/p","spec","c, i","","10m",9,"aaa"]"#,
    );
}

#[test]
fn events_of_either_group_look_the_same() {
    check(
        r#"{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"aaa"},"eventTime":"2025-12-31T23:59:55.000000Z",
        "type":"Normal","reason":"Tested","regarding":{"kind":"Pod","name":"p"},"note":"it was tested",
        "reportingController":"example.com/golden","reportingInstance":"golden-0"}"#,
        r#"["5s","Normal","Tested","pod/p","","example.com/golden, golden-0","it was tested","5s",1,"aaa"]"#,
    );
}

#[test]
fn an_event_about_no_object_in_particular_names_its_kind() {
    check(
        r#"{"apiVersion":"v1","kind":"Event","metadata":{"name":"a"},"involvedObject":{"kind":"Node"}}"#,
        r#"["<unknown>","","","node","","","","<unknown>",1,"a"]"#,
    );
}
