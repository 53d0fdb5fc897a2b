use super::*;
use crate::schema::fixed::{Table, elements, field, inline, list, map, object, proto, table};
use crate::schema::{Field, FieldType, Flags, ProtoField, Ref, Shape, Type};
use crate::value::Value;

static TIME: Type = table(Table {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
    shape: Shape::MicroTime,
    ..Table::EMPTY
});
static RAW: Type = table(Table {
    name: "io.k8s.apimachinery.pkg.runtime.RawExtension",
    shape: Shape::RawExtension,
    ..Table::EMPTY
});
static FLOAT: FieldType = FieldType::Float64;

static FIELDS: [Field; 11] = [
    field("name", FieldType::String, Flags::OMIT_EMPTY),
    field("count", FieldType::Int32, Flags::OMIT_EMPTY),
    field(
        "limit",
        FieldType::Int64,
        Flags::OMIT_EMPTY.with(Flags::POINTER),
    ),
    field("numbers", list(&elements::INT64), Flags::OMIT_EMPTY),
    field("labels", map(&elements::STRING), Flags::OMIT_EMPTY),
    field(
        "inner",
        object(&THING),
        Flags::OMIT_EMPTY.with(Flags::POINTER),
    ),
    field("at", object(&TIME), Flags::OMIT_EMPTY),
    field("raw", object(&RAW), Flags::OMIT_EMPTY),
    field("ratios", list(&FLOAT), Flags::OMIT_EMPTY),
    field("inlined", FieldType::Bool, Flags::OMIT_EMPTY),
    field("data", FieldType::Bytes, Flags::OMIT_EMPTY),
];
static INLINED: [ProtoField; 1] = [proto(1, 9, "")];
static PROTOBUF: [ProtoField; 11] = [
    proto(1, 0, ""),
    proto(2, 1, ""),
    proto(3, 2, ""),
    proto(4, 3, ""),
    proto(5, 4, ""),
    proto(6, 5, ""),
    proto(7, 6, ""),
    proto(8, 7, ""),
    proto(9, 8, ""),
    inline(10, &INLINED),
    proto(11, 10, ""),
];
static THING: Type = table(Table {
    name: "io.k8s.api.core.v1.Thing",
    fields: &FIELDS,
    by_name: &[6, 1, 10, 5, 9, 4, 2, 0, 3, 8, 7],
    protobuf: &PROTOBUF,
    ..Table::EMPTY
});

/// What every thing is written with: name, count, time, raw and the inlined struct.
const ALWAYS: &[u8] = b"\x0a\x00\x10\x00\x3a\x00\x42\x00\x52\x02\x08\x00";

fn read(message: &[u8]) -> Result<Record, DecodeError> {
    decode(&Ref::Static(&THING), &Bytes::copy_from_slice(message))
}

#[track_caller]
fn check(message: &[u8], expected: &str, written: &[u8]) {
    let record = read(message).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        format!("{record:?}"),
        format!("io.k8s.api.core.v1.Thing{expected}")
    );
    let mut out = Vec::new();
    encode(&record, &mut out);
    assert_eq!(
        out.escape_ascii().to_string(),
        written.escape_ascii().to_string()
    );
}

#[test]
fn zero_values_are_written_and_read_as_nothing() {
    check(b"", "", ALWAYS);
    check(ALWAYS, "", ALWAYS);
    check(
        b"\x18\x00",
        " { limit: Int(0) }",
        b"\x0a\x00\x10\x00\x18\x00\x3a\x00\x42\x00\x52\x02\x08\x00",
    );
    check(b"\x0a\x01a\x0a\x00", "", ALWAYS);
}

#[test]
fn fields_in_any_order_are_written_in_theirs() {
    check(
        b"\x5a\x00\x52\x02\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x0a\x01a",
        " { name: String(\"a\"), count: Int(-1), inlined: Bool(true), data: Bytes(b\"\") }",
        b"\x0a\x01a\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x3a\x00\x42\x00\x52\x02\x08\x01\x5a\x00",
    );
}

#[test]
fn maps_are_written_by_key_and_halves_of_entries_are_zero() {
    check(
        b"\x2a\x06\x0a\x01b\x12\x011\x2a\x03\x0a\x01a\x2a\x03\x12\x012\x2a\x06\x0a\x01b\x12\x013",
        " { labels: Map({\"\": String(\"2\"), \"a\": String(\"\"), \"b\": String(\"3\")}) }",
        b"\x0a\x00\x10\x00\x2a\x05\x0a\x00\x12\x012\x2a\x05\x0a\x01a\x12\x00\x2a\x06\x0a\x01b\x12\x013\x3a\x00\x42\x00\x52\x02\x08\x00",
    );
}

#[test]
fn numbers_may_be_packed() {
    check(
        b"\x20\x01\x22\x03\x02\xac\x02\x4a\x08\0\0\0\0\0\0\xe0\x3f",
        " { numbers: List([Int(1), Int(2), Int(300)]), ratios: List([Float(0.5)]) }",
        b"\x0a\x00\x10\x00\x20\x01\x20\x02\x20\xac\x02\x3a\x00\x42\x00\x49\0\0\0\0\0\0\xe0\x3f\x52\x02\x08\x00",
    );
}

#[test]
fn messages_given_twice_are_merged() {
    let inner = b"\x32\x03\x0a\x01a\x32\x02\x10\x05";
    assert_eq!(
        format!("{:?}", read(inner).unwrap()),
        "io.k8s.api.core.v1.Thing { inner: Record(io.k8s.api.core.v1.Thing { name: String(\"a\"), count: Int(5) }) }"
    );
}

#[test]
fn unknown_fields_are_passed_over() {
    check(b"\x98\x06\x01\xa2\x06\x01x\xa9\x06\0\0\0\0\0\0\0\0\xb5\x06\0\0\0\0\xbb\x06\x08\x01\xbc\x06", "", ALWAYS);
}

#[test]
fn strings_that_are_not_utf8_are_made_so() {
    assert_eq!(
        read(b"\x0a\x03a\xff\xfe")
            .unwrap()
            .get(0)
            .and_then(Value::as_str),
        Some("a\u{fffd}\u{fffd}")
    );
}

#[track_caller]
fn check_error(message: &[u8], expected: &str) {
    assert_eq!(read(message).unwrap_err().to_string(), expected);
}

#[test]
fn what_is_no_message_is_refused_in_the_words_of_generated_code() {
    check_error(b"\x0a", "unexpected EOF");
    check_error(b"\x0a\x02a", "unexpected EOF");
    check_error(b"\x10\x80", "unexpected EOF");
    check_error(b"\x08\x01", "proto: wrong wireType = 0 for field Name");
    check_error(b"\x12\x00", "proto: wrong wireType = 2 for field Count");
    check_error(b"\x0c", "proto: Thing: wiretype end group for non-group");
    check_error(b"\x00", "proto: Thing: illegal tag 0 (wire type 0)");
    check_error(b"\x9e\x06", "proto: illegal wireType 6");
    check_error(
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "proto: integer overflow",
    );
    check_error(
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "proto: negative length found during unmarshaling",
    );
    check_error(
        b"\x42\x04\x0a\x02no",
        "json: error calling MarshalJSON for type runtime.RawExtension: invalid character 'o' in literal null (expecting 'u')",
    );
}

#[test]
fn maps_given_again_and_again_are_refused() {
    let messages = |count: usize| {
        let mut message = Vec::new();
        for number in 0..count {
            let mut entry = Vec::new();
            wire::put_bytes(1, format!("k{number}").as_bytes(), &mut entry);
            let mut inner = Vec::new();
            wire::put_bytes(5, &entry, &mut inner);
            wire::put_bytes(6, &inner, &mut message);
        }
        message
    };
    assert!(read(&messages(1_000)).is_ok());
    check_error(&messages(2_000), "proto: too many duplicate fields");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let mut message = Vec::new();
        for _ in 0..depth {
            let mut outer = Vec::new();
            wire::put_bytes(6, &message, &mut outer);
            message = outer;
        }
        message
    };
    assert!(read(&nested(255)).is_ok());
    check_error(&nested(256), "proto: exceeded max depth");
}

#[track_caller]
fn check_version(message: &[u8], version: &str, expected: &[u8]) {
    let mut out = Vec::new();
    set_resource_version(&Bytes::copy_from_slice(message), version, &mut out).unwrap();
    assert_eq!(
        out.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn the_resource_version_is_set_in_place() {
    check_version(b"", "7", b"\x0a\x03\x32\x017");
    check_version(b"\x0a\x00\x12\x00", "7", b"\x0a\x03\x32\x017\x12\x00");
    check_version(
        b"\x0a\x05\x0a\x01a\x38\x01\x12\x00",
        "7",
        b"\x0a\x08\x0a\x01a\x32\x017\x38\x01\x12\x00",
    );
    check_version(
        b"\x0a\x08\x0a\x01a\x32\x017\x38\x01",
        "",
        b"\x0a\x07\x0a\x01a\x32\x00\x38\x01",
    );
}
