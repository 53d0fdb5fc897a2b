use super::*;
use crate::schema::fixed::{Table, elements, field, list, map, object, proto, table};
use crate::schema::{Field, Flags, ProtoField, Ref, Shape, Type};

const OMIT: Flags = Flags::OMIT_EMPTY;
const POINTER: Flags = Flags::OMIT_EMPTY.with(Flags::POINTER);

macro_rules! special {
    ($table:ident, $name:literal, $shape:ident) => {
        static $table: Type = table(Table {
            name: $name,
            shape: Shape::$shape,
            ..Table::EMPTY
        });
    };
}

special!(TIME, "io.k8s.apimachinery.pkg.apis.meta.v1.Time", Time);
special!(
    MICRO_TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
    MicroTime
);
special!(
    DURATION,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
    Duration
);
special!(
    QUANTITY,
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    Quantity
);
special!(
    INT_OR_STRING,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    IntOrString
);
special!(
    RAW,
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    RawExtension
);
special!(
    SCHEMA_OR_BOOL,
    "io.k8s.apiextensions.v1.JSONSchemaPropsOrBool",
    SchemaOrBool
);
special!(
    SCHEMA_OR_ARRAY,
    "io.k8s.apiextensions.v1.JSONSchemaPropsOrArray",
    SchemaOrArray
);

static TIMES: FieldType = object(&TIME);
static QUANTITIES: FieldType = object(&QUANTITY);
static RAWS: FieldType = object(&RAW);
static PARTS: FieldType = object(&PART);

static META_FIELDS: [Field; 4] = [
    field("name", FieldType::String, OMIT),
    field("resourceVersion", FieldType::String, OMIT),
    field(
        "creationTimestamp",
        object(&TIME),
        OMIT.with(Flags::OMIT_ZERO),
    ),
    field("labels", map(&elements::STRING), OMIT),
];
static META: Type = table(Table {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    fields: &META_FIELDS,
    by_name: &[2, 3, 0, 1],
    ..Table::EMPTY
});

static PART_FIELDS: [Field; 12] = [
    field("name", FieldType::String, Flags::empty()),
    field("limits", map(&QUANTITIES), OMIT),
    field("port", object(&INT_OR_STRING), OMIT),
    field("wait", object(&DURATION), POINTER),
    field("at", object(&MICRO_TIME), POINTER),
    field("raw", object(&RAW), OMIT),
    field("schema", object(&SCHEMA_OR_BOOL), POINTER),
    field("items", object(&SCHEMA_OR_ARRAY), POINTER),
    field("any", FieldType::Any, OMIT),
    field("ratio", FieldType::Float64, POINTER),
    field("divisor", object(&QUANTITY), OMIT),
    field("raws", list(&RAWS), OMIT),
];
static PART: Type = table(Table {
    name: "io.k8s.api.core.v1.Part",
    fields: &PART_FIELDS,
    by_name: &[8, 4, 10, 7, 1, 0, 2, 9, 5, 11, 6, 3],
    ..Table::EMPTY
});

static SPEC_FIELDS: [Field; 8] = [
    field("parts", list(&PARTS), Flags::empty()),
    field("count", FieldType::Int32, OMIT),
    field("size", FieldType::Int64, POINTER),
    field("on", FieldType::Bool, Flags::empty()),
    field("times", map(&TIMES), OMIT),
    field("words", list(&elements::STRING), OMIT),
    field("data", FieldType::Bytes, OMIT),
    field("blobs", map(&elements::BYTES), OMIT),
];
static SPEC: Type = table(Table {
    name: "io.k8s.api.core.v1.ThingSpec",
    fields: &SPEC_FIELDS,
    by_name: &[7, 1, 6, 3, 0, 2, 4, 5],
    ..Table::EMPTY
});

static THING_FIELDS: [Field; 5] = [
    field("kind", FieldType::String, OMIT),
    field("apiVersion", FieldType::String, OMIT),
    field("metadata", object(&META), OMIT),
    field("spec", object(&SPEC), OMIT),
    field("status", object(&META), OMIT),
];
static THING_PROTOBUF: [ProtoField; 3] = [proto(1, 2, ""), proto(2, 3, ""), proto(3, 4, "")];
static THING: Type = table(Table {
    name: "io.k8s.api.core.v1.Thing",
    fields: &THING_FIELDS,
    by_name: &[1, 0, 2, 3, 4],
    protobuf: &THING_PROTOBUF,
    ..Table::EMPTY
});

fn read(json: &str) -> (Result<Record, DecodeError>, Problems) {
    let mut problems = Problems::collected();
    let decoded = decode(
        &Ref::Static(&THING),
        &Bytes::from(json.to_owned()),
        &mut problems,
    );
    (decoded, problems)
}

/// The spec of a thing whose spec was given as `spec`, written again.
#[track_caller]
fn check_spec(spec: &str, expected: &str) {
    let (record, problems) = read(&format!("{{\"spec\":{spec}}}"));
    let record = record.unwrap_or_else(|error| panic!("{spec}: {error}"));
    let mut out = Vec::new();
    encode(&record, &mut out);
    let expected = format!("{{\"metadata\":{{}},\"spec\":{expected},\"status\":{{}}}}");
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{spec}");
    assert!(problems.is_empty(), "{spec}: {:?}", problems.texts());
}

/// The part that was given as `part`, written again.
#[track_caller]
fn check_part(part: &str, expected: &str) {
    check_spec(
        &format!("{{\"parts\":[{part}]}}"),
        &format!("{{\"parts\":[{expected}],\"on\":false}}"),
    );
}

#[track_caller]
fn check_error(json: &str, expected: &str) {
    assert_eq!(read(json).0.unwrap_err().to_string(), expected, "{json}");
}

#[track_caller]
fn check_problems(json: &str, expected: &[&str]) {
    let (decoded, problems) = read(json);
    decoded.unwrap_or_else(|error| panic!("{json}: {error}"));
    assert_eq!(problems.texts(), expected, "{json}");
}

#[test]
fn what_is_written_although_absent_is_written() {
    check_spec("{}", r#"{"parts":null,"on":false}"#);
    check_spec("null", r#"{"parts":null,"on":false}"#);
    check_part("{}", r#"{"name":"","port":0,"raw":null,"divisor":"0"}"#);
    check_part("null", r#"{"name":"","port":0,"raw":null,"divisor":"0"}"#);
}

#[test]
fn empty_values_are_left_out_and_empty_pointers_are_not() {
    check_spec(
        r#"{"parts":[],"count":0,"size":0,"on":false,"words":[],"times":{},"data":"","blobs":{}}"#,
        r#"{"parts":[],"size":0,"on":false}"#,
    );
    check_spec(
        r#"{"size":null,"count":null,"words":null,"data":null}"#,
        r#"{"parts":null,"on":false}"#,
    );
    check_spec(
        r#"{"words":["a",null],"times":{"a":null},"blobs":{"a":"","b":null}}"#,
        r#"{"parts":null,"on":false,"times":{"a":null},"words":["a",""],"blobs":{"a":"","b":null}}"#,
    );
}

#[test]
fn special_types_have_their_forms() {
    check_part(
        r#"{"name":"a","limits":{"memory":"1024Mi","cpu":0.5},"port":"http","wait":"90s","at":"2020-01-01T01:00:00.123456+01:00","raw": { "a" : [ 1.50 ] },"schema":true,"items":[{"name":"b"}],"any":{"b":[1,1.0,1e2,"x",null],"a":true},"ratio":1,"divisor":"1m","raws":[null,{}]}"#,
        r#"{"name":"a","limits":{"cpu":"500m","memory":"1Gi"},"port":"http","wait":"1m30s","at":"2020-01-01T00:00:00.123456Z","raw":{"a":[1.50]},"schema":true,"items":[{"name":"b","port":0,"raw":null,"divisor":"0"}],"any":{"a":true,"b":[1,1,100,"x",null]},"ratio":1,"divisor":"1m","raws":[null,{}]}"#,
    );
    check_part(
        r#"{"schema":{"name":"s"},"items":"nonsense"}"#,
        r#"{"name":"","port":0,"raw":null,"schema":{"name":"s","port":0,"raw":null,"divisor":"0"},"items":null,"divisor":"0"}"#,
    );
    check_spec(
        r#"{"data":"YWJj","blobs":{"x":[1,2,null]},"times":{"b":"2020-01-01T00:00:00Z","a":"2020-01-01T00:00:00.9Z"}}"#,
        r#"{"parts":null,"on":false,"times":{"a":"2020-01-01T00:00:00Z","b":"2020-01-01T00:00:00Z"},"data":"YWJj","blobs":{"x":"AQIA"}}"#,
    );
}

#[test]
fn strings_are_slices_unless_they_are_escaped() {
    let body = Bytes::from_static(br#"{"kind":"Thing","apiVersion":"a\u002fb"}"#);
    let record = decode(&Ref::Static(&THING), &body, &mut Problems::ignored()).unwrap();
    let address = |index: usize| record.get(index).and_then(Value::as_str).unwrap().as_ptr();
    assert!(body.as_ptr_range().contains(&address(0)));
    assert!(!body.as_ptr_range().contains(&address(1)));
    assert_eq!(record.get(1).and_then(Value::as_str), Some("a/b"));
}

#[test]
fn the_last_of_equal_fields_counts_and_structs_are_merged() {
    let json = r#"{"spec":{"count":1,"words":["a","b"]},"spec":{"count":2,"words":["c"]},"metadata":{"labels":{"a":"1","b":"2"}},"metadata":{"labels":{"b":"3"}}}"#;
    let mut out = Vec::new();
    encode(&read(json).0.unwrap(), &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"metadata":{"labels":{"a":"1","b":"3"}},"spec":{"parts":null,"count":2,"on":false,"words":["c"]},"status":{}}"#
    );
}

#[test]
fn maps_given_again_and_again_are_refused() {
    let members: Vec<String> = (0..2_000)
        .map(|number| format!(r#""metadata":{{"labels":{{"k{number}":""}}}}"#))
        .collect();
    check_error(
        &format!("{{{}}}", members.join(",")),
        "json: too many duplicate fields",
    );
    assert!(
        read(&format!("{{{}}}", members[..1_000].join(",")))
            .0
            .is_ok()
    );
}

#[test]
fn unknown_and_duplicate_fields_are_told_with_their_paths() {
    check_problems(
        r#"{"spec":{"foo":1,"parts":[{},{"bar":{"x":[]}}]},"baz":null}"#,
        &[
            r#"unknown field "spec.foo""#,
            r#"unknown field "spec.parts[1].bar""#,
            r#"unknown field "baz""#,
        ],
    );
    check_problems(
        r#"{"kind":"a","kind":null,"metadata":{"labels":{"z":"1","a":"2","z":"3"},"Name":"x"}}"#,
        &[
            r#"duplicate field "kind""#,
            r#"duplicate field "metadata.labels.z""#,
            r#"unknown field "metadata.Name""#,
        ],
    );
    check_problems(
        r#"{"spec":{"parts":[{"any":{"a":{"b":1,"b":2}},"schema":{"nope":1},"raw":{"a":1,"a":2}}]}}"#,
        &[r#"duplicate field "spec.parts[0].any.a.b""#],
    );
    check_problems(r#"{"a\"b":1,"a\"b":2}"#, &[r#"unknown field "a\"b""#]);
}

#[test]
fn at_most_a_hundred_problems_are_told() {
    let members: Vec<String> = (0..200).map(|number| format!("\"x{number}\":1")).collect();
    let (_, problems) = read(&format!("{{{}}}", members.join(",")));
    assert_eq!(problems.texts().len(), 100);
    assert!(
        problems
            .strict_error()
            .unwrap()
            .starts_with(r#"strict decoding error: unknown field "x0", unknown"#)
    );
}

#[test]
fn values_of_the_wrong_sort_are_told_as_go_does() {
    check_error(
        "[]",
        "json: cannot unmarshal array into Go value of type v1.Thing",
    );
    check_error(
        r#"{"metadata":"a"}"#,
        "json: cannot unmarshal string into Go struct field Thing.metadata of type v1.ObjectMeta",
    );
    check_error(
        r#"{"metadata":{"name":true}}"#,
        "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string",
    );
    check_error(
        r#"{"metadata":{"labels":"a"}}"#,
        "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    );
    check_error(
        r#"{"metadata":{"labels":{"a":1}}}"#,
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
    );
    check_error(
        r#"{"spec":{"parts":{}}}"#,
        "json: cannot unmarshal object into Go struct field ThingSpec.spec.parts of type []v1.Part",
    );
    check_error(
        r#"{"spec":{"parts":[{"name":[]}]}}"#,
        "json: cannot unmarshal array into Go struct field Part.spec.parts.name of type string",
    );
    check_error(
        r#"{"spec":{"count":"3"}}"#,
        "json: cannot unmarshal string into Go struct field ThingSpec.spec.count of type int32",
    );
    check_error(
        r#"{"spec":{"count":1.0}}"#,
        "json: cannot unmarshal number 1.0 into Go struct field ThingSpec.spec.count of type int32",
    );
    check_error(
        r#"{"spec":{"count":3000000000}}"#,
        "json: cannot unmarshal number 3000000000 into Go struct field ThingSpec.spec.count of type int32",
    );
    check_error(
        r#"{"spec":{"size":1e3}}"#,
        "json: cannot unmarshal number 1e3 into Go struct field ThingSpec.spec.size of type int64",
    );
    check_error(
        r#"{"spec":{"parts":[{"ratio":1e400}]}}"#,
        "json: cannot unmarshal number 1e400 into Go struct field Part.spec.parts.ratio of type float64",
    );
    check_error(
        r#"{"spec":{"data":5}}"#,
        "json: cannot unmarshal number into Go struct field ThingSpec.spec.data of type []uint8",
    );
    check_error(
        r#"{"spec":{"parts":[{"port":true}]}}"#,
        "json: cannot unmarshal bool into Go struct field Part.spec.parts.port of type int32",
    );
    check_error(
        r#"{"spec":{"parts":[{"schema":{"name":1}}]}}"#,
        "json: cannot unmarshal number into Go struct field Part.spec.parts.schema of type string",
    );
    check_error(
        r#"{"spec":{"parts":[{"schema":1}]}}"#,
        "boolean or JSON schema expected",
    );
    check_error(
        r#"{"metadata":{"creationTimestamp":5}}"#,
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
    );
}

#[test]
fn times_that_could_not_be_read_again_are_refused() {
    check_error(
        r#"{"metadata":{"creationTimestamp":"9999-12-31T23:59:59-01:00"}}"#,
        "Time.MarshalJSON: year outside of range [0,9999]",
    );
}

#[test]
fn the_first_fault_is_told_unless_a_type_decodes_itself() {
    check_error(
        r#"{"kind":1,"apiVersion":2}"#,
        "json: cannot unmarshal number into Go struct field Thing.kind of type string",
    );
    check_error(
        r#"{"kind":1,"spec":{"data":"!"}}"#,
        "json: cannot unmarshal number into Go struct field Thing.kind of type string",
    );
    check_error(
        r#"{"spec":{"data":"!"},"kind":1}"#,
        "illegal base64 data at input byte 0",
    );
    check_error(
        r#"{"kind":1,"metadata":{"creationTimestamp":"noon"}}"#,
        r#"parsing time "noon" as "2006-01-02T15:04:05Z07:00": cannot parse "noon" as "2006""#,
    );
    check_error(
        r#"{"spec":{"parts":[{"limits":{"cpu":"lots"}}]}}"#,
        r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
    check_error(
        r#"{"spec":{"parts":[{"wait":"1d"}]}}"#,
        r#"time: unknown unit "d" in duration "1d""#,
    );
}

#[test]
fn malformed_text_hides_all_other_faults() {
    check_error(r#"{"kind":1"#, "unexpected end of JSON input");
    check_error(
        r#"{"metadata":{"creationTimestamp":"noon"}} x"#,
        "invalid character 'x' after top-level value",
    );
    check_error(
        r#"{"unknown":{"a":[1,{"b":tru}]}}"#,
        "invalid character '}' in literal true (expecting 'e')",
    );
    check_error("", "unexpected end of JSON input");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        format!(
            "{{\"spec\":{{\"parts\":[{{\"any\":{}{}}}]}}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(read(&nested(250)).0.is_ok());
    check_error(&nested(260), "invalid character '[' exceeded max depth");
    let skipped = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&skipped(9_999)).0.is_ok());
    check_error(&skipped(10_000), "invalid character '[' exceeded max depth");
}

#[test]
fn any_value_is_read() {
    let value = decode_value(
        &Bytes::from_static(b" {\"b\":[-1,9223372036854775808,1.5,1e2],\"a\":null} "),
        &mut Problems::ignored(),
    )
    .unwrap();
    let mut out = Vec::new();
    encode_value(&value, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"a":null,"b":[-1,9223372036854776000,1.5,100]}"#
    );
}

#[track_caller]
fn check_meta(body: &str, expected: &str) {
    let found = match type_meta(&Bytes::from(body.to_owned())) {
        Ok(meta) => format!("{} {}", meta.api_version, meta.kind),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{body}");
}

#[test]
fn a_body_says_what_it_is() {
    check_meta(
        r#"{"metadata":{"kind":"x"},"kind":"Pod","apiVersion":"v1"}"#,
        "v1 Pod",
    );
    check_meta(r#"{"KIND":"Pod","apiversion":"v1","kind":null}"#, "v1 Pod");
    check_meta("null", " ");
    check_meta(
        r#"{"kind":5}"#,
        "json: cannot unmarshal number into Go struct field .kind of type string",
    );
    check_meta(
        "[]",
        "json: cannot unmarshal array into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }",
    );
    check_meta("{}{}", "invalid character '{' after top-level value");
}

#[track_caller]
fn check_gap(metadata: &str, expected: &str) {
    let record = read(&format!("{{\"metadata\":{metadata}}}")).0.unwrap();
    let mut text = b"before ".to_vec();
    let start = text.len();
    let gap = encode_with_gap(&record, &mut text).unwrap();
    let mut out = Vec::new();
    gap.fill(&text[start..], "7", &mut out);
    let found = &out[gap.metadata(&text[start..], out.len())];
    assert_eq!(std::str::from_utf8(found), Ok(expected), "{metadata}");
    let expected = format!(
        "{{\"metadata\":{expected},\"spec\":{{\"parts\":null,\"on\":false}},\"status\":{{}}}}"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{metadata}");
}

#[test]
fn the_resource_version_goes_where_it_belongs() {
    check_gap("{}", r#"{"resourceVersion":"7"}"#);
    check_gap("null", r#"{"resourceVersion":"7"}"#);
    check_gap(r#"{"name":"a"}"#, r#"{"name":"a","resourceVersion":"7"}"#);
    check_gap(
        r#"{"labels":{"a":"b"},"resourceVersion":"3"}"#,
        r#"{"resourceVersion":"7","labels":{"a":"b"}}"#,
    );
    check_gap(
        r#"{"name":"a","labels":{"a":"b"}}"#,
        r#"{"name":"a","resourceVersion":"7","labels":{"a":"b"}}"#,
    );
}

#[test]
fn pretty_text_is_indented() {
    let record = read(r#"{"kind":"Thing","metadata":{"labels":{"a":"b"}}}"#)
        .0
        .unwrap();
    let mut out = Vec::new();
    encode_pretty(&record, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\n  \"kind\": \"Thing\",\n  \"metadata\": {\n    \"labels\": {\n      \"a\": \"b\"\n    }\n  },\n  \"spec\": {\n    \"parts\": null,\n    \"on\": false\n  },\n  \"status\": {}\n}"
    );
}
