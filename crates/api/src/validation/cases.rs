//! How tests say what is wrong with which object: a good one, what is changed in it, what is then said.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::ErrorList;
use pintle_runtime::value::Record;
use serde_json::Value;

use crate::defaults;

/// A kind, with a good object of it.
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) good: Value,
}

impl Kind {
    /// The good object with `change` merged into it, and defaults.
    fn object(&self, change: &Value) -> Record {
        let mut object = self.good.clone();
        merge(&mut object, change);
        let ty = crate::type_by_kind(self.group, "v1", self.kind).expect("a kind of this release");
        let body = Bytes::from(object.to_string());
        let mut record =
            json::decode(&ty, &body, &mut Problems::ignored()).expect("an object of the kind");
        defaults::apply(&mut record);
        record
    }

    /// What is said of a new object.
    #[track_caller]
    pub(crate) fn create(&self, change: Value, expected: &[&str]) {
        let errors = super::create(&self.object(&change));
        compare(&errors, expected, &change);
    }

    /// What is said of a change of the good object.
    #[track_caller]
    pub(crate) fn update(&self, change: Value, expected: &[&str]) {
        self.update_from(Value::Null, change, expected);
    }

    /// What is said of a change of the good object as `before` makes it.
    #[track_caller]
    pub(crate) fn update_from(&self, before: Value, change: Value, expected: &[&str]) {
        let errors = super::update(&self.object(&change), &self.object(&before));
        compare(&errors, expected, &change);
    }

    /// What is said of a change through a subresource.
    #[track_caller]
    pub(crate) fn part(&self, part: &str, before: Value, change: Value, expected: &[&str]) {
        let (new, old) = (self.object(&change), self.object(&before));
        let errors = super::update_subresource(part, &new, &old);
        compare(&errors, expected, &change);
    }
}

#[track_caller]
fn compare(errors: &ErrorList, expected: &[&str], change: &Value) {
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "with {change}");
}

/// A JSON merge patch; `null` for everything changes nothing.
fn merge(target: &mut Value, change: &Value) {
    match (target, change) {
        (_, Value::Null) => {}
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.as_str()).or_insert(Value::Null), value);
                }
            }
        }
        (target, change) => *target = change.clone(),
    }
}
