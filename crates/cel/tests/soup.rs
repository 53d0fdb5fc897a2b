//! Whatever is written: an expression is refused or evaluated, within its budget, and nothing panics.

use pintle_cel::types::Type;
use pintle_cel::value::Val;
use pintle_cel::{Budget, Environment, Program};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Words that fit together often enough for something to be evaluated.
const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    ":",
    "?",
    "?.",
    "[?",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "!",
    "in",
    "true",
    "false",
    "null",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615u",
    "0u",
    "1.5",
    "1e308",
    "0x7f",
    "''",
    "'a'",
    "\"ü\"",
    "'😀'",
    "b'\\xff'",
    "r'\\d'",
    "'''x'''",
    "'10Gi'",
    "'10.0.0.1'",
    "'10.0.0.0/8'",
    "'https://a.b/c?d=e'",
    "'2026-01-02T03:04:05Z'",
    "'1h30m'",
    "'1.2.3'",
    "'%s %d'",
    "text",
    "list",
    "map",
    "e",
    "size",
    "has",
    "all",
    "exists",
    "exists_one",
    "filter",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "type",
    "dyn",
    "duration",
    "timestamp",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "split",
    "join",
    "substring",
    "charAt",
    "indexOf",
    "lastIndexOf",
    "replace",
    "trim",
    "lowerAscii",
    "upperAscii",
    "format",
    "reverse",
    "quote",
    "quantity",
    "isQuantity",
    "sub",
    "add",
    "asInteger",
    "ip",
    "cidr",
    "containsIP",
    "url",
    "getHost",
    "semver",
    "isSorted",
    "sum",
    "min",
    "max",
    "find",
    "findAll",
    "getFullYear",
    "getHours",
    "optional",
    "of",
    "none",
    "orValue",
    "sets",
    "intersects",
    "`x-y`",
    "\n",
    "// c",
    "@",
    "\\",
    "'",
    "\u{0}",
];

const TEMPLATES: &[&str] = &[
    "A.all(e, B)",
    "A.exists(e, B)",
    "A.map(e, B)",
    "A.filter(e, e == B)",
    "A ? B : C",
    "A + B",
    "A - B",
    "A * B",
    "A / B",
    "A % B",
    "A == B",
    "A < B",
    "A in B",
    "A && B",
    "A || B",
    "!A",
    "-A",
    "A[B]",
    "A.split(B)",
    "A.substring(B)",
    "A.substring(B, C)",
    "A.replace(B, C)",
    "A.charAt(B)",
    "A.indexOf(B, C)",
    "A.lastIndexOf(B)",
    "A.format([B, C])",
    "A.join(B)",
    "A.matches(B)",
    "A.find(B)",
    "A.findAll(B, C)",
    "int(A)",
    "uint(A)",
    "double(A)",
    "string(A)",
    "bytes(A)",
    "duration(A)",
    "timestamp(A)",
    "quantity(A).add(B)",
    "quantity(A).sub(quantity(B))",
    "ip(A)",
    "cidr(A).containsIP(B)",
    "url(A).getPort()",
    "semver(A)",
    "size(A)",
    "type(A)",
    "[A, B, C]",
    "{A: B}",
    "A.getHours(B)",
    "A.reverse()",
    "A.sum()",
    "A.min()",
    "A.isSorted()",
    "optional.of(A).orValue(B)",
    "A.startsWith(B)",
    "sets.contains(A, B)",
    "timestamp(A) + duration(B)",
];

fn environment() -> Environment {
    Environment::base()
        .with_variable("text", Type::String)
        .with_variable("list", Type::Dyn)
        .with_variable("map", Type::Dyn)
}

fn survives(text: &str) {
    match Program::compile(text, &environment()) {
        Err(issues) => assert!(!issues.to_string().is_empty(), "{text:?}"),
        Ok(program) => {
            let variables = [
                ("text", Val::string("häßlich 😀")),
                ("list", Val::string("no list")),
                ("map", Val::string("no map")),
            ];
            let _ = program.evaluate(&variables, &mut Budget::new(10_000));
        }
    }
}

/// An expression of templates in each other, whose leaves are words.
fn nested() -> impl Strategy<Value = String> {
    select(WORDS)
        .prop_map(ToOwned::to_owned)
        .prop_recursive(4, 24, 3, |inner| {
            (select(TEMPLATES), inner.clone(), inner.clone(), inner).prop_map(
                |(template, a, b, c)| {
                    let parts = template.chars().map(|letter| match letter {
                        'A' => format!("({a})"),
                        'B' => b.clone(),
                        'C' => c.clone(),
                        letter => letter.to_string(),
                    });
                    parts.collect()
                },
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn words_in_any_order_do_no_harm(words in vec(select(WORDS), 0..24), spaced in any::<bool>()) {
        survives(&words.join(if spaced { " " } else { "" }));
    }

    #[test]
    fn expressions_in_each_other_do_no_harm(text in nested()) {
        survives(&text);
    }

    #[test]
    fn any_text_does_no_harm(text in "\\PC*") {
        survives(&text);
    }
}
