//! Objects as upstream's reflection sees them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::codec::{Problems, json};
use crate::schema::{Field, FieldType, Flags, Shape};
use crate::text::Text;
use crate::value::{Map, Record, Value};

/// `record` with presence as Go's structs have it: what `omitempty` leaves out is absent, and what
/// it does not leave out is there with its zero. Embedded JSON is taken apart.
pub(super) fn normal(record: &Record) -> Record {
    let ty = record.ty();
    let mut out = Record::new(record.type_ref().clone());
    for (index, field) in ty.fields.iter().enumerate() {
        if let Some(value) = reflected(field, record.get(index)) {
            out.set(index, normal_value(&value, &field.ty));
        }
    }
    out
}

/// One field with presence as [`normal`] has it; what is within is left as it is.
pub(super) fn reflected<'a>(field: &Field, value: Option<&'a Value>) -> Option<Cow<'a, Value>> {
    let pointer = field.flags.has(Flags::POINTER);
    let optional = field.flags.has(Flags::OMIT_EMPTY) || field.flags.has(Flags::OMIT_ZERO);
    let made = match value.filter(|value| !value.is_null()) {
        // A pointer to an empty value is written; an empty value is not.
        Some(value) if optional && !pointer && is_empty(value, &field.ty) => return None,
        Some(value) => return Some(Cow::Borrowed(value)),
        None if pointer && optional => return None,
        None if pointer => Value::Null,
        // A struct by value is there, `omitempty` or not; a time that was not given is null.
        None if is_struct(&field.ty) && !field.flags.has(Flags::OMIT_ZERO) => {
            zero(&field.ty).unwrap_or_default()
        }
        None if optional => return None,
        None => zero(&field.ty).unwrap_or_default(),
    };
    Some(Cow::Owned(made))
}

/// Whether the type is a struct in Go.
fn is_struct(ty: &FieldType) -> bool {
    matches!(ty, FieldType::Object(ty) if ty.shape != Shape::StringList)
}

fn is_empty(value: &Value, ty: &FieldType) -> bool {
    match ty {
        // Struct-like kinds by value are never empty to `omitempty`.
        FieldType::Object(ty) => ty.shape == Shape::StringList && value.is_empty(),
        _ => value.is_empty(),
    }
}

/// A value within a record, in the same form.
pub(super) fn normal_value(value: &Value, ty: &FieldType) -> Value {
    match (value, ty) {
        (Value::Record(record), _) => Value::Record(normal(record)),
        (Value::List(items), FieldType::List(element)) => Value::List(
            items
                .iter()
                .map(|item| normal_value(item, element))
                .collect(),
        ),
        (Value::Map(map), FieldType::Map(element)) => Value::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), normal_value(value, element)))
                .collect::<Map>(),
        ),
        (Value::Raw(raw), FieldType::Object(ty))
            if matches!(ty.shape, Shape::RawExtension | Shape::FieldsV1) =>
        {
            // What does not parse stays a leaf.
            json::decode_value(raw, &mut Problems::default()).unwrap_or_else(|_| value.clone())
        }
        _ => value.clone(),
    }
}

fn zero(ty: &FieldType) -> Option<Value> {
    Some(match ty {
        FieldType::String => Value::String(Text::default()),
        FieldType::Bool => Value::Bool(false),
        FieldType::Int32 | FieldType::Int64 => Value::Int(0),
        FieldType::Float64 => Value::Float(0.0),
        FieldType::Object(ty) if ty.shape == Shape::Struct => {
            Value::Record(Record::new(ty.clone()))
        }
        FieldType::Object(ty) => match ty.shape {
            Shape::Quantity => Value::String(Text::from_static("0")),
            Shape::Duration | Shape::IntOrString => Value::Int(0),
            _ => return None,
        },
        FieldType::Bytes | FieldType::Any | FieldType::List(_) | FieldType::Map(_) => return None,
    })
}

/// `record` with embedded JSON taken apart and presence as it is: how a configuration is read.
pub(super) fn opened(record: &Record) -> Record {
    let mut out = Record::new(record.type_ref().clone());
    for (index, field, value) in record.iter() {
        out.set(index, opened_value(value, &field.ty));
    }
    out
}

fn opened_value(value: &Value, ty: &FieldType) -> Value {
    match (value, ty) {
        (Value::Record(record), _) => Value::Record(opened(record)),
        (Value::List(items), FieldType::List(element)) => Value::List(
            items
                .iter()
                .map(|item| opened_value(item, element))
                .collect(),
        ),
        (Value::Map(map), FieldType::Map(element)) => Value::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), opened_value(value, element)))
                .collect(),
        ),
        _ => normal_value(value, ty),
    }
}

/// The way back: embedded JSON is put together again, and `null` in a struct becomes absence.
pub(super) fn denormal(record: Record) -> Record {
    let ty = record.type_ref().clone();
    let mut out = Record::new(ty.clone());
    for (index, value) in record.into_entries() {
        if let Some(value) = denormal_value(value, &ty.fields[index].ty) {
            out.set(index, value);
        }
    }
    out
}

fn denormal_value(value: Value, ty: &FieldType) -> Option<Value> {
    Some(match (value, ty) {
        (Value::Null, _) => return None,
        (Value::Record(record), _) => Value::Record(denormal(record)),
        (Value::List(items), FieldType::List(element)) => Value::List(
            items
                .into_iter()
                .filter_map(|item| denormal_value(item, element))
                .collect(),
        ),
        (Value::Map(map), FieldType::Map(element)) => Value::Map(
            map.into_iter()
                .map(|(key, value)| {
                    let value = denormal_value(value, element)
                        .or_else(|| zero(element))
                        .unwrap_or_default();
                    (key, value)
                })
                .collect::<Map>(),
        ),
        (
            value @ (Value::Map(_)
            | Value::List(_)
            | Value::String(_)
            | Value::Int(_)
            | Value::Bool(_)
            | Value::Float(_)),
            FieldType::Object(ty),
        ) if matches!(ty.shape, Shape::RawExtension | Shape::FieldsV1) => {
            let mut raw = Vec::new();
            json::encode_value(&value, &mut raw);
            Value::Raw(Bytes::from(raw))
        }
        (value, _) => value,
    })
}
