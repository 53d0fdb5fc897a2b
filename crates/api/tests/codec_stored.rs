//! What kube-apiserver v1.36.2 keeps in its store is read and written back byte for byte, and read as
//! it would serve it.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it calls"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use pintle_runtime::codec::protobuf::{self, envelope};
use pintle_runtime::codec::{Problems, json, normalize};
use pintle_runtime::value::{Record, Value};

/// `key`, `value` (base64) and `object` (as served) a line.
const STORED: &str = include_str!("fixtures/stored.jsonl");

struct Stored {
    key: String,
    value: Bytes,
    served: serde_json::Value,
    revision: String,
}

fn stored() -> impl Iterator<Item = Stored> {
    STORED.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        Stored {
            key: line["key"].as_str().unwrap().to_owned(),
            value: STANDARD
                .decode(line["value"].as_str().unwrap())
                .unwrap()
                .into(),
            served: line["object"].take(),
            revision: line["modRevision"].to_string(),
        }
    })
}

/// The enveloped objects among them, decoded.
fn objects() -> impl Iterator<Item = (Stored, envelope::Envelope, Record)> {
    stored()
        .filter(|stored| stored.value.starts_with(&envelope::MAGIC))
        .map(|stored| {
            let envelope = envelope::unwrap(&stored.value).unwrap();
            let (group, version) = envelope
                .api_version
                .rsplit_once('/')
                .unwrap_or(("", &envelope.api_version));
            let ty = pintle_api::type_by_kind(group, version, &envelope.kind)
                .unwrap_or_else(|| panic!("{}", stored.key));
            let record = protobuf::decode(&ty, &envelope.raw)
                .unwrap_or_else(|error| panic!("{}: {error}", stored.key));
            (stored, envelope, record)
        })
}

#[test]
fn what_is_read_is_written_back_byte_for_byte() {
    let mut count = 0;
    for (stored, envelope, record) in objects() {
        let mut again = Vec::new();
        envelope::encode(&envelope.api_version, &envelope.kind, &record, &mut again);
        assert!(
            again == stored.value,
            "{}\n{}\n{}",
            stored.key,
            again.escape_ascii(),
            stored.value.escape_ascii()
        );
        count += 1;
    }
    assert!(count > 200, "{count} objects");
}

#[test]
fn what_is_read_is_in_normal_form() {
    for (stored, _, record) in objects() {
        let mut normal = record.clone();
        normalize(&mut normal);
        assert_eq!(normal, record, "{}", stored.key);
    }
}

/// Gives `record` what the envelope said.
fn with_type_meta(mut record: Record, envelope: &envelope::Envelope) -> Record {
    for (name, text) in [
        ("kind", &envelope.kind),
        ("apiVersion", &envelope.api_version),
    ] {
        let index = record.ty().field_index(name).unwrap();
        record.set(index, Value::String(text.clone()));
    }
    record
}

#[test]
fn json_completed_with_the_revision_is_what_was_served() {
    for (stored, envelope, record) in objects() {
        let served_as_stored = stored.served["apiVersion"].as_str() == Some(&*envelope.api_version);
        // The phase of a claim is defaulted whenever it is read.
        if !served_as_stored || &*envelope.kind == "PersistentVolumeClaim" {
            continue;
        }
        let record = with_type_meta(record, &envelope);
        let mut text = Vec::new();
        let gap = json::encode_with_gap(&record, &mut text).unwrap();
        let mut complete = Vec::new();
        gap.fill(&text, &stored.revision, &mut complete);
        let found: serde_json::Value = serde_json::from_slice(&complete).unwrap();
        assert_eq!(found, stored.served, "{}", stored.key);
    }
}

#[test]
fn json_and_back_is_the_same_text() {
    for (stored, envelope, record) in objects() {
        let record = with_type_meta(record, &envelope);
        let mut text = Vec::new();
        json::encode(&record, &mut text);
        let mut problems = Problems::collected();
        let text = Bytes::from(text);
        let mut again = Vec::new();
        json::encode(
            &json::decode(record.type_ref(), &text, &mut problems).unwrap(),
            &mut again,
        );
        assert_eq!(again, text, "{}", stored.key);
        assert!(
            problems.is_empty(),
            "{}: {:?}",
            stored.key,
            problems.texts()
        );
    }
}

#[test]
fn the_resource_version_is_set_and_blanked_in_the_message() {
    for (stored, envelope, record) in objects() {
        let (mut set, mut blanked) = (Vec::new(), Vec::new());
        protobuf::set_resource_version(&envelope.raw, &stored.revision, &mut set).unwrap();
        let set = Bytes::from(set);
        let complete = protobuf::decode(record.type_ref(), &set).unwrap();
        let metadata = complete
            .get_by_name("metadata")
            .and_then(Value::as_record)
            .unwrap();
        assert_eq!(
            metadata
                .get_by_name("resourceVersion")
                .and_then(Value::as_str),
            Some(&*stored.revision)
        );
        protobuf::set_resource_version(&set, "", &mut blanked).unwrap();
        assert!(blanked == envelope.raw, "{}", stored.key);
    }
}
