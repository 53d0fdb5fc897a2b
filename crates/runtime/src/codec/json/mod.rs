//! JSON, read and written as kube-apiserver does.

use bytes::Bytes;

use super::{DecodeError, Problems};
use crate::schema::TypeRef;
use crate::text::Text;
use crate::value::{Record, Value};

/// How deep arrays and objects may nest in text that is skipped or kept as it came.
pub const MAX_NESTING: usize = 10_000;

/// The object of type `ty` in `body`. Unknown fields are skipped; they and duplicate ones are noted
/// in `problems`.
///
/// `null` stands for nothing: such a field is absent from the record. Only within lists, maps and
/// arbitrary JSON is there a [`Value::Null`].
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not one JSON value, [`DecodeError::Mismatch`] if it does not fit
/// the type. As kube-apiserver looks for `kind` and `apiVersion` first, ask [`type_meta`] before
/// reporting a mismatch: the body may be of another kind altogether.
pub fn decode(_ty: &TypeRef, _body: &Bytes, _problems: &mut Problems) -> Result<Record, DecodeError> {
    unreachable!("being written")
}

/// Any JSON value. A number is a [`Value::Int`] if it is an integer literal that fits.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not one JSON value.
pub fn decode_value(_body: &Bytes, _problems: &mut Problems) -> Result<Value, DecodeError> {
    unreachable!("being written")
}

/// The `kind` and `apiVersion` that a body claims; empty where absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeMeta {
    /// `kind`
    pub kind: Text,
    /// `apiVersion`
    pub api_version: Text,
}

/// What a body says it is, which is all that kube-apiserver looks at first.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not one JSON value, or not an object, or if `kind` or `apiVersion` is not a
/// string; kube-apiserver puts `couldn't get version/kind; json parse error: ` in front of either.
pub fn type_meta(_body: &Bytes) -> Result<TypeMeta, DecodeError> {
    unreachable!("being written")
}

/// Appends `record` to `out`: compact, without a newline at the end.
pub fn encode(_record: &Record, _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Appends `record` to `out` with two spaces of indentation, as Go's `json.MarshalIndent` does and
/// `?pretty=true` asks for: no newline at the end.
pub fn encode_pretty(_record: &Record, _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Appends any value to `out`, compact.
pub fn encode_value(_value: &Value, _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Appends the compact `json` to `out` with two spaces of indentation.
pub fn indent(_json: &[u8], _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Appends `record` to `out` without its `metadata.resourceVersion`, and says where that belongs,
/// so that text made before a commit can be completed with the commit's revision.
/// `None` if the type has no such field.
pub fn encode_with_gap(_record: &Record, _out: &mut Vec<u8>) -> Option<Gap> {
    unreachable!("being written")
}

/// The place of `metadata.resourceVersion` in an object's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    at: usize,
    comma_before: bool,
    comma_after: bool,
}

impl Gap {
    /// Appends `json`, which [`encode_with_gap`] wrote, to `out` with `resource_version` in its place.
    pub fn fill(&self, _json: &[u8], _resource_version: &str, _out: &mut Vec<u8>) {
        let _ = (self.at, self.comma_before, self.comma_after);
        unreachable!("being written")
    }
}
