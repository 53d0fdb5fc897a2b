use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::schema::{Ref, TypeRef};
use pintle_runtime::value::Value;

use super::{Budget, Program};
use crate::Environment;
use crate::library::authz::{Authorizer, Decision, Question};
use crate::types::{Declared, ObjectType, Type};
use crate::value::Val;

const DATA: &str = r#"{
    "name": "web", "replicas": 3, "ratio": 0.5, "none": null,
    "labels": {"app": "web", "tier": "front"},
    "args": ["a", "b", "c"], "ports": [{"port": 80, "name": "http"}, {"port": 443}]
}"#;

fn environment() -> Environment {
    let patch = ObjectType::new([("a", Type::Dyn), ("b", Type::Dyn)]);
    Environment::base()
        .with_variable("object", Type::Dyn)
        .with_variable(
            "authorizer",
            Type::Opaque("kubernetes.authorization.Authorizer"),
        )
        .with_objects(Arc::new(Declared::new().with("Object", patch)))
        .with_patches()
}

struct Everything;

impl Authorizer for Everything {
    fn decide(
        &self,
        account: Option<(&str, &str)>,
        verb: &str,
        question: Question<'_>,
    ) -> Decision {
        let asked = match question {
            Question::Path(path) => path.to_owned(),
            Question::Resource(r) => format!(
                "{}/{}/{}/{}/{}",
                r.group, r.resource, r.subresource, r.namespace, r.name
            ),
        };
        Decision {
            allowed: verb == "get",
            reason: format!("{account:?} {verb} {asked}"),
            error: None,
        }
    }
}

fn outcome(text: &str, budget: &mut Budget) -> String {
    let program = match Program::compile(text, &environment()) {
        Ok(program) => program,
        Err(issues) => return issues.to_string(),
    };
    let body = Bytes::from_static(DATA.as_bytes());
    let data: Value = json::decode_value(&body, &mut Problems::ignored()).expect("it is JSON");
    let variables = [
        ("object", Val::from(&data)),
        ("authorizer", Val::authorizer(&Everything)),
    ];
    match program.evaluate(&variables, budget) {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = outcome(text, &mut Budget::new(Budget::PER_CALL));
    assert_eq!(found, expected, "{text}");
}

#[track_caller]
fn all_true(texts: &[&str]) {
    for text in texts {
        check(text, "true");
    }
}

#[test]
fn numbers_are_reckoned_with() {
    check("1 + 2 * 3", "7");
    check("7 / 2", "3");
    check("-7 / 2", "-3");
    check("-7 % 2", "-1");
    check("7u % 4u", "3u");
    check("1.5 + 2.5", "4.0");
    check("1 / 0", "error: division by zero");
    check("1 % 0", "error: modulus by zero");
    check("1.0 / 0.0", "inf");
    check("9223372036854775807 + 1", "error: integer overflow");
    check("-9223372036854775808 - 1", "error: integer overflow");
    check("9223372036854775807 * 2", "error: integer overflow");
    check("1u - 2u", "error: unsigned integer overflow");
    check("-(-9223372036854775807 - 1)", "error: integer overflow");
    check("dyn(1) + dyn('a')", "error: no such overload");
    check("dyn(null) + 1", "error: no such overload: _+_");
    check("-dyn(true)", "error: no such overload");
    check("!dyn(1)", "error: no such overload");
    check("dyn('a') < 1", "error: no such overload");
    check("dyn([]) < 1", "error: no such overload: _<_");
}

#[test]
fn numbers_compare_whatever_their_type() {
    all_true(&[
        "1 == 1",
        "dyn(1) == 1.0",
        "dyn(1u) == 1",
        "1 < 1.5",
        "2u > 1",
        "dyn(1.0) <= 1u",
        "-1 < 1u",
        "9223372036854775807 < 9223372036854775808.0",
        "dyn('1') != 1",
        "dyn(null) == null",
        "dyn([1, 2]) == [1.0, 2.0]",
        "{'a': 1} == {'a': dyn(1u)}",
        "1 in [1, 2]",
        "!(3 in [1, 2])",
        "dyn(1u) in [1, 2]",
        "dyn(1.0) in [1]",
        "'a' in ['a', 'b']",
        "'app' in object.labels",
        "!('nope' in object.labels)",
        "b'a' < b'b'",
        "'a' < 'b'",
        "false < true",
        "[1] + [2] == [1, 2]",
        "'a' + 'b' == 'ab'",
    ]);
}

#[test]
fn what_goes_wrong_counts_only_where_nothing_else_decides() {
    check("true || 1 / 0 == 1", "true");
    check("1 / 0 == 1 || true", "true");
    check("false && 1 / 0 == 1", "false");
    check("1 / 0 == 1 && false", "false");
    check("1 / 0 == 1 && true", "error: division by zero");
    check("1 / 0 == 1 || false", "error: division by zero");
    check("dyn(1) || true", "true");
    check("dyn(1) || false", "error: no such overload");
    check("[1, 0].exists(i, 1 / i == 1)", "true");
    check("[0, 1].exists(i, 1 / i == 1)", "true");
    check("[0, 2].exists(i, 1 / i == 1)", "error: division by zero");
    check("[0, 2].all(i, 1 / i == 1)", "false");
    check("[0, 1].all(i, 1 / i == 1)", "error: division by zero");
    check("true ? 1 : 1 / 0", "1");
    check("dyn(1) ? 1 : 2", "error: no such overload");
}

#[test]
fn data_is_read_where_it_is() {
    check("object.name", "\"web\"");
    check("object.replicas + 1", "4");
    check("object.ratio", "0.5");
    check("object.labels.app", "\"web\"");
    check("object.labels['tier']", "\"front\"");
    check("object.ports[0].port", "80");
    check("object.ports[1].name", "error: no such key: name");
    check("object.nope", "error: no such key: nope");
    check("object.nope.more", "error: no such key: nope");
    check("object.none.more", "error: no such key: more");
    check("object.name.more", "error: no such key: more");
    check("object.args[3]", "error: index out of bounds: 3");
    check(
        "object.args['a']",
        "error: unsupported index type 'string' in list",
    );
    check("object.labels[1]", "error: no such key: 1");
    check("has(object.name)", "true");
    check("has(object.none)", "true");
    check("has(object.nope)", "false");
    check("has(object.nope.more)", "error: no such key: nope");
    check("has(object.name.more)", "false");
    check("object.?nope.orValue('x')", "\"x\"");
    check("object.?labels.?app", "optional(\"web\")");
    check("object.?nope.more.still", "optional.none()");
    check("object.labels[?'nope'].hasValue()", "false");
    check("object.args[?5]", "optional.none()");
    check("object.args.size()", "3");
    check("size(object.labels)", "2");
    check("object == object", "true");
    check("object.ports.map(p, p.port)", "[80, 443]");
    check("object.labels.map(k, k)", "[\"app\", \"tier\"]");
    check("object.ports.filter(p, has(p.name)).size()", "1");
    check("size(object.replicas)", "error: no such overload: size");
}

#[test]
fn records_are_what_their_json_is() {
    use pintle_runtime::meta::tables::PARTIAL_OBJECT_METADATA;
    let ty: TypeRef = Ref::Static(&PARTIAL_OBJECT_METADATA);
    let body = Bytes::from_static(
        br#"{"kind":"Gadget","apiVersion":"v1","metadata":{"name":"web","labels":{"a":"b"},"creationTimestamp":"2024-02-29T12:00:00Z","generation":3}}"#,
    );
    let record = json::decode(&ty, &body, &mut Problems::ignored()).expect("it is a record");
    let environment = Environment::base().with_variable("object", Type::Dyn);
    let value = |text: &str| {
        let program = Program::compile(text, &environment).expect(text);
        let variables = [("object", Val::from(&record))];
        match program.evaluate(&variables, &mut Budget::new(Budget::PER_CALL)) {
            Ok(value) => format!("{value:?}"),
            Err(error) => format!("error: {error}"),
        }
    };
    assert_eq!(value("object.metadata.name"), "\"web\"");
    assert_eq!(value("object.metadata.labels.a"), "\"b\"");
    assert_eq!(value("object.metadata.generation + 1"), "4");
    assert_eq!(
        value("object.metadata.creationTimestamp"),
        "\"2024-02-29T12:00:00Z\""
    );
    assert_eq!(value("has(object.metadata.namespace)"), "false");
    assert_eq!(
        value("object.metadata.namespace"),
        "error: no such key: namespace"
    );
    assert_eq!(value("object.kind in ['Gadget']"), "true");
    assert_eq!(
        value("object.metadata.map(k, k)"),
        "[\"name\", \"generation\", \"creationTimestamp\", \"labels\"]"
    );
}

#[test]
fn loops_go_through_lists_and_maps() {
    check("[1, 2, 3].map(x, x * 2)", "[2, 4, 6]");
    check("[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]");
    check("[1, 2, 3].filter(x, x > 1)", "[2, 3]");
    check("[1, 2, 2].exists_one(x, x == 1)", "true");
    check("[1, 2, 2].existsOne(x, x == 2)", "false");
    check("[].all(x, x)", "true");
    check("[].exists(x, x)", "false");
    check("{'a': 1, 'b': 2}.all(k, k < 'c')", "true");
    check("[5, 6].transformList(i, v, i * 10 + v)", "[5, 16]");
    check("[5, 6].transformList(i, v, i > 0, v)", "[6]");
    check("{'a': 1}.transformMap(k, v, v + 1)", "{\"a\": 2}");
    check(
        "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, k)",
        "{\"b\": \"b\"}",
    );
    check("{'a': 1}.transformMapEntry(k, v, {v: k})", "{1: \"a\"}");
    check(
        "{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})",
        "error: insert failed: key 1 already exists",
    );
    check("{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true");
    check("[1, 2].all(i, v, i < v)", "true");
    check("[[1, 2], [3]].map(l, l.map(i, i + 1))", "[[2, 3], [4]]");
    check("[1, 2].map(i, [3].map(j, i + j))", "[[4], [5]]");
    check("optional.of(2).optMap(v, v + 1)", "optional(3)");
    check("optional.none().optMap(v, v)", "optional.none()");
    check(
        "object.?name.optFlatMap(n, object.labels[?n])",
        "optional.none()",
    );
    check(
        "object.labels.?app.optMap(a, a + '!').orValue('')",
        "\"web!\"",
    );
    check(
        "dyn(1).map(x, x)",
        "error: got 'int', expected iterable type",
    );
}

#[test]
fn what_may_be_absent_is_handled() {
    check("optional.of(1).value()", "1");
    check(
        "optional.none().value()",
        "error: optional.none() dereference",
    );
    check("optional.none().or(optional.of(1))", "optional(1)");
    check("optional.of(1).orValue(2)", "1");
    check("optional.ofNonZeroValue('')", "optional.none()");
    check("optional.ofNonZeroValue('a')", "optional(\"a\")");
    check("[1, ?optional.none(), ?optional.of(2)]", "[1, 2]");
    check("{'a': 1, ?'b': optional.none()}", "{\"a\": 1}");
    check("{?'b': optional.of(2)}", "{\"b\": 2}");
    check("Object{a: 1, ?b: optional.none()}", "Object{\"a\": 1}");
    check("Object{a: Object{b: 'x'}}.a.b", "\"x\"");
    check("has(Object{a: 1}.b)", "false");
    check("[1, 2].first()", "optional(1)");
    check("[].last()", "optional.none()");
    check("[optional.of(1), optional.none()].unwrapOpt()", "[1]");
    check("optional.of(1) == optional.of(1)", "true");
}

#[test]
fn values_are_converted() {
    check("int('12')", "12");
    check(
        "int('x')",
        "error: type conversion error from 'string' to 'int'",
    );
    check("int(1.9)", "1");
    check("int(1e30)", "error: integer overflow");
    check("int(18446744073709551615u)", "error: integer overflow");
    check("uint(-1)", "error: unsigned integer overflow");
    check("uint('12')", "12u");
    check("double('1.5')", "1.5");
    check("double(2)", "2.0");
    check("string(1)", "\"1\"");
    check("string(1.0)", "\"1\"");
    check("string(1e21)", "\"1e+21\"");
    check("string(0.00001)", "\"1e-05\"");
    check("string(true)", "\"true\"");
    check("string(b'a')", "\"a\"");
    check(
        "string(b'\\xff')",
        "error: invalid UTF-8 in bytes, cannot convert to string",
    );
    check("string(duration('90s'))", "\"90s\"");
    check("string(duration('1.5s'))", "\"1.5s\"");
    check(
        "string(timestamp('2020-01-02T03:04:05.678Z'))",
        "\"2020-01-02T03:04:05.678Z\"",
    );
    check("bool('true')", "true");
    check(
        "bool('x')",
        "error: type conversion error from 'string' to 'bool'",
    );
    check("bytes('a')", "b\"a\"");
    check("type(1) == int", "true");
    check("type('a') == string", "true");
    check("type([]) == list", "true");
    check("type(null) == null_type", "true");
    check("type(int) == type", "true");
    check("int(dyn([]))", "error: no such overload: int(list)");
}

#[test]
fn time_passes() {
    all_true(&[
        "timestamp('2020-01-01T00:00:00Z') + duration('24h') == timestamp('2020-01-02T00:00:00Z')",
        "timestamp('2020-01-02T00:00:00Z') - timestamp('2020-01-01T00:00:00Z') == duration('24h')",
        "timestamp('2020-01-01T02:00:00+02:00') == timestamp('2020-01-01T00:00:00Z')",
        "timestamp(0) == timestamp('1970-01-01T00:00:00Z')",
        "int(timestamp('1970-01-01T00:01:00Z')) == 60",
        "duration('1h') > duration('59m')",
        "duration('1h') + duration('1m') == duration('61m')",
        "duration('90m').getHours() == 1",
        "duration('90m').getMinutes() == 90",
        "duration('1500ms').getSeconds() == 1",
        "duration('1500ms').getMilliseconds() == 1500",
    ]);
    const TIME: &str = "timestamp('2024-03-01T23:59:58.123Z')";
    for (part, expected) in [
        ("getFullYear()", "2024"),
        ("getMonth()", "2"),
        ("getDate()", "1"),
        ("getDayOfMonth()", "0"),
        ("getDayOfYear()", "60"),
        ("getDayOfWeek()", "5"),
        ("getHours()", "23"),
        ("getMinutes()", "59"),
        ("getSeconds()", "58"),
        ("getMilliseconds()", "123"),
        ("getHours('+02:00')", "1"),
        ("getDate('+00:30')", "2"),
        ("getHours('-05:30')", "18"),
        ("getHours('UTC')", "23"),
        (
            "getHours('x:00')",
            "error: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
    ] {
        check(&format!("{TIME}.{part}"), expected);
    }
    check(
        "timestamp('9999-12-31T23:59:59Z') + duration('1s')",
        "error: timestamp overflow",
    );
}

#[test]
fn text_is_worked_with() {
    check("'tacocat'.charAt(3)", "\"o\"");
    check("'tacocat'.charAt(7)", "\"\"");
    check("'tacocat'.charAt(8)", "error: index out of range: 8");
    check("'tacocat'.indexOf('ac')", "1");
    check("'tacocat'.indexOf('none')", "-1");
    check("'tacocat'.indexOf('a', 3)", "5");
    check("'ta©o©αT'.indexOf('©')", "2");
    check(
        "'tacocat'.indexOf('a', -1)",
        "error: index out of range: -1",
    );
    check("'tacocat'.indexOf('')", "0");
    check("'tacocat'.lastIndexOf('at')", "5");
    check("'tacocat'.lastIndexOf('a', 3)", "1");
    check("'tacocat'.lastIndexOf('')", "7");
    check("['x', 'y'].join()", "\"xy\"");
    check("['x', 'y'].join('-')", "\"x-y\"");
    check("'TacoCÆt'.lowerAscii()", "\"tacocÆt\"");
    check("'tacoCat'.upperAscii()", "\"TACOCAT\"");
    check("'hello hello'.replace('he', 'we')", "\"wello wello\"");
    check("'hello hello'.replace('he', 'we', 1)", "\"wello hello\"");
    check("'a,b,c'.split(',')", "[\"a\", \"b\", \"c\"]");
    check("'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]");
    check("'a,b,c'.split(',', 0)", "[]");
    check("'abc'.split('')", "[\"a\", \"b\", \"c\"]");
    check("'tacocat'.substring(4)", "\"cat\"");
    check("'tacocat'.substring(0, 4)", "\"taco\"");
    check("'tacocat'.substring(40)", "error: index out of range: 40");
    check(
        "'tacocat'.substring(2, 1)",
        "error: invalid substring range. start: 2, end: 1",
    );
    check("'  a '.trim()", "\"a\"");
    check(
        "strings.quote('a\\n\"b\"')",
        "\"\\\"a\\\\n\\\\\\\"b\\\\\\\"\\\"\"",
    );
    check("'abc'.contains('b')", "true");
    check("'abc'.startsWith('ab')", "true");
    check("'abc'.endsWith('bc')", "true");
    check("'abc'.matches('^a.c$')", "true");
    check("matches('abc', 'b')", "true");
    check("size('héé')", "3");
    check("dyn('a').startsWith(dyn(1))", "error: no such overload");
    check("'abc 123'.find('[0-9]+')", "\"123\"");
    check("'abc'.find('x')", "\"\"");
    check(
        "'123 abc 456'.findAll('[0-9]*')",
        "[\"123\", \"\", \"\", \"\", \"\", \"456\"]",
    );
    check("'123 456'.findAll('[0-9]+', 1)", "[\"123\"]");
    check(
        "'a'.find(dyn('[' ))",
        "error: Illegal regex: error parsing regexp: missing closing ]: `[`",
    );
}

#[test]
fn text_is_formatted() {
    check("'%s'.format(['a'])", "\"a\"");
    check("'%s %s'.format(['a', 'b'])", "\"a b\"");
    check("'%d%%'.format([5])", "\"5%\"");
    check("'%s'.format([[1, 2]])", "\"[1, 2]\"");
    check("'%s'.format([['a']])", "\"[\\\"a\\\"]\"");
    check("'%s'.format([{'a': 1}])", "\"{\\\"a\\\":1}\"");
    check("'%s'.format([null])", "\"null\"");
    check("'%s'.format([1.5])", "\"1.5\"");
    check("'%.2f'.format([1.2345])", "\"1.23\"");
    check("'%f'.format([1234.5])", "\"1,234.500000\"");
    check("'%x'.format([255])", "\"ff\"");
    check("'%X'.format(['ab'])", "\"6162\"");
    check("'%b'.format([5])", "\"101\"");
    check("'%b'.format([true])", "\"1\"");
    check("'%o'.format([8])", "\"10\"");
    check("'%d %s'.format([1])", "error: index 1 out of range");
    check(
        "'%d'.format(['a'])",
        "error: error during formatting: decimal clause can only be used on integers, was given string",
    );
    check(
        "'%q'.format(['a'])",
        "error: could not parse formatting clause: unrecognized formatting clause \"q\"",
    );
}

#[test]
fn lists_are_worked_with() {
    check("[1, 2, 3].sum()", "6");
    check("[1.5, 2.5].sum()", "4.0");
    check("[3, 1, 2].max()", "3");
    check("['b', 'a'].min()", "\"a\"");
    check("[1, 2].isSorted()", "true");
    check("[2, 1].isSorted()", "false");
    check("[].max()", "error: max called on empty list");
    check("['a', 'b', 'a'].indexOf('a')", "0");
    check("['a', 'b', 'a'].lastIndexOf('a')", "2");
    check("[1, 2, 3, 4].slice(1, 3)", "[2, 3]");
    check(
        "[1].slice(0, 2)",
        "error: cannot slice(0, 2), list is length 1",
    );
    check("[[1], [2, 3]].flatten()", "[1, 2, 3]");
    check("[3, 1, 2].sort()", "[1, 2, 3]");
    check("[3, 1, 2].reverse()", "[2, 1, 3]");
    check("[1, 2, 1].distinct()", "[1, 2]");
    check("lists.range(3)", "[0, 1, 2]");
    check("['bb', 'a'].sortBy(s, size(s))", "[\"a\", \"bb\"]");
    check("sets.contains([1, 2, 3], [2])", "true");
    check("sets.equivalent([1, 2, 2], [2, 1])", "true");
    check("sets.intersects([1], [2])", "false");
}

#[test]
fn kubernetes_has_values_of_its_own() {
    check(
        "url('https://user@example.com:8080/a b?x=1&x=2').getHost()",
        "\"example.com:8080\"",
    );
    check(
        "url('https://example.com:8080/').getHostname()",
        "\"example.com\"",
    );
    check("url('https://[::1]:80/').getHostname()", "\"::1\"");
    check("url('https://example.com:8080/').getPort()", "\"8080\"");
    check(
        "url('https://example.com/a b').getEscapedPath()",
        "\"/a%20b\"",
    );
    check(
        "url('https://example.com/?k=1&k=2').getQuery()",
        "{\"k\": [\"1\", \"2\"]}",
    );
    check("url('HTTPS://example.com').getScheme()", "\"https\"");
    check("isURL('https://example.com')", "true");
    check("isURL('nope')", "false");
    check("isURL('/path')", "true");
    check(
        "url('nope')",
        "error: URL parse error during conversion from string: parse \"nope\": invalid URI for request",
    );
    check("quantity('1Ki').asInteger()", "1024");
    check("quantity('500m').isInteger()", "false");
    check("quantity('1.5').asApproximateFloat()", "1.5");
    check("quantity('1k').isGreaterThan(quantity('999'))", "true");
    check("quantity('1').compareTo(quantity('2'))", "-1");
    check("quantity('1k') == quantity('1000')", "true");
    check(
        "quantity('50k').add(20).sub(quantity('10k')) == quantity('40020')",
        "true",
    );
    check("quantity('-1').sign()", "-1");
    check("isQuantity('1Gi')", "true");
    check("isQuantity('1Gib')", "false");
    check("ip('192.168.0.1').family()", "4");
    check("ip('::1').isLoopback()", "true");
    check("isIP('1.2.3')", "false");
    check("ip.isCanonical('2001:DB8::1')", "false");
    check("string(ip('::1'))", "\"::1\"");
    check("ip('127.0.0.1') == ip('127.0.0.1')", "true");
    check(
        "ip('::ffff:1.2.3.4')",
        "error: IPv4-mapped IPv6 address \"::ffff:1.2.3.4\" is not allowed",
    );
    check("cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true");
    check("cidr('10.0.0.0/8').containsIP(ip('11.0.0.0'))", "false");
    check("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "true");
    check("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", "true");
    check("cidr('10.0.0.0/8').prefixLength()", "8");
    check("string(cidr('10.0.0.1/8').ip())", "\"10.0.0.1\"");
    check("isCIDR('10.0.0.0')", "false");
    check("format.dns1123Label().validate('web')", "optional.none()");
    check("format.dns1123Label().validate('Web').hasValue()", "true");
    check(
        "format.named('uuid').value().validate('x')",
        "optional([\"does not match the UUID format\"])",
    );
    check("format.named('nope')", "optional.none()");
    check("semver('1.2.3').major()", "1");
    check("semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))", "true");
    check("isSemver('v1.2')", "false");
    check("semver('v1.2', true) == semver('1.2.0')", "true");
    check("jsonpatch.escapeKey('a/b~c')", "\"a~1b~0c\"");
}

#[test]
fn whoever_evaluates_says_what_is_allowed() {
    check("authorizer.path('/healthz').check('get').allowed()", "true");
    check(
        "authorizer.path('/healthz').check('post').allowed()",
        "false",
    );
    check(
        "authorizer.group('apps').resource('deployments').subresource('status').namespace('blue').name('web').check('get').reason()",
        "\"None get apps/deployments/status/blue/web\"",
    );
    check(
        "authorizer.serviceAccount('blue', 'bot').group('').resource('pods').check('get').reason()",
        "\"Some((\\\"blue\\\", \\\"bot\\\")) get /pods///\"",
    );
    check(
        "authorizer.path('').check('get').allowed()",
        "error: path must not be empty",
    );
    check(
        "authorizer.serviceAccount('blue', 'B').path('/').check('get').allowed()",
        "error: Invalid service account name",
    );
    check("authorizer.path('/').check('get').errored()", "false");
}

#[test]
fn work_is_counted_and_limited() {
    let cost = |text: &str| {
        let mut budget = Budget::new(Budget::PER_CALL);
        outcome(text, &mut budget);
        budget.spent()
    };
    for (text, expected) in [
        ("1", 0),
        ("object.name", 2),
        ("object.labels.app", 3),
        ("1 + 2", 1),
        ("[1, 2]", 0),
        ("[object.replicas]", 12),
        ("1 in [1, 2]", 0),
        ("object.args[0] == 'a'", 4),
        ("[1, 2].map(x, x + 1)", 29),
        ("[1, 2].all(x, x > 0)", 11),
        ("authorizer.path('/').check('get').allowed()", 350_003),
    ] {
        assert_eq!(cost(text), expected, "{text}");
    }
    check(
        "lists.range(10000).all(i, lists.range(10000).all(j, i + j >= 0))",
        "error: operation cancelled: actual cost limit exceeded",
    );
    check(
        "[1, 2, 3].all(x, authorizer.path('/').check('get').allowed())",
        "error: operation cancelled: actual cost limit exceeded",
    );
}

#[test]
fn names_may_be_found_by_what_stands_for_them() {
    let data = br#"{"kubernetes.io": {"pod-name": "a", "namespace": "b"}, "plain": [{"x/y": 1}], "a__dot__b": 2}"#;
    let data =
        json::decode_value(&data[..].to_vec().into(), &mut Problems::ignored()).expect("JSON");
    let environment =
        Environment::base().with_variable("claims", Type::map(Type::String, Type::Any));
    let check = |text: &str, expected: &str| {
        let program = Program::compile(text, &environment).expect(text);
        let found = program.evaluate(
            &[("claims", Val::escaped(&data))],
            &mut Budget::new(Budget::PER_CALL),
        );
        let found = found.map_or_else(|error| error.to_string(), |value| format!("{value:?}"));
        assert_eq!(found, expected, "{text}");
    };
    check("claims.kubernetes__dot__io.pod__dash__name", "\"a\"");
    check("claims['kubernetes.io'].__namespace__", "\"b\"");
    check("claims['kubernetes.io']['pod-name']", "\"a\"");
    check("has(claims.kubernetes__dot__io.nothing)", "false");
    check("has(claims.plain[0].x__slash__y)", "true");
    check("claims.plain[0].x__slash__y", "1");
    check("claims.?none__dot__io.orValue('c')", "\"c\"");
    // Of a name that stands for another, only the other is looked for.
    check("claims.a__dot__b", "no such key: a__dot__b");
    check("size(claims)", "3");
}
