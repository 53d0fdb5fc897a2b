//! JSON pointers (RFC 6901).

use crate::value::Value;

/// A pointer taken apart; the empty one is the whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer(pub(super) Vec<String>);

impl Pointer {
    /// `None` if `text` is neither empty nor starts with a slash.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        let parts = text.strip_prefix('/')?.split('/');
        Some(Self(
            parts
                .map(|part| part.replace("~1", "/").replace("~0", "~"))
                .collect(),
        ))
    }

    pub(super) fn split_last(&self) -> Option<(&str, &[String])> {
        self.0
            .split_last()
            .map(|(last, parents)| (last.as_str(), parents))
    }

    /// Whether this is `other` or leads into it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// The value that `parts` lead to.
pub(super) fn find<'a>(document: &'a Value, parts: &[String]) -> Option<&'a Value> {
    parts.iter().try_fold(document, |at, part| match at {
        Value::Map(map) => map.get(part),
        Value::List(items) => items.get(index(part, items.len())?),
        _ => None,
    })
}

/// The value that `parts` lead to, to change.
pub(super) fn find_mut<'a>(document: &'a mut Value, parts: &[String]) -> Option<&'a mut Value> {
    parts.iter().try_fold(document, |at, part| match at {
        Value::Map(map) => map.get_mut(part),
        Value::List(items) => {
            let at = index(part, items.len())?;
            items.get_mut(at)
        }
        _ => None,
    })
}

/// The position that `part` names in a list of `len` items; negative ones count from the end.
pub(super) fn index(part: &str, len: usize) -> Option<usize> {
    let at: i64 = part.parse().ok()?;
    if at < 0 {
        len.checked_sub(usize::try_from(-at).ok()?)
    } else {
        usize::try_from(at).ok()
    }
}
