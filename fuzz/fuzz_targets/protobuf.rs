//! Protobuf of any type: no panic, and what is read is in normal form.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pintle_runtime::codec::protobuf::{self, envelope};
use pintle_runtime::codec::{Problems, json, normalize};
use pintle_runtime::schema::{Ref, Shape, TypeRef};

fuzz_target!(|input: (u16, &[u8])| {
    let (choice, body) = input;
    let structs: Vec<_> =
        pintle_api::types().filter(|ty| ty.shape == Shape::Struct && !ty.message.is_empty()).collect();
    let ty: TypeRef = Ref::Static(structs[usize::from(choice) % structs.len()]);
    let body = Bytes::copy_from_slice(body);

    let _ = envelope::unwrap(&body);
    let _ = protobuf::set_resource_version(&body, "1", &mut Vec::new());
    let Ok(record) = protobuf::decode(&ty, &body) else { return };
    let mut normal = record.clone();
    normalize(&mut normal);
    assert_eq!(normal, record);
    let mut written = Vec::new();
    protobuf::encode(&record, &mut written);
    assert_eq!(protobuf::decode(&ty, &written.into()).expect("what was written is read"), record);
    let mut text = Vec::new();
    json::encode(&record, &mut text);
    json::decode(&ty, &text.into(), &mut Problems::ignored()).expect("what was written as JSON is read");
});
