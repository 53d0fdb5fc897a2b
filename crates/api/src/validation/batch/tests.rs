use serde_json::{Value, json};

use crate::validation::cases::Kind;

fn template() -> Value {
    json!({"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}})
}

fn job() -> Kind {
    let labels = json!({
        "controller-uid": "u",
        "job-name": "x",
        "batch.kubernetes.io/controller-uid": "u",
        "batch.kubernetes.io/job-name": "x",
    });
    let mut template = template();
    template["metadata"] = json!({ "labels": labels });
    Kind {
        group: "batch",
        kind: "Job",
        good: json!({
            "metadata": {"name": "x", "uid": "u"},
            "spec": {
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
                "template": template,
            },
        }),
    }
}

fn cron_job() -> Kind {
    Kind {
        group: "batch",
        kind: "CronJob",
        good: json!({
            "metadata": {"name": "x"},
            "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template()}}},
        }),
    }
}

fn spec(spec: Value) -> Value {
    json!({ "spec": spec })
}

#[test]
fn good_jobs_have_nothing_wrong_with_them() {
    job().create(Value::Null, &[]);
    job().update(Value::Null, &[]);
    cron_job().create(Value::Null, &[]);
    cron_job().update(Value::Null, &[]);
}

#[test]
fn numbers_are_not_negative() {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
    ] {
        let said = format!("spec.{field}: Invalid value: -1: must be greater than or equal to 0");
        job().create(spec(json!({field: -1})), &[&said]);
    }
}

#[test]
fn an_indexed_job_has_bounds() {
    let check = |change: Value, said: &[&str]| {
        let mut change = change;
        change["completionMode"] = json!("Indexed");
        job().create(spec(change), said);
    };
    check(
        json!({"parallelism": 1}),
        &["spec.completions: Required value: when completion mode is Indexed"],
    );
    check(
        json!({"completions": 1, "parallelism": 100_001}),
        &[
            "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed",
        ],
    );
    check(
        json!({"completions": 1, "maxFailedIndexes": 2}),
        &[
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
            "spec.maxFailedIndexes: Invalid value: 2: must be less than or equal to completions",
        ],
    );
    check(
        json!({"completions": 100_001, "backoffLimitPerIndex": 1, "parallelism": 10_001}),
        &[
            "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
            "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index",
        ],
    );
    job().create(
        spec(json!({"backoffLimitPerIndex": 1})),
        &["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
    );
    job().create(
        spec(json!({"completionMode": "Odd"})),
        &[
            "spec.completionMode: Unsupported value: \"Odd\": supported values: \"NonIndexed\", \"Indexed\"",
        ],
    );
}

#[test]
fn indexes_that_may_fail_are_few() {
    let check = |change: Value, said: &[&str]| job().create(spec(change), said);
    check(
        json!({"maxFailedIndexes": 1}),
        &[
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
            "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
        ],
    );
    check(
        json!({"completionMode": "Indexed", "completions": 200_000, "backoffLimitPerIndex": 1, "maxFailedIndexes": 100_001}),
        &[
            "spec.maxFailedIndexes: Invalid value: 100001: must be less than or equal to 100000",
            "spec.maxFailedIndexes: Invalid value: 100001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index",
        ],
    );
}

#[test]
fn a_failure_policy_is_complete() {
    let check = |rule: Value, said: &[&str]| {
        job().create(spec(json!({"podFailurePolicy": {"rules": [rule]}})), said);
    };
    let at = "spec.podFailurePolicy.rules[0]";
    check(
        json!({"action": ""}),
        &[
            &format!(
                "{at}.action: Required value: valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"
            ),
            &format!(
                "{at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"
            ),
        ],
    );
    check(
        json!({"action": "FailIndex", "onPodConditions": [{"type": "a", "status": "Odd"}]}),
        &[
            &format!(
                "{at}.action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set"
            ),
            &format!(
                "{at}.onPodConditions[0].status: Unsupported value: \"Odd\": supported values: \"False\", \"True\", \"Unknown\""
            ),
        ],
    );
    check(
        json!({"action": "Ignore", "onExitCodes": {"operator": "In", "values": []}}),
        &[&format!(
            "{at}.onExitCodes.values: Invalid value: []: at least one value is required"
        )],
    );
    let values: Vec<i32> = (1..=256).collect();
    check(
        json!({"action": "Ignore", "onExitCodes": {"operator": "In", "values": values}}),
        &[&format!(
            "{at}.onExitCodes.values: Too many: 256: must have at most 255 items"
        )],
    );
    check(
        json!({
            "action": "Ignore",
            "onExitCodes": {"operator": "In", "containerName": "z", "values": [2, 0, 0]},
            "onPodConditions": [{"type": "a"}],
        }),
        &[
            &format!(
                "{at}.onExitCodes.containerName: Invalid value: \"z\": must be one of the container or initContainer names in the pod template"
            ),
            &format!(
                "{at}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator"
            ),
            &format!(
                "{at}.onExitCodes.values[2]: Invalid value: 0: must not be 0 for the In operator"
            ),
            &format!("{at}.onExitCodes.values[2]: Duplicate value: 0"),
            &format!("{at}.onExitCodes.values: Invalid value: [2,0,0]: must be ordered"),
            &format!(
                "{at}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported"
            ),
        ],
    );
    job().create(
        spec(json!({
            "podFailurePolicy": {"rules": []},
            "podReplacementPolicy": "TerminatingOrFailed",
            "template": {"spec": {"restartPolicy": "OnFailure"}},
        })),
        &[
            "spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\"",
            "spec.template.spec.restartPolicy: Invalid value: \"OnFailure\": only \"Never\" is supported when podFailurePolicy is specified",
        ],
    );
}

#[test]
fn a_success_policy_counts_indexes() {
    let check = |rules: Value, said: &[&str]| {
        let spec = spec(json!({
            "completionMode": "Indexed",
            "completions": 3,
            "successPolicy": {"rules": rules},
        }));
        job().create(spec, said);
    };
    check(
        json!([]),
        &[
            "spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified",
        ],
    );
    check(
        json!([{}, {"succeededIndexes": "0,x", "succeededCount": 4}]),
        &[
            "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified",
            "spec.successPolicy.rules[1].succeededIndexes: Invalid value: \"0,x\": error parsing succeededIndexes: cannot convert string to integer for index: \"x\"",
            "spec.successPolicy.rules[1].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)",
            "spec.successPolicy.rules[1].succeededCount: Invalid value: 4: must be less than or equal to 0 (the number of indexes in the specified succeededIndexes field)",
        ],
    );
    let long = vec!["0"; (32 << 10) + 1].join(",");
    check(
        json!([{"succeededIndexes": long}]),
        &[
            "spec.successPolicy.rules[0].succeededIndexes: Too long: may not be more than 65536 bytes",
            &format!(
                "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"{long}\": error parsing succeededIndexes: non-increasing order, previous: 0, current: 0"
            ),
        ],
    );
    job().create(
        spec(json!({"successPolicy": {"rules": [{"succeededCount": 1}]}})),
        &[
            "spec.successPolicy: Invalid value: {\"Rules\":[{\"SucceededIndexes\":null,\"SucceededCount\":1}]}: requires indexed completion mode",
        ],
    );
}

#[test]
fn a_selector_is_the_servers_unless_it_is_the_clients() {
    job().create(
        spec(json!({"template": {"metadata": {"labels": {"job-name": "other"}}}})),
        &[
            "spec.template.metadata.labels[job-name]: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"x\",\"controller-uid\":\"u\",\"job-name\":\"other\"}: must be 'x'",
        ],
    );
    job().create(
        spec(json!({"template": {"metadata": {"labels": {"job-name": null}}}})),
        &["spec.template.metadata.labels[job-name]: Required value: must be 'x'"],
    );
    job().create(
        spec(json!({"manualSelector": true, "selector": null})),
        &[
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"x\",\"controller-uid\":\"u\",\"job-name\":\"x\"}: `selector` does not match template `labels`",
        ],
    );
    job().create(
        spec(json!({"managedBy": "nodomain"})),
        &[
            "spec.managedBy: Invalid value: \"nodomain\": must be a domain-prefixed path (such as \"acme.io/foo\")",
        ],
    );
    job().create(
        spec(json!({"template": {"spec": {"restartPolicy": "Always"}}})),
        &[
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ],
    );
}

#[test]
fn little_of_a_job_changes() {
    job().update(
        spec(json!({"parallelism": 5, "completions": 1, "suspend": true, "backoffLimit": 2})),
        &[],
    );
    job().update(
        spec(json!({"completions": 5})),
        &["spec.completions: Invalid value: 5: field is immutable"],
    );
    job().update(
        spec(json!({"managedBy": "a.io/b"})),
        &["spec.managedBy: Invalid value: \"a.io/b\": field is immutable"],
    );
    let indexed = |count: i32, parallelism: i32| {
        spec(json!({
            "completionMode": "Indexed",
            "completions": count,
            "parallelism": parallelism,
        }))
    };
    job().update_from(indexed(3, 3), indexed(5, 5), &[]);
    job().update_from(
        indexed(3, 3),
        indexed(5, 3),
        &["spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism"],
    );
}

#[test]
fn a_suspended_job_may_be_moved_and_resized() {
    let moved = json!({"template": {"spec": {"nodeSelector": {"a": "b"}}}});
    let suspended = spec(json!({"suspend": true}));
    job().update_from(suspended.clone(), spec(moved.clone()), &[]);
    let rests = json!({
        "spec": {"suspend": true},
        "status": {
            "startTime": "2026-01-01T00:00:00Z",
            "conditions": [{"type": "Suspended", "status": "True"}],
        },
    });
    let resized = json!({"template": {"spec": {"containers": [
        {"name": "c", "image": "i", "resources": {"requests": {"cpu": "2"}}},
    ]}}});
    job().update_from(rests.clone(), spec(moved), &[]);
    job().update_from(rests, spec(resized), &[]);
}

#[test]
fn a_story_of_a_job_makes_sense() {
    let condition = |ty: &str| json!({"type": ty, "status": "True"});
    let check = |before: Value, change: Value, said: &[&str]| {
        job().part(
            "status",
            json!({"status": before}),
            json!({"status": change}),
            said,
        );
    };
    check(
        json!({}),
        json!({"conditions": [condition("Complete"), condition("Failed")]}),
        &[
            "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
            "status.completionTime: Required value: completionTime is required for Complete jobs",
            "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
            "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            "status.startTime: Required value: startTime is required for finished job",
        ],
    );
    check(
        json!({}),
        json!({"active": 1, "ready": 2, "completedIndexes": "1"}),
        &[
            "status.completedIndexes: Invalid value: \"1\": error parsing completedIndexes: too large index: \"1\"",
            "status.completedIndexes: Invalid value: \"1\": cannot set non-empty completedIndexes when non-indexed completion mode",
            "status.ready: Invalid value: 2: cannot set more ready pods than active",
        ],
    );
    check(
        json!({"failed": 2, "succeeded": 2, "startTime": "2026-01-01T00:00:00Z"}),
        json!({"failed": 1, "succeeded": 1}),
        &[
            "status.failed: Invalid value: 1: cannot decrease the failed counter",
            "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
            "status.startTime: Invalid value: null: field is immutable for unsuspended job once set",
        ],
    );
    check(
        json!({"startTime": "2026-01-01T00:00:00Z"}),
        json!({"startTime": "2026-01-01T00:00:01Z"}),
        &[
            "status.startTime: Invalid value: \"2026-01-01T00:00:01Z\": field is immutable for unsuspended job once set",
        ],
    );
    check(
        json!({"conditions": [condition("FailureTarget")]}),
        json!({"uncountedTerminatedPods": {"succeeded": ["", "a"], "failed": ["a"]}}),
        &[
            "status.uncountedTerminatedPods.succeeded[0]: Invalid value: \"\": must not be empty",
            "status.uncountedTerminatedPods.failed[0]: Duplicate value: \"a\"",
            "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
        ],
    );
}

#[test]
fn an_ended_job_is_done_with() {
    const START: &str = "2026-01-01T00:00:00Z";
    const LATER: &str = "2026-01-01T00:00:01Z";
    let on = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|ty| json!({"type": ty, "status": "True"}))
            .collect()
    };
    let check = |spec: Value, before: Value, change: Value, said: &[&str]| {
        job().part(
            "status",
            json!({"spec": spec, "status": before}),
            json!({"spec": spec, "status": change}),
            said,
        );
    };
    check(
        Value::Null,
        json!({}),
        json!({
            "conditions": on(&["SuccessCriteriaMet", "Complete", "FailureTarget"]),
            "startTime": LATER,
            "completionTime": START,
            "active": 1,
            "terminating": 1,
            "uncountedTerminatedPods": {"failed": ["a"]},
        }),
        &[
            "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
            &format!(
                "status.completionTime: Invalid value: \"{START}\": must be equal to or after `startTime`"
            ),
            "status.active: Invalid value: 1: active>0 is invalid for finished job",
            "status.uncountedTerminatedPods: Invalid value: {\"Succeeded\":null,\"Failed\":[\"a\"]}: must be empty for finished job",
            "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ],
    );
    check(
        Value::Null,
        json!({}),
        json!({
            "conditions": on(&["SuccessCriteriaMet", "Failed", "FailureTarget"]),
            "startTime": START,
            "completionTime": LATER,
        }),
        &[
            &format!(
                "status.completionTime: Invalid value: \"{LATER}\": cannot set completionTime when there is no Complete=True condition"
            ),
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ],
    );
    let ended = |time: &str, conditions: &[&str]| json!({"conditions": on(conditions), "startTime": START, "completionTime": time});
    check(
        Value::Null,
        ended(START, &["Complete"]),
        ended(LATER, &["Complete", "SuccessCriteriaMet"]),
        &[
            &format!("status.completionTime: Invalid value: \"{LATER}\": field is immutable"),
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
        ],
    );
    check(
        Value::Null,
        json!({"conditions": on(&["SuccessCriteriaMet"])}),
        json!({}),
        &["status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition"],
    );
    check(
        json!({"completionMode": "Indexed", "completions": 3, "successPolicy": {"rules": [{"succeededCount": 1}]}}),
        json!({}),
        ended(START, &["Complete"]),
        &[
            "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            "status.conditions: Invalid value: cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        ],
    );
}

#[test]
fn indexes_that_failed_are_counted_and_did_not_complete() {
    let check = |per_index: Value, change: Value, said: &[&str]| {
        let spec = json!({"completionMode": "Indexed", "completions": 3, "backoffLimitPerIndex": per_index});
        job().part(
            "status",
            json!({"spec": spec}),
            json!({"spec": spec, "status": change}),
            said,
        );
    };
    check(
        json!(1),
        json!({"failedIndexes": "0", "completedIndexes": "1"}),
        &[],
    );
    check(
        json!(1),
        json!({"failedIndexes": "x"}),
        &[
            "status.failedIndexes: Invalid value: \"x\": error parsing failedIndexes: cannot convert string to integer for index: \"x\"",
        ],
    );
    check(
        json!(1),
        json!({"failedIndexes": "0-1", "completedIndexes": "1"}),
        &[
            "status.failedIndexes: Invalid value: \"0-1\": failedIndexes and completedIndexes overlap at index: 1",
        ],
    );
    check(
        Value::Null,
        json!({"failedIndexes": "0"}),
        &[
            "status.failedIndexes: Invalid value: \"0\": cannot set non-null failedIndexes when backoffLimitPerIndex is null",
        ],
    );
}

#[test]
fn what_a_job_is_known_by_is_its_own() {
    let name = "x".repeat(63);
    job().create(
        json!({"metadata": {"name": name}, "spec": {
            "completionMode": "Indexed",
            "completions": 2,
            "template": {"metadata": {"labels": {"job-name": name, "batch.kubernetes.io/job-name": name}}},
        }}),
        &[&format!("metadata.name: Invalid value: \"{name}\": will not able to create pod with invalid DNS label: {name}-1")],
    );
    job().create(
        json!({"metadata": {"uid": null}, "spec": {
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": ""}},
            "template": {"metadata": {"labels": {"controller-uid": "", "batch.kubernetes.io/controller-uid": ""}}},
        }}),
        &["metadata.uid: Required value"],
    );
    job().create(
        spec(json!({"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}}})),
        &[
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"batch.kubernetes.io/controller-uid\":\"u\"}}: `selector` not auto-generated",
        ],
    );
    let manager = format!("a.io/{}", "b".repeat(60));
    job().create(
        spec(json!({"managedBy": manager})),
        &["spec.managedBy: Too long: may not be more than 63 bytes"],
    );
    job().create(
        spec(json!({"template": {"spec": {"restartPolicy": "Odd"}}})),
        &[
            "spec.template.spec.restartPolicy: Unsupported value: \"Odd\": supported values: \"Always\", \"OnFailure\", \"Never\"",
            "spec.template.spec.restartPolicy: Unsupported value: \"Odd\": supported values: \"OnFailure\", \"Never\"",
        ],
    );
}

#[test]
fn a_cron_job_knows_when() {
    let check = |change: Value, said: &[&str]| cron_job().create(spec(change), said);
    check(json!({"schedule": ""}), &["spec.schedule: Required value"]);
    check(
        json!({"schedule": "often"}),
        &["spec.schedule: Invalid value: \"often\": expected exactly 5 fields, found 1: [often]"],
    );
    check(
        json!({"schedule": "TZ=UTC * * * * *"}),
        &[
            "spec.schedule: Invalid value: \"TZ=UTC * * * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ],
    );
    check(
        json!({"timeZone": "Mars/Base"}),
        &["spec.timeZone: Invalid value: \"Mars/Base\": unknown time zone Mars/Base"],
    );
    check(
        json!({"timeZone": "a..b"}),
        &["spec.timeZone: Invalid value: \"a..b\": time: invalid location name"],
    );
    check(
        json!({"concurrencyPolicy": "Perhaps"}),
        &[
            "spec.concurrencyPolicy: Unsupported value: \"Perhaps\": supported values: \"Allow\", \"Forbid\", \"Replace\"",
        ],
    );
    check(
        json!({"jobTemplate": {"spec": {"manualSelector": true, "selector": {}}}}),
        &[
            "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
            "spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: \"nil\", \"false\"",
        ],
    );
    let name = "x".repeat(53);
    let said =
        format!("metadata.name: Invalid value: \"{name}\": must be no more than 52 characters");
    cron_job().create(json!({"metadata": {"name": name}}), &[&said]);
    let zoned = spec(json!({"schedule": "TZ=UTC * * * * *"}));
    cron_job().update_from(
        zoned,
        spec(json!({"schedule": "TZ=UTC 1 * * * *", "timeZone": "UTC"})),
        &[
            "spec.schedule: Invalid value: \"TZ=UTC 1 * * * *\": cannot use both timeZone field and TZ or CRON_TZ in schedule",
        ],
    );
}
