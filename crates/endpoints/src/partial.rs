//! `PartialObjectMetadata`: an object without all but its metadata.
//!
//! The metadata of an encoded object is a part of its bytes, in JSON and in protobuf alike, so the
//! partial form is cut out and nothing is decoded. That costs less than keeping it would.

use bytes::Bytes;
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::codec::{Problems, json, protobuf};
use pintle_runtime::meta::positions::object_meta;
use pintle_runtime::meta::tables;
use pintle_runtime::resource::Resource;
use pintle_runtime::schema::Ref;
use pintle_runtime::status::{ApiError, Failure};
use pintle_runtime::value::{Record, Value};

use crate::cache::{Object, Version};
use crate::negotiate::MetaVersion;

const KIND: &str = "PartialObjectMetadata";

/// Appends compact JSON, without a newline.
///
/// # Errors
/// Where the object cannot be said in its version.
pub fn write_json(
    object: &Object,
    version: MetaVersion,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let metadata = object.entry().metadata_json();
    let shown = without_fields(object, metadata)?;
    let metadata = shown.as_ref().map_or(metadata, |shown| &shown.json);
    wrap_json(metadata, version, out);
    Ok(())
}

/// Appends compact JSON for metadata that are JSON.
fn wrap_json(metadata: &[u8], version: MetaVersion, out: &mut Vec<u8>) {
    out.reserve(metadata.len() + 80);
    out.extend_from_slice(b"{\"kind\":\"");
    out.extend_from_slice(KIND.as_bytes());
    out.extend_from_slice(b"\",\"apiVersion\":\"");
    out.extend_from_slice(version.api_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    out.extend_from_slice(metadata);
    out.push(b'}');
}

/// Appends compact JSON for an object that is kept nowhere.
pub(crate) fn write_record_json(object: &Record, version: MetaVersion, out: &mut Vec<u8>) {
    let mut metadata = Vec::new();
    match metadata_of(object) {
        Some(record) => json::encode(record, &mut metadata),
        None => metadata.extend_from_slice(b"{}"),
    }
    wrap_json(&metadata, version, out);
}

/// Protobuf in its envelope for an object that is kept nowhere.
pub(crate) fn record_protobuf(object: &Record, version: MetaVersion) -> Bytes {
    let mut metadata = Vec::new();
    if let Some(record) = metadata_of(object) {
        protobuf::encode(record, &mut metadata);
    }
    wrap_protobuf(&metadata, version)
}

fn metadata_of(object: &Record) -> Option<&Record> {
    let index = object.ty().field_index("metadata")?;
    object.get(index).and_then(Value::as_record)
}

/// Compact JSON, without a newline.
///
/// # Errors
/// Where the object cannot be said in its version.
pub fn json(object: &Object, version: MetaVersion) -> Result<Bytes, ApiError> {
    let mut out = Vec::new();
    write_json(object, version, &mut out)?;
    Ok(out.into())
}

/// Protobuf in its envelope.
///
/// # Errors
/// Where the object cannot be said in its version.
pub fn protobuf(object: &Object, version: MetaVersion) -> Result<Bytes, ApiError> {
    let whole = object.entry().protobuf(Version::HUB)?;
    let message = message(&whole).ok_or_else(without_metadata)?;
    // Every kind's metadata is its field 1.
    let metadata = field(message, 0x0a).ok_or_else(without_metadata)?;
    let shown = without_fields(object, object.entry().metadata_json())?;
    let shown = shown.map(|shown| shown.protobuf());
    let metadata = shown.as_deref().unwrap_or(metadata);
    Ok(wrap_protobuf(metadata, version))
}

/// Protobuf in its envelope, for metadata that are protobuf.
fn wrap_protobuf(metadata: &[u8], version: MetaVersion) -> Bytes {
    let mut out = Vec::with_capacity(metadata.len() + 80);
    envelope::wrap_with(version.api_version(), KIND, &mut out, |out| {
        out.push(0x0a);
        varint(metadata.len(), out);
        out.extend_from_slice(metadata);
    });
    out.into()
}

/// Metadata that was taken apart.
struct Shown {
    record: Record,
    json: Vec<u8>,
}

impl Shown {
    fn protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        protobuf::encode(&self.record, &mut out);
        out
    }
}

/// The metadata without annotations that are fields in the hub; `None` where it is shown as it is.
fn without_fields(object: &Object, metadata: &[u8]) -> Result<Option<Shown>, ApiError> {
    let fields = object.entry().forms().annotations_of_fields();
    if fields.is_empty() {
        return Ok(None);
    }
    let metadata = Bytes::copy_from_slice(metadata);
    let ty = Ref::Static(&tables::OBJECT_META);
    let mut record = json::decode(&ty, &metadata, &mut Problems::ignored())
        .map_err(|error| ApiError::internal(error.to_string()))?;
    if let Some(Value::Map(annotations)) = record.get_mut(object_meta::ANNOTATIONS) {
        annotations.retain(|key, _| !fields.contains(&key));
        if annotations.is_empty() {
            record.remove(object_meta::ANNOTATIONS);
        }
    }
    let mut json = Vec::with_capacity(metadata.len());
    json::encode(&record, &mut json);
    Ok(Some(Shown { record, json }))
}

/// Upstream's refusal to give one object as a list, or a list as one object. `suffix` is what the
/// kind of the object ends in.
pub(crate) fn not_acceptable(asked: &str, why: &str, row: &Resource, suffix: &str) -> ApiError {
    let package = row
        .group
        .split('.')
        .next()
        .filter(|group| !group.is_empty())
        .unwrap_or("core");
    let text = format!(
        "you requested PartialObject{asked}, but {why} (*{package}.{}{suffix})",
        row.kind
    );
    ApiError::NotAcceptable(Box::new(Failure::new(text)))
}

fn without_metadata() -> ApiError {
    ApiError::internal("an object without metadata")
}

/// The bare message in an envelope.
pub(crate) fn message(enveloped: &[u8]) -> Option<&[u8]> {
    length_delimited(message_and_rest(enveloped)?, 0x12).map(|(raw, _)| raw)
}

/// The message in an envelope, with its tag and its length.
pub(crate) fn message_field(enveloped: &[u8]) -> Option<&[u8]> {
    let field = message_and_rest(enveloped)?;
    let (_, rest) = length_delimited(field, 0x12)?;
    field.get(..field.len() - rest.len())
}

/// Where in an envelope its message begins, with its tag.
pub(crate) fn message_start(enveloped: &[u8]) -> Option<usize> {
    message_and_rest(enveloped).map(|rest| enveloped.len() - rest.len())
}

fn message_and_rest(enveloped: &[u8]) -> Option<&[u8]> {
    let rest = enveloped.strip_prefix(&envelope::MAGIC)?;
    length_delimited(rest, 0x0a).map(|(_, rest)| rest)
}

/// The content of the first field, which has to have the tag `tag`.
fn field(message: &[u8], tag: u8) -> Option<&[u8]> {
    length_delimited(message, tag).map(|(content, _)| content)
}

fn length_delimited(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes.strip_prefix(&[tag])?;
    let mut length = 0;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return rest.split_at_checked(length);
        }
    }
    None
}

/// Appends a number as protobuf writes lengths.
pub(crate) fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many bytes [`varint`] takes.
pub(crate) fn varint_length(number: usize) -> usize {
    (usize::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_protobuf_writes_them() {
        for (number, expected) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (16383, 2),
            (16384, 3),
            (1 << 28, 5),
        ] {
            let mut out = Vec::new();
            varint(number, &mut out);
            assert_eq!(
                (out.len(), varint_length(number)),
                (expected, expected),
                "{number}"
            );
        }
    }

    #[test]
    fn a_message_is_taken_out_of_its_envelope() {
        let mut out = Vec::new();
        envelope::wrap("v1", "ConfigMap", b"\x0a\x03abc", &mut out);
        assert_eq!(message(&out), Some(&b"\x0a\x03abc"[..]));
        assert_eq!(
            field(message(&out).expect("a message"), 0x0a),
            Some(&b"abc"[..])
        );
        assert_eq!(message(b"k8s\0\x0a\xff"), None);
    }
}
