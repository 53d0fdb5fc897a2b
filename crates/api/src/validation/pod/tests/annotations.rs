//! Annotations that mean something.

use super::POD;

/// The prefix of keys for AppArmor, and those for seccomp.
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";

fn annotated(key: &str, value: &str) -> String {
    let value = serde_json::Value::from(value);
    format!(r#"{{"metadata":{{"annotations":{{"{key}":{value}}}}}}}"#)
}

#[track_caller]
fn check(key: &str, value: &str, expected: &[&str]) {
    POD.created(&annotated(key, value), expected);
}

#[test]
fn a_mirror_has_a_node_and_a_cost_is_a_number() {
    check(
        "kubernetes.io/config.mirror",
        "x",
        &[
            "metadata.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": must set spec.nodeName",
        ],
    );
    const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
    for good in ["0", "-5", "2147483647"] {
        check(COST, good, &[]);
    }
    for bad in ["+1", "01", "2147483648", "x", ""] {
        let said = format!(
            "metadata.annotations[{COST}]: Invalid value: \"{bad}\": must be a 32bit integer"
        );
        check(COST, bad, &[&said]);
        // What was wrong may stay.
        let old = annotated(COST, bad);
        POD.updated(&old, &old, &[]);
    }
}

#[test]
fn tolerations_in_an_annotation_are_tolerations() {
    const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
    check(TOLERATIONS, "", &[]);
    check(TOLERATIONS, r#"[{"key":"a","operator":"Exists"}]"#, &[]);
    check(
        TOLERATIONS,
        "{",
        &["metadata.annotations: Invalid value: \"scheduler.alpha.kubernetes.io/tolerations\": "],
    );
    check(
        TOLERATIONS,
        r#"[{"operator":"Equal"}]"#,
        &[
            "metadata.annotations.scheduler.alpha.kubernetes.io/tolerations[0].operator: Invalid value: \"Equal\"",
        ],
    );
}

#[test]
fn profiles_in_annotations_have_their_own_form() {
    const POD_SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
    let of_container = format!("{SECCOMP}c");
    for key in [POD_SECCOMP, of_container.as_str()] {
        for good in [
            "runtime/default",
            "docker/default",
            "unconfined",
            "localhost/a/b",
        ] {
            check(key, good, &[]);
        }
        let said = format!("metadata.annotations.{key}: Invalid value: ");
        check(
            key,
            "x",
            &[&format!("{said}\"x\": must be a valid seccomp profile")],
        );
        check(
            key,
            "localhost/../x",
            &[&format!("{said}\"../x\": must not contain '..'")],
        );
    }
    let key = format!("{APP_ARMOR}c");
    for good in ["", "runtime/default", "unconfined", "localhost/x"] {
        check(&key, good, &[]);
    }
    let said = format!(
        "metadata.annotations[{key}]: Invalid value: \"x\": invalid AppArmor profile name: \"x\""
    );
    check(&key, "x", &[&said]);
    let key = format!("{APP_ARMOR}d");
    let said = format!("metadata.annotations[{key}]: Invalid value: \"d\": container not found");
    check(&key, "unconfined", &[&said]);
}

#[test]
fn annotations_of_a_running_pod_stay() {
    let key = format!("{APP_ARMOR}c");
    let at = format!("metadata.annotations[{key}]: Forbidden: may not");
    let said = |what: &str| format!("{at} {what} AppArmor annotations");
    let (none, one, other) = (
        "{}".to_owned(),
        annotated(&key, "unconfined"),
        annotated(&key, "runtime/default"),
    );
    POD.updated(&one, &one, &[]);
    POD.updated(&one, &other, &[&said("remove or update")]);
    POD.updated(&one, &none, &[&said("remove or update")]);
    POD.updated(&none, &one, &[&said("add")]);
    const MIRROR: &str = "kubernetes.io/config.mirror";
    let on_node = |annotations: &str| {
        format!(r#"{{"metadata":{{"annotations":{{{annotations}}}}},"spec":{{"nodeName":"n"}}}}"#)
    };
    let (none, one) = (on_node(""), on_node(&format!(r#""{MIRROR}":"x""#)));
    let at = format!("metadata.annotations[{MIRROR}]: Forbidden: may not");
    POD.updated(&none, &one, &[&format!("{at} add mirror pod annotation")]);
    POD.updated(
        &one,
        &none,
        &[&format!("{at} remove or update mirror pod annotation")],
    );
}

#[test]
fn profiles_that_are_given_twice_are_the_same() {
    let check = |annotation: &str, profile: &str, field: &str, said: &str| {
        let (key, value) = annotation.split_once('=').expect("an annotation");
        let what = if field.contains("armor") || field.contains("Armor") {
            "apparmor"
        } else {
            "seccomp"
        };
        let pod = format!(
            r#"{{"metadata":{{"annotations":{{"{key}":"{value}"}}}},"spec":{{"containers":[{{"name":"c","image":"i","securityContext":{{"{field}":{profile}}}}}]}}}}"#
        );
        let at = format!("spec.containers[0].securityContext.{field}");
        let said = match said {
            "" => vec![],
            "type" => vec![format!(
                "{at}.type: Forbidden: {what} type in annotation and field must match"
            )],
            _ => vec![format!(
                "{at}.localhostProfile: Forbidden: {what} profile in annotation and field must match"
            )],
        };
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        POD.created(&pod, &said);
    };
    let local = r#"{"type":"Localhost","localhostProfile":"x"}"#;
    for (prefix, field) in [(SECCOMP, "seccompProfile"), (APP_ARMOR, "appArmorProfile")] {
        let with = |value: &str| format!("{prefix}c={value}");
        check(&with("unconfined"), r#"{"type":"Unconfined"}"#, field, "");
        check(
            &with("runtime/default"),
            r#"{"type":"RuntimeDefault"}"#,
            field,
            "",
        );
        check(&with("localhost/x"), local, field, "");
        check(
            &with("runtime/default"),
            r#"{"type":"Unconfined"}"#,
            field,
            "type",
        );
        check(
            &with("unconfined"),
            r#"{"type":"RuntimeDefault"}"#,
            field,
            "type",
        );
        check(&with("unconfined"), local, field, "type");
        check(&with("localhost/y"), local, field, "profile");
    }
    let pod = r#"{"metadata":{"annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined"}},"spec":{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}}"#;
    POD.created(
        pod,
        &[
            "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match",
        ],
    );
}
