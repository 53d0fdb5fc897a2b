//! The content of string literals.

use std::borrow::Cow;

/// What the literal with this `content` says. Escapes were checked before; a lone surrogate and
/// every byte that is not UTF-8 become U+FFFD, as in Go.
pub(super) fn unescape(content: &[u8]) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.push_str(&lossy(&rest[..at]));
        rest = escape(&rest[at + 1..], &mut out);
    }
    out.push_str(&lossy(rest));
    out
}

/// Takes the escape after a backslash and gives back what follows it.
fn escape<'a>(after: &'a [u8], out: &mut String) -> &'a [u8] {
    let Some((&letter, rest)) = after.split_first() else {
        return after;
    };
    let plain = match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let Some(unit) = hex(rest) else { return rest };
            let rest = &rest[4..];
            if let Some(letter) = char::from_u32(unit) {
                out.push(letter);
                return rest;
            }
            if let Some(low) = rest.strip_prefix(b"\\u").and_then(hex)
                && (0xd800..0xdc00).contains(&unit)
                && (0xdc00..0xe000).contains(&low)
                && let Some(letter) =
                    char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
            {
                out.push(letter);
                return &rest[6..];
            }
            out.push(char::REPLACEMENT_CHARACTER);
            return rest;
        }
        other => char::from(other),
    };
    out.push(plain);
    rest
}

fn hex(text: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(..4)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// `bytes` as text, with U+FFFD for every byte that is not UTF-8.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &[u8], expected: &str) {
        assert_eq!(unescape(content), expected);
    }

    #[test]
    fn escapes_are_resolved() {
        check(br#"a\"b\\c\/d"#, "a\"b\\c/d");
        check(br"\b\f\n\r\t", "\u{8}\u{c}\n\r\t");
        check(br"\u0041\u00e9\u4e16\ud83d\ude00", "Aé世😀");
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        check(br"\ud83d", "\u{fffd}");
        check(br"\ud83dx", "\u{fffd}x");
        check(br"\ude00\ud83d", "\u{fffd}\u{fffd}");
        check(br"\ud83d\u0041", "\u{fffd}A");
        check(br"\ud83d\ud83d\ude00", "\u{fffd}😀");
    }

    #[test]
    fn every_byte_that_is_not_utf8_becomes_a_replacement_character() {
        check(b"a\xffb", "a\u{fffd}b");
        check(b"\xe2\x82\\n", "\u{fffd}\u{fffd}\n");
        check(b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}");
    }
}
