//! String literals as Go's `encoding/json` writes them.

use super::scan;

/// Appends `text` in quotes. Besides what JSON asks for, `<`, `>`, `&`, U+2028 and U+2029 are escaped.
pub(super) fn write(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut copied = 0;
    let mut at = 0;
    loop {
        at = scan::escape_needed(bytes, at);
        let Some(&byte) = bytes.get(at) else { break };
        let length = match byte {
            0xe2 if matches!(bytes.get(at + 1..at + 3), Some(b"\x80\xa8" | b"\x80\xa9")) => 3,
            0xe2 => {
                at += 3;
                continue;
            }
            _ => 1,
        };
        out.extend_from_slice(&bytes[copied..at]);
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0xe2 => out.extend_from_slice(if bytes[at + 2] == 0xa8 {
                b"\\u2028"
            } else {
                b"\\u2029"
            }),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]);
            }
        }
        at += length;
        copied = at;
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        super::write(text, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn plain_text_stands_as_it_is() {
        check("", r#""""#);
        check("a/b grüße 世界 😀 \u{7f}€", "\"a/b grüße 世界 😀 \u{7f}€\"");
    }

    #[test]
    fn what_json_or_html_would_misread_is_escaped() {
        check("\"\\", r#""\"\\""#);
        check("\n\r\t\u{8}\u{c}\0\u{1f}", r#""\n\r\t\b\f\u0000\u001f""#);
        check("<v> & q", r#""\u003cv\u003e \u0026 q""#);
        check(
            "a\u{2028}b\u{2029}c\u{2027}",
            "\"a\\u2028b\\u2029c\u{2027}\"",
        );
    }
}
