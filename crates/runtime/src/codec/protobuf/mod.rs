//! Protobuf as Kubernetes' generated code reads and writes it.

pub mod envelope;
pub mod frame;

use bytes::Bytes;

use super::DecodeError;
use crate::schema::TypeRef;
use crate::value::Record;

/// The object of type `ty` in `message`, a bare message without envelope, in normal form (see
/// [`normalize`](super::normalize)). `kind` and `apiVersion` are in the envelope, not here.
///
/// # Errors
/// [`DecodeError::Syntax`] if `message` is not a message of the type.
pub fn decode(_ty: &TypeRef, _message: &Bytes) -> Result<Record, DecodeError> {
    unreachable!("being written")
}

/// Appends `record` to `out` as a bare message.
pub fn encode(_record: &Record, _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Appends `message`, an object's bare message, to `out` with `metadata.resourceVersion` set to
/// `resource_version` (empty: blanked, as it is stored). Everything else stays as it is.
///
/// # Errors
/// [`DecodeError::Syntax`] if `message` is not a message.
pub fn set_resource_version(_message: &[u8], _resource_version: &str, _out: &mut Vec<u8>) -> Result<(), DecodeError> {
    unreachable!("being written")
}
