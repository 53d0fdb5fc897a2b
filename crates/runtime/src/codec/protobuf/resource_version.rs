//! The resource version within an encoded object, changed without decoding it.

use std::cell::Cell;

use bytes::Bytes;

use super::wire::{Decoded, Reader, Wire, put_bytes, put_message};

/// `metadata` of every object.
const METADATA: u32 = 1;
/// `resourceVersion` of `ObjectMeta`.
const RESOURCE_VERSION: u32 = 6;

/// See [`set_resource_version`](super::set_resource_version).
pub(super) fn set(message: &Bytes, resource_version: &str, out: &mut Vec<u8>) -> Decoded {
    out.reserve(message.len() + resource_version.len() + 8);
    let merged = Cell::new(0);
    let mut reader = Reader::new(message, &merged);
    let mut copied = 0;
    let mut metadata = 0..0;
    loop {
        let before = reader.position();
        let Some(tag) = reader.tag("ObjectMeta")? else {
            break;
        };
        if tag.number == METADATA {
            tag.expect(Wire::Bytes, "ObjectMeta")?;
            metadata = reader.range()?;
            out.extend_from_slice(&message[copied..before]);
            copied = metadata.end;
            break;
        }
        reader.skip(tag)?;
    }
    let metadata = reader.within(metadata);
    let mut outcome = Ok(());
    put_message(METADATA, out, |out| {
        outcome = set_in_metadata(metadata, message, resource_version, out);
    });
    out.extend_from_slice(&message[copied..]);
    outcome
}

/// Puts the field where it belongs among those that ascend.
fn set_in_metadata(
    mut reader: Reader<'_>,
    message: &Bytes,
    resource_version: &str,
    out: &mut Vec<u8>,
) -> Decoded {
    let mut pending = Some(resource_version);
    loop {
        let before = reader.position();
        let tag = reader.tag("ObjectMeta")?;
        if tag.is_none_or(|tag| tag.number > RESOURCE_VERSION)
            && let Some(resource_version) = pending.take()
        {
            put_bytes(RESOURCE_VERSION, resource_version.as_bytes(), out);
        }
        let Some(tag) = tag else { return Ok(()) };
        reader.skip(tag)?;
        if tag.number != RESOURCE_VERSION {
            out.extend_from_slice(&message[before..reader.position()]);
        }
    }
}
