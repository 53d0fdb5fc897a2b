//! The messages that are no plain structs.

use super::decode;
use super::wire::{Decoded, Reader, Tag, Wire};
use crate::codec::{DecodeError, json};
use crate::schema::{Shape, Type, TypeRef};
use crate::text::Text;
use crate::time::Time;
use crate::value::{Record, Value};

/// The message of type `ty`, a field of the type `owner`, into `slot`.
pub(super) fn object(
    reader: Reader<'_>,
    owner: &TypeRef,
    ty: &TypeRef,
    slot: &mut Value,
    depth: usize,
) -> Decoded {
    match ty.shape {
        Shape::Struct => {
            if slot.as_record().is_none() {
                *slot = Value::Record(Record::new(ty.clone()));
            }
            if let Value::Record(record) = slot {
                decode::record(reader, record, depth)?;
            }
        }
        Shape::Time => *slot = Value::Time(time(reader, ty)?.truncate_to_seconds()),
        Shape::MicroTime => *slot = Value::Time(time(reader, ty)?.truncate_to_micros()),
        Shape::Duration => *slot = Value::Int(duration(reader, ty)?),
        Shape::Quantity => *slot = Value::String(quantity(reader, ty)?),
        Shape::IntOrString => *slot = int_or_string(reader, ty)?,
        Shape::FieldsV1 | Shape::RawExtension | Shape::Json => *slot = raw(reader, ty)?,
        Shape::StringList => *slot = Value::List(strings(reader, 1, ty)?),
        // What stands for a schema stands within schemas, so the owner is the schema's type.
        Shape::SchemaOrArray | Shape::SchemaOrBool | Shape::SchemaOrStringArray => {
            *slot = schema_or(reader, owner, ty, depth)?;
        }
        Shape::Patch | Shape::Unknown => {}
    }
    Ok(())
}

/// Calls `read` for every field of a message; what it does not want (`false`) is passed over.
fn each(
    mut reader: Reader<'_>,
    ty: &Type,
    mut read: impl FnMut(&mut Reader<'_>, Tag) -> Decoded<bool>,
) -> Decoded {
    while let Some(tag) = reader.tag(&ty.name)? {
        if !read(&mut reader, tag)? {
            reader.skip(tag)?;
        }
    }
    Ok(())
}

/// An empty message is the zero time.
fn time(reader: Reader<'_>, ty: &Type) -> Decoded<Time> {
    if reader.is_done() {
        return Ok(Time::ZERO);
    }
    let (mut seconds, mut nanos) = (0i64, 0i64);
    each(reader, ty, |reader, tag| {
        match tag.number {
            1 => {
                tag.expect(Wire::Varint, "Seconds")?;
                seconds = reader.varint()? as i64;
            }
            2 => {
                tag.expect(Wire::Varint, "Nanos")?;
                nanos = i64::from(reader.varint()? as i32);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if ty.shape == Shape::Time {
        nanos = 0;
    }
    const SECOND: i64 = 1_000_000_000;
    let time = Time {
        seconds: seconds.saturating_add(nanos.div_euclid(SECOND)),
        nanos: nanos.rem_euclid(SECOND) as u32,
    };
    json::writable(time).map_err(DecodeError::syntax)
}

fn duration(reader: Reader<'_>, ty: &Type) -> Decoded<i64> {
    let mut nanos = 0;
    each(reader, ty, |reader, tag| {
        if tag.number != 1 {
            return Ok(false);
        }
        tag.expect(Wire::Varint, "Duration")?;
        nanos = reader.varint()? as i64;
        Ok(true)
    })?;
    Ok(nanos)
}

/// A quantity, brought to canonical form.
fn quantity(reader: Reader<'_>, ty: &Type) -> Decoded<Text> {
    let mut quantity = Text::from_static("0");
    each(reader, ty, |reader, tag| {
        if tag.number != 1 {
            return Ok(false);
        }
        tag.expect(Wire::Bytes, "String")?;
        quantity = json::canonical_quantity(reader.text()?).map_err(DecodeError::Syntax)?;
        Ok(true)
    })?;
    Ok(quantity)
}

fn int_or_string(reader: Reader<'_>, ty: &Type) -> Decoded<Value> {
    let (mut is_string, mut integer, mut text) = (false, 0i32, Text::default());
    each(reader, ty, |reader, tag| {
        match tag.number {
            1 => {
                tag.expect(Wire::Varint, "Type")?;
                is_string = reader.varint()? == 1;
            }
            2 => {
                tag.expect(Wire::Varint, "IntVal")?;
                integer = reader.varint()? as i32;
            }
            3 => {
                tag.expect(Wire::Bytes, "StrVal")?;
                text = reader.text()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(if is_string {
        Value::String(text)
    } else {
        Value::Int(i64::from(integer))
    })
}

/// JSON as it came; empty if there is none. Go finds out that it is not JSON only when it writes it,
/// which is too late for those who have to read it.
fn raw(reader: Reader<'_>, ty: &Type) -> Decoded<Value> {
    let mut raw = bytes::Bytes::new();
    each(reader, ty, |reader, tag| {
        if tag.number != 1 {
            return Ok(false);
        }
        tag.expect(Wire::Bytes, "Raw")?;
        raw = reader.bytes()?;
        Ok(true)
    })?;
    if !raw.is_empty() {
        json::check(&raw).map_err(|error| {
            let name = json::go_type_name(ty);
            DecodeError::Syntax(format!(
                "json: error calling MarshalJSON for type {name}: {error}"
            ))
        })?;
    }
    Ok(Value::Raw(raw))
}

/// The strings of the repeated field `number`.
fn strings(reader: Reader<'_>, number: u32, ty: &Type) -> Decoded<Vec<Value>> {
    let mut items = Vec::new();
    each(reader, ty, |reader, tag| {
        if tag.number != number {
            return Ok(false);
        }
        tag.expect(Wire::Bytes, "Items")?;
        items.push(Value::String(reader.text()?));
        Ok(true)
    })?;
    Ok(items)
}

/// A schema, or what may stand in its place. With neither there, it is an empty list, which JSON
/// writes as `null`.
fn schema_or(reader: Reader<'_>, schema: &TypeRef, ty: &Type, depth: usize) -> Decoded<Value> {
    let mut one = None;
    let mut others = Vec::new();
    let mut allows = false;
    each(reader, ty, |reader, tag| {
        let read_schema = |reader: &mut Reader<'_>, into: &mut Record| {
            tag.expect(Wire::Bytes, "Schema")?;
            let range = reader.range()?;
            decode::record(reader.within(range), into, depth)
        };
        match (ty.shape, tag.number) {
            (Shape::SchemaOrBool, 1) => {
                tag.expect(Wire::Varint, "Allows")?;
                allows = reader.varint()? != 0;
            }
            (Shape::SchemaOrBool, 2) | (Shape::SchemaOrArray | Shape::SchemaOrStringArray, 1) => {
                read_schema(
                    reader,
                    one.get_or_insert_with(|| Record::new(schema.clone())),
                )?;
            }
            (Shape::SchemaOrArray, 2) => {
                let mut record = Record::new(schema.clone());
                read_schema(reader, &mut record)?;
                others.push(Value::Record(record));
            }
            (Shape::SchemaOrStringArray, 2) => {
                tag.expect(Wire::Bytes, "Property")?;
                others.push(Value::String(reader.text()?));
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(match one {
        Some(schema) if others.is_empty() => Value::Record(schema),
        None if ty.shape == Shape::SchemaOrBool => Value::Bool(allows),
        _ => Value::List(others),
    })
}
