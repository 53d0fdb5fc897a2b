//! What may change in a pod.

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
