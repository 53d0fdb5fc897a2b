//! JSON merge patch.

use bytes::Bytes;

use crate::codec::json;
use crate::value::Value;

use super::PatchError;
use super::lazy::{text, unfold};

/// The JSON text `document` with the merge patch `patch` (RFC 7386) applied: objects merge key by key, `null`
/// removes, anything else replaces.
///
/// What the patch does not reach stays the text that it is; a `null` within an array is kept.
///
/// # Errors
/// [`PatchError::Malformed`] if `patch` is neither an object nor an array.
pub fn merge(document: &Bytes, patch: &Bytes) -> Result<Bytes, PatchError> {
    let malformed = || PatchError::Malformed("Invalid JSON Patch".to_owned());
    let patch = json::open(patch).map_err(|_| malformed())?;
    if !matches!(patch, Value::Map(_) | Value::List(_)) {
        return Err(malformed());
    }
    Ok(text(&merged(Value::Raw(document.clone()), patch)?))
}

fn merged(mut target: Value, mut patch: Value) -> Result<Value, PatchError> {
    if !matches!(unfold(&mut target), Value::Map(_)) {
        return pruned(patch);
    }
    unfold(&mut patch);
    let (Value::Map(mut target), Value::Map(patch)) = (target, patch) else {
        return Err(PatchError::Malformed("Invalid JSON Patch".to_owned()));
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
            continue;
        }
        let value = match target.remove(&key) {
            None | Some(Value::Null) => pruned(value)?,
            Some(old) if is_object(&value) => merged(old, value)?,
            Some(mut old) => match unfold(&mut old) {
                Value::Map(_) => value,
                _ => pruned(value)?,
            },
        };
        target.insert(key, value);
    }
    Ok(Value::Map(target))
}

fn is_object(value: &Value) -> bool {
    match value {
        Value::Raw(text) => text.trim_ascii_start().starts_with(b"{"),
        value => matches!(value, Value::Map(_)),
    }
}

/// A value that is new to the document: `null` says nothing about what is not there.
fn pruned(value: Value) -> Result<Value, PatchError> {
    json::without_nulls(&text(&value))
        .map(Value::Raw)
        .map_err(|error| PatchError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    #[track_caller]
    fn check(target: &str, patch: &str, expected: &str) {
        assert_eq!(
            merge(&bytes(target), &bytes(patch)),
            Ok(bytes(expected)),
            "{target} + {patch}"
        );
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        );
        check(r#"["a","b"]"#, r#"["c"]"#, r#"["c"]"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#);
    }

    #[test]
    fn what_is_not_touched_keeps_its_order_and_spelling() {
        check(
            r#"{"z":{"y":1.0,"x":[3,2]},"a":{"d":1,"c":2}}"#,
            r#"{"a": {"c": 3.00}}"#,
            r#"{"a":{"c":3.00,"d":1},"z":{"y":1.0,"x":[3,2]}}"#,
        );
    }

    #[test]
    fn a_patch_is_an_object_or_an_array() {
        for patch in ["1", "\"x\"", "null", "{"] {
            assert!(merge(&bytes("{}"), &bytes(patch)).is_err(), "{patch}");
        }
    }
}
