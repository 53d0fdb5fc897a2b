//! Names that are no identifiers, written as some.
//!
//! What stands after a dot has to be an identifier, so `kubernetes.io` is written
//! `kubernetes__dot__io`, and `namespace`, which the language keeps for itself, `__namespace__`.

use std::borrow::Cow;

use pintle_runtime::value::Value;

use super::{List, Map, Val};
use crate::parse::is_kept;

impl<'a> Val<'a> {
    /// Data in which names are found by what stands for them as well, however deep it is.
    pub fn escaped(value: &'a Value) -> Self {
        match value {
            Value::List(items) => Self::List(List::Escaped(items)),
            Value::Map(map) => Self::Map(Map::Escaped(map)),
            other => Self::from(other),
        }
    }
}

/// What a name stands for, if that is another than itself.
pub(super) fn unescaped(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((at, inner)) = next(rest) {
        plain.push_str(&rest[..at]);
        let length = inner.len() + 2 * MARK.len();
        plain.push_str(&meaning(inner, length == name.len())?);
        rest = &rest[at + length..];
    }
    plain.push_str(rest);
    (plain != name).then_some(plain)
}

const MARK: &str = "__";

/// Where the next escape begins, and what stands in it.
fn next(text: &str) -> Option<(usize, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(MARK) {
        let at = from + found;
        let after = &text[at + MARK.len()..];
        let end = after.find('_')?;
        if end > 0 && after[end..].starts_with(MARK) {
            return Some((at, &after[..end]));
        }
        // The second character of a mark may be the first of another.
        from = at + 1;
    }
    None
}

/// What stands for itself only if it is the whole name are the words that the language keeps.
fn meaning(inner: &str, is_whole: bool) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(match inner {
        "underscores" => MARK,
        "dot" => ".",
        "dash" => "-",
        "slash" => "/",
        word if is_whole && is_kept(word) => word,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(unescaped(name).as_deref(), expected, "{name}");
    }

    #[test]
    fn a_name_may_stand_for_another() {
        check("plain", None);
        check("snake_case", None);
        check("kubernetes__dot__io", Some("kubernetes.io"));
        check("a__dash__b__slash__c", Some("a-b/c"));
        check("a__underscores__b", Some("a__b"));
        check("__namespace__", Some("namespace"));
        check("___dot__", Some("_."));
        check("__a_b__dot__", Some("__a_b."));
    }

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        check("__", None);
        check("__dot", None);
        check("__dots__", None);
        check("a__namespace__", None);
        check("a__dot__b__nothing__", None);
    }
}
