//! From records to messages, along the table of the type.

use super::wire::{Wire, put_bytes, put_integer, put_message, put_tag, put_varint};
use crate::schema::{Field, FieldType, Flags, ProtoField, Shape, Type};
use crate::time::Time;
use crate::value::{Map, Record, Value};

/// Appends the message of `record`.
pub(super) fn record(record: &Record, out: &mut Vec<u8>) {
    let ty = record.ty();
    message(ty, &ty.protobuf, &mut Entries::new(record.entries()), out);
}

/// Appends `fields`, those of the type's message or of an inlined one.
fn message(ty: &Type, fields: &[ProtoField], entries: &mut Entries<'_>, out: &mut Vec<u8>) {
    for proto in fields {
        match proto {
            ProtoField::Field { number, field, .. } => {
                let value = entries.get(*field);
                self::field(*number, &ty.fields[usize::from(*field)], value, out);
            }
            ProtoField::Inline { number, fields } => {
                put_message(*number, out, |out| message(ty, fields, entries, out));
            }
        }
    }
}

/// The present fields of a record, asked for nearly in order.
struct Entries<'a> {
    entries: &'a [(u16, Value)],
    next: usize,
}

impl<'a> Entries<'a> {
    fn new(entries: &'a [(u16, Value)]) -> Self {
        Self { entries, next: 0 }
    }

    /// The value of the field at position `field`, if it has one.
    #[inline]
    fn get(&mut self, field: u16) -> Option<&'a Value> {
        let at = match self.entries.get(self.next) {
            Some((found, _)) if *found == field => self.next,
            // Between the last one asked for and the next one present there is nothing.
            Some((found, _))
                if *found > field && self.next > 0 && self.entries[self.next - 1].0 < field =>
            {
                return None;
            }
            _ => match self
                .entries
                .binary_search_by_key(&field, |(found, _)| *found)
            {
                Ok(at) => at,
                Err(at) => {
                    self.next = at;
                    return None;
                }
            },
        };
        self.next = at + 1;
        Some(&self.entries[at].1).filter(|value| !value.is_null())
    }
}

/// Appends a field of a message. Without a value, it is there all the same unless it is a pointer or
/// has as many occurrences as elements.
fn field(number: u32, field: &Field, value: Option<&Value>, out: &mut Vec<u8>) {
    match (&field.ty, value) {
        (FieldType::List(element), Some(Value::List(items))) => {
            for item in items {
                self::value(number, element, item, out);
            }
        }
        (FieldType::Map(element), Some(Value::Map(entries))) => map(number, element, entries, out),
        (FieldType::List(_) | FieldType::Map(_) | FieldType::Bytes | FieldType::Any, None) => {}
        (FieldType::Object(ty), None) if ty.shape == Shape::StringList => {}
        (ty, Some(value)) => self::value(number, ty, value, out),
        (ty, None) if !field.flags.has(Flags::POINTER) => {
            self::value(number, ty, &Value::Null, out);
        }
        _ => {}
    }
}

fn map(number: u32, element: &FieldType, entries: &Map, out: &mut Vec<u8>) {
    for (key, item) in entries.iter() {
        put_message(number, out, |out| {
            put_bytes(1, key.as_bytes(), out);
            value(2, element, item, out);
        });
    }
}

/// Appends one occurrence of a field; null stands for zero, except among bytes, where it is nothing.
fn value(number: u32, ty: &FieldType, value: &Value, out: &mut Vec<u8>) {
    match ty {
        FieldType::String => put_bytes(number, string(value), out),
        FieldType::Bool | FieldType::Int32 | FieldType::Int64 => {
            put_integer(number, integer(value), out);
        }
        FieldType::Float64 => {
            put_tag(number, Wire::Fixed64, out);
            let float = match value {
                Value::Float(float) => *float,
                value => integer(value) as f64,
            };
            out.extend_from_slice(&float.to_le_bytes());
        }
        FieldType::Bytes => {
            if let Value::Bytes(bytes) = value {
                put_bytes(number, bytes, out);
            }
        }
        FieldType::Object(ty) => put_message(number, out, |out| object(ty, value, out)),
        // Messages know neither values of any type nor lists within lists.
        FieldType::Any | FieldType::List(_) | FieldType::Map(_) => {}
    }
}

fn string(value: &Value) -> &[u8] {
    match value {
        Value::String(text) => text.as_bytes(),
        _ => b"",
    }
}

fn integer(value: &Value) -> i64 {
    match value {
        Value::Int(integer) => *integer,
        Value::Bool(truth) => i64::from(*truth),
        _ => 0,
    }
}

/// Appends the content of an object's message.
fn object(ty: &Type, value: &Value, out: &mut Vec<u8>) {
    match ty.shape {
        Shape::Struct => match value {
            Value::Record(inner) => record(inner, out),
            _ => message(ty, &ty.protobuf, &mut Entries::new(&[]), out),
        },
        Shape::Time => time(value, 0, out),
        Shape::MicroTime => time(value, 1_000, out),
        Shape::Duration => put_integer(1, integer(value), out),
        Shape::Quantity => match value {
            Value::String(text) => put_bytes(1, text.as_bytes(), out),
            _ => put_bytes(1, b"0", out),
        },
        Shape::IntOrString => {
            put_integer(1, i64::from(matches!(value, Value::String(_))), out);
            put_integer(2, integer(value), out);
            put_bytes(3, string(value), out);
        }
        Shape::FieldsV1 | Shape::RawExtension | Shape::Json => match value {
            Value::Raw(json) if !json.is_empty() => put_bytes(1, json, out),
            _ => {}
        },
        Shape::StringList => {
            for item in value.as_list().unwrap_or_default() {
                put_bytes(1, string(item), out);
            }
        }
        Shape::SchemaOrArray | Shape::SchemaOrStringArray => match value {
            Value::Record(schema) => put_message(1, out, |out| record(schema, out)),
            Value::List(items) => {
                for item in items {
                    match item {
                        Value::Record(schema) => put_message(2, out, |out| record(schema, out)),
                        item => put_bytes(2, string(item), out),
                    }
                }
            }
            _ => {}
        },
        Shape::SchemaOrBool => {
            let schema = value.as_record();
            put_integer(
                1,
                i64::from(schema.is_some() || value.as_bool() == Some(true)),
                out,
            );
            if let Some(schema) = schema {
                put_message(2, out, |out| record(schema, out));
            }
        }
        Shape::Patch | Shape::Unknown => {}
    }
}

/// Seconds and nanoseconds, those cut to a multiple of `precision`, or dropped if it is zero. The zero
/// time has neither.
fn time(value: &Value, precision: u32, out: &mut Vec<u8>) {
    let Value::Time(Time { seconds, nanos }) = *value else {
        return;
    };
    if (Time { seconds, nanos }).is_zero() {
        return;
    }
    let nanos = nanos.checked_div(precision).unwrap_or(0) * precision;
    put_integer(1, seconds, out);
    put_tag(2, Wire::Varint, out);
    put_varint(u64::from(nanos), out);
}
