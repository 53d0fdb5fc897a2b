//! What fits a template and what does not.

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

/// Compares in order with one matcher; gives the reasons of all differences.
#[track_caller]
fn check(pairs: &[(&str, &str)], expected: &[&str]) {
    let mut matcher = Matcher::new("golden-x");
    let variables = Variables::from([("cont".into(), json(r#""abc""#)), ("e1".into(), json("7"))]);
    let mut out = Vec::new();
    for (template, actual) in pairs {
        matcher.compare(&variables, &json(template), &json(actual), "body", &mut out);
    }
    let shown: Vec<String> = out
        .iter()
        .map(|difference| format!("{}: {}", difference.path, difference.why))
        .collect();
    assert_eq!(shown, expected);
}

const A: &str = "0b6f2d1e-98a1-4b8e-a5d7-0123456789ab";
const B: &str = "1b6f2d1e-98a1-4b8e-a5d7-0123456789ab";

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

#[test]
fn what_is_equal_fits() {
    check(
        &[(
            r#"{"a": [1, "x", null, true]}"#,
            r#"{"a": [1, "x", null, true]}"#,
        )],
        &[],
    );
    check(&[(r#"{"a": 1, "b": 2}"#, r#"{"b": 2, "a": 1}"#)], &[]);
}

#[test]
fn missing_unexpected_and_different_members_are_told_apart() {
    check(
        &[(r#"{"a": 1, "b": 2, "c/d": 3}"#, r#"{"a": 2, "x~y": 2}"#)],
        &[
            "body/a: differs",
            "body/b: missing",
            "body/c~1d: missing",
            "body/x~0y: unexpected",
        ],
    );
    check(&[("[1, 2]", "[1]")], &["body/1: missing"]);
    check(&[("[1]", "[1, 2]")], &["body/1: unexpected"]);
    check(&[("1", "1.0")], &["body: differs"]);
    check(&[("{}", "[]")], &["body: differs"]);
}

#[test]
fn equal_symbols_are_equal_and_different_symbols_differ() {
    check(
        &[
            (r#""${UID1}""#, &quoted(A)),
            (r#""${UID1}""#, &quoted(A)),
            (r#""${UID2}""#, &quoted(B)),
        ],
        &[],
    );
    check(
        &[(r#""${UID1}""#, &quoted(A)), (r#""${UID1}""#, &quoted(B))],
        &["body: differs"],
    );
    let both = format!("body: UID2 and UID1 are both {A}");
    check(
        &[(r#""${UID1}""#, &quoted(A)), (r#""${UID2}""#, &quoted(A))],
        &[&both],
    );
}

#[test]
fn numbers_of_revisions_give_their_order() {
    check(
        &[
            (r#""${RV2}""#, r#""12""#),
            (r#""${RV1}""#, r#""9""#),
            (r#""${RV3}""#, r#""100""#),
        ],
        &[],
    );
    check(
        &[(r#""${RV1}""#, r#""12""#), (r#""${RV2}""#, r#""9""#)],
        &["body: order: RV2=9 but RV1=12"],
    );
    check(
        &[(r#""${RV1}""#, r#""12""#), (r#""${RV2}""#, r#""12""#)],
        &["body: order: RV2=12 but RV1=12"],
    );
    check(
        &[(r#""${LRV}""#, r#""12""#), (r#""${LRV}""#, r#""9""#)],
        &[],
    );
}

#[test]
fn a_template_may_repeat_a_symbol_within_one_text() {
    check(
        &[(
            r#""pod-${GEN1} of ${ANY} pod-${GEN1}""#,
            r#""pod-x4k2z of a, pod-bbbbb and pod-x4k2z""#,
        )],
        &[],
    );
    check(
        &[(r#""pod-${GEN1} pod-${GEN1}""#, r#""pod-x4k2z pod-x4k2y""#)],
        &["body: differs"],
    );
    // A greedy symbol gives back what the rest of the template needs.
    check(
        &[
            (r#""${ANY}:${PORT1}0""#, r#""a:b:310000""#),
            (r#"{"p": "${PORT1}"}"#, r#"{"p": 31000}"#),
        ],
        &[],
    );
}

#[test]
fn integers_may_fit_templates_but_nothing_else_may() {
    check(&[(r#""${PORT1}""#, "31000")], &[]);
    for other in ["true", "null", "1.5", "[]"] {
        check(&[(r#""${PORT1}""#, other)], &["body: type"]);
    }
}

#[test]
fn captured_variables_and_the_namespace_stand_for_themselves() {
    check(
        &[(r#""a ${cont} ${e1} ${NS}""#, r#""a abc 7 golden-x""#)],
        &[],
    );
    check(&[(r#""${unknown}""#, r#""${unknown}""#)], &[]);
    check(&[(r#""${unknown} ${""#, r#""x ${""#)], &["body: differs"]);
}

#[test]
fn member_names_may_be_templates() {
    check(
        &[(
            r#"{"k:{\"uid\":\"${UID1}\"}": {}}"#,
            &format!(r#"{{"k:{{\"uid\":\"{A}\"}}": {{}}}}"#),
        )],
        &[],
    );
    check(
        &[(r#"{"${UID1}": 1}"#, r#"{"x": 1}"#)],
        &["body/${UID1}: missing", "body/x: unexpected"],
    );
}

#[test]
fn characters_that_regular_expressions_know_are_ordinary() {
    check(&[(r#""a.b*(c) ${ANY}""#, r#""a.b*(c) d""#)], &[]);
    check(&[(r#""a.b ${ANY}""#, r#""axb d""#)], &["body: differs"]);
}
