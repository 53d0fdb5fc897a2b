//! The data that expressions read, as it stands.
//!
//! Where no schema is known, an object is to an expression what its JSON is: times, durations and
//! bytes are text, a field that would not be written is absent, and one that always is is there.

use std::sync::Arc;

use pintle_runtime::codec::{Problems, json};
use pintle_runtime::duration;
use pintle_runtime::schema::{Field, FieldType, Flags, Shape, Type};
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};

use super::map::Key;
use super::{List, Map, OwnedMap, Val};

/// A record as its JSON would be.
#[derive(Clone, Copy)]
pub struct Dynamic<'a> {
    ty: &'a Type,
    entries: &'a [(u16, Value)],
}

impl<'a> Dynamic<'a> {
    fn present(&self, index: usize) -> Option<&'a Value> {
        let at = self
            .entries
            .binary_search_by(|(found, _)| (*found as usize).cmp(&index))
            .ok()?;
        Some(&self.entries[at].1).filter(|value| !value.is_null())
    }

    /// The value of a field, if its JSON has it.
    pub fn get(&self, name: &str) -> Option<Val<'a>> {
        let index = self.ty.field_index(name)?;
        self.written(index)
    }

    fn written(&self, index: usize) -> Option<Val<'a>> {
        let field = &self.ty.fields[index];
        let present = self.present(index);
        json::is_written(field, present).then(|| match present {
            Some(value) => typed(&field.ty, value),
            None => absent(field),
        })
    }

    /// How many fields its JSON has.
    pub fn len(&self) -> usize {
        let fields = self.ty.fields.iter().enumerate();
        fields
            .filter(|(index, field)| json::is_written(field, self.present(*index)))
            .count()
    }

    /// Whether its JSON has no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fields that its JSON has.
    pub fn entries(&self) -> impl Iterator<Item = (Text, Val<'a>)> + '_ {
        (0..self.ty.fields.len()).filter_map(|index| {
            let name = Text::from(self.ty.fields[index].name.to_string());
            self.written(index).map(|value| (name, value))
        })
    }
}

impl<'a> From<&'a Record> for Dynamic<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            ty: record.ty(),
            entries: record.entries(),
        }
    }
}

/// What stands for a field that is absent but written.
fn absent<'a>(field: &'a Field) -> Val<'a> {
    if field.flags.has(Flags::POINTER) {
        return Val::Null;
    }
    match &field.ty {
        FieldType::String => Val::String(Text::default()),
        FieldType::Bool => Val::Bool(false),
        FieldType::Int32 | FieldType::Int64 => Val::Int(0),
        FieldType::Float64 => Val::Double(0.0),
        FieldType::Bytes | FieldType::Any | FieldType::List(_) | FieldType::Map(_) => Val::Null,
        FieldType::Object(ty) => match ty.shape {
            Shape::Struct => Val::Map(Map::Record(Dynamic { ty, entries: &[] })),
            Shape::Quantity => Val::String(Text::from_static("0")),
            Shape::Duration => Val::String(Text::from_static("0s")),
            Shape::IntOrString => Val::Int(0),
            Shape::SchemaOrBool => Val::Bool(false),
            _ => Val::Null,
        },
    }
}

fn typed<'a>(ty: &FieldType, value: &'a Value) -> Val<'a> {
    let shape = match ty {
        FieldType::Object(table) => table.shape,
        _ => Shape::Struct,
    };
    match value {
        Value::Int(nanos) if shape == Shape::Duration => Val::string(duration::format(*nanos)),
        Value::Time(time) if shape == Shape::MicroTime && !time.is_zero() => {
            let mut text = Vec::new();
            time.write_micros(&mut text);
            Val::string(String::from_utf8_lossy(&text).into_owned())
        }
        value => Val::from(value),
    }
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::List(items) => Self::List(List::Data(items)),
            Value::Map(map) => Self::Map(Map::Data(map)),
            Value::Record(record) => Self::from(record),
            scalar => scalar_of(scalar),
        }
    }
}

impl<'a> From<&'a Record> for Val<'a> {
    fn from(record: &'a Record) -> Self {
        Self::Map(Map::Record(Dynamic::from(record)))
    }
}

/// Data that nobody else keeps.
impl From<Value> for Val<'static> {
    fn from(value: Value) -> Self {
        match value {
            Value::List(items) => Self::list(items.into_iter().map(Val::from).collect()),
            Value::Map(map) => {
                let mut owned = OwnedMap::default();
                for (key, value) in map {
                    owned.insert(Key::String(key), Val::from(value));
                }
                Self::Map(Map::Owned(Arc::new(owned)))
            }
            Value::Record(record) => {
                let mut text = Vec::new();
                json::encode(&record, &mut text);
                scalar_of(&Value::Raw(text.into()))
            }
            scalar => scalar_of(&scalar),
        }
    }
}

fn scalar_of<'a>(value: &Value) -> Val<'a> {
    match value {
        Value::Bool(truth) => Val::Bool(*truth),
        Value::Int(number) => Val::Int(*number),
        Value::Float(number) => Val::Double(*number),
        Value::String(text) => Val::String(text.clone()),
        Value::Time(time) if !time.is_zero() => Val::string(time.to_string()),
        Value::Bytes(_) => {
            let mut text = Vec::new();
            json::encode_value(value, &mut text);
            let text = String::from_utf8_lossy(&text);
            Val::string(text.trim_matches('"'))
        }
        Value::Raw(text) => match json::decode_value(text, &mut Problems::ignored()) {
            Ok(Value::Raw(_)) | Err(_) => Val::Null,
            Ok(value) => Val::from(value),
        },
        _ => Val::Null,
    }
}
