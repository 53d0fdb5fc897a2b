//! What may change in a pod.

use super::{POD, container, spec};
use crate::validation::tests::check_update;

const SPEC: &str = r#""activeDeadlineSeconds":10,"tolerations":[{"key":"a","operator":"Exists"}],"containers":[{"name":"c","image":"i"}]"#;

/// What is said when the first pod becomes the second.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    let pod = |spec: &str| {
        format!(
            r#"{{"metadata":{{"name":"p","namespace":"d","resourceVersion":"1"}},"spec":{{{spec}}}}}"#
        )
    };
    check_update("", "Pod", &pod(old), &pod(new), expected);
}

#[test]
fn images_deadlines_and_tolerations_may_change() {
    let later = r#""activeDeadlineSeconds":5,"tolerations":[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}],"containers":[{"name":"c","image":"j"}]"#;
    check(SPEC, later, "");
}

#[test]
fn deadlines_only_come_nearer() {
    let later = SPEC.replace(":10,", ":20,");
    let expected = "spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value";
    check(SPEC, &later, expected);
}

#[test]
fn containers_are_neither_added_nor_removed() {
    let more = SPEC.replace(
        r#"{"name":"c","image":"i"}"#,
        r#"{"name":"c","image":"i"},{"name":"d","image":"i"}"#,
    );
    let expected = "spec.containers: Forbidden: pod updates may not add or remove containers";
    check(SPEC, &more, expected);
}

/// What is said when a pod with one spec becomes one with another.
#[track_caller]
fn becomes(old: &str, new: &str, expected: &[&str]) {
    POD.updated(&spec(old), &spec(new), expected);
}

const OTHER: &str =
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,";

#[test]
fn what_may_change_is_still_well_formed() {
    POD.updated(
        "{}",
        r#"{"spec":{"containers":[{"name":"c","image":"","imagePullPolicy":"Always"}]}}"#,
        &[
            "spec.containers[0].image: Required value",
            "spec.containers[0].image: Required value",
        ],
    );
    let padded = "spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing whitespace";
    POD.updated(
        "{}",
        r#"{"spec":{"containers":[{"name":"c","image":" i","imagePullPolicy":"Always"}]}}"#,
        &[padded, padded],
    );
    becomes(
        r#""initContainers":[{"name":"d","image":"i"}]"#,
        "",
        &["spec.initContainers: Forbidden: pod updates may not add or remove containers"],
    );
    becomes(
        r#""initContainers":[{"name":"d","image":"i"}]"#,
        r#""initContainers":[{"name":"d","image":"j"}]"#,
        &[],
    );
    becomes(
        r#""activeDeadlineSeconds":10"#,
        r#""activeDeadlineSeconds":3000000000"#,
        &[
            "spec.activeDeadlineSeconds: Invalid value: 3000000000: must be between 1 and 2147483647, inclusive",
            "spec.activeDeadlineSeconds: Invalid value: 3000000000: must be between 0 and 2147483647, inclusive",
        ],
    );
    becomes(
        r#""activeDeadlineSeconds":10"#,
        "",
        &[
            "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
        ],
    );
    becomes(
        r#""tolerations":[{"key":"a","operator":"Exists"}]"#,
        r#""tolerations":[{"key":"b","operator":"Exists"}]"#,
        &[
            "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
        ],
    );
    becomes(
        r#""terminationGracePeriodSeconds":-1"#,
        r#""terminationGracePeriodSeconds":1"#,
        &[],
    );
    becomes("", r#""hostname":"h""#, &[OTHER]);
    POD.updated("{}", &container(r#""workingDir":"/""#), &[OTHER]);
}

#[test]
fn a_gated_pod_becomes_more_particular() {
    let gated = |fields: &str| format!(r#""schedulingGates":[{{"name":"g"}}]{fields}"#);
    becomes(
        "",
        &gated(""),
        &[
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'",
        ],
    );
    becomes(
        r#""schedulingGates":[{"name":"f"}]"#,
        r#""schedulingGates":[{"name":"g"},{"name":"f"},{"name":"g"}]"#,
        &[
            "spec.schedulingGates[2]: Duplicate value: \"g\"",
            "spec.schedulingGates[2].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'",
        ],
    );
    becomes(&gated(""), "", &[]);
    becomes("", r#""nodeSelector":{"a":"b"}"#, &[OTHER]);
    let chosen = |labels: &str| gated(&format!(r#","nodeSelector":{{{labels}}}"#));
    becomes(&gated(""), &chosen(r#""a":"b""#), &[]);
    becomes(&chosen(r#""a":"b""#), &chosen(r#""a":"b","c":"d""#), &[]);
    for worse in ["", r#""a":"c""#] {
        becomes(
            &chosen(r#""a":"b""#),
            &chosen(worse),
            &["spec.nodeSelector: Invalid value: "],
        );
    }
    let terms = |terms: &str| {
        gated(&format!(
            r#","affinity":{{"nodeAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":{{"nodeSelectorTerms":[{terms}]}}}}}}"#
        ))
    };
    let term = |keys: &[&str]| {
        let list: Vec<String> = keys
            .iter()
            .map(|key| format!(r#"{{"key":"{key}","operator":"Exists"}}"#))
            .collect();
        format!(r#"{{"matchExpressions":[{}]}}"#, list.join(","))
    };
    let one = terms(&term(&["a"]));
    becomes(&gated(""), &one, &[]);
    becomes(&one, &terms(&term(&["a", "b"])), &[]);
    let at = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let number = format!("{at}: Invalid value: ");
    becomes(
        &one,
        &gated(""),
        &[&format!(
            "{number}null: no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        )],
    );
    becomes(&one, &terms(&format!("{0},{0}", term(&["a"]))), &[&number]);
    let first = format!("{at}[0]: Invalid value: ");
    becomes(&one, &terms(&term(&["b"])), &[&first]);
    becomes(&terms("{}"), &one, &[&first]);
    let beside = gated(
        r#","affinity":{"podAffinity":{},"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":{"matchExpressions":[{"key":"a","operator":"Exists"}]}}]}}"#,
    );
    becomes(&gated(r#","affinity":{"podAffinity":{}}"#), &beside, &[]);
}

#[test]
fn debuggers_are_only_added() {
    let with = |debuggers: &str| spec(&format!(r#""ephemeralContainers":[{debuggers}]"#));
    let check = |old: &str, new: &str, expected: &[&str]| {
        POD.updated_in("ephemeralcontainers", &with(old), &with(new), expected);
    };
    let (one, other) = (r#"{"name":"d","image":"i"}"#, r#"{"name":"e","image":"i"}"#);
    check(one, &format!("{one},{other}"), &[]);
    check(
        one,
        other,
        &[
            "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed\n",
        ],
    );
    check(
        one,
        r#"{"name":"d","image":"j"}"#,
        &[
            "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be changed\n",
        ],
    );
    let mirror = r#"{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n"}}"#;
    POD.updated_in(
        "ephemeralcontainers",
        mirror,
        mirror,
        &["[]: Forbidden: static pods do not support ephemeral containers"],
    );
}
