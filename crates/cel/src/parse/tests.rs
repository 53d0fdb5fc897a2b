use super::{Macros, parse, parse_with};

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match parse(text) {
        Ok(parsed) => parsed.expr.to_string(),
        Err(issues) => issues.to_string(),
    };
    assert_eq!(found, expected, "{text}");
}

const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Each message with its line and column.
#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let issues = parse(text).expect_err(text);
    let found: Vec<String> = issues
        .iter()
        .map(|issue| {
            let at = issue.location;
            format!("{}:{} {}", at.line, at.column + 1, issue.message).replace(OPERAND, "OPERAND")
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn operators_are_calls() {
    check("a + b * c", "_+_(a, _*_(b, c))");
    check("a - b - c", "_-_(_-_(a, b), c)");
    check("a == b != c", "_!=_(_==_(a, b), c)");
    check("a in b", "@in(a, b)");
    check("!!!a", "!_(a)");
    check("!!a", "a");
    check("-a", "-_(a)");
    check("--1", "1");
    check("-1", "-1");
    check("a ? b : c ? d : e", "_?_:_(a, b, _?_:_(c, d, e))");
    check("a || b || c || d", "_||_(_||_(a, b), _||_(c, d))");
    check("a && b || c", "_||_(_&&_(a, b), c)");
    check("a[1].b(c).d", "_[_](a, 1).b(c).d");
    check("a.?b[?1]", "_[?_](_?._(a, \"b\"), 1)");
    check("[1, ?a,]", "[1, ?a]");
    check("{?'a': b, 'c': d,}", "{?\"a\": b, \"c\": d}");
    check("a.b.C{d: e, ?f: g}", "a.b.C{d: e, ?f: g}");
    check("Object{}", "Object{}");
    check(".a.b", ".a.b");
    check(".f(1)", ".f(1)");
    check("a // that is it", "a");
}

#[test]
fn literals_are_read() {
    check("0x1F", "31");
    check("-0x1f", "-31");
    check("12u", "12u");
    check("0xFFu", "255u");
    check("1.5e3", "1500.0");
    check(".5", "0.5");
    check("-9223372036854775808", "-9223372036854775808");
    check(r#"'it\'s' "#, r#""it's""#);
    check(r#"r'\d'"#, r#""\\d""#);
    check("'''a\nb'''", r#""a\nb""#);
    check(r#""\x41\u0042\U00000043\104""#, "\"ABCD\"");
    check(r#"b'\xff\377a'"#, r#"b"\xff\xff\x61""#);
    check("null", "null");
    check("''", "\"\"");
}

#[test]
fn macros_are_replaced() {
    check("has(a.b)", "has(a.b)");
    check(
        "l.all(x, x > 0)",
        "fold(l, x, @result = true, while @not_strictly_false(@result), _&&_(@result, _>_(x, 0)), @result)",
    );
    check(
        "l.exists(x, x)",
        "fold(l, x, @result = false, while @not_strictly_false(!_(@result)), _||_(@result, x), @result)",
    );
    check(
        "l.exists_one(x, x)",
        "fold(l, x, @result = 0, while true, _?_:_(x, _+_(@result, 1), @result), _==_(@result, 1))",
    );
    check(
        "l.map(x, y)",
        "fold(l, x, @result = [], while true, _+_(@result, [y]), @result)",
    );
    check(
        "l.map(x, p, y)",
        "fold(l, x, @result = [], while true, _?_:_(p, _+_(@result, [y]), @result), @result)",
    );
    check(
        "l.filter(x, p)",
        "fold(l, x, @result = [], while true, _?_:_(p, _+_(@result, [x]), @result), @result)",
    );
    check(
        "m.transformMap(k, v, p, v)",
        "fold(m, k, v, @result = {}, while true, _?_:_(p, cel.@mapInsert(@result, k, v), @result), @result)",
    );
    check(
        "a.?b.optMap(x, x)",
        "_?_:_(_?._(a, \"b\").hasValue(), optional.of(fold([], #unused, x = _?._(a, \"b\").value(), while false, x, x)), optional.none())",
    );
    refused("has(a)", &["1:5 invalid argument to has() macro"]);
    refused("l.all(1, x)", &["1:7 argument must be a simple name"]);
    refused("l.map(a.b, x)", &["1:8 argument is not an identifier"]);
    refused(
        "l.all(__result__, x)",
        &["1:7 iteration variable overwrites accumulator variable"],
    );
    refused("l.all(x, x, x)", &["1:10 duplicate variable name: x"]);
}

#[test]
fn issues_show_the_line_and_the_place() {
    check(
        "0xFFFFFFFFFFFFFFFFF",
        "ERROR: <input>:1:1: invalid int literal\n | 0xFFFFFFFFFFFFFFFFF\n | ^",
    );
    check(
        "1 +\n 'é' + as",
        "ERROR: <input>:2:8: reserved identifier: as\n |  'é' + as\n | ..\u{ff0e}....^",
    );
    check(
        "self ++",
        &format!(
            "ERROR: <input>:1:7: Syntax error: mismatched input '+' expecting {OPERAND}\n | self ++\n | ......^\nERROR: <input>:1:8: Syntax error: mismatched input '<EOF>' expecting {OPERAND}\n | self ++\n | .......^"
        ),
    );
}

#[test]
fn what_does_not_fit_is_told_and_reading_goes_on() {
    refused(
        "1 +",
        &["1:4 Syntax error: mismatched input '<EOF>' expecting OPERAND"],
    );
    refused(
        "",
        &["1:1 Syntax error: mismatched input '<EOF>' expecting OPERAND"],
    );
    refused(
        "*@a | b",
        &[
            "1:1 Syntax error: extraneous input '*' expecting OPERAND",
            "1:2 Syntax error: token recognition error at: '@'",
            "1:5 Syntax error: token recognition error at: '| '",
            "1:7 Syntax error: extraneous input 'b' expecting <EOF>",
        ],
    );
    refused(
        "a | b",
        &[
            "1:3 Syntax error: token recognition error at: '| '",
            "1:5 Syntax error: extraneous input 'b' expecting <EOF>",
        ],
    );
    refused(
        "{",
        &[
            "1:2 Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
        ],
    );
    refused(
        "Object{",
        &[
            "1:8 Syntax error: mismatched input '<EOF>' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}",
        ],
    );
    refused(
        "f(){}",
        &["1:4 Syntax error: mismatched input '{' expecting <EOF>"],
    );
    refused(
        "T{}()",
        &["1:4 Syntax error: mismatched input '(' expecting <EOF>"],
    );
    refused(
        "1 + $",
        &[
            "1:5 Syntax error: token recognition error at: '$'",
            "1:6 Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    );
    refused(
        "1 + 2\n3 +",
        &["2:1 Syntax error: mismatched input '3' expecting <EOF>"],
    );
    refused(
        "1 + +",
        &[
            "1:5 Syntax error: mismatched input '+' expecting OPERAND",
            "1:6 Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    );
    refused(
        "{\"a\": 1}.\"a\"",
        &["1:10 Syntax error: no viable alternative at input '.\"a\"'"],
    );
    refused(
        "in",
        &[
            "1:1 Syntax error: mismatched input 'in' expecting OPERAND",
            "1:3 Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    );
    refused(
        "func{{a}}",
        &[
            "1:6 Syntax error: extraneous input '{' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}",
            "1:8 Syntax error: mismatched input '}' expecting ':'",
            "1:9 Syntax error: extraneous input '}' expecting <EOF>",
        ],
    );
    refused(
        "msg{:a}",
        &[
            "1:5 Syntax error: extraneous input ':' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}",
            "1:7 Syntax error: mismatched input '}' expecting ':'",
        ],
    );
    refused(
        "{a}",
        &["1:3 Syntax error: mismatched input '}' expecting ':'"],
    );
    refused(
        "ind[a{b}]",
        &["1:8 Syntax error: mismatched input '}' expecting ':'"],
    );
    refused(
        "--",
        &[
            "1:3 Syntax error: no viable alternative at input '-'",
            "1:3 Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    );
    refused(
        "?",
        &[
            "1:1 Syntax error: mismatched input '?' expecting OPERAND",
            "1:2 Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    );
    refused(
        "self.true == 1",
        &["1:6 Syntax error: mismatched input 'true' expecting IDENTIFIER"],
    );
}

#[test]
fn depth_and_length_are_limited() {
    let nested = format!("{}1{}", "[".repeat(251), "]".repeat(251));
    refused(&nested, &["-1:0 expression recursion limit exceeded: 250"]);
    refused(
        &"a".repeat(100_001),
        &["-1:0 expression code point size exceeds limit: size: 100001, limit 100000"],
    );
}

#[test]
fn a_value_has_a_name_where_that_is_known() {
    let bound = |text: &str| match parse_with(text, Macros { bind: true }) {
        Ok(parsed) => parsed.expr.to_string(),
        Err(issues) => issues.to_string(),
    };
    let loops = bound("cel.bind(a, b, a + a)");
    assert!(loops.contains("_+_(a, a)"), "{loops}");
    assert_ne!(loops, "cel.bind(a, b, _+_(a, a))");
    assert_eq!(
        bound("cel.bind(a.b, 1, 2)"),
        "ERROR: <input>:1:11: cel.bind() variable names must be simple identifiers\n | cel.bind(a.b, 1, 2)\n | ..........^"
    );
    check("cel.bind(a, b, a + a)", "cel.bind(a, b, _+_(a, a))");
    assert_eq!(bound("b.bind(a, b, a)"), "b.bind(a, b, a)");
}

#[test]
fn what_is_selected_is_found_wherever_it_stands() {
    let selects = |text: &str| parse(text).expect(text).expr.selects("claims", "email");
    for text in [
        "claims.email",
        "claims.email.size() > 1",
        "has(claims.email)",
        "claims.?email.orValue('')",
        "[1].all(x, claims.email == 'a')",
        "{'a': [claims.email]}",
        "'a'.startsWith(claims.email)",
    ] {
        assert!(selects(text), "{text}");
    }
    for text in [
        "claims.email_verified",
        "claims['email']",
        "claims[?'email']",
        "claims.a.email",
        "'claims.email'",
    ] {
        assert!(!selects(text), "{text}");
    }
}
