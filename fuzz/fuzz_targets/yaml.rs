//! YAML: no panic, no growth, and what is written is read again as the same JSON.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pintle_runtime::codec::{Problems, json, yaml};

fuzz_target!(|body: &[u8]| {
    let body = Bytes::copy_from_slice(body);
    let Ok(text) = yaml::to_json(&body, &mut Problems::collected()) else { return };
    assert!(text.len() <= 16 * body.len() + (8 << 20), "{} bytes grew to {}", body.len(), text.len());
    json::check(&text).expect("what was read from YAML is JSON");
    let mut written = Vec::new();
    yaml::from_json(&text, &mut written);
    let again = yaml::to_json(&written.into(), &mut Problems::ignored()).expect("what was written is YAML");
    assert_eq!(again, text);
});
