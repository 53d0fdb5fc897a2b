//! Lists that are not too long, and have everything once.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};

/// A list longer than this is not looked into.
pub(super) fn at_most(
    length: usize,
    limit: usize,
    path: &Path<'_>,
    errors: &mut ErrorList,
) -> bool {
    if length > limit {
        errors.push(FieldError::too_many(path, length, limit));
        return false;
    }
    true
}

/// Each item at most `limit`, looked at by `check`.
pub(super) fn each<T>(
    items: impl ExactSizeIterator<Item = T>,
    limit: usize,
    path: &Path<'_>,
    errors: &mut ErrorList,
    mut check: impl FnMut(T, &Path<'_>, &mut ErrorList),
) {
    if at_most(items.len(), limit, path, errors) {
        for (index, item) in items.enumerate() {
            check(item, &path.index(index), errors);
        }
    }
}

/// The same of items that differ by their key.
pub(super) fn each_once<T: Copy>(
    items: &[T],
    limit: usize,
    key: impl Fn(T) -> String,
    path: &Path<'_>,
    errors: &mut ErrorList,
    check: impl FnMut(T, &Path<'_>, &mut ErrorList),
) {
    let mut check = check;
    if !at_most(items.len(), limit, path, errors) {
        return;
    }
    for (index, &item) in items.iter().enumerate() {
        check(item, &path.index(index), errors);
    }
    let keys = items.iter().map(|&item| key(item));
    once(keys, BadValue::String, path, errors);
}

/// Every key is there once; `shown` is how a message has it.
pub(super) fn once(
    keys: impl Iterator<Item = String>,
    shown: fn(String) -> BadValue,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut seen = BTreeSet::new();
    for (index, key) in keys.enumerate() {
        if seen.contains(&key) {
            errors.duplicate(&path.index(index), shown(key));
        } else {
            seen.insert(key);
        }
    }
}
