//! The tokens of JSON text.

use bytes::Bytes;

use super::{MAX_NESTING, scan, text};
use crate::codec::DecodeError;
use crate::text::Text;

/// Why decoding ends here.
#[derive(Debug)]
pub(super) enum Stop {
    /// The text is not JSON; [`syntax::check`](super::syntax::check) says why.
    Malformed,
    /// It may be JSON, but not this object.
    Refused(Box<DecodeError>),
}

pub(super) type Lexed<T = ()> = Result<T, Stop>;

/// A string literal: where its content stands, and whether that can be taken as it is.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    escaped: bool,
}

/// A number literal.
#[derive(Clone, Copy)]
pub(super) struct Number<'a> {
    pub(super) literal: &'a str,
    /// The value, if the literal is an integer that fits.
    pub(super) integer: Option<i64>,
}

pub(super) struct Lexer<'a> {
    body: &'a Bytes,
    data: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(body: &'a Bytes) -> Self {
        Self {
            body,
            data: body,
            at: 0,
            depth: 0,
        }
    }

    /// How much of the text was taken.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is no space, without taking it.
    #[inline]
    pub(super) fn peek(&mut self) -> Lexed<u8> {
        while let Some(&byte) = self.data.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Stop::Malformed)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Lexed {
        if self.peek()? != byte {
            return Err(Stop::Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but space may follow.
    pub(super) fn finish(&mut self) -> Lexed {
        match self.peek() {
            Err(Stop::Malformed) if self.at == self.data.len() => Ok(()),
            _ => Err(Stop::Malformed),
        }
    }

    /// Takes the bracket that opens an object or an array, at most `limit` deep.
    #[inline]
    pub(super) fn open(&mut self, bracket: u8, limit: usize) -> Lexed {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > limit {
            let text = super::syntax::too_deep(bracket);
            return Err(Stop::Refused(Box::new(DecodeError::Syntax(text))));
        }
        Ok(())
    }

    /// Whether a further element follows within brackets. Takes the comma before it, or else the
    /// closing `bracket`.
    #[inline]
    pub(super) fn more(&mut self, bracket: u8, first: &mut bool) -> Lexed<bool> {
        let byte = self.peek()?;
        if byte == bracket {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            if byte != b',' {
                return Err(Stop::Malformed);
            }
            self.at += 1;
            // A comma promises an element.
            if self.peek()? == bracket {
                return Err(Stop::Malformed);
            }
        }
        Ok(true)
    }

    /// The key of a member, and the colon after it.
    #[inline]
    pub(super) fn key(&mut self) -> Lexed<Span> {
        if self.peek()? != b'"' {
            return Err(Stop::Malformed);
        }
        let span = self.string()?;
        self.expect(b':')?;
        Ok(span)
    }

    /// A string literal, whose opening quote is next.
    #[inline]
    pub(super) fn string(&mut self) -> Lexed<Span> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = scan::string_end(self.data, at);
            match self.data.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Span {
                        start,
                        end: at,
                        escaped,
                    });
                }
                Some(b'\\') => {
                    escaped = true;
                    at += self.escape_length(at + 1)?;
                }
                _ => return Err(Stop::Malformed),
            }
        }
    }

    /// The length of the escape whose letter is at `at`, backslash included.
    fn escape_length(&self, at: usize) -> Lexed<usize> {
        match self.data.get(at) {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => Ok(2),
            Some(b'u') => match self.data.get(at + 1..at + 5) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
                _ => Err(Stop::Malformed),
            },
            _ => Err(Stop::Malformed),
        }
    }

    /// The bytes of a literal as they stand.
    #[inline]
    pub(super) fn bytes(&self, span: Span) -> &'a [u8] {
        &self.data[span.start..span.end]
    }

    /// The content of a literal as it stands, if it has no escapes; perhaps it is not UTF-8.
    #[inline]
    pub(super) fn plain_bytes(&self, span: Span) -> Option<&'a [u8]> {
        (!span.escaped).then(|| self.bytes(span))
    }

    /// The content of a literal as it stands, if it has no escapes and is UTF-8.
    #[inline]
    pub(super) fn plain(&self, span: Span) -> Option<&'a str> {
        if span.escaped {
            None
        } else {
            std::str::from_utf8(self.bytes(span)).ok()
        }
    }

    /// The content of a literal: a slice of the body unless it has escapes or is not UTF-8.
    #[inline]
    pub(super) fn text(&self, span: Span) -> Text {
        if span.start == span.end {
            return Text::default();
        }
        if !span.escaped
            && let Ok(text) = Text::from_utf8(self.body.slice(span.start..span.end))
        {
            return text;
        }
        Text::from(text::unescape(self.bytes(span)))
    }

    /// The body from `start` up to here.
    pub(super) fn slice_from(&self, start: usize) -> Bytes {
        self.body.slice(start..self.at)
    }

    /// A number literal, whose first byte is next.
    pub(super) fn number(&mut self) -> Lexed<Number<'a>> {
        let start = self.at;
        let negative = self.data.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let digits = self.at;
        let mut integer = self.integer(negative)?;
        if self.at - digits > 1 && self.data[digits] == b'0' {
            return Err(Stop::Malformed);
        }
        if self.data.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
            integer = None;
        }
        if let Some(b'e' | b'E') = self.data.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.data.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
            integer = None;
        }
        // Only ASCII was taken.
        let literal = std::str::from_utf8(&self.data[start..self.at]).unwrap_or_default();
        Ok(Number { literal, integer })
    }

    /// Digits, at least one; their value if it fits.
    fn integer(&mut self, negative: bool) -> Lexed<Option<i64>> {
        let start = self.at;
        let mut value = Some(0i64);
        while let Some(&digit @ b'0'..=b'9') = self.data.get(self.at) {
            let digit = i64::from(digit - b'0');
            value = value
                .and_then(|value| value.checked_mul(10))
                .and_then(|value| {
                    if negative {
                        value.checked_sub(digit)
                    } else {
                        value.checked_add(digit)
                    }
                });
            self.at += 1;
        }
        if self.at == start {
            Err(Stop::Malformed)
        } else {
            Ok(value)
        }
    }

    fn digits(&mut self) -> Lexed {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.data.get(self.at) {
            self.at += 1;
        }
        if self.at == start {
            Err(Stop::Malformed)
        } else {
            Ok(())
        }
    }

    /// Takes `word`, one of `true`, `false` and `null`.
    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Lexed {
        if !self.data[self.at..].starts_with(word) {
            return Err(Stop::Malformed);
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes any one value. It does not recurse: what nobody asked for may nest as deep as Go allows.
    pub(super) fn skip(&mut self) -> Lexed {
        let mut closing: Vec<u8> = Vec::new();
        loop {
            let byte = self.peek()?;
            match byte {
                b'{' | b'[' => {
                    self.open(byte, MAX_NESTING)?;
                    closing.push(byte + 2); // `}` and `]` stand two behind `{` and `[`.
                    let mut first = true;
                    if self.peek()? != byte + 2 {
                        if byte == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                    self.more(byte + 2, &mut first)?;
                    closing.pop();
                }
                b'"' => {
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => return Err(Stop::Malformed),
            }
            loop {
                let Some(&bracket) = closing.last() else {
                    return Ok(());
                };
                if self.more(bracket, &mut false)? {
                    if bracket == b'}' {
                        self.key()?;
                    }
                    break;
                }
                closing.pop();
            }
        }
    }
}
