//! The form of a record that survives protobuf.

use bytes::Bytes;

use super::json;
use crate::schema::{Field, FieldType, Flags, Shape};
use crate::value::{Record, Value};

/// Brings `record` to its normal form: what is left of it after a round trip through protobuf, and so
/// what kube-apiserver has in hand after reading an object back from storage.
///
/// - A field that is no pointer and has its zero value is absent; so is a struct without fields.
/// - Empty lists and maps are absent. (Not so a type that is a list itself: it is a message.)
/// - `null` as an element is the zero value of the element.
///
/// Objects stored as JSON must not be normalized: there an empty list that was given stays.
pub fn normalize(record: &mut Record) {
    let ty = record.type_ref().clone();
    record.retain(|index, value| {
        let field = &ty.fields[index];
        normalize_value(&field.ty, value);
        !is_absent(field, value)
    });
}

fn normalize_value(ty: &FieldType, value: &mut Value) {
    match (ty, value) {
        (_, Value::Record(record)) => normalize(record),
        (FieldType::List(element), Value::List(items)) => {
            for item in items {
                normalize_element(element, item);
            }
        }
        (FieldType::Map(element), Value::Map(entries)) => {
            for (_, item) in entries.iter_mut() {
                normalize_element(element, item);
            }
        }
        // Schemas in place of a schema.
        (FieldType::Object(_), Value::List(items)) => {
            for item in items {
                if let Value::Record(record) = item {
                    normalize(record);
                }
            }
        }
        _ => {}
    }
}

fn normalize_element(element: &FieldType, item: &mut Value) {
    if item.is_null() {
        *item = element_zero(element);
    }
    normalize_value(element, item);
}

/// What a missing element becomes.
pub(super) fn element_zero(element: &FieldType) -> Value {
    match element {
        FieldType::Bytes => Value::Bytes(Bytes::new()),
        FieldType::Object(ty) if ty.shape == Shape::StringList => Value::List(Vec::new()),
        _ => json::zero(element),
    }
}

/// Whether a field with this value, already in normal form, comes to the same as one without.
pub(super) fn is_absent(field: &Field, value: &Value) -> bool {
    match (&field.ty, value) {
        (_, Value::Null) => true,
        (FieldType::List(_) | FieldType::Map(_), value) => value.is_empty(),
        (FieldType::Bytes | FieldType::Any, _) => false,
        (FieldType::Object(ty), _) if ty.shape == Shape::StringList => false,
        _ if field.flags.has(Flags::POINTER) => false,
        (FieldType::Object(ty), value) => match value {
            Value::Record(record) => record.is_empty(),
            Value::Time(time) => time.is_zero(),
            Value::Raw(json) => json.is_empty(),
            Value::Int(integer) => *integer == 0,
            Value::String(text) => ty.shape == Shape::Quantity && text == "0",
            _ => false,
        },
        (_, value) => value.is_empty(),
    }
}
