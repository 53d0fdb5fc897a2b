//! Text in quotes, as Go's `%q` shows it. Kubernetes' messages are full of it.

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
    !matches!(c, '"' | '\\') && is_printable(c)
}

/// Whether Go calls a character printable: letters, marks, numbers, punctuation, symbols and the
/// blank are, every other kind of space is not.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
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
}
