use crate::printers::tests::check;

const TEMPLATE: &str =
    r#""template":{"spec":{"containers":[{"name":"app","image":"registry.example/app:1"}]}}"#;

#[track_caller]
fn check_apps(kind: &str, spec: &str, status: &str, expected: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"apps/v1","kind":"{kind}","metadata":{{"name":"aaa"}},"spec":{{{spec},{TEMPLATE}}},"status":{{{status}}}}}"#
        ),
        expected,
    );
}

const SELECTOR: &str = r#""selector":{"matchLabels":{"app":"golden"}}"#;

#[test]
fn replicas_are_counted() {
    check_apps(
        "Deployment",
        &format!(r#""replicas":1,{SELECTOR}"#),
        r#""readyReplicas":1,"updatedReplicas":2,"availableReplicas":3"#,
        r#"["aaa","1/1",2,3,"<unknown>","app","registry.example/app:1","app=golden"]"#,
    );
    check_apps(
        "ReplicaSet",
        &format!(r#""replicas":2,{SELECTOR}"#),
        r#""replicas":1"#,
        r#"["aaa",2,1,0,"<unknown>","app","registry.example/app:1","app=golden"]"#,
    );
    check_apps(
        "StatefulSet",
        r#""replicas":3"#,
        r#""readyReplicas":2"#,
        r#"["aaa","2/3","<unknown>","app","registry.example/app:1"]"#,
    );
    check_apps(
        "DaemonSet",
        SELECTOR,
        r#""desiredNumberScheduled":5,"currentNumberScheduled":4,"numberReady":3,"updatedNumberScheduled":2,"numberAvailable":1"#,
        r#"["aaa",5,4,3,2,1,"<none>","<unknown>","app","registry.example/app:1","app=golden"]"#,
    );
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"ReplicationController","metadata":{{"name":"aaa"}},"spec":{{"replicas":2,"selector":{{"app":"golden"}},{TEMPLATE}}}}}"#
        ),
        r#"["aaa",2,0,0,"<unknown>","app","registry.example/app:1","app=golden"]"#,
    );
    check(
        r#"{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"a"},"spec":{"replicas":3},"status":{"replicas":2}}"#,
        r#"["a",3,2,"<unknown>"]"#,
    );
}

#[test]
fn selectors_are_shown_as_expressions() {
    let expressions = r#""selector":{"matchLabels":{"b":"1"},"matchExpressions":[{"key":"a","operator":"In","values":["y","x"]},{"key":"c","operator":"Exists"}]}"#;
    check_apps(
        "ReplicaSet",
        expressions,
        "",
        r#"["aaa",0,0,0,"<unknown>","app","registry.example/app:1","a in (x,y),b=1,c"]"#,
    );
    let invalid = r#""selector":{"matchExpressions":[{"key":"a","operator":"Near"}]}"#;
    check_apps(
        "ReplicaSet",
        invalid,
        "",
        r#"["aaa",0,0,0,"<unknown>","app","registry.example/app:1","<error>"]"#,
    );
    check_apps(
        "Deployment",
        invalid,
        "",
        r#"["aaa","0/0",0,0,"<unknown>","app","registry.example/app:1","<invalid>"]"#,
    );
    check_apps(
        "Deployment",
        r#""selector":{}"#,
        "",
        r#"["aaa","0/0",0,0,"<unknown>","app","registry.example/app:1",""]"#,
    );
}

#[track_caller]
fn check_job(meta: &str, spec: &str, status: &str, expected: [&str; 3]) {
    let [state, completions, duration] = expected;
    check(
        &format!(
            r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"aaa"{meta}}},
            "spec":{{{TEMPLATE}{spec}}},"status":{{{status}}}}}"#
        ),
        &format!(
            r#"["aaa","{state}","{completions}","{duration}","<unknown>","app","registry.example/app:1","<none>"]"#
        ),
    );
}

#[test]
fn a_job_shows_how_far_it_is() {
    check_job("", r#","completions":1"#, "", ["Running", "0/1", ""]);
    check_job("", "", r#""succeeded":2"#, ["Running", "2/1", ""]);
    check_job(
        "",
        r#","parallelism":3"#,
        r#""succeeded":1"#,
        ["Running", "1/1 of 3", ""],
    );
}

#[test]
fn a_job_takes_until_it_is_complete_or_until_now() {
    let started = r#""startTime":"2025-12-31T23:50:00Z""#;
    check_job(
        "",
        r#","completions":1"#,
        started,
        ["Running", "0/1", "10m"],
    );
    let complete = format!(
        r#"{started},"completionTime":"2025-12-31T23:50:42Z","succeeded":1,"conditions":[{{"type":"Complete","status":"True"}}]"#
    );
    check_job(
        "",
        r#","completions":1"#,
        &complete,
        ["Complete", "1/1", "42s"],
    );
}

#[test]
fn the_state_of_a_job_is_the_last_word_on_it() {
    let deleted = r#","deletionTimestamp":"2025-12-31T23:59:00Z""#;
    let with = |ty: &str| format!(r#""conditions":[{{"type":"{ty}","status":"True"}}]"#);
    check_job(deleted, "", &with("Failed"), ["Failed", "0/1", ""]);
    check_job(deleted, "", &with("Suspended"), ["Terminating", "0/1", ""]);
    check_job("", "", &with("Suspended"), ["Suspended", "0/1", ""]);
    check_job("", "", &with("FailureTarget"), ["FailureTarget", "0/1", ""]);
    check_job(
        "",
        "",
        &with("SuccessCriteriaMet"),
        ["SuccessCriteriaMet", "0/1", ""],
    );
    check_job(
        "",
        "",
        r#""conditions":[{"type":"Complete","status":"False"}]"#,
        ["Running", "0/1", ""],
    );
}

#[test]
fn a_cron_job_shows_when_it_ran_last() {
    let cron = |spec: &str, status: &str| {
        format!(
            r#"{{"apiVersion":"batch/v1","kind":"CronJob","metadata":{{"name":"aaa"}},
            "spec":{{"schedule":"*/5 * * * *","jobTemplate":{{"spec":{{{TEMPLATE}}}}}{spec}}},"status":{{{status}}}}}"#
        )
    };
    check(
        &cron(r#","suspend":false"#, ""),
        r#"["aaa","*/5 * * * *","<none>","False",0,"<none>","<unknown>","app","registry.example/app:1","<none>"]"#,
    );
    check(
        &cron(
            r#","timeZone":"Etc/UTC","suspend":true"#,
            r#""active":[{"name":"x"}],"lastScheduleTime":"2025-12-31T23:59:30Z""#,
        ),
        r#"["aaa","*/5 * * * *","Etc/UTC","True",1,"30s","<unknown>","app","registry.example/app:1","<none>"]"#,
    );
    check(
        &cron("", ""),
        r#"["aaa","*/5 * * * *","<none>","<unset>",0,"<none>","<unknown>","app","registry.example/app:1","<none>"]"#,
    );
}

#[test]
fn a_disruption_budget_has_one_limit() {
    check(
        r#"{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"aaa"},"spec":{"minAvailable":1}}"#,
        r#"["aaa","1","N/A",0,"<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"aaa"},"spec":{"maxUnavailable":"20%"},"status":{"disruptionsAllowed":2}}"#,
        r#"["aaa","N/A","20%",2,"<unknown>"]"#,
    );
}

#[test]
fn a_revision_names_its_controller() {
    let revision = |owners: &str| {
        format!(
            r#"{{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{{"name":"aaa","ownerReferences":[{owners}]}},"revision":1}}"#
        )
    };
    check(&revision(""), r#"["aaa","<none>",1,"<unknown>"]"#);
    check(
        &revision(
            r#"{"apiVersion":"v1","kind":"Pod","name":"p"},{"apiVersion":"apps/v1","kind":"DaemonSet","name":"d","controller":true}"#,
        ),
        r#"["aaa","daemonset.apps/d",1,"<unknown>"]"#,
    );
    check(
        &revision(
            r#"{"apiVersion":"v1","kind":"ReplicationController","name":"r","controller":true}"#,
        ),
        r#"["aaa","replicationcontroller/r",1,"<unknown>"]"#,
    );
}
