//! Documents that are taken apart only where a patch goes: the rest stays the text that it is.
//!
//! So a patch costs what it touches, numbers keep their spelling, and the result is byte for byte what
//! upstream makes: members of what was touched sorted, the rest in the order that it had.

use bytes::Bytes;

use crate::codec::{Problems, json};
use crate::value::Value;

/// Has `value` be a map or a list if its text is one, with members that are text still. Scalars stay text.
pub(super) fn unfold(value: &mut Value) -> &mut Value {
    if let Value::Raw(text) = value
        && is_container(text)
        && let Ok(opened) = json::open(text)
    {
        *value = opened;
    }
    value
}

/// A document, or a part of one, as compact text.
pub(super) fn text(value: &Value) -> Bytes {
    let mut out = Vec::new();
    json::encode_value(value, &mut out);
    out.into()
}

/// A document as plain values, for comparing: numbers by value, members in any order.
pub(super) fn plain(value: &Value) -> Value {
    json::decode_value(&text(value), &mut Problems::ignored()).unwrap_or_else(|_| value.clone())
}

fn is_container(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}
