//! The envelope of an object outside a watch stream: `k8s\0` and a `runtime.Unknown`.

use std::cell::Cell;

use bytes::Bytes;

use super::wire::{Decoded, Reader, Wire, put_bytes, put_message};
use crate::codec::DecodeError;
use crate::text::Text;
use crate::value::Record;

/// The four bytes that an enveloped object begins with.
pub const MAGIC: [u8; 4] = *b"k8s\0";

/// What an envelope holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// `apiVersion` of the object.
    pub api_version: Text,
    /// `kind` of the object.
    pub kind: Text,
    /// The object's own message.
    pub raw: Bytes,
    /// How `raw` is compressed; empty for not at all, nothing else is in use.
    pub content_encoding: Text,
    /// Media type of `raw`; empty for protobuf.
    pub content_type: Text,
}

/// Appends an envelope around the bare message `raw` to `out`, magic included.
pub fn wrap(api_version: &str, kind: &str, raw: &[u8], out: &mut Vec<u8>) {
    out.reserve(raw.len() + api_version.len() + kind.len() + 24);
    wrap_with(api_version, kind, out, |out| out.extend_from_slice(raw));
}

/// Appends `record` in an envelope to `out`, magic included.
pub fn encode(api_version: &str, kind: &str, record: &Record, out: &mut Vec<u8>) {
    wrap_with(api_version, kind, out, |out| super::encode(record, out));
}

/// Appends an envelope to `out`, magic included, around the message that `write` appends.
pub fn wrap_with(
    api_version: &str,
    kind: &str,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(&MAGIC);
    put_message(1, out, |out| {
        put_bytes(1, api_version.as_bytes(), out);
        put_bytes(2, kind.as_bytes(), out);
    });
    put_message(2, out, write);
    put_bytes(3, b"", out);
    put_bytes(4, b"", out);
}

/// Opens the envelope `body`.
///
/// # Errors
/// [`DecodeError::Syntax`] if it does not begin with [`MAGIC`] or is cut off.
pub fn unwrap(body: &Bytes) -> Result<Envelope, DecodeError> {
    if body.is_empty() {
        return Err(DecodeError::syntax("empty data"));
    }
    if !body.starts_with(&MAGIC) {
        let expected = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
        return Err(DecodeError::syntax(expected));
    }
    if body.len() == MAGIC.len() {
        return Err(DecodeError::syntax("empty body"));
    }
    let body = body.slice(MAGIC.len()..);
    let mut envelope = Envelope::default();
    let merged = Cell::new(0);
    let mut reader = Reader::new(&body, &merged);
    while let Some(tag) = reader.tag("Unknown")? {
        match tag.number {
            1 => {
                tag.expect(Wire::Bytes, "TypeMeta")?;
                let range = reader.range()?;
                type_meta(reader.within(range), &mut envelope)?;
            }
            2 => {
                tag.expect(Wire::Bytes, "Raw")?;
                envelope.raw = reader.bytes()?;
            }
            3 => {
                tag.expect(Wire::Bytes, "ContentEncoding")?;
                envelope.content_encoding = reader.text()?;
            }
            4 => {
                tag.expect(Wire::Bytes, "ContentType")?;
                envelope.content_type = reader.text()?;
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok(envelope)
}

fn type_meta(mut reader: Reader<'_>, envelope: &mut Envelope) -> Decoded {
    while let Some(tag) = reader.tag("TypeMeta")? {
        match tag.number {
            1 => {
                tag.expect(Wire::Bytes, "APIVersion")?;
                envelope.api_version = reader.text()?;
            }
            2 => {
                tag.expect(Wire::Bytes, "Kind")?;
                envelope.kind = reader.text()?;
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_what_kube_apiserver_stores() {
        let mut out = Vec::new();
        wrap("v1", "Pod", b"\x0a\x00", &mut out);
        assert_eq!(
            out,
            b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x02\x0a\x00\x1a\x00\x22\x00"
        );
        let envelope = unwrap(&Bytes::from(out)).unwrap();
        assert_eq!(
            (&*envelope.api_version, &*envelope.kind, &envelope.raw[..]),
            ("v1", "Pod", &b"\x0a\x00"[..])
        );
    }

    #[track_caller]
    fn check_error(body: &'static [u8], expected: &str) {
        assert_eq!(
            unwrap(&Bytes::from_static(body)).unwrap_err().to_string(),
            expected
        );
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        check_error(b"", "empty data");
        check_error(
            b"{}",
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
        );
        check_error(b"k8s\0", "empty body");
        check_error(b"k8s\0\x0a\x09\x0a", "unexpected EOF");
        check_error(
            b"k8s\0\x08\x01",
            "proto: wrong wireType = 0 for field TypeMeta",
        );
    }
}
