//! `fieldsV1` as this server and upstream's write it, read without a detour.
//!
//! Nearly every set that is read was written by a server: compact, elements in order, with few escapes. Such a text is
//! read here in one pass, names being slices of it. Anything else is left to a reader of JSON, so that nothing
//! here needs to know what is wrong with a text.

use bytes::Bytes;

use crate::text::Text;

use super::element::{PathElement, Scalar};
use super::set::Set;

/// No object nests as deep as that.
const MAX_DEPTH: usize = 100;

/// The set in `text`, if that is the one text for it, and without other escapes than for the quotes within elements.
pub(super) fn read(text: &Bytes) -> Option<Set> {
    let text = Text::from_utf8(text.clone()).ok()?;
    let mut reader = Reader {
        text: &text,
        rest: &text,
    };
    let (_, set) = reader.set(0)?;
    reader.rest.is_empty().then_some(set)
}

/// What of the set in `text` is in `other` too; `None` if the text is not one that a server writes. What is not in
/// `other` is passed over.
pub(super) fn read_within(text: &Bytes, other: &Set) -> Option<Set> {
    let text = Text::from_utf8(text.clone()).ok()?;
    let mut reader = Reader {
        text: &text,
        rest: &text,
    };
    let (_, set) = reader.set_within(other, 0)?;
    reader.rest.is_empty().then_some(set)
}

struct Reader<'a> {
    text: &'a Text,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, expected: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn may_eat(&mut self, expected: &str) -> bool {
        self.eat(expected).is_some()
    }

    /// Up to the next of `ends`, which is what comes next then.
    fn until(&mut self, first: u8, second: u8) -> Option<&'a str> {
        let end = memchr::memchr2(first, second, self.rest.as_bytes())?;
        let (found, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(found)
    }

    /// What is below an element, and whether that is a member itself.
    fn set(&mut self, depth: usize) -> Option<(bool, Set)> {
        let mut set = Set::new();
        self.eat("{").filter(|()| depth < MAX_DEPTH)?;
        if self.may_eat("}") {
            return Some((true, set));
        }
        let member = self.may_eat("\".\":{},");
        loop {
            let element = self.element()?;
            self.eat(":")?;
            let (is_member, below) = self.set(depth + 1)?;
            set.append(element, is_member, below)?;
            if !self.may_eat(",") {
                self.eat("}")?;
                return Some((member, set));
            }
        }
    }

    /// The same, as far as it is in `other`.
    fn set_within(&mut self, other: &Set, depth: usize) -> Option<(bool, Set)> {
        let mut set = Set::new();
        self.eat("{").filter(|()| depth < MAX_DEPTH)?;
        if self.may_eat("}") {
            return Some((true, set));
        }
        let member = self.may_eat("\".\":{},");
        loop {
            let element = self.element()?;
            self.eat(":")?;
            match other.entry(&element) {
                None => self.pass_over()?,
                Some(theirs) => {
                    let (is_member, below) = self.set_within(&theirs.children, depth + 1)?;
                    let is_member = is_member && theirs.member;
                    if is_member || !below.is_empty() {
                        set.append(element, is_member, below)?;
                    }
                }
            }
            if !self.may_eat(",") {
                self.eat("}")?;
                return Some((member, set));
            }
        }
    }

    /// Takes an object, whatever is in it.
    fn pass_over(&mut self) -> Option<()> {
        let bytes = self.rest.as_bytes();
        let (mut at, mut depth) = (0, 0_usize);
        loop {
            match bytes.get(at)? {
                b'{' => depth += 1,
                b'}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        self.rest = self.rest.get(at + 1..)?;
                        return Some(());
                    }
                }
                b'"' => loop {
                    at += 1;
                    match bytes.get(at)? {
                        b'\\' => at += 1,
                        b'"' => break,
                        _ => {}
                    }
                },
                _ => {}
            }
            at += 1;
        }
    }

    fn element(&mut self) -> Option<PathElement> {
        self.eat("\"")?;
        let element = match self.rest.as_bytes().first()? {
            b'f' => {
                self.eat("f:")?;
                PathElement::Field(self.plain()?)
            }
            b'k' => {
                self.eat("k:{")?;
                let mut keys: Vec<(Text, Scalar)> = Vec::with_capacity(2);
                loop {
                    self.eat("\\\"")?;
                    let key = self.plain()?;
                    self.eat("\\\":")?;
                    let value = self.scalar()?;
                    if keys.last().is_some_and(|(last, _)| *last >= key) {
                        return None;
                    }
                    keys.push((key, value));
                    if !self.may_eat(",") {
                        break;
                    }
                }
                self.eat("}")?;
                PathElement::Key(keys)
            }
            b'v' => {
                self.eat("v:")?;
                PathElement::Value(self.scalar()?)
            }
            _ => return None,
        };
        self.eat("\"")?;
        Some(element)
    }

    /// Text without escapes; a quote, escaped or not, comes next.
    fn plain(&mut self) -> Option<Text> {
        let found = self.until(b'"', b'\\')?;
        let is_printable = found.bytes().all(|byte| byte >= 0x20);
        is_printable.then(|| self.text.slice_of(found))
    }

    fn scalar(&mut self) -> Option<Scalar> {
        if self.may_eat("\\\"") {
            let text = self.plain()?;
            self.eat("\\\"")?;
            return Some(Scalar::String(text));
        }
        for (word, scalar) in [("true", true), ("false", false)] {
            if self.may_eat(word) {
                return Some(Scalar::Bool(scalar));
            }
        }
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        self.rest = rest;
        digits.parse().ok().map(Scalar::Int)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &'static str, is_canonical: bool) {
        let bytes = Bytes::from_static(text.as_bytes());
        let found = read(&bytes);
        assert_eq!(found.is_some(), is_canonical, "{text}");
        if let Some(set) = found {
            assert_eq!(set.to_fields_v1(), text.as_bytes());
        }
    }

    #[test]
    fn what_is_not_asked_for_is_passed_over() {
        let of = |text: &'static str| read(&Bytes::from_static(text.as_bytes())).unwrap();
        let whole = r#"{"f:a":{".":{},"f:b":{},"f:c":{"v:\"}\"":{}}},"f:l":{"k:{\"n\":\"x\"}":{".":{},"f:b":{}}},"f:z":{}}"#;
        for other in [
            "{}",
            r#"{"f:a":{},"f:z":{"f:y":{}}}"#,
            r#"{"f:a":{"f:c":{"v:\"}\"":{}}},"f:b":{}}"#,
            r#"{"f:l":{"k:{\"n\":\"x\"}":{"f:b":{}},"k:{\"n\":\"y\"}":{}},"f:z":{}}"#,
        ] {
            let other = of(other);
            let found = read_within(&Bytes::from_static(whole.as_bytes()), &other);
            assert_eq!(found, Some(of(whole).intersection(&other)), "{other:?}");
        }
    }

    #[test]
    fn only_the_one_text_for_a_set_is_read() {
        check("{}", true);
        check(r#"{"f:a":{".":{},"f:b":{}},"f:c":{}}"#, true);
        check(
            r#"{"f:l":{"k:{\"a\":\"x\",\"b\":80}":{".":{},"f:b":{}},"v:true":{}}}"#,
            true,
        );
        for other in [
            "",
            "[]",
            "{} ",
            "{}{}",
            r#"{"f:a": {}}"#,
            r#"{"f:b":{},"f:a":{}}"#,
            r#"{"f:a":{},"f:a":{}}"#,
            r#"{"f:a":{".":{}}}"#,
            r#"{"f:a":{"f:b":{},".":{}}}"#,
            r#"{"f:a\u003c":{}}"#,
            r#"{"f:l":{"k:{\"b\":1,\"a\":2}":{}}}"#,
            r#"{"f:l":{"k:{\"a\":01}":{}}}"#,
            r#"{"f:l":{"k:{\"a\":1.0}":{}}}"#,
            r#"{"f:l":{"k:{}":{}}}"#,
            r#"{"x:a":{}}"#,
            r#"{"f:a":1}"#,
        ] {
            check(other, false);
        }
    }
}
