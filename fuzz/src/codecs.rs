//! JSON, YAML and protobuf: what was read can be written, and is then read as the same.

use bytes::Bytes;
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::codec::{DecodeError, Problems, json, normalize, protobuf, yaml};

use crate::typed;

/// JSON of any type, judged by the decoder as by the checker of syntax.
pub(crate) fn json(bytes: &[u8]) {
    let Some((ty, body)) = typed(bytes, |_| true) else {
        return;
    };
    let is_json = json::check(&body);
    // That it gives a verdict is all that is wanted of these.
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
}

/// YAML becomes JSON that is not much larger.
pub(crate) fn yaml(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let Ok(text) = yaml::to_json(&body, &mut Problems::collected()) else {
        return;
    };
    let (from, to) = (body.len(), text.len());
    assert!(to <= 16 * from + (8 << 20), "{from} bytes grew to {to}");
    json::check(&text).expect("what was read from YAML is JSON");
    let mut written = Vec::new();
    yaml::from_json(&text, &mut written);
    let again = yaml::to_json(&written.into(), &mut Problems::ignored());
    assert_eq!(again.expect("what was written is YAML"), text);
}

/// Protobuf of any type is read in normal form.
pub(crate) fn protobuf(bytes: &[u8]) {
    let Some((ty, body)) = typed(bytes, |ty| !ty.message.is_empty()) else {
        return;
    };
    let _ = envelope::unwrap(&body);
    let _ = protobuf::set_resource_version(&body, "1", &mut Vec::new());
    let Ok(record) = protobuf::decode(&ty, &body) else {
        return;
    };
    let mut normal = record.clone();
    normalize(&mut normal);
    assert_eq!(normal, record);
    let mut written = Vec::new();
    protobuf::encode(&record, &mut written);
    let again = protobuf::decode(&ty, &written.into());
    assert_eq!(again.expect("what was written is read"), record);
    let mut text = Vec::new();
    json::encode(&record, &mut text);
    json::decode(&ty, &text.into(), &mut Problems::ignored()).expect("written JSON is read");
}
