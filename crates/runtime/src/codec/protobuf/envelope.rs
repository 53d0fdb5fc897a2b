//! The envelope of an object outside a watch stream: `k8s\0` and a `runtime.Unknown`.

use bytes::Bytes;

use crate::codec::DecodeError;
use crate::text::Text;

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
pub fn wrap(_api_version: &str, _kind: &str, _raw: &[u8], _out: &mut Vec<u8>) {
    unreachable!("being written")
}

/// Opens the envelope `body`.
///
/// # Errors
/// [`DecodeError::Syntax`] if it does not begin with [`MAGIC`] or is cut off.
pub fn unwrap(_body: &Bytes) -> Result<Envelope, DecodeError> {
    unreachable!("being written")
}
