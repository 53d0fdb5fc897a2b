//! JSON of any type: no panic, the same verdict as the checker of syntax, and what is written is read
//! again as the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pintle_runtime::codec::{DecodeError, Problems, json};
use pintle_runtime::schema::{Ref, Shape, TypeRef};

fuzz_target!(|input: (u16, &[u8])| {
    let (choice, body) = input;
    let structs: Vec<_> = pintle_api::types().filter(|ty| ty.shape == Shape::Struct).collect();
    let ty: TypeRef = Ref::Static(structs[usize::from(choice) % structs.len()]);
    let body = Bytes::copy_from_slice(body);

    let is_json = json::check(&body);
    let _ = json::type_meta(&body);
    let _ = json::decode_value(&body, &mut Problems::collected());
    match json::decode(&ty, &body, &mut Problems::collected()) {
        Ok(record) => {
            is_json.expect("what was read is JSON");
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            json::encode(&record, &mut once);
            let again = json::decode(&ty, &once.clone().into(), &mut Problems::ignored());
            json::encode(&again.expect("what was written is read"), &mut twice);
            assert_eq!(once, twice);
        }
        Err(DecodeError::Syntax(text)) => assert_ne!(text, "invalid JSON"),
        Err(DecodeError::Mismatch(_)) => is_json.expect("what has a mismatch is JSON"),
    }
});
