//! What a body says it is.

use super::lexer::{Lexed, Lexer, Stop};
use crate::codec::DecodeError;
use crate::text::Text;

/// The `kind` and `apiVersion` that a body claims; empty where absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeMeta {
    /// `kind`
    pub kind: Text,
    /// `apiVersion`
    pub api_version: Text,
}

/// As Go prints the nameless struct that kube-apiserver reads them into.
const STRUCT: &str = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

/// Walks the whole body, so that text which is not JSON is found here.
pub(super) fn read(lexer: &mut Lexer<'_>) -> Lexed<TypeMeta> {
    let mut meta = TypeMeta::default();
    let mut noted = None;
    match lexer.peek()? {
        b'{' => members(lexer, &mut meta, &mut noted)?,
        b'n' => lexer.skip()?,
        first => {
            lexer.skip()?;
            noted = Some(format!(
                "json: cannot unmarshal {} into Go value of type {STRUCT}",
                sort(first)
            ));
        }
    }
    lexer.finish()?;
    match noted {
        None => Ok(meta),
        Some(text) => Err(Stop::Refused(Box::new(DecodeError::Syntax(text)))),
    }
}

fn members(lexer: &mut Lexer<'_>, meta: &mut TypeMeta, noted: &mut Option<String>) -> Lexed {
    let mut first = true;
    lexer.open(b'{', super::MAX_NESTING)?;
    while lexer.more(b'}', &mut first)? {
        let key = lexer.key()?;
        let first = lexer.peek()?;
        // Here Go does not mind the case of keys.
        let (slot, name) = match lexer.bytes(key) {
            key if key.eq_ignore_ascii_case(b"kind") => (&mut meta.kind, "kind"),
            key if key.eq_ignore_ascii_case(b"apiVersion") => (&mut meta.api_version, "apiVersion"),
            _ => {
                lexer.skip()?;
                continue;
            }
        };
        match first {
            b'"' => {
                let span = lexer.string()?;
                *slot = lexer.text(span);
            }
            b'n' => lexer.skip()?,
            _ => {
                lexer.skip()?;
                let found = sort(first);
                noted.get_or_insert_with(|| {
                    format!(
                        "json: cannot unmarshal {found} into Go struct field .{name} of type string"
                    )
                });
            }
        }
    }
    Ok(())
}

/// What Go calls the value that begins with `first`.
pub(super) fn sort(first: u8) -> &'static str {
    match first {
        b'"' => "string",
        b'{' => "object",
        b'[' => "array",
        b't' | b'f' => "bool",
        b'n' => "null",
        _ => "number",
    }
}
