//! Names of values, and stretches of names.

use std::{borrow::Borrow, fmt};

use bytes::Bytes;

/// The name of a value: bytes without meaning to the storage, ordered bytewise. Cloning shares.
///
/// Every byte string can be *asked for*. Backends may refuse to *store* some: RocksDB takes neither
/// an empty key nor one with a NUL byte, which no Kubernetes name can hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// A key that costs no allocation.
    pub const fn from_static(key: &'static str) -> Self {
        Self(Bytes::from_static(key.as_bytes()))
    }

    /// The bytes of this key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first key after this one: what to continue a list from.
    pub fn next(&self) -> Self {
        let mut next = Vec::with_capacity(self.0.len() + 1);
        next.extend_from_slice(&self.0);
        next.push(0);
        Self(next.into())
    }
}

impl From<Bytes> for Key {
    fn from(key: Bytes) -> Self {
        Self(key)
    }
}

impl From<Vec<u8>> for Key {
    fn from(key: Vec<u8>) -> Self {
        Self(key.into())
    }
}

impl From<String> for Key {
    fn from(key: String) -> Self {
        Self(key.into())
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Self(Bytes::copy_from_slice(key.as_bytes()))
    }
}

impl From<&[u8]> for Key {
    fn from(key: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(key))
    }
}

impl From<Key> for Bytes {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

// `Bytes` hashes and compares as its slice does, so maps of keys can be asked with a slice.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// All keys from `start` up to, and without, `end`; to the last key there is if `end` is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// The first key that is inside.
    pub start: Bytes,
    /// The first key that is no longer inside.
    pub end: Option<Bytes>,
}

impl KeyRange {
    /// Every key.
    pub const fn all() -> Self {
        Self {
            start: Bytes::new(),
            end: None,
        }
    }

    /// This key and no other.
    pub fn one(key: &Key) -> Self {
        Self {
            start: key.0.clone(),
            end: Some(key.next().0),
        }
    }

    /// Every key that begins with `prefix`. Mind the final `/`: `/registry/pods` also begins
    /// `/registry/podtemplates/blue/web`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let start = prefix.into();
        let end = match start.iter().rposition(|&byte| byte != 0xFF) {
            Some(last) => {
                let mut end = start[..=last].to_vec();
                end[last] += 1;
                Some(end.into())
            }
            None => None,
        };
        Self { start, end }
    }

    /// The keys from `start` up to, and without, `end`.
    pub fn between(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self {
            start: start.into(),
            end: Some(end.into()),
        }
    }

    /// Whether `key` is inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && self.is_before_end(key)
    }

    /// Whether `key` is not yet past the end.
    pub(crate) fn is_before_end(&self, key: &[u8]) -> bool {
        self.end.as_ref().is_none_or(|end| *key < **end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &KeyRange, inside: &[&[u8]], outside: &[&[u8]]) {
        for key in inside {
            assert!(
                range.contains(key),
                "{} is inside {range:?}",
                key.escape_ascii()
            );
        }
        for key in outside {
            assert!(
                !range.contains(key),
                "{} is outside {range:?}",
                key.escape_ascii()
            );
        }
    }

    #[test]
    fn a_prefix_holds_what_begins_with_it_and_nothing_else() {
        check(
            &KeyRange::prefix("/pods/"),
            &[b"/pods/", b"/pods/a", b"/pods/\xFF\xFF"],
            &[b"/pods", b"/pods0", b"/podt"],
        );
        check(
            &KeyRange::prefix(&b"a\xFF"[..]),
            &[b"a\xFF", b"a\xFF\xFF"],
            &[b"a", b"b"],
        );
        check(
            &KeyRange::prefix(&b"\xFF"[..]),
            &[b"\xFF", b"\xFF\xFFz"],
            &[b"\xFE"],
        );
        check(&KeyRange::prefix(""), &[b"", b"a", b"\xFF"], &[]);
    }

    #[test]
    fn one_key_is_neither_its_prefix_nor_its_extension() {
        check(
            &KeyRange::one(&"/a/b".into()),
            &[b"/a/b"],
            &[b"/a/", b"/a/b\0", b"/a/bc"],
        );
    }

    #[test]
    fn between_is_half_open_and_may_be_empty() {
        check(
            &KeyRange::between("b", "d"),
            &[b"b", b"c", b"czz"],
            &[b"a", b"d"],
        );
        check(&KeyRange::between("d", "b"), &[], &[b"b", b"c", b"d"]);
    }
}
