//! Every type there is: whatever a record of it holds comes back from protobuf and from JSON.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it calls"
)]

mod records;

use bytes::Bytes;
use pintle_runtime::codec::{MAX_DEPTH, Problems, json, normalize, protobuf, yaml};
use pintle_runtime::schema::{Ref, Shape, Type, TypeRef};
use pintle_runtime::value::{Record, Value};
use records::Maker;

/// How many records are made of each type.
const ROUNDS: u64 = 40;

/// Calls `check` with records of every type that has fields.
fn each_record(check: impl Fn(&TypeRef, Record)) {
    for (index, ty) in pintle_api::types().enumerate() {
        if ty.shape != Shape::Struct {
            continue;
        }
        let ty: TypeRef = Ref::Static(ty);
        for round in 0..ROUNDS {
            check(&ty, Maker::new(index as u64 * ROUNDS + round).record(&ty));
        }
    }
}

fn to_json(record: &Record) -> Bytes {
    let mut text = Vec::new();
    json::encode(record, &mut text);
    text.into()
}

fn to_protobuf(record: &Record) -> Bytes {
    let mut message = Vec::new();
    protobuf::encode(record, &mut message);
    message.into()
}

#[track_caller]
fn from_json(ty: &TypeRef, text: &Bytes) -> Record {
    let mut problems = Problems::collected();
    let record = json::decode(ty, text, &mut problems);
    assert!(
        problems.is_empty(),
        "{:?} in {}",
        problems.texts(),
        text.escape_ascii()
    );
    record.unwrap_or_else(|error| panic!("{error} in {}", text.escape_ascii()))
}

#[test]
fn json_and_back_is_the_same_text() {
    each_record(|ty, record| {
        let text = to_json(&record);
        assert_eq!(text, to_json(&from_json(ty, &text)), "{}", ty.name);
    });
}

#[test]
fn protobuf_and_back_is_the_normal_form() {
    each_record(|ty, record| {
        if !in_protobuf(ty) {
            return;
        }
        let message = to_protobuf(&record);
        let again =
            protobuf::decode(ty, &message).unwrap_or_else(|error| panic!("{}: {error}", ty.name));
        let mut normal = without_type_meta(record);
        normalize(&mut normal);
        assert_eq!(again, normal, "{}", ty.name);
        assert_eq!(to_protobuf(&again), message, "{}", ty.name);
    });
}

#[test]
fn a_record_in_normal_form_comes_back_from_json() {
    each_record(|ty, mut record| {
        normalize(&mut record);
        let mut again = from_json(ty, &to_json(&record));
        normalize(&mut again);
        assert_eq!(again, record, "{}", ty.name);
    });
}

#[test]
fn yaml_and_back_is_the_same_text() {
    each_record(|ty, record| {
        let mut text = Vec::new();
        yaml::encode(&record, &mut text);
        let text = Bytes::from(text);
        let again = yaml::decode(ty, &text, &mut Problems::ignored()).unwrap_or_else(|error| {
            panic!("{}: {error}\n{}", ty.name, String::from_utf8_lossy(&text))
        });
        assert_eq!(
            sorted(&to_json(&again)),
            sorted(&to_json(&record)),
            "{}\n{}",
            ty.name,
            String::from_utf8_lossy(&text)
        );
    });
}

/// The same JSON with its keys sorted, as raw JSON comes back from YAML.
fn sorted(text: &Bytes) -> Bytes {
    let value = json::decode_value(text, &mut Problems::ignored()).unwrap();
    let mut out = Vec::new();
    json::encode_value(&value, &mut out);
    out.into()
}

#[test]
fn cut_off_messages_are_refused_or_read_but_never_panic() {
    each_record(|ty, record| {
        let message = to_protobuf(&record);
        let step = (message.len() / 16).max(1);
        for length in (0..message.len()).step_by(step) {
            let _ = protobuf::decode(ty, &message.slice(..length));
        }
        let text = to_json(&record);
        for length in (0..text.len()).step_by((text.len() / 16).max(1)) {
            assert!(json::decode(ty, &text.slice(..length), &mut Problems::collected()).is_err());
        }
    });
}

/// Whether all of the type has a protobuf form.
fn in_protobuf(ty: &Type) -> bool {
    !ty.message.is_empty()
}

/// `kind` and `apiVersion` travel outside of messages.
fn without_type_meta(mut record: Record) -> Record {
    let ty = record.type_ref().clone();
    for inlined in ty
        .inlined
        .iter()
        .filter(|inlined| inlined.name.ends_with(".TypeMeta"))
    {
        let first = usize::from(inlined.first);
        for index in first..first + usize::from(inlined.count) {
            record.remove(index);
        }
    }
    for (_, value) in record.iter_mut() {
        remove_type_meta(value);
    }
    record
}

fn remove_type_meta(value: &mut Value) {
    match value {
        Value::Record(record) => *record = without_type_meta(record.clone()),
        Value::List(items) => items.iter_mut().for_each(remove_type_meta),
        Value::Map(entries) => entries
            .iter_mut()
            .for_each(|(_, value)| remove_type_meta(value)),
        _ => {}
    }
}

#[test]
fn schemas_nest_as_deep_as_is_allowed() {
    let ty = pintle_api::type_by_name(
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
    )
    .unwrap();
    let nested = |depth: usize| {
        Bytes::from(format!(
            "{}{{}}{}",
            r#"{"not":"#.repeat(depth),
            "}".repeat(depth)
        ))
    };
    let record = json::decode(&ty, &nested(MAX_DEPTH - 1), &mut Problems::collected()).unwrap();
    assert_eq!(
        protobuf::decode(&ty, &to_protobuf(&record)).unwrap(),
        record
    );
    let of_items = |depth: usize| {
        Bytes::from(format!(
            "{}{{}}{}",
            r#"{"items":"#.repeat(depth),
            "}".repeat(depth)
        ))
    };
    let record = json::decode(
        &ty,
        &of_items(MAX_DEPTH / 2 - 1),
        &mut Problems::collected(),
    )
    .unwrap();
    assert_eq!(
        protobuf::decode(&ty, &to_protobuf(&record)).unwrap(),
        record
    );
    assert!(json::decode(&ty, &nested(100_000), &mut Problems::collected()).is_err());
}
