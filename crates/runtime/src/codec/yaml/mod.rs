//! YAML, read and written as `sigs.k8s.io/yaml` does: through JSON.

use bytes::Bytes;

use super::{DecodeError, Problems};
use crate::schema::TypeRef;
use crate::value::Record;

/// The object of type `ty` in `body`, by the same rules as [`json::decode`](super::json::decode).
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not YAML (the text begins with `yaml: `),
/// [`DecodeError::Mismatch`] if it does not fit the type.
pub fn decode(
    _ty: &TypeRef,
    _body: &Bytes,
    _problems: &mut Problems,
) -> Result<Record, DecodeError> {
    unreachable!("being written")
}

/// The first document of `body` as compact JSON with sorted keys: what patches and
/// [`json::type_meta`](super::json::type_meta) work on. Duplicate keys are noted in `problems`.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not YAML.
pub fn to_json(_body: &Bytes, _problems: &mut Problems) -> Result<Bytes, DecodeError> {
    unreachable!("being written")
}

/// Appends `record` to `out` as a YAML document with sorted keys.
pub fn encode(_record: &Record, _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Appends the JSON text `json` to `out` as a YAML document with sorted keys.
pub fn from_json(_json: &[u8], _out: &mut Vec<u8>) {
    unreachable!("being written")
}
