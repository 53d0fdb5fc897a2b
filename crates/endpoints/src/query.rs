//! The query of a request's URL, as Go's `net/url` reads it.

use std::borrow::Cow;

/// A query, still encoded. Looking something up decodes only what matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// The part of a URL after its question mark.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text, as it was sent.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values in order. Pairs that do not decode, or hold a semicolon, are left out.
    pub fn pairs(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        self.encoded().filter_map(|(key, value)| {
            Some((decode(key, Plus::Space)?, decode(value, Plus::Space)?))
        })
    }

    /// Keys and values in order, as they were sent.
    fn encoded(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self
            .0
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.contains(';'));
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The first value of `key`.
    pub fn first(self, key: &str) -> Option<Cow<'a, str>> {
        self.all(key).next()
    }

    /// Whether `key` is there, be it without a value.
    pub fn has(self, key: &str) -> bool {
        self.first(key).is_some()
    }

    /// The values of `key`, in order.
    pub fn all(self, key: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.encoded()
            .filter(move |(found, _)| is(found, key))
            .filter_map(|(_, value)| decode(value, Plus::Space))
    }

    /// A flag as Kubernetes' parameter codec reads it: there, and neither `0` nor `false`.
    pub fn flag(self, key: &str) -> bool {
        self.first(key)
            .is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }
}

/// Whether a key is `key`, be it encoded or not. No key is longer than it is encoded.
fn is(encoded: &str, key: &str) -> bool {
    encoded == key
        || (encoded.len() >= key.len()
            && encoded.contains(['%', '+'])
            && decode(encoded, Plus::Space).is_some_and(|decoded| decoded == key))
}

/// A path with its percent escapes resolved; `None` if they do not resolve to text.
pub(crate) fn decode_path(path: &str) -> Option<Cow<'_, str>> {
    decode(path, Plus::Plus)
}

/// What a plus sign stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Plus,
    Space,
}

fn decode(text: &str, plus: Plus) -> Option<Cow<'_, str>> {
    let special = |byte: &u8| *byte == b'%' || (plus == Plus::Space && *byte == b'+');
    if !text.as_bytes().iter().any(special) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = char::from(*rest.next()?).to_digit(16)?;
                let low = char::from(*rest.next()?).to_digit(16)?;
                bytes.push((high * 16 + low) as u8);
            }
            b'+' if plus == Plus::Space => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, key: &str, expected: &[&str]) {
        let found: Vec<_> = Query::new(query).all(key).collect();
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn values_are_decoded_and_kept_in_order() {
        check("a=1&b=2&a=x%3Dy+z", "a", &["1", "x=y z"]);
        check("a", "a", &[""]);
        check("%61=1", "a", &["1"]);
        check("a=%zz&a=2", "a", &["2"]);
        check("a=1;b=2", "a", &[]);
    }

    #[test]
    fn a_flag_is_on_unless_it_says_otherwise() {
        for (query, expected) in [
            ("watch", true),
            ("watch=maybe", true),
            ("watch=0", false),
            ("watch=False", false),
            ("", false),
        ] {
            assert_eq!(Query::new(query).flag("watch"), expected, "{query}");
        }
    }

    #[test]
    fn a_plus_in_a_path_is_a_plus() {
        assert_eq!(decode_path("/a+b%2Fc").as_deref(), Some("/a+b/c"));
        assert_eq!(decode_path("/%"), None);
        assert_eq!(decode_path("/%ff"), None);
    }
}
