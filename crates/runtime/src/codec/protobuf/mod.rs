//! Protobuf as Kubernetes' generated code reads and writes it.
//!
//! Writing: ascending field numbers, maps by key, never packed, a value that is no pointer even when
//! zero. Reading: any order, packed or not, unknown fields passed over, and the result is in normal
//! form. Strings that are not UTF-8 are made so; raw JSON that is none is refused.

mod decode;
mod encode;
mod resource_version;
mod special;
mod wire;

pub mod envelope;
pub mod frame;

use std::cell::Cell;

use bytes::Bytes;

use self::wire::Reader;
use super::DecodeError;
use crate::schema::TypeRef;
use crate::value::Record;

/// The object of type `ty` in `message`, a bare message without envelope, in normal form (see
/// [`normalize`](super::normalize)). `kind` and `apiVersion` are in the envelope, not here.
///
/// # Errors
/// [`DecodeError::Syntax`] if `message` is not a message of the type.
pub fn decode(ty: &TypeRef, message: &Bytes) -> Result<Record, DecodeError> {
    let mut record = Record::new(ty.clone());
    let merged = Cell::new(0);
    decode::record(Reader::new(message, &merged), &mut record, 1)?;
    Ok(record)
}

/// Appends `record` to `out` as a bare message. Fields that have no number (`kind`, `apiVersion`, and all
/// of the types that only JSON knows) are left out.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    encode::record(record, out);
}

/// Appends a field of bytes, a string or a message to `out`: for lists that are put together of items
/// encoded before.
pub fn append_field(number: u32, content: &[u8], out: &mut Vec<u8>) {
    wire::put_bytes(number, content, out);
}

/// Appends `message`, an object's bare message, to `out` with `metadata.resourceVersion` set to
/// `resource_version` (empty: blanked, as it is stored). Everything else stays as it is.
///
/// # Errors
/// [`DecodeError::Syntax`] if `message` is not a message; `out` then holds what is of no use.
pub fn set_resource_version(
    message: &Bytes,
    resource_version: &str,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    resource_version::set(message, resource_version, out)
}

#[cfg(test)]
mod tests;
