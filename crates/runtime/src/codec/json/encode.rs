//! From records to JSON text, along the table of the type.

use super::{base64, number, raw, string};
use crate::duration;
use crate::schema::{Field, FieldType, Flags, Shape, Type};
use crate::text::Text;
use crate::time::Time;
use crate::value::{Map, Record, Value};

/// Appends `record`.
pub(super) fn record(record: &Record, out: &mut Vec<u8>) {
    fields(record.ty(), record.entries(), out);
}

/// Appends the value of the field at `index` of a record, if the record's text has that field; whether it has.
pub(super) fn only(record: &Record, index: usize, out: &mut Vec<u8>) -> bool {
    let field = &record.ty().fields[index];
    let present = record.get(index).filter(|value| !value.is_null());
    let written = is_written(field, present);
    if written {
        member_value(field, present, out);
    }
    written
}

/// Appends a struct of type `ty`: the present fields, and of the absent ones those that Go writes.
fn fields(ty: &Type, entries: &[(u16, Value)], out: &mut Vec<u8>) {
    out.push(b'{');
    let empty = out.len();
    each_written(ty, entries, |_, field, present| {
        member(field, present, empty, out);
    });
    out.push(b'}');
}

/// Calls `write` for every field that is to be written, in order, with its position and, if it has
/// one, its value.
#[inline]
pub(super) fn each_written<'a>(
    ty: &'a Type,
    entries: &'a [(u16, Value)],
    mut write: impl FnMut(usize, &'a Field, Option<&'a Value>),
) {
    let mut entries = entries.iter();
    let mut next = entries.next();
    for (index, field) in ty.fields.iter().enumerate() {
        let present = match next {
            Some((at, value)) if *at as usize == index => {
                next = entries.next();
                (!value.is_null()).then_some(value)
            }
            _ => None,
        };
        if is_written(field, present) {
            write(index, field, present);
        }
    }
}

/// Whether Go writes the field: `omitempty` and `omitzero` leave out what is empty, but never a struct.
/// A value that is null is to be given as absent.
#[inline]
pub fn is_written(field: &Field, present: Option<&Value>) -> bool {
    if !field.flags.has(Flags::OMIT_EMPTY) {
        return !field.flags.has(Flags::OMIT_ZERO) || present.is_some_and(|value| !is_zero(value));
    }
    let Some(value) = present else {
        let left_out = field.flags.has(Flags::POINTER) || field.flags.has(Flags::OMIT_ZERO);
        return !left_out && is_struct(&field.ty);
    };
    if field.flags.has(Flags::POINTER) {
        return true;
    }
    match &field.ty {
        FieldType::Any => true,
        FieldType::Object(ty) if ty.shape == Shape::StringList => !value.is_empty(),
        FieldType::Object(_) => !field.flags.has(Flags::OMIT_ZERO) || !is_zero(value),
        _ => !value.is_empty(),
    }
}

/// Whether the type is a struct in Go, whose value `omitempty` never takes for empty.
fn is_struct(ty: &FieldType) -> bool {
    matches!(ty, FieldType::Object(ty) if ty.shape != Shape::StringList)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Time(time) => time.is_zero(),
        Value::Record(record) => record.iter().all(|(_, _, value)| is_zero(value)),
        value => value.is_empty(),
    }
}

/// Appends one member; `empty` is the length of `out` up to which there is no other.
#[inline]
pub(super) fn member(field: &Field, present: Option<&Value>, empty: usize, out: &mut Vec<u8>) {
    name(field, empty, out);
    member_value(field, present, out);
}

fn member_value(field: &Field, present: Option<&Value>, out: &mut Vec<u8>) {
    match present {
        Some(present) => value(&field.ty, present, out),
        None if field.flags.has(Flags::POINTER) => null(out),
        None => absent(&field.ty, out),
    }
}

/// Appends the name of a member and its colon.
#[inline]
pub(super) fn name(field: &Field, empty: usize, out: &mut Vec<u8>) {
    if out.len() > empty {
        out.push(b',');
    }
    string::write(&field.name, out);
    out.push(b':');
}

/// Appends what stands for a field that is absent but written: Go's zero value.
fn absent(ty: &FieldType, out: &mut Vec<u8>) {
    match ty {
        FieldType::String => out.extend_from_slice(b"\"\""),
        FieldType::Bool => out.extend_from_slice(b"false"),
        FieldType::Int32 | FieldType::Int64 | FieldType::Float64 => out.push(b'0'),
        FieldType::Bytes | FieldType::Any | FieldType::List(_) | FieldType::Map(_) => null(out),
        FieldType::Object(ty) => match ty.shape {
            Shape::Struct => fields(ty, &[], out),
            Shape::Quantity => out.extend_from_slice(b"\"0\""),
            Shape::Duration => out.extend_from_slice(b"\"0s\""),
            Shape::IntOrString => out.push(b'0'),
            Shape::SchemaOrBool => out.extend_from_slice(b"false"),
            _ => null(out),
        },
    }
}

/// Appends `value`, which is of type `ty`.
pub(super) fn value(ty: &FieldType, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => absent(ty, out),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(nanos) if has_shape(ty, Shape::Duration) => {
            out.push(b'"');
            duration::write(*nanos, out);
            out.push(b'"');
        }
        Value::Int(integer) => number::integer(*integer, out),
        Value::Float(float) => number::float(*float, out),
        Value::String(text) => string::write(text, out),
        Value::Bytes(bytes) => {
            out.push(b'"');
            base64::encode(bytes, out);
            out.push(b'"');
        }
        Value::Time(at) => write_time(ty, *at, out),
        Value::Raw(json) if json.is_empty() => null(out),
        Value::Raw(json) => raw::compact(json, out),
        Value::List(items) => list(ty, items, out),
        Value::Map(entries) => map(ty, entries, out),
        Value::Record(inner) => record(inner, out),
    }
}

fn list(ty: &FieldType, items: &[Value], out: &mut Vec<u8>) {
    let element = match ty {
        FieldType::List(element) => element,
        // Neither a schema nor anything else: Go writes its absence.
        FieldType::Object(ty)
            if items.is_empty()
                && matches!(ty.shape, Shape::SchemaOrArray | Shape::SchemaOrStringArray) =>
        {
            return null(out);
        }
        FieldType::Object(_) => &FieldType::String,
        _ => &FieldType::Any,
    };
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(element, item, out);
    }
    out.push(b']');
}

fn map(ty: &FieldType, entries: &Map, out: &mut Vec<u8>) {
    let element = match ty {
        FieldType::Map(element) => element,
        _ => &FieldType::Any,
    };
    out.push(b'{');
    for (index, (key, item)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string::write(Text::as_str(key), out);
        out.push(b':');
        value(element, item, out);
    }
    out.push(b'}');
}

fn write_time(ty: &FieldType, at: Time, out: &mut Vec<u8>) {
    if at.is_zero() {
        return null(out);
    }
    out.push(b'"');
    if has_shape(ty, Shape::MicroTime) {
        at.write_micros(out);
    } else {
        at.write_seconds(out);
    }
    out.push(b'"');
}

fn has_shape(ty: &FieldType, shape: Shape) -> bool {
    matches!(ty, FieldType::Object(ty) if ty.shape == shape)
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}
