//! JSON, read and written as kube-apiserver does.
//!
//! Reading follows `sigs.k8s.io/json`: keys are case-sensitive, the last of several equal keys counts
//! (structs and maps given twice are merged), integers must be integer literals, invalid UTF-8 becomes
//! U+FFFD. Writing follows Go's `encoding/json` with the tags that the table records.

mod base64;
mod decode;
mod encode;
mod gap;
mod go;
mod lexer;
mod number;
mod path;
mod prune;
mod raw;
mod scan;
mod shallow;
mod special;
mod string;
mod syntax;
mod text;
mod type_meta;

use bytes::Bytes;

use self::decode::Decoder;
use self::lexer::{Lexer, Stop};
use super::{DecodeError, Problems};
use crate::schema::{FieldType, TypeRef};
use crate::value::{Record, Value};

pub use self::encode::is_written;
pub use self::gap::Gap;
pub use self::type_meta::TypeMeta;

pub(crate) use self::base64::decode as decode_base64;
pub(crate) use self::go::type_name as go_type_name;
pub(crate) use self::scan::string_end;
pub(crate) use self::special::{canonical_quantity, writable, zero};
pub(crate) use self::text::lossy;

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
pub fn decode(ty: &TypeRef, body: &Bytes, problems: &mut Problems) -> Result<Record, DecodeError> {
    Decoder::new(Lexer::new(body), problems)
        .root(ty)
        .map_err(|stop| explain(stop, body))
}

/// Decodes the members of the object in `body` into `record`, on top of what is there, as if both were one text in
/// which `body` comes later.
///
/// # Errors
/// As for [`decode`]; what `record` is then means nothing.
pub fn decode_onto(
    record: &mut Record,
    body: &Bytes,
    problems: &mut Problems,
) -> Result<(), DecodeError> {
    Decoder::new(Lexer::new(body), problems)
        .onto(record)
        .map_err(|stop| explain(stop, body))
}

/// Any JSON value. A number is a [`Value::Int`] if it is an integer literal that fits.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not one JSON value, [`DecodeError::Mismatch`] if a number in it is too large.
pub fn decode_value(body: &Bytes, problems: &mut Problems) -> Result<Value, DecodeError> {
    Decoder::new(Lexer::new(body), problems)
        .root_value()
        .map_err(|stop| explain(stop, body))
}

/// One level of any JSON value: members and items are [`Value::Raw`], or [`Value::Null`], and so can be taken
/// apart in turn. Of members with the same key the last one counts.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not one JSON value.
pub fn open(body: &Bytes) -> Result<Value, DecodeError> {
    shallow::read(&mut Lexer::new(body), body).map_err(|stop| explain(stop, body))
}

/// `body` without the members of objects that are `null`, at any depth.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not JSON or nests beyond [`MAX_DEPTH`](super::MAX_DEPTH).
pub fn without_nulls(body: &Bytes) -> Result<Bytes, DecodeError> {
    if memchr::memmem::find(body, b"null").is_none() {
        return Ok(body.clone());
    }
    let mut out = Vec::with_capacity(body.len());
    prune::nulls(&mut Lexer::new(body), &mut out).map_err(|stop| explain(stop, body))?;
    Ok(out.into())
}

/// What a body says it is, which is all that kube-apiserver looks at first.
///
/// # Errors
/// [`DecodeError::Syntax`] if `body` is not one JSON value, or not an object, or if `kind` or `apiVersion` is not a
/// string; kube-apiserver puts `couldn't get version/kind; json parse error: ` in front of either.
pub fn type_meta(body: &Bytes) -> Result<TypeMeta, DecodeError> {
    type_meta::read(&mut Lexer::new(body)).map_err(|stop| explain(stop, body))
}

/// Checks that `body` is one JSON value.
///
/// # Errors
/// [`DecodeError::Syntax`], if it is not.
pub fn check(body: &Bytes) -> Result<(), DecodeError> {
    let mut lexer = Lexer::new(body);
    lexer
        .skip()
        .and_then(|()| lexer.finish())
        .map_err(|stop| explain(stop, body))
}

/// Go checks the whole text before it decodes any of it, so malformed text hides all other faults.
#[cold]
fn explain(stop: Stop, body: &[u8]) -> DecodeError {
    match (syntax::check(body), stop) {
        (Err(text), _) => DecodeError::Syntax(text),
        (Ok(()), Stop::Refused(error)) => *error,
        (Ok(()), Stop::Malformed) => DecodeError::syntax("invalid JSON"),
    }
}

/// Appends `record` to `out`: compact, without a newline at the end.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    encode::record(record, out);
}

/// The value of the field at position `index` as it stands in `record`'s text, if it does.
pub fn member(record: &Record, index: usize) -> Option<Bytes> {
    let mut out = Vec::new();
    encode::only(record, index, &mut out).then(|| out.into())
}

/// Appends `record` to `out` with two spaces of indentation, as Go's `json.MarshalIndent` does and
/// `?pretty=true` asks for: no newline at the end.
pub fn encode_pretty(record: &Record, out: &mut Vec<u8>) {
    let mut compact = Vec::new();
    encode::record(record, &mut compact);
    raw::indent(&compact, out);
}

/// Appends any value to `out`, compact.
pub fn encode_value(value: &Value, out: &mut Vec<u8>) {
    encode::value(&FieldType::Any, value, out);
}

/// Appends the compact `json` to `out` with two spaces of indentation.
pub fn indent(json: &[u8], out: &mut Vec<u8>) {
    raw::indent(json, out);
}

/// Appends the JSON text `json` to `out` without space between tokens, `<`, `>` and `&` escaped.
pub fn compact(json: &[u8], out: &mut Vec<u8>) {
    raw::compact(json, out);
}

/// Whether [`compact`] would write `json` as it is. May say no of a text with a space within a string.
pub fn is_compact(json: &[u8]) -> bool {
    scan::rewrite_needed(json, 0) == json.len()
}

/// Appends `text` to `out` as a JSON string, quotes included.
pub fn encode_str(text: &str, out: &mut Vec<u8>) {
    string::write(text, out);
}

/// Appends `record` to `out` without its `metadata.resourceVersion`, and says where that belongs
/// (counted from where `out` ended before), so that text made before a commit can be completed with
/// the commit's revision. `None` if the type has no such field.
pub fn encode_with_gap(record: &Record, out: &mut Vec<u8>) -> Option<Gap> {
    gap::encode(record, out)
}

#[cfg(test)]
mod tests;
