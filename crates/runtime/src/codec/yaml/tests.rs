use super::*;

#[track_caller]
fn check(yaml: &str, expected: &str) {
    let mut problems = Problems::collected();
    let found = match to_json(&Bytes::from(yaml.to_owned()), &mut problems) {
        Ok(json) => String::from_utf8(json.to_vec()).unwrap(),
        Err(error) => error.to_string(),
    };
    let found = problems
        .texts()
        .iter()
        .fold(found, |found, problem| format!("{found} {problem}"));
    assert_eq!(found, expected, "{yaml}");
}

#[test]
fn documents_become_json_with_sorted_keys() {
    check("", "null");
    check("# nothing", "null");
    check(
        "b: 1\na: [x, \"y\", 'z', y]\n",
        r#"{"a":["x","y","z",true],"b":1}"#,
    );
    check(
        "a:\n- 1\n-\n- 0777\n- 1.5\n- 2001-01-01\n",
        r#"{"a":[1,null,511,1.5,"2001-01-01"]}"#,
    );
    check(
        "text: |\n  two\n  lines\nfolded: >\n  one\n  line\n",
        r#"{"folded":"one line\n","text":"two\nlines\n"}"#,
    );
    check("1: a\ntrue: b\n1.5: c", r#"{"1":"a","1.5":"c","true":"b"}"#);
    check(
        "a: !!str 1\nb: !!float 1\nc: !!int '7'\nd: !mine x\ne: !!binary aGk=",
        r#"{"a":"1","b":1,"c":7,"d":"x","e":"hi"}"#,
    );
    check("{\"a\": \"\\u00e9\", \"b\": {}}", r#"{"a":"é","b":{}}"#);
    check("a: 18446744073709551615", r#"{"a":18446744073709551615}"#);
}

#[test]
fn json_is_yaml() {
    check(
        r#" {"b":[1.0,1e2,"y",null,-0],"a":{}} "#,
        r#"{"a":{},"b":[1,100,"y",null,0]}"#,
    );
    check(
        "{\"a\":1,\"a\":2}",
        "{\"a\":2} yaml: unmarshal errors:\n  line 1: key \"a\" already set in map",
    );
    check(
        r#"{"a":18446744073709551615}"#,
        r#"{"a":18446744073709551615}"#,
    );
    check(r#"{"a":1} # so be it"#, r#"{"a":1}"#);
}

#[test]
fn only_the_first_document_counts() {
    check("---\na: 1\n---\nb: 2\n", r#"{"a":1}"#);
    check("a: 1\n---\n{{\n", r#"{"a":1}"#);
}

#[test]
fn anchors_and_merges_are_followed() {
    check(
        "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n",
        r#"{"a":{"b":1},"c":{"b":1},"d":{"b":1,"e":2}}"#,
    );
    check(
        "a: &x {b: 1}\nz: &z {b: 2, c: 3}\nd:\n  <<: [*x, *z]\n",
        "{\"a\":{\"b\":1},\"d\":{\"b\":1,\"c\":3},\"z\":{\"b\":2,\"c\":3}} yaml: unmarshal errors:\n  line 1: key \"b\" already set in map",
    );
    check(
        "a: &x 1\nb:\n  <<: *x\n",
        "yaml: map merge requires map or sequence of maps as the value",
    );
    check("a: *x\n", "yaml: unknown anchor 'x' referenced");
    check("a: &x [*x]\n", "yaml: anchor 'x' value contains itself");
}

#[test]
fn duplicate_keys_are_told_and_the_last_one_counts() {
    check(
        "a: b\nc:\n  d: 1\n  d: 2\na: c\n",
        "{\"a\":\"c\",\"c\":{\"d\":2}} yaml: unmarshal errors:\n  line 4: key \"d\" already set in map\n  line 5: key \"a\" already set in map",
    );
}

#[test]
fn what_is_no_yaml_is_refused_in_libyamls_words() {
    check(
        "a: b: c",
        "yaml: mapping values are not allowed in this context",
    );
    check(
        "a:\n\tb: c",
        "yaml: line 2: found character that cannot start any token",
    );
    check("{{", "yaml: line 1: did not find expected node content");
    check("a: 'b", "yaml: found unexpected end of stream");
    check(
        "- a\nb: c\n",
        "yaml: line 1: did not find expected '-' indicator",
    );
    check("a: @b", "yaml: found character that cannot start any token");
    check("a: [b", "yaml: line 1: did not find expected ',' or ']'");
    check("a: \u{1}", "yaml: control characters are not allowed");
    check("a: .nan", "json: unsupported value: NaN");
    check("a: !!int x", "yaml: cannot decode !!str `x` as a !!int");
}

#[test]
fn documents_do_not_grow_beyond_measure() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    check(&bomb, "yaml: document contains excessive aliasing");
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 90].join(", ")
    );
    check(&long, "yaml: document contains excessive aliasing");
    let deep = "[".repeat(100_000);
    assert!(to_json(&Bytes::from(deep), &mut Problems::ignored()).is_err());
}

#[track_caller]
fn check_written(json: &str, expected: &str) {
    let mut out = Vec::new();
    from_json(&Bytes::from(json.to_owned()), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{json}");
}

#[test]
fn values_are_laid_out_in_blocks() {
    check_written("1", "1\n");
    check_written("{}", "{}\n");
    check_written(r#""a""#, "a\n");
    check_written(
        r#"{"b":[1,{"c":2,"d":[]}],"a":{"e":{}}}"#,
        "a:\n  e: {}\nb:\n- 1\n- c: 2\n  d: []\n",
    );
    check_written("[[1,[2]],[]]", "- - 1\n  - - 2\n- []\n");
    check_written(
        r#"{"a":null,"b":true,"c":1.5,"d":1e21,"e":0.00001,"f":1234567.5,"g":-0.5,"h":3.0}"#,
        "a: null\nb: true\nc: 1.5\nd: 1e+21\ne: 1e-05\nf: 1.2345675e+06\ng: -0.5\nh: 3\n",
    );
    check_written(
        r#"{"a2":1,"a10":2,"ab":3,"a-b":4}"#,
        "a-b: 4\na2: 1\na10: 2\nab: 3\n",
    );
}

#[test]
fn strings_are_quoted_where_they_would_be_read_as_something_else() {
    for (text, written) in [
        ("y", "\"y\""),
        ("12", "\"12\""),
        ("1:30", "\"1:30\""),
        ("2026-11-22T21:39:28Z", "\"2026-11-22T21:39:28Z\""),
        ("", "\"\""),
        ("null", "\"null\""),
        ("a b", "a b"),
        ("a: b", "'a: b'"),
        ("it's: b", "'it''s: b'"),
        ("configmaps \"y\" not found", "configmaps \"y\" not found"),
        ("\"y\"", "'\"y\"'"),
        ("a #b", "'a #b'"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("*", "'*'"),
        ("{a}", "'{a}'"),
        (" a", "' a'"),
        ("a\tb", "\"a\\tb\""),
        ("\u{e9}", "\u{e9}"),
        ("\u{1f600}", "\"\\U0001F600\""),
        ("a\u{7f}", "\"a\\x7F\""),
        ("a\u{2028}b", "\"a\\Lb\""),
    ] {
        let json = format!("{{\"k\":{}}}", quoted(text));
        check_written(&json, &format!("k: {written}\n"));
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json::encode_str(text, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn lines_stand_as_lines() {
    check_written(r#"{"a":"x\ny\n"}"#, "a: |\n  x\n  y\n");
    check_written(r#"{"a":"x\ny"}"#, "a: |-\n  x\n  y\n");
    check_written(r#"{"a":"x\n\n"}"#, "a: |+\n  x\n\n");
    check_written(r#"{"a":" x\ny\n"}"#, "a: |2\n   x\n  y\n");
    check_written(r#"{"a":"x \ny\n"}"#, "a: \"x \\ny\\n\"\n");
    check_written(r#"{"a":"x\ty\nz"}"#, "a: \"x\\ty\\nz\"\n");
    check_written(r#"[{"a":"x\ny"}]"#, "- a: |-\n    x\n    y\n");
}

#[test]
fn long_lines_are_folded_at_a_blank() {
    let text = vec!["word"; 30].join(" ");
    let mut out = Vec::new();
    from_json(
        &Bytes::from(format!("{{\"message\":\"{text}\"}}")),
        &mut out,
    );
    let out = String::from_utf8(out).unwrap();
    assert_eq!(
        out,
        format!(
            "message: {}\n  {}\n",
            vec!["word"; 15].join(" "),
            vec!["word"; 15].join(" ")
        )
    );
}

#[test]
fn long_keys_are_marked() {
    let key = "k".repeat(129);
    check_written(
        &format!("{{\"{key}\":{{\"a\":1}},\"b\":2}}"),
        &format!("b: 2\n? {key}\n: a: 1\n"),
    );
}
