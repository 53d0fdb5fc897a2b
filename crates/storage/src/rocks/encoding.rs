//! How keys, versions, events and leases are spelt in the columns.
//!
//! | column | key | value |
//! | --- | --- | --- |
//! | `versions` | key, NUL, the complement of the revision | kind, then the value |
//! | `log` | revision | kind, the revision of the value before or 0, then the key |
//! | `default` | `compacted`, `swept` | revision |
//! | `default` | `lease/`, the deadline in milliseconds, then the key | the revision that set it |
//!
//! Numbers are eight bytes, big end first, so they sort. The complement puts a key's newest version
//! first: one seek finds it, and a seek to `key NUL !revision` finds the newest of then. No key has
//! a NUL, so the versions of a key lie together, in the order of keys.

use crate::{Revision, StorageError};

pub(super) const COMPACTED: &[u8] = b"compacted";
pub(super) const SWEPT: &[u8] = b"swept";
pub(super) const LEASES: &[u8] = b"lease/";

/// What a version or an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Delete,
    Put,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Put => 1,
        }
    }

    fn parse(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Delete),
            1 => Some(Self::Put),
            _ => None,
        }
    }
}

/// Writes `key NUL !revision` into `buffer`, in place of what it held.
pub(super) fn version_key(buffer: &mut Vec<u8>, key: &[u8], revision: Revision) {
    buffer.clear();
    buffer.reserve(key.len() + 9);
    buffer.extend_from_slice(key);
    buffer.push(0);
    buffer.extend_from_slice(&(!revision.0).to_be_bytes());
}

/// Writes into `buffer` what sorts after every version of `key` and before every later key.
pub(super) fn after_versions(buffer: &mut Vec<u8>, key: &[u8]) {
    buffer.clear();
    buffer.reserve(key.len() + 1);
    buffer.extend_from_slice(key);
    buffer.push(1);
}

/// The key and the revision in `key NUL !revision`.
pub(super) fn parse_version_key(raw: &[u8]) -> Result<(&[u8], Revision), StorageError> {
    match raw.split_last_chunk::<8>() {
        Some(([key @ .., 0], complement)) => Ok((key, Revision(!u64::from_be_bytes(*complement)))),
        _ => Err(corrupt("a version under a name that is none", raw)),
    }
}

/// A version's value: its kind and the bytes.
pub(super) fn version_value(kind: Kind, value: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(1 + value.len());
    raw.push(kind.byte());
    raw.extend_from_slice(value);
    raw
}

/// The kind and the bytes of a version.
pub(super) fn parse_version_value<'a>(
    at: &[u8],
    raw: &'a [u8],
) -> Result<(Kind, &'a [u8]), StorageError> {
    match raw
        .split_first()
        .map(|(&kind, value)| (Kind::parse(kind), value))
    {
        Some((Some(kind), value)) => Ok((kind, value)),
        _ => Err(corrupt("a version of no known kind", at)),
    }
}

/// What the log knows of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogEntry<'a> {
    pub(super) kind: Kind,
    /// The revision of the value that this write ended, if there was one.
    pub(super) previous: Option<Revision>,
    pub(super) key: &'a [u8],
}

impl<'a> LogEntry<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(9 + self.key.len());
        raw.push(self.kind.byte());
        raw.extend_from_slice(&self.previous.unwrap_or(Revision::ZERO).0.to_be_bytes());
        raw.extend_from_slice(self.key);
        raw
    }

    pub(super) fn parse(at: &[u8], raw: &'a [u8]) -> Result<Self, StorageError> {
        let parsed = raw.split_first().and_then(|(&kind, rest)| {
            let (previous, key) = rest.split_first_chunk::<8>()?;
            let previous = Revision(u64::from_be_bytes(*previous));
            let previous = (previous != Revision::ZERO).then_some(previous);
            Some(Self {
                kind: Kind::parse(kind)?,
                previous,
                key,
            })
        });
        parsed.ok_or_else(|| corrupt("an event that does not decode", at))
    }
}

/// A revision as a key of the log, or as a value.
pub(super) fn revision(revision: Revision) -> [u8; 8] {
    revision.0.to_be_bytes()
}

/// The revision in eight bytes.
pub(super) fn parse_revision(at: &[u8], raw: &[u8]) -> Result<Revision, StorageError> {
    match raw.try_into() {
        Ok(bytes) => Ok(Revision(u64::from_be_bytes(bytes))),
        Err(_) => Err(corrupt("a number that is none", at)),
    }
}

/// The name of a lease: by its end, then by its key.
pub(super) fn lease(deadline: u64, key: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(LEASES.len() + 8 + key.len());
    raw.extend_from_slice(LEASES);
    raw.extend_from_slice(&deadline.to_be_bytes());
    raw.extend_from_slice(key);
    raw
}

/// The deadline and the key in the name of a lease; nothing if it is the name of something else.
pub(super) fn parse_lease(raw: &[u8]) -> Option<(u64, &[u8])> {
    let (deadline, key) = raw.strip_prefix(LEASES)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*deadline), key))
}

pub(super) fn corrupt(what: &str, at: &[u8]) -> StorageError {
    StorageError::Corrupt {
        what: format!("{what} ({})", at.escape_ascii()),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(key: &str, revision: u64) -> Vec<u8> {
        let mut buffer = Vec::new();
        version_key(&mut buffer, key.as_bytes(), Revision(revision));
        buffer
    }

    #[test]
    fn versions_sort_by_key_and_then_from_new_to_old() {
        let sorted = [
            version("/a", u64::MAX),
            version("/a", 300),
            version("/a", 2),
            version("/a/b", 7),
            version("/a0", 1),
            version("/b", 9),
        ];
        assert!(sorted.is_sorted(), "{sorted:?}");
    }

    #[test]
    fn the_end_of_a_keys_versions_is_before_every_later_key() {
        let mut end = Vec::new();
        after_versions(&mut end, b"/a");
        assert!(version("/a", 0) < end);
        assert!(end < version("/a\u{1}", u64::MAX));
        assert!(end < version("/a/", u64::MAX));
    }

    #[test]
    fn what_was_encoded_decodes() {
        let raw = version("/a/b", 42);
        assert_eq!(
            parse_version_key(&raw).expect("it decodes"),
            (&b"/a/b"[..], Revision(42))
        );
        let raw = version_value(Kind::Put, b"blue");
        assert_eq!(
            parse_version_value(b"", &raw).expect("it decodes"),
            (Kind::Put, &b"blue"[..])
        );
        for previous in [None, Some(Revision(7))] {
            let entry = LogEntry {
                kind: Kind::Delete,
                previous,
                key: b"/a",
            };
            assert_eq!(
                LogEntry::parse(b"", &entry.encode()).expect("it decodes"),
                entry
            );
        }
        assert_eq!(parse_lease(&lease(12, b"/a")), Some((12, &b"/a"[..])));
    }

    #[test]
    fn damage_is_an_error_and_no_panic() {
        for raw in [&b""[..], b"abc", b"12345678", b"a12345678"] {
            assert!(parse_version_key(raw).is_err(), "{raw:?}");
        }
        for raw in [&b""[..], b"\x02value"] {
            assert!(parse_version_value(b"", raw).is_err(), "{raw:?}");
        }
        for raw in [&b""[..], b"\x01", b"\x011234567", b"\x0912345678/a"] {
            assert!(LogEntry::parse(b"", raw).is_err(), "{raw:?}");
        }
        assert!(parse_revision(b"", b"123").is_err());
        assert_eq!(parse_lease(b"compacted"), None);
    }
}
