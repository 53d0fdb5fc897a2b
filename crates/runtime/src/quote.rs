//! Text in quotes: as Go's `%q` shows it, which Kubernetes' messages are full of, and as JSON.

use std::fmt::{self, Write};

/// Shows a text in double quotes, escaped as Go's `strconv.Quote` does.
///
/// ```
/// use pintle_runtime::quote::Quoted;
/// assert_eq!(Quoted("a\"b\n").to_string(), r#""a\"b\n""#);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut plain = 0;
        for (at, c) in self.0.char_indices() {
            if is_plain(c) {
                continue;
            }
            f.write_str(&self.0[plain..at])?;
            plain = at + c.len_utf8();
            escape(c, f)?;
        }
        f.write_str(&self.0[plain..])?;
        f.write_char('"')
    }
}

fn is_plain(c: char) -> bool {
    match c {
        '"' | '\\' => false,
        ' '..='~' => true,
        '\0'..='\u{7f}' => false,
        _ => is_printable(c),
    }
}

/// Whether Go calls a character beyond ASCII printable: letters, marks, numbers, punctuation and
/// symbols are, every kind of space is not.
fn is_printable(c: char) -> bool {
    // The standard library knows, but tells only by escaping; a mark that combines with what
    // stands before it is shown as it is only after a first character.
    let mut pair = [0; 8];
    pair[0] = b'a';
    let length = 1 + c.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..length]).is_ok_and(|text| text.escape_debug().count() == 2)
}

fn escape(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\u{7}' => f.write_str("\\a"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{b}' => f.write_str("\\v"),
        '\0'..='\u{7f}' => write!(f, "\\x{:02x}", c as u32),
        '\u{80}'..='\u{ffff}' => write!(f, "\\u{:04x}", c as u32),
        _ => write!(f, "\\U{:08x}", c as u32),
    }
}

/// `items` in quotes, separated by commas and blanks.
pub(crate) fn quoted_list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let mut list = String::new();
    for item in items {
        if !list.is_empty() {
            list.push_str(", ");
        }
        // Writing to a string does not fail.
        let _ = write!(list, "{}", Quoted(item.as_ref()));
    }
    list
}

/// Appends `text` as a JSON string, quotes included, escaped as Go's `encoding/json` does: what
/// HTML would take for markup too.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    let mut at = 0;
    while at < bytes.len() {
        // Two line separators are escaped as well: E2 80 A8 and E2 80 A9.
        let length = match bytes[at] {
            0xe2 if matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])) => 3,
            b'"' | b'\\' | b'<' | b'>' | b'&' | 0..0x20 => 1,
            _ => {
                at += 1;
                continue;
            }
        };
        out.extend_from_slice(&bytes[plain..at]);
        escape_json(&bytes[at..at + length], out);
        at += length;
        plain = at;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

fn escape_json(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match *bytes {
        [byte @ (b'"' | b'\\')] => out.extend_from_slice(&[b'\\', byte]),
        [b'\n'] => out.extend_from_slice(b"\\n"),
        [b'\r'] => out.extend_from_slice(b"\\r"),
        [b'\t'] => out.extend_from_slice(b"\\t"),
        [0x8] => out.extend_from_slice(b"\\b"),
        [0xc] => out.extend_from_slice(b"\\f"),
        [byte] => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        }
        [.., 0xa8] => out.extend_from_slice(b"\\u2028"),
        _ => out.extend_from_slice(b"\\u2029"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Quoted(text).to_string(), expected);
    }

    #[test]
    fn printable_text_stands_as_it_is() {
        check("", r#""""#);
        check("web-1", r#""web-1""#);
        check("grüße 世界 e\u{301}", "\"grüße 世界 e\u{301}\"");
    }

    #[test]
    fn the_rest_is_escaped_as_go_does() {
        check("a\"b\\c", r#""a\"b\\c""#);
        check(
            "\u{7}\u{8}\u{c}\n\r\t\u{b}\0\u{7f}",
            r#""\a\b\f\n\r\t\v\x00\x7f""#,
        );
        check(
            "\u{a0}\u{2028}\u{feff}\u{e0001}",
            r#""\u00a0\u2028\ufeff\U000e0001""#,
        );
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        assert_eq!(quoted_list(["a", "b"]), r#""a", "b""#);
    }

    #[test]
    fn json_escapes_what_html_would_take_for_markup() {
        let mut out = Vec::new();
        write_json_string(
            "a\"\\<>&\n\r\t\u{8}\u{c}\u{1}\u{7f}é\u{2028}\u{2029}\u{202a}",
            &mut out,
        );
        let expected =
            "\"a\\\"\\\\\\u003c\\u003e\\u0026\\n\\r\\t\\b\\f\\u0001\u{7f}é\\u2028\\u2029\u{202a}\"";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
