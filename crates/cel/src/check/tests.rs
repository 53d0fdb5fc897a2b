use std::sync::Arc;

use super::check;
use crate::Environment;
use crate::parse::parse;
use crate::types::{Declared, ObjectType, Type};

fn environment() -> Environment {
    let spec = ObjectType::new([("replicas", Type::Int), ("name", Type::String)]);
    let pod = ObjectType::new([
        ("spec", Type::object("Spec")),
        ("labels", Type::map(Type::String, Type::String)),
        ("args", Type::list(Type::String)),
    ]);
    Environment::base()
        .with_variable("self", Type::object("Pod"))
        .with_variable("object", Type::Dyn)
        .with_variable("x", Type::Int)
        .with_variable("s", Type::String)
        .with_variable("claims", Type::map(Type::String, Type::Any))
        .with_variable("a.b", Type::Bool)
        .with_objects(Arc::new(
            Declared::new().with("Pod", pod).with("Spec", spec),
        ))
}

#[track_caller]
fn check_type(text: &str, expected: &str) {
    let parsed = parse(text).expect(text);
    let found = match check(parsed, &environment()) {
        Ok(checked) => checked.result().to_string(),
        Err(issues) => issues.to_string(),
    };
    assert_eq!(found, expected, "{text}");
}

/// Each message with its column.
#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let issues = check(parse(text).expect(text), &environment()).expect_err(text);
    let found: Vec<String> = issues
        .iter()
        .map(|issue| format!("{} {}", issue.location.column + 1, issue.message))
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn what_json_holds_may_be_anything() {
    check_type("claims.a", "any");
    check_type("claims.a + 1", "int");
    check_type("claims.a == 'b'", "bool");
    check_type("claims.a.b.c[0]", "dyn");
    check_type("claims.a && !claims.b.c", "bool");
    check_type("claims[?'a.b']['c']['d'].orValue(true)", "bool");
    check_type("claims.a.all(x, x == 1)", "bool");
    refused(
        "claims + 1",
        &["8 found no matching overload for '_+_' applied to '(map(string, any), int)'"],
    );
}

#[test]
fn expressions_have_types() {
    check_type("1", "int");
    check_type("1u", "uint");
    check_type("1.0", "double");
    check_type("'a'", "string");
    check_type("b'a'", "bytes");
    check_type("null", "null");
    check_type("[1, 2]", "list(int)");
    check_type("[]", "list(dyn)");
    check_type("{'a': 1}", "map(string, int)");
    check_type("{}", "map(dyn, dyn)");
    check_type("1 + 2 == 3", "bool");
    check_type("x > 1 ? 'a' : 'b'", "string");
    check_type("self.spec.replicas", "int");
    check_type("self.spec", "Spec");
    check_type("self.labels['a']", "string");
    check_type("self.labels.a", "string");
    check_type("self.args[0]", "string");
    check_type("has(self.spec.name)", "bool");
    check_type("object.a.b", "dyn");
    check_type("object.a == 1", "bool");
    check_type("a.b", "bool");
    check_type("self.?spec.?name", "optional_type(string)");
    check_type("self.labels[?'a']", "optional_type(string)");
    check_type("self.labels[?'a'].orValue('b')", "string");
    check_type("optional.of(1)", "optional_type(int)");
    check_type("optional.none()", "optional_type(dyn)");
    check_type("[1].map(i, string(i))", "list(string)");
    check_type("[1].filter(i, i > 0)", "list(int)");
    check_type("self.args.all(a, a != '')", "bool");
    check_type("{'a': 1}.transformMap(k, v, k)", "map(string, string)");
    check_type("{'a': 1}.transformList(k, v, v)", "list(int)");
    check_type("duration('1h')", "duration");
    check_type("timestamp('2020-01-01T00:00:00Z')", "timestamp");
    check_type("type(1)", "type(int)");
    check_type("type(1) == int", "bool");
    check_type("url('https://a/b').getHost()", "string");
    check_type("quantity('1').add(2)", "kubernetes.Quantity");
    check_type("ip('1.2.3.4')", "net.IP");
    check_type("[1, 2].max()", "int");
    check_type("['a'].isSorted()", "bool");
    check_type("sets.contains([1], [1])", "bool");
    check_type(
        "format.dns1123Label().validate(s)",
        "optional_type(list(string))",
    );
    check_type("Pod{spec: Spec{replicas: 1}}", "Pod");
    check_type("1 < 1.5", "bool");
    check_type("'%s %d'.format([s, s])", "string");
    check_type("self.spec.name.split(',').map(p, p.trim())", "list(string)");
    check_type("dyn(1) in [1]", "bool");
    check_type("[[1]].map(l, l.map(i, i + 1))", "list(list(int))");
}

#[test]
fn what_makes_no_sense_is_told() {
    refused("y", &["1 undeclared reference to 'y' (in container '')"]);
    refused("f(1)", &["2 undeclared reference to 'f' (in container '')"]);
    refused(
        "s.f(1)",
        &["4 undeclared reference to 'f' (in container '')"],
    );
    refused("self.nope", &["5 undefined field 'nope'"]);
    refused("self.spec.nope == 1", &["10 undefined field 'nope'"]);
    refused("x.y", &["2 type 'int' does not support field selection"]);
    refused(
        "x + 'a'",
        &["3 found no matching overload for '_+_' applied to '(int, string)'"],
    );
    refused(
        "self.spec.replicas == 'a'",
        &["20 found no matching overload for '_==_' applied to '(int, string)'"],
    );
    refused(
        "s.startsWith(1)",
        &["13 found no matching overload for 'startsWith' applied to 'string.(int)'"],
    );
    refused(
        "size(1)",
        &["5 found no matching overload for 'size' applied to '(int)'"],
    );
    refused("x && true", &["1 expected type 'bool' but found 'int'"]);
    refused("[1, 'a']", &["5 expected type 'int' but found 'string'"]);
    refused(
        "{1: 1, 'a': 1}",
        &["8 expected type 'int' but found 'string'"],
    );
    refused(
        "x.all(i, i)",
        &[
            "1 expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
        ],
    );
    refused(
        "Nope{}",
        &["5 undeclared reference to 'Nope' (in container '')"],
    );
    refused("Pod{nope: 1}", &["9 undefined field 'nope'"]);
    refused(
        "Spec{replicas: 'a'}",
        &["14 expected type of field 'replicas' is 'int' but provided type is 'string'"],
    );
    refused("duration('x')", &["10 invalid duration argument"]);
    refused("timestamp('x')", &["11 invalid timestamp argument"]);
    refused("s.matches('[')", &["11 invalid matches argument"]);
    refused(
        "cel.bind(a, 1, a)",
        &[
            "1 undeclared reference to 'cel' (in container '')",
            "9 undeclared reference to 'bind' (in container '')",
            "10 undeclared reference to 'a' (in container '')",
            "16 undeclared reference to 'a' (in container '')",
        ],
    );
    refused(
        "y == z",
        &[
            "1 undeclared reference to 'y' (in container '')",
            "6 undeclared reference to 'z' (in container '')",
        ],
    );
}

#[test]
fn tables_of_records_are_types() {
    use pintle_runtime::meta::tables::PARTIAL_OBJECT_METADATA;
    use pintle_runtime::schema::Ref;
    let table = Ref::Static(&PARTIAL_OBJECT_METADATA);
    let environment = Environment::base()
        .with_variable("object", Type::object(&PARTIAL_OBJECT_METADATA.name))
        .with_objects(Arc::new(Declared::new().with_table(&table)));
    let ty = |text: &str| match check(parse(text).expect(text), &environment) {
        Ok(checked) => checked.result().to_string(),
        Err(issues) => issues
            .iter()
            .next()
            .map_or(String::new(), |i| i.message.clone()),
    };
    assert_eq!(ty("object.metadata.name"), "string");
    assert_eq!(ty("object.metadata.labels"), "map(string, string)");
    assert_eq!(ty("object.metadata.creationTimestamp"), "timestamp");
    assert_eq!(ty("object.metadata.finalizers"), "list(string)");
    assert_eq!(ty("object.metadata.nope"), "undefined field 'nope'");
}
