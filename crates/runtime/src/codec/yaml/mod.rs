//! YAML, read and written as `sigs.k8s.io/yaml` does: through JSON.
//!
//! Reading knows the words and numbers of YAML 1.1 (`yes`, `0777`), takes the first document only and
//! gives JSON, which is then decoded like any other; so a number in the place of a string is refused.
//! Writing sorts keys and quotes what would be read as something else.
//!
//! Errors are goyaml's where the parser underneath finds the same fault; it follows YAML 1.2, so a few
//! documents are told differently.

mod convert;
mod emit;
mod fault;
mod order;
mod resolve;
mod style;
mod tree;

use bytes::Bytes;

use self::tree::Document;
use super::{DecodeError, Problems, json};
use crate::schema::TypeRef;
use crate::value::{Record, Value};

/// The object of type `ty` in `body`, by the same rules as [`json::decode`].
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not YAML (the text begins with `yaml: `),
/// [`DecodeError::Mismatch`] if it does not fit the type.
pub fn decode(ty: &TypeRef, body: &Bytes, problems: &mut Problems) -> Result<Record, DecodeError> {
    let text = to_json(body, problems)?;
    json::decode(ty, &text, problems)
}

/// The first document of `body` as compact JSON with sorted keys: what patches and
/// [`json::type_meta`] work on. Duplicate keys are noted in `problems`, all of them as one.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not YAML.
pub fn to_json(body: &Bytes, problems: &mut Problems) -> Result<Bytes, DecodeError> {
    if let Some(value) = json_value(body) {
        return Ok(json_text(&value, body.len()));
    }
    let text = fault::text(body)?;
    let document = Document::read(text)?;
    let mut duplicates = Vec::new();
    let value = convert::value(&document, text, &mut duplicates)?;
    if !duplicates.is_empty() {
        problems.note(format!(
            "yaml: unmarshal errors:\n  {}",
            duplicates.join("\n  ")
        ));
    }
    Ok(json_text(&value, body.len()))
}

/// The value of a body that is JSON already, as that of nearly every apply is: much faster to read, and
/// the same. Where the two readings would differ, there is none: for duplicate keys, which YAML tells
/// in its own way, and for large numbers, of which YAML keeps more digits.
fn json_value(body: &Bytes) -> Option<Value> {
    body.trim_ascii_start().starts_with(b"{").then_some(())?;
    let mut problems = Problems::collected();
    let value = json::decode_value(body, &mut problems).ok()?;
    (problems.is_empty() && !has_large_number(&value)).then_some(value)
}

fn has_large_number(value: &Value) -> bool {
    match value {
        Value::Float(float) => float.abs() >= 9e18,
        Value::List(items) => items.iter().any(has_large_number),
        Value::Map(entries) => entries.iter().any(|(_, value)| has_large_number(value)),
        _ => false,
    }
}

fn json_text(value: &Value, length: usize) -> Bytes {
    let mut text = Vec::with_capacity(length);
    json::encode_value(value, &mut text);
    text.into()
}

/// Appends `record` to `out` as a YAML document with sorted keys.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    json::encode(record, &mut text);
    from_json(&text.into(), out);
}

/// Appends the JSON text `text` to `out` as a YAML document with sorted keys. What nests deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH) stays JSON, which is YAML too.
pub fn from_json(text: &Bytes, out: &mut Vec<u8>) {
    match json::decode_value(text, &mut Problems::ignored()) {
        Ok(value) => from_value(&value, out),
        Err(_) => {
            out.extend_from_slice(text);
            out.push(b'\n');
        }
    }
}

/// Appends a value read from JSON to `out` as a YAML document with sorted keys.
pub fn from_value(value: &Value, out: &mut Vec<u8>) {
    emit::document(value, out);
}

#[cfg(test)]
mod tests;
