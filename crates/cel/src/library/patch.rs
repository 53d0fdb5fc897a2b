//! What patches are written with.

use super::Row;
use crate::value::{Outcome, Val};

pub(super) const FUNCTIONS: &[Row] = &[(
    "jsonpatch.escapeKey",
    escape_key,
    &[("string_jsonpatch_escapeKey_string", "(string) string")],
)];

/// A key as a part of a JSON pointer.
fn escape_key<'a>(args: &[Val<'a>]) -> Option<Outcome<'a>> {
    let [Val::String(key)] = args else {
        return None;
    };
    let escaped = key.replace('~', "~0").replace('/', "~1");
    Some(Ok(Val::string(escaped)))
}
