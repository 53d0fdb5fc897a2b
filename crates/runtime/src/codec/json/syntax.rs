//! What is wrong with text that is not JSON, in Go's words.
//!
//! The decoder only notices that something is; this walks the text once more, byte for byte, and
//! says what. So the usual case pays nothing for the texts.

use super::MAX_NESTING;
use crate::quote::Quoted;

/// Checks that `data` is one JSON value.
///
/// # Errors
/// Go's text, such as `invalid character 'x' looking for beginning of value` or
/// `unexpected end of JSON input`.
pub(super) fn check(data: &[u8]) -> Result<(), String> {
    let mut checker = Checker {
        data,
        at: 0,
        open: Vec::new(),
    };
    checker.value()?;
    match checker.next_past_space() {
        None => Ok(()),
        Some(byte) => Err(invalid(byte, "after top-level value")),
    }
}

/// `invalid character '{' exceeded max depth`
pub(super) fn too_deep(opening: u8) -> String {
    invalid(opening, "exceeded max depth")
}

fn invalid(byte: u8, context: &str) -> String {
    let shown = match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => r#"'"'"#.to_owned(),
        _ => {
            // Go makes a character of the byte, not of the encoding that it may be part of.
            let text = char::from(byte).to_string();
            let quoted = Quoted(&text).to_string();
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    };
    format!("invalid character {shown} {context}")
}

struct Checker<'a> {
    data: &'a [u8],
    at: usize,
    /// The closing bytes that are awaited.
    open: Vec<u8>,
}

type Checked<T = ()> = Result<T, String>;

impl Checker<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.data.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn next_past_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.data.get(self.at) {
            self.at += 1;
        }
        self.next()
    }

    fn need(&mut self) -> Checked<u8> {
        self.next().ok_or_else(end)
    }

    fn need_past_space(&mut self) -> Checked<u8> {
        self.next_past_space().ok_or_else(end)
    }

    /// One value with all that is in it.
    fn value(&mut self) -> Checked {
        let mut first = self.need_past_space()?;
        loop {
            // `first` begins a value.
            match first {
                b'{' | b'[' => {
                    self.open.push(if first == b'{' { b'}' } else { b']' });
                    if self.open.len() > MAX_NESTING {
                        return Err(too_deep(first));
                    }
                    let inner = self.need_past_space()?;
                    if self.open.last() != Some(&inner) {
                        first = self.element(inner)?;
                        continue;
                    }
                    self.open.pop();
                }
                _ => self.literal(first)?,
            }
            // A value has ended.
            loop {
                let Some(&close) = self.open.last() else {
                    return Ok(());
                };
                let byte = self.need_past_space()?;
                if byte == b',' {
                    let inner = self.need_past_space()?;
                    first = self.element(inner)?;
                    break;
                }
                if byte != close {
                    let context = if close == b'}' {
                        "after object key:value pair"
                    } else {
                        "after array element"
                    };
                    return Err(invalid(byte, context));
                }
                self.open.pop();
            }
        }
    }

    /// From the first byte of an element to the first byte of its value: past the key in an object.
    fn element(&mut self, first: u8) -> Checked<u8> {
        if self.open.last() == Some(&b']') {
            return Ok(first);
        }
        if first != b'"' {
            return Err(invalid(first, "looking for beginning of object key string"));
        }
        self.string()?;
        match self.need_past_space()? {
            b':' => self.need_past_space(),
            byte => Err(invalid(byte, "after object key")),
        }
    }

    fn literal(&mut self, first: u8) -> Checked {
        match first {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(first),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(invalid(first, "looking for beginning of value")),
        }
    }

    fn word(&mut self, word: &str) -> Checked {
        for expected in word.bytes().skip(1) {
            let byte = self.need()?;
            if byte != expected {
                return Err(invalid(
                    byte,
                    &format!("in literal {word} (expecting '{}')", char::from(expected)),
                ));
            }
        }
        Ok(())
    }

    fn string(&mut self) -> Checked {
        loop {
            match self.need()? {
                b'"' => return Ok(()),
                b'\\' => match self.need()? {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.need()?;
                            if !byte.is_ascii_hexdigit() {
                                return Err(invalid(byte, "in \\u hexadecimal character escape"));
                            }
                        }
                    }
                    byte => return Err(invalid(byte, "in string escape code")),
                },
                byte @ 0..0x20 => return Err(invalid(byte, "in string literal")),
                _ => {}
            }
        }
    }

    fn number(&mut self, first: u8) -> Checked {
        let leading = if first == b'-' {
            self.digit("in numeric literal")?
        } else {
            first
        };
        if leading != b'0' {
            self.digits();
        }
        if self.data.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if let Some(b'e' | b'E') = self.data.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.data.get(self.at) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&mut self, context: &str) -> Checked<u8> {
        match self.need()? {
            byte @ b'0'..=b'9' => Ok(byte),
            byte => Err(invalid(byte, context)),
        }
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.data.get(self.at) {
            self.at += 1;
        }
    }
}

fn end() -> String {
    "unexpected end of JSON input".to_owned()
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = super::check(text.as_bytes()).err().unwrap_or_default();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn json_is_json() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-1.5e+10",
            "1E5",
            "\"\"",
            r#""\u00e9\n\/""#,
            "[]",
            "[ ]",
            "{}",
            "{ }",
            r#"{"a":[1,{"b":null}],"c":"d"}"#,
            "[[],[],{}]",
        ] {
            check(text, "");
        }
    }

    #[test]
    fn an_end_too_early_is_named() {
        for text in [
            "",
            " ",
            "{",
            "[",
            "[1",
            "[1,",
            r#"{"a"#,
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":1"#,
            r#"{"a":1,"#,
            "-",
            "1.",
            "1e",
            "1e+",
            "tru",
            "\"",
            "\"\\",
            "\"\\u00",
        ] {
            check(text, "unexpected end of JSON input");
        }
    }

    #[test]
    fn a_byte_out_of_place_is_named_with_what_was_expected() {
        check("x", "invalid character 'x' looking for beginning of value");
        check(
            "\u{0}",
            r"invalid character '\x00' looking for beginning of value",
        );
        check(
            "'a'",
            r"invalid character '\'' looking for beginning of value",
        );
        check("é", "invalid character 'Ã' looking for beginning of value");
        check("{} {}", "invalid character '{' after top-level value");
        check("{}\"", "invalid character '\"' after top-level value");
        check("01", "invalid character '1' after top-level value");
        check("[1 2]", "invalid character '2' after array element");
        check(
            "[1,]",
            "invalid character ']' looking for beginning of value",
        );
        check(
            "{a:1}",
            "invalid character 'a' looking for beginning of object key string",
        );
        check(
            r#"{"a":1,}"#,
            "invalid character '}' looking for beginning of object key string",
        );
        check(r#"{"a" 1}"#, "invalid character '1' after object key");
        check(
            r#"{"a":1 "b":2}"#,
            "invalid character '\"' after object key:value pair",
        );
        check(
            r#"{"a":1]"#,
            "invalid character ']' after object key:value pair",
        );
        check("-x", "invalid character 'x' in numeric literal");
        check(
            "1.x",
            "invalid character 'x' after decimal point in numeric literal",
        );
        check(
            "1ex",
            "invalid character 'x' in exponent of numeric literal",
        );
        check(
            "trux",
            "invalid character 'x' in literal true (expecting 'e')",
        );
        check(
            "nil",
            "invalid character 'i' in literal null (expecting 'u')",
        );
        check("\"a\nb\"", r"invalid character '\n' in string literal");
        check(r#""\x""#, "invalid character 'x' in string escape code");
        check(
            r#""\u00g0""#,
            "invalid character 'g' in \\u hexadecimal character escape",
        );
    }

    #[test]
    fn nesting_has_an_end() {
        check(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), "");
        check(
            &"[".repeat(10_001),
            "invalid character '[' exceeded max depth",
        );
    }
}
