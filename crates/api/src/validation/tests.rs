//! One `check` for the rules of every kind.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::ErrorList;
use pintle_runtime::value::Record;

/// An object of a group's version 1 with its defaults.
#[track_caller]
fn object(group: &str, kind: &str, body: &str) -> Record {
    let ty = crate::type_by_kind(group, "v1", kind).expect("a kind");
    let body = Bytes::from(body.to_owned());
    let mut record = json::decode(&ty, &body, &mut Problems::ignored()).expect("an object");
    crate::defaults::apply(&mut record);
    record
}

#[track_caller]
fn check(errors: &ErrorList, expected: &str, what: &str) {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.join("; "), expected, "{what}");
}

/// What is said of a new object: all errors, with `; ` between.
#[track_caller]
pub(super) fn check_create(group: &str, kind: &str, new: &str, expected: &str) {
    check(&super::create(&object(group, kind, new)), expected, new);
}

/// What is said of a change.
#[track_caller]
pub(super) fn check_update(group: &str, kind: &str, old: &str, new: &str, expected: &str) {
    let errors = super::update(&object(group, kind, new), &object(group, kind, old));
    check(&errors, expected, new);
}

/// What is said of a change through a subresource.
#[track_caller]
pub(super) fn check_subresource(
    group: &str,
    kind: &str,
    subresource: &str,
    old: &str,
    new: &str,
    expected: &str,
) {
    let (new_object, old) = (object(group, kind, new), object(group, kind, old));
    let errors = super::update_subresource(subresource, &new_object, &old);
    check(&errors, expected, new);
}
