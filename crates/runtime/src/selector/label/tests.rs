use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match LabelSelector::parse(text) {
        Ok(selector) => selector.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{text}");
}

/// `labels` as in `a=1 b=2`.
#[track_caller]
fn check_match(text: &str, labels: &str, expected: bool) {
    let selector = LabelSelector::parse(text).expect("a selector");
    let lookup = |key: &str| {
        labels
            .split(' ')
            .filter_map(|label| label.split_once('='))
            .find(|(k, _)| *k == key)
            .map(|(_, v)| v)
    };
    assert_eq!(
        selector.matches(lookup),
        expected,
        "{text} against {labels}"
    );
}

#[test]
fn selectors_are_shown_ordered_by_key_and_value() {
    check("", "");
    check("  ", "");
    check("b=1,a==2", "a==2,b=1");
    check(
        "x in (foo,,baz),y,z notin ()",
        "x in (,baz,foo),y,z notin ()",
    );
    check("a\tin\n( b , a ,b )", "a in (a,b)");
    check("!a, b!=c,d>1,e<2", "!a,b!=c,d>1,e<2");
    check("a=", "a=");
    check("a=,b", "a=,b");
    check("a in (,)", "a in ()");
    check("in in (in,notin)", "in in (in,notin)");
    check("example.com/a=B_c.d-1", "example.com/a=B_c.d-1");
    check("a=b\0,c", "a=b,c");
}

#[test]
fn what_is_no_selector_is_refused_in_upstreams_words() {
    check(
        "=web",
        "found '=', expected: !, identifier, or 'end of string'",
    );
    check(
        "a b",
        "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    );
    check(
        "tier in (web",
        "unable to parse requirement: found '', expected: ',' or ')'",
    );
    check(
        "a in web",
        "unable to parse requirement: found 'web' expected: '('",
    );
    check(
        "a in (=",
        "unable to parse requirement: found '=', expected: ',', ')' or identifier",
    );
    check(
        "a in (b,=",
        "unable to parse requirement: found '=', expected: ',', or identifier",
    );
    check(
        "a in (b=",
        "unable to parse requirement: found '=', expected: ',' or ')'",
    );
    check(
        "a=(",
        "unable to parse requirement: found '(', expected: identifier",
    );
    check("a=b=c", "found '=', expected: ',' or 'end of string'");
    check("!a=b", "found '=', expected: ',' or 'end of string'");
    check("a,", "found '', expected: identifier after ','");
    check("a,,b", "found ',', expected: identifier after ','");
    check(
        "!",
        "unable to parse requirement: found '', expected: identifier",
    );
    check(
        "a===b",
        "unable to parse requirement: found '=', expected: identifier",
    );
    check(
        "n>x",
        "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    );
    check(
        "tier=-x",
        "unable to parse requirement: values[0][tier]: Invalid value: \"-x\": a valid label must be an empty string or \
         consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
         (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
         '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    );
    check(
        "x/y/z=1",
        "unable to parse requirement: <nil>: Invalid value: \"x/y/z\": a valid label key must consist of alphanumeric \
         characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or \
         'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an \
         optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    );
}

#[test]
fn every_requirement_must_hold() {
    check_match("", "", true);
    check_match("tier=web", "tier=web", true);
    check_match("tier=web", "tier=db", false);
    check_match("tier=web", "", false);
    check_match("tier=web,a=b", "tier=web", false);
    check_match("tier!=web", "tier=db", true);
    check_match("tier!=web", "", true);
    check_match("tier in (web,db)", "tier=db", true);
    check_match("tier notin (web)", "tier=web", false);
    check_match("tier notin (web)", "a=b", true);
    check_match("tier", "tier=", true);
    check_match("tier=", "tier=", true);
    check_match("tier=", "", false);
    check_match("!tier", "tier=", false);
    check_match("!tier", "", true);
}

#[test]
fn integers_are_compared_as_numbers() {
    check_match("n>1", "n=2", true);
    check_match("n>1", "n=10", true);
    check_match("n>1", "n=1", false);
    check_match("n<3", "n=2", true);
    check_match("n<3", "n=-4", true);
    check_match("n<3", "n=x", false);
    check_match("n<3", "", false);
}

#[test]
fn a_selector_object_is_all_of_its_labels_and_expressions() {
    let expression = |operator, values| Expression {
        key: "x",
        operator,
        values,
    };
    let selector = LabelSelector::from_object([("b", "2")], [expression("In", vec!["b", "a"])])
        .expect("a selector");
    assert_eq!(selector.to_string(), "b=2,x in (a,b)");
    assert!(
        LabelSelector::from_object([], [])
            .expect("a selector")
            .is_everything()
    );
    assert!(!LabelSelector::nothing().matches(|_| None));
    let error = |operator, values| {
        LabelSelector::from_object([], [expression(operator, values)])
            .expect_err("not valid")
            .to_string()
    };
    assert_eq!(
        error("Near", vec![]),
        "\"Near\" is not a valid label selector operator"
    );
    assert_eq!(
        error("In", vec![]),
        "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"
    );
    assert_eq!(
        error("Exists", vec!["a"]),
        "values: Invalid value: [\"a\"]: values set must be empty for exists and does not exist"
    );
}

#[test]
fn only_one_value_is_an_exact_match() {
    let selector = LabelSelector::parse("a=1,b in (2),c in (3,4),d!=5").expect("a selector");
    assert_eq!(selector.requires_exact_match("a"), Some("1"));
    assert_eq!(selector.requires_exact_match("b"), Some("2"));
    for key in ["c", "d", "e"] {
        assert_eq!(selector.requires_exact_match(key), None, "{key}");
    }
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let key = "([a-z]{1,4}/)?(in|notin|[A-Za-z0-9]{1,5})";
    let value = prop_oneof![Just(String::new()), "in|notin|[A-Za-z0-9]{1,4}"];
    let many = prop::collection::vec(value.clone(), 1..4);
    let one = value.prop_map(|value| vec![value]);
    let number = any::<i64>().prop_map(|number| vec![number.unsigned_abs().to_string()]);
    let rest = prop_oneof![
        (Just(Operator::Equals), one.clone()),
        (Just(Operator::DoubleEquals), one.clone()),
        (Just(Operator::NotEquals), one),
        (Just(Operator::In), many.clone()),
        (Just(Operator::NotIn), many),
        (Just(Operator::Exists), Just(vec![])),
        (Just(Operator::DoesNotExist), Just(vec![])),
        (Just(Operator::GreaterThan), number.clone()),
        (Just(Operator::LessThan), number),
    ];
    (key, rest).prop_filter_map("numbers beyond 64 bits", |(key, (operator, values))| {
        Requirement::new(&key, operator, values.into_iter().map(Box::from).collect()).ok()
    })
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back_the_same(requirements in prop::collection::vec(requirement(), 0..5)) {
        let selector = LabelSelector::all_of(requirements);
        prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
    }

    #[test]
    fn no_text_panics(text in "[a-c!=<>(), \\x00]{0,20}|\\PC{0,20}") {
        let _ = LabelSelector::parse(&text);
    }
}
