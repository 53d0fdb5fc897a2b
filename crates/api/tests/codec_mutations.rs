//! Objects with something wrong in them: whatever it is, decoders give a verdict, and what they accept
//! can be written and read again. The fuzz targets go further; this runs with every other test.

mod records;

use bytes::Bytes;
use pintle_runtime::codec::{DecodeError, Problems, json, normalize, protobuf, yaml};
use pintle_runtime::schema::{Ref, Shape, TypeRef};
use records::Maker;

/// How many wrong objects are made of each type.
const ROUNDS: u64 = 12;

/// Calls `check` with bytes that `encode` made of every type and that were then changed.
fn each_mutation(
    encode: impl Fn(&TypeRef, &mut Maker) -> Vec<u8>,
    check: impl Fn(&TypeRef, Bytes),
) {
    for (index, ty) in pintle_api::types().enumerate() {
        if ty.shape != Shape::Struct {
            continue;
        }
        let ty: TypeRef = Ref::Static(ty);
        let mut maker = Maker::new(index as u64);
        let bytes = encode(&ty, &mut maker);
        for _ in 0..ROUNDS {
            check(&ty, maker.mutate(bytes.clone()).into());
        }
    }
}

fn json_of(ty: &TypeRef, maker: &mut Maker) -> Vec<u8> {
    let mut text = Vec::new();
    json::encode(&maker.record(ty), &mut text);
    text
}

#[test]
fn changed_json_is_judged_alike_by_decoder_and_checker() {
    each_mutation(json_of, |ty, body| {
        let is_json = json::check(&body).is_ok();
        let _ = json::type_meta(&body);
        match json::decode(ty, &body, &mut Problems::collected()) {
            Ok(record) => {
                assert!(is_json, "{}", body.escape_ascii());
                let (mut once, mut twice) = (Vec::new(), Vec::new());
                json::encode(&record, &mut once);
                let again =
                    json::decode(ty, &once.clone().into(), &mut Problems::ignored()).unwrap();
                json::encode(&again, &mut twice);
                assert_eq!(once, twice, "{}", body.escape_ascii());
            }
            Err(DecodeError::Syntax(text)) => {
                assert!(
                    !is_json && text != "invalid JSON",
                    "{text}: {}",
                    body.escape_ascii()
                );
            }
            Err(DecodeError::Mismatch(text)) => assert!(is_json, "{text}: {}", body.escape_ascii()),
        }
    });
}

#[test]
fn changed_yaml_becomes_json_or_is_refused() {
    let encode = |ty: &TypeRef, maker: &mut Maker| {
        let mut text = Vec::new();
        yaml::encode(&maker.record(ty), &mut text);
        text
    };
    each_mutation(encode, |_, body| {
        let Ok(text) = yaml::to_json(&body, &mut Problems::collected()) else {
            return;
        };
        json::check(&text).unwrap_or_else(|error| panic!("{error}: {}", body.escape_ascii()));
        let mut written = Vec::new();
        yaml::from_json(&text, &mut written);
        let again = yaml::to_json(&Bytes::from(written), &mut Problems::ignored());
        assert_eq!(again.as_ref(), Ok(&text), "{}", body.escape_ascii());
    });
}

#[test]
fn changed_messages_are_read_into_normal_form_or_refused() {
    let encode = |ty: &TypeRef, maker: &mut Maker| {
        let mut message = Vec::new();
        protobuf::encode(&maker.record(ty), &mut message);
        message
    };
    each_mutation(encode, |ty, body| {
        let _ = protobuf::set_resource_version(&body, "7", &mut Vec::new());
        let Ok(record) = protobuf::decode(ty, &body) else {
            return;
        };
        let mut normal = record.clone();
        normalize(&mut normal);
        assert_eq!(normal, record, "{}: {}", ty.name, body.escape_ascii());
        let mut written = Vec::new();
        protobuf::encode(&record, &mut written);
        assert_eq!(
            protobuf::decode(ty, &written.into()).as_ref(),
            Ok(&record),
            "{}: {}",
            ty.name,
            body.escape_ascii()
        );
        let mut text = Vec::new();
        json::encode(&record, &mut text);
        let read = json::decode(ty, &text.into(), &mut Problems::ignored());
        assert!(read.is_ok(), "{}: {read:?}", ty.name);
    });
}
