//! JSON text without the nulls that a merge patch says nothing more with.

use super::lexer::{Lexed, Lexer};
use crate::codec::MAX_DEPTH;

/// Copies the value in the lexer's text, which is compact JSON or not, leaving out the members of objects that
/// are `null`, at any depth. Items of arrays stay.
pub(super) fn nulls(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed {
    let (bracket, close) = match lexer.peek()? {
        b'{' => (b'{', b'}'),
        b'[' => (b'[', b']'),
        _ => {
            let start = lexer.position();
            lexer.skip()?;
            out.extend_from_slice(&lexer.slice_from(start));
            return Ok(());
        }
    };
    lexer.open(bracket, MAX_DEPTH)?;
    out.push(bracket);
    let (mut first, empty) = (true, out.len());
    while lexer.more(close, &mut first)? {
        let before = out.len();
        if out.len() > empty {
            out.push(b',');
        }
        if bracket == b'{' {
            let key = lexer.key()?;
            if lexer.peek()? == b'n' {
                lexer.skip()?;
                out.truncate(before);
                continue;
            }
            out.push(b'"');
            out.extend_from_slice(lexer.bytes(key));
            out.extend_from_slice(b"\":");
        }
        nulls(lexer, out)?;
    }
    out.push(close);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    #[track_caller]
    fn check(text: &'static str, expected: &'static str) {
        let pruned = super::super::without_nulls(&Bytes::from_static(text.as_bytes()));
        assert_eq!(pruned.as_deref(), Ok(expected.as_bytes()), "{text}");
    }

    #[test]
    fn members_that_are_null_go_and_items_stay() {
        check(r#"{"a":null,"b":1}"#, r#"{"b":1}"#);
        check(r#"{"b":1, "a": null ,"c":{"d":null}}"#, r#"{"b":1,"c":{}}"#);
        check(
            r#"[null,{"a":null,"x\"":"null"},1.0]"#,
            r#"[null,{"x\"":"null"},1.0]"#,
        );
        check("null", "null");
    }
}
