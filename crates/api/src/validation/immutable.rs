//! Fields that stay as they are.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::quantity::Quantity;
use pintle_runtime::schema::{FieldType, Flags, Shape};
use pintle_runtime::time::Time;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{List, StringMap, Strings, View};

use super::internal_form;
use super::quantity::amount;

/// A field's content, which can be compared and shown in a message.
pub(crate) trait Content {
    /// Whether both mean the same.
    fn is_same(&self, other: &Self) -> bool;
    /// What a message shows.
    fn shown(&self) -> BadValue;
}

/// A field must not change (`ValidateImmutableField`).
pub(crate) fn immutable<C: Content>(new: C, old: C, path: &Path<'_>, errors: &mut ErrorList) {
    if !new.is_same(&old) {
        errors.invalid(path, new.shown(), IMMUTABLE);
    }
}

/// Whether two objects of one type mean the same: nothing and empty are one for all but pointers, and
/// amounts are compared as numbers.
pub(crate) fn is_same(new: &Record, old: &Record) -> bool {
    debug_assert_eq!(new.ty().name, old.ty().name);
    if new.ty().shape != Shape::Struct {
        return new == old;
    }
    let at: BTreeSet<u16> = [new, old]
        .iter()
        .flat_map(|record| record.entries())
        .map(|(at, _)| *at)
        .collect();
    at.into_iter().map(usize::from).all(|at| {
        let field = new.ty().fields.get(at);
        let pointer = field.is_some_and(|field| field.flags.has(Flags::POINTER));
        match (present(new, at), present(old, at)) {
            (Some(new), Some(old)) => is_same_value(field.map(|field| &field.ty), new, old),
            (None, None) => true,
            (Some(value), None) | (None, Some(value)) => is_nothing(value, pointer),
        }
    })
}

fn present(record: &Record, at: usize) -> Option<&Value> {
    record.get(at).filter(|value| !value.is_null())
}

fn is_same_value(ty: Option<&FieldType>, new: &Value, old: &Value) -> bool {
    let inner = match ty {
        Some(FieldType::List(of) | FieldType::Map(of)) => Some(&**of),
        other => other,
    };
    match (new, old) {
        (Value::Record(new), Value::Record(old)) => is_same(new, old),
        (Value::List(new), Value::List(old)) => is_same_list(inner, new, old),
        (Value::Map(new), Value::Map(old)) => {
            let same = |key: &str, value| {
                old.get(key)
                    .is_some_and(|old| is_same_value(inner, value, old))
            };
            new.len() == old.len() && new.iter().all(|(key, value)| same(key, value))
        }
        (Value::String(new), Value::String(old)) => {
            let is_amount =
                matches!(ty, Some(FieldType::Object(ty)) if ty.shape == Shape::Quantity);
            new == old || (is_amount && amount(new) == amount(old))
        }
        (new, old) => new == old,
    }
}

fn is_same_list(of: Option<&FieldType>, new: &[Value], old: &[Value]) -> bool {
    new.len() == old.len()
        && new
            .iter()
            .zip(old)
            .all(|(new, old)| is_same_value(of, new, old))
}

/// Whether a value is what its absence means.
fn is_nothing(value: &Value, pointer: bool) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        _ if pointer => false,
        Value::Bool(truth) => !truth,
        Value::Int(number) => *number == 0,
        Value::String(text) => text.is_empty(),
        Value::Record(record) => is_same(record, &Record::new(record.type_ref().clone())),
        _ => false,
    }
}

impl Content for &str {
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }

    fn shown(&self) -> BadValue {
        (*self).into()
    }
}

impl Content for Option<&str> {
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }

    fn shown(&self) -> BadValue {
        self.map_or_else(BadValue::null, BadValue::json_string)
    }
}

/// Numbers and truths, behind a pointer or not.
macro_rules! plain_content {
    ($($ty:ty),*) => {$(
        impl Content for $ty {
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }

            fn shown(&self) -> BadValue {
                (*self).into()
            }
        }

        impl Content for Option<$ty> {
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }

            fn shown(&self) -> BadValue {
                self.map_or_else(BadValue::null, Into::into)
            }
        }
    )*};
}
plain_content!(bool, i32, i64);

impl Content for StringMap<'_> {
    fn is_same(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }

    fn shown(&self) -> BadValue {
        self.map().map_or_else(BadValue::null, |map| {
            BadValue::from(&Value::Map(map.clone()))
        })
    }
}

impl Content for Strings<'_> {
    fn is_same(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }

    fn shown(&self) -> BadValue {
        if self.is_present() {
            BadValue::strings(self.iter())
        } else {
            BadValue::null()
        }
    }
}

impl<V: View> Content for List<'_, V> {
    fn is_same(&self, other: &Self) -> bool {
        is_same_list(None, self.values(), other.values())
    }

    fn shown(&self) -> BadValue {
        if self.is_present() {
            internal_form::shown_list(self.values())
        } else {
            BadValue::null()
        }
    }
}

impl Content for &Record {
    fn is_same(&self, other: &Self) -> bool {
        is_same(self, other)
    }

    fn shown(&self) -> BadValue {
        internal_form::shown(Some(self))
    }
}

impl Content for Option<&Record> {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(new), Some(old)) => is_same(new, old),
            (None, None) => true,
            _ => false,
        }
    }

    fn shown(&self) -> BadValue {
        internal_form::shown(*self)
    }
}

/// A point in time that is written to the second.
pub(crate) struct Seconds(pub(crate) Option<Time>);

/// A point in time that is written to the microsecond.
pub(crate) struct Micros(pub(crate) Option<Time>);

impl Content for Seconds {
    fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn shown(&self) -> BadValue {
        shown_time(self.0, Time::write_seconds)
    }
}

impl Content for Micros {
    fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn shown(&self) -> BadValue {
        shown_time(self.0, Time::write_micros)
    }
}

fn shown_time(time: Option<Time>, write: fn(&Time, &mut Vec<u8>)) -> BadValue {
    let Some(time) = time else {
        return BadValue::null();
    };
    let mut text = Vec::new();
    write(&time, &mut text);
    BadValue::json_string(&String::from_utf8_lossy(&text))
}

impl Content for Quantity {
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }

    fn shown(&self) -> BadValue {
        BadValue::json_string(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};

    use super::*;

    #[track_caller]
    fn record(body: &'static str) -> Record {
        let ty = crate::type_by_kind("", "v1", "PersistentVolumeClaim").expect("a kind");
        json::decode(
            &ty,
            &Bytes::from_static(body.as_bytes()),
            &mut Problems::ignored(),
        )
        .expect("an object")
    }

    #[track_caller]
    fn check(new: &'static str, old: &'static str, same: bool) {
        assert_eq!(is_same(&record(new), &record(old)), same, "{new} and {old}");
    }

    #[test]
    fn nothing_and_empty_are_one_but_for_pointers() {
        check(r#"{"spec":{"accessModes":[]}}"#, r#"{"spec":{}}"#, true);
        check(r#"{"spec":{"volumeName":""}}"#, "{}", true);
        check(
            r#"{"spec":{"storageClassName":""}}"#,
            r#"{"spec":{}}"#,
            false,
        );
        check(r#"{"spec":{"selector":{}}}"#, r#"{"spec":{}}"#, false);
    }

    #[test]
    fn amounts_are_compared_as_numbers() {
        check(
            r#"{"spec":{"resources":{"requests":{"storage":"1Gi"}}}}"#,
            r#"{"spec":{"resources":{"requests":{"storage":"1073741824"}}}}"#,
            true,
        );
        check(
            r#"{"spec":{"resources":{"requests":{"storage":"1Gi"}}}}"#,
            r#"{"spec":{"resources":{"requests":{"storage":"1G"}}}}"#,
            false,
        );
    }
}
