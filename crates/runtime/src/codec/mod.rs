//! Records as text and bytes: JSON, YAML and protobuf, all three read from the table of the type.
//!
//! What one may rely on:
//!
//! - What a client reads is what kube-apiserver would have sent, byte for byte: order of fields,
//!   `omitempty`, `null`, escapes, number forms, protobuf's always-written zeros.
//! - What a client sent is judged as kube-apiserver judges it: the same errors with the same texts,
//!   the same unknown and duplicate fields with the same paths (see [`Problems`]).
//! - No input makes a decoder panic, overflow the stack, or hold more memory than a small multiple
//!   of the input's length. Limiting that length is the caller's business.
//! - Strings and bytes without escapes are slices of the body. Nothing is copied that need not be.
//!
//! A record can say more than protobuf can: protobuf knows no difference between an absent and a zero
//! value that is not a pointer, nor between an absent and an empty list or map. The form that
//! survives is called *normal*; [`normalize`] brings a record to it, [`protobuf::decode`] gives it.
//! For records in normal form, protobuf and JSON each are the identity there and back.

mod error;
mod normal;
mod problems;

pub mod json;
pub mod protobuf;
pub mod yaml;

pub use error::DecodeError;
pub use normal::normalize;
pub use problems::Problems;

/// How deep values may nest where the table allows any depth: schemas within schemas, arbitrary
/// JSON. Text that is skipped or kept as it came may nest to [`json::MAX_NESTING`].
///
/// Records are built, copied and dropped recursively, so this is what keeps the stack safe.
pub const MAX_DEPTH: usize = 256;

/// How many entries of maps may be moved because a map was given more than once and is merged. Nobody
/// does that but to keep the server busy.
const MAX_MERGED: usize = 1_000_000;
