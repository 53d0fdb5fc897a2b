//! JSON pointers (RFC 6901).

use crate::value::Value;

use super::lazy::unfold;

/// A pointer taken apart; the empty one is the whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer(pub(super) Vec<String>);

impl Pointer {
    /// What stands before the first slash does not count, but there has to be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && !text.contains('/') {
            return None;
        }
        let parts = text.split('/').skip(1);
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
}

/// The value that `parts` lead to, taken apart on the way.
pub(super) fn find<'a>(document: &'a mut Value, parts: &[String]) -> Option<&'a mut Value> {
    let found = parts
        .iter()
        .try_fold(document, |at, part| match unfold(at) {
            Value::Map(map) => map.get_mut(part),
            Value::List(items) => {
                let at = index(part, items.len())?;
                items.get_mut(at)
            }
            _ => None,
        })?;
    Some(unfold(found))
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
