//! From messages to records, along the table of the type.

use super::wire::{Decoded, Reader, Tag, Wire};
use crate::codec::{DecodeError, MAX_DEPTH, normal};
use crate::schema::{FieldType, ProtoField, TypeRef};
use crate::text::Text;
use crate::value::{Map, Record, Value};

/// The fields of the message that `reader` is at into `record`, on top of what is there already.
pub(super) fn record(reader: Reader<'_>, record: &mut Record, depth: usize) -> Decoded {
    let ty = record.type_ref().clone();
    let mut message = Message {
        ty: &ty,
        record,
        maps: Vec::new(),
    };
    message.read(&reader, &ty.protobuf, depth)?;
    message.finish(&reader)
}

/// The entries of a map field as they came.
type Entries = Vec<(Text, Value)>;

struct Message<'a> {
    ty: &'a TypeRef,
    record: &'a mut Record,
    /// Maps are put together at the end, as each entry comes as a field of its own.
    maps: Vec<(usize, Entries)>,
}

impl Message<'_> {
    /// Reads `fields`, those of the type's message or of an inlined one.
    fn read(&mut self, reader: &Reader<'_>, fields: &[ProtoField], depth: usize) -> Decoded {
        let mut reader = reader.clone();
        if depth > MAX_DEPTH {
            return Err(DecodeError::syntax("proto: exceeded max depth"));
        }
        let mut next = 0;
        while let Some(tag) = reader.tag(&self.ty.name)? {
            match find(fields, &mut next, tag.number) {
                None => reader.skip(tag)?,
                Some(ProtoField::Inline { fields, .. }) => {
                    tag.expect(Wire::Bytes, "of an inlined struct")?;
                    let range = reader.range()?;
                    self.read(&reader.within(range), fields, depth + 1)?;
                }
                Some(ProtoField::Field { field, name, .. }) => {
                    self.field(&mut reader, tag, usize::from(*field), name, depth)?;
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        reader: &mut Reader<'_>,
        tag: Tag,
        index: usize,
        name: &str,
        depth: usize,
    ) -> Decoded {
        let field = &self.ty.fields[index];
        let name = if name.is_empty() {
            field.name.as_ref()
        } else {
            name
        };
        match &field.ty {
            FieldType::Map(element) => {
                tag.expect(Wire::Bytes, name)?;
                let range = reader.range()?;
                let entry = map_entry(reader.within(range), self.ty, element, name, depth)?;
                match self.maps.iter_mut().find(|(known, _)| *known == index) {
                    Some((_, entries)) => entries.push(entry),
                    None => self.maps.push((index, vec![entry])),
                }
            }
            FieldType::List(element) => {
                let slot = self
                    .record
                    .get_or_insert_with(index, || Value::List(Vec::new()));
                let Value::List(items) = slot else {
                    return reader.skip(tag);
                };
                if tag.wire == Wire::Bytes && is_packable(element) {
                    let range = reader.range()?;
                    let mut packed = reader.within(range);
                    while !packed.is_done() {
                        items.push(number(element, &mut packed)?);
                    }
                } else {
                    let mut item = Value::Null;
                    value(reader, tag, self.ty, element, &mut item, name, depth)?;
                    items.push(item);
                }
            }
            // Most values that are no pointers are zero, and need no place.
            FieldType::String | FieldType::Bool | FieldType::Int32 | FieldType::Int64 => {
                let mut slot = Value::Null;
                value(reader, tag, self.ty, &field.ty, &mut slot, name, depth)?;
                if normal::is_absent(field, &slot) {
                    self.record.remove(index);
                } else {
                    self.record.set(index, slot);
                }
            }
            ty => {
                let slot = self.record.get_or_insert_with(index, || Value::Null);
                value(reader, tag, self.ty, ty, slot, name, depth)?;
                if normal::is_absent(field, slot) {
                    self.record.remove(index);
                }
            }
        }
        Ok(())
    }

    fn finish(self, reader: &Reader<'_>) -> Decoded {
        for (index, new) in self.maps {
            let slot = self
                .record
                .get_or_insert_with(index, || Value::Map(Map::new()));
            let entries = match std::mem::take(slot) {
                Value::Map(old) if !old.is_empty() => {
                    reader.merge(old.len())?;
                    old.into_iter().chain(new).collect()
                }
                _ => new,
            };
            *slot = Value::Map(Map::from_entries(entries));
        }
        Ok(())
    }
}

/// The field with `number`; most often it is the one at `next`.
#[inline]
fn find<'a>(fields: &'a [ProtoField], next: &mut usize, number: u32) -> Option<&'a ProtoField> {
    let at = match fields.get(*next) {
        Some(field) if field.number() == number => *next,
        // Another element of a list, another entry of a map.
        _ if *next > 0 && fields[*next - 1].number() == number => *next - 1,
        _ => fields
            .binary_search_by_key(&number, ProtoField::number)
            .ok()?,
    };
    *next = at + 1;
    Some(&fields[at])
}

fn is_packable(element: &FieldType) -> bool {
    matches!(
        element,
        FieldType::Bool | FieldType::Int32 | FieldType::Int64 | FieldType::Float64
    )
}

/// A number or boolean without a tag.
fn number(ty: &FieldType, reader: &mut Reader<'_>) -> Decoded<Value> {
    Ok(match ty {
        FieldType::Bool => Value::Bool(reader.varint()? != 0),
        FieldType::Int32 => Value::Int(i64::from(reader.varint()? as i32)),
        FieldType::Float64 => Value::Float(f64::from_bits(reader.fixed64()?)),
        _ => Value::Int(reader.varint()? as i64),
    })
}

/// One occurrence of a field of the type `owner` into `slot`, on top of what is there already.
fn value(
    reader: &mut Reader<'_>,
    tag: Tag,
    owner: &TypeRef,
    ty: &FieldType,
    slot: &mut Value,
    name: &str,
    depth: usize,
) -> Decoded {
    match ty {
        FieldType::String => {
            tag.expect(Wire::Bytes, name)?;
            *slot = Value::String(reader.text()?);
        }
        FieldType::Bytes => {
            tag.expect(Wire::Bytes, name)?;
            *slot = Value::Bytes(reader.bytes()?);
        }
        FieldType::Bool | FieldType::Int32 | FieldType::Int64 => {
            tag.expect(Wire::Varint, name)?;
            *slot = number(ty, reader)?;
        }
        FieldType::Float64 => {
            tag.expect(Wire::Fixed64, name)?;
            let float = number(ty, reader)?;
            // What is no number has no form in JSON either.
            *slot = if matches!(float, Value::Float(float) if float.is_finite()) {
                float
            } else {
                Value::Float(0.0)
            };
        }
        FieldType::Object(ty) => {
            tag.expect(Wire::Bytes, name)?;
            let range = reader.range()?;
            super::special::object(reader.within(range), owner, ty, slot, depth + 1)?;
        }
        FieldType::Any | FieldType::List(_) | FieldType::Map(_) => reader.skip(tag)?,
    }
    Ok(())
}

/// An entry of a map: key 1, value 2, either zero if it is missing.
fn map_entry(
    mut reader: Reader<'_>,
    owner: &TypeRef,
    element: &FieldType,
    name: &str,
    depth: usize,
) -> Decoded<(Text, Value)> {
    let mut key = Text::default();
    let mut item = Value::Null;
    while let Some(tag) = reader.tag(name)? {
        match tag.number {
            1 => {
                tag.expect(Wire::Bytes, name)?;
                key = reader.text()?;
            }
            2 => value(&mut reader, tag, owner, element, &mut item, name, depth)?,
            _ => reader.skip(tag)?,
        }
    }
    if item.is_null() {
        item = normal::element_zero(element);
    }
    Ok((key, item))
}
