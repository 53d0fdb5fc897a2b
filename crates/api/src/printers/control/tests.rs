use std::cmp::Ordering;

use crate::printers::order;
use crate::printers::tests::{check, decode};

#[test]
fn priorities_of_pods_and_of_requests() {
    check(
        r#"{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"a"},"value":1000,"preemptionPolicy":"PreemptLowerPriority"}"#,
        r#"["a",1000,false,"<unknown>","PreemptLowerPriority"]"#,
    );
    check(
        r#"{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{"name":"a"},
        "spec":{"priorityLevelConfiguration":{"name":"catch-all"},"matchingPrecedence":9000,"distinguisherMethod":{"type":"ByUser"}},
        "status":{"conditions":[{"type":"Dangling","status":"False"}]}}"#,
        r#"["a","catch-all",9000,"ByUser","<unknown>","False"]"#,
    );
}

#[track_caller]
fn check_level(spec: &str, expected: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"PriorityLevelConfiguration","metadata":{{"name":"a"}},"spec":{{{spec}}}}}"#
        ),
        expected,
    );
}

#[test]
fn only_limited_levels_have_shares_and_only_queuing_ones_queues() {
    check_level(
        r#""type":"Exempt""#,
        r#"["a","Exempt","<none>","<none>","<none>","<none>","<unknown>"]"#,
    );
    check_level(
        r#""type":"Limited","limited":{"nominalConcurrencyShares":1,"limitResponse":{"type":"Reject"}}"#,
        r#"["a","Limited",1,"<none>","<none>","<none>","<unknown>"]"#,
    );
    check_level(
        r#""type":"Limited","limited":{"nominalConcurrencyShares":5,"limitResponse":{"type":"Queue","queuing":{"queues":64,"handSize":6,"queueLengthLimit":50}}}"#,
        r#"["a","Limited",5,64,6,50,"<unknown>"]"#,
    );
}

#[test]
fn flow_schemas_are_listed_in_order_of_precedence() {
    let schema = |name: &str, precedence: i32| {
        decode(&format!(
            r#"{{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{{"name":"{name}"}},"spec":{{"matchingPrecedence":{precedence}}}}}"#
        ))
    };
    let (late, early, same) = (schema("a", 900), schema("z", 100), schema("b", 900));
    let compare = order(late.ty()).unwrap();
    assert_eq!(compare(&late, &early), Ordering::Greater);
    assert_eq!(compare(&late, &same), Ordering::Less);
    assert!(order(decode(r#"{"apiVersion":"v1","kind":"Pod"}"#).ty()).is_none());
}

#[track_caller]
fn check_group(spec: &str, conditions: &str, expected: [&str; 3]) {
    let [policy, workload, status] = expected;
    check(
        &format!(
            r#"{{"apiVersion":"scheduling.k8s.io/v1alpha2","kind":"PodGroup","metadata":{{"name":"a"}},"spec":{{{spec}}},"status":{{"conditions":[{conditions}]}}}}"#
        ),
        &format!(r#"["a","{policy}","{workload}","{status}","<unknown>"]"#),
    );
}

#[test]
fn a_group_of_pods_is_scheduled_together() {
    check_group(
        r#""schedulingPolicy":{"basic":{}}"#,
        "",
        ["Basic", "<none>", "Pending"],
    );
    let gang = r#""schedulingPolicy":{"gang":{"minCount":2}},"podGroupTemplateRef":{"workload":{"workloadName":"w"}}"#;
    let scheduled = |status: &str| format!(r#"{{"type":"PodGroupScheduled","status":"{status}"}}"#);
    check_group(gang, &scheduled("True"), ["Gang", "w", "Scheduled"]);
    check_group(gang, &scheduled("False"), ["Gang", "w", "Unschedulable"]);
    let disrupted = format!(
        r#"{},{{"type":"DisruptionTarget","reason":"Preempted"}}"#,
        scheduled("True")
    );
    check_group(gang, &disrupted, ["Gang", "w", "Preempted"]);
}

#[test]
fn storage_versions_and_their_migration() {
    let servers = ["a", "b", "c", "d"]
        .map(|id| format!(r#"{{"apiServerID":"{id}","encodingVersion":"v1"}}"#))
        .join(",");
    check(
        &format!(
            r#"{{"apiVersion":"internal.apiserver.k8s.io/v1alpha1","kind":"StorageVersion","metadata":{{"name":"x"}},"status":{{"storageVersions":[{servers}]}}}}"#
        ),
        r#"["x","<unset>","a=v1,b=v1,c=v1 + 1 more...","<unknown>"]"#,
    );
    let migration = |status: &str| {
        format!(
            r#"{{"apiVersion":"storagemigration.k8s.io/v1beta1","kind":"StorageVersionMigration","metadata":{{"name":"x"}},
            "spec":{{"resource":{{"group":"apps","resource":"deployments"}}}},"status":{{"conditions":[{status}]}}}}"#
        )
    };
    check(&migration(""), r#"["x","deployments.apps","Unknown"]"#);
    check(
        &migration(r#"{"type":"Running","status":"False"},{"type":"Succeeded","status":"True"}"#),
        r#"["x","deployments.apps","Succeeded"]"#,
    );
}

#[track_caller]
fn check_api(spec: &str, condition: &str, service: &str, available: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{{"name":"v1.a"}},"spec":{{{spec}}},"status":{{"conditions":[{condition}]}}}}"#
        ),
        &format!(r#"["v1.a","{service}","{available}","<unknown>"]"#),
    );
}

#[test]
fn an_api_is_available_or_says_why_not() {
    check_api(
        "",
        r#"{"type":"Available","status":"True","reason":"Local"}"#,
        "Local",
        "True",
    );
    let service = r#""service":{"namespace":"n","name":"none"}"#;
    check_api(service, "", "n/none", "Unknown");
    check_api(
        service,
        r#"{"type":"Available","status":"False","reason":"ServiceNotFound"}"#,
        "n/none",
        "False (ServiceNotFound)",
    );
}
