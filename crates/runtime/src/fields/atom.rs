//! How apply sees a type: as a leaf, a list or a map.

use std::borrow::Cow;

use crate::quote::Quoted;
use crate::schema::{Field, FieldType, ListType, MapType, Shape};
use crate::text::Text;
use crate::value::{Map, Record, Value};

use super::element::{PathElement, Scalar};
use super::normal::reflected;

/// How records are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lens {
    /// As they are.
    Plain,
    /// With presence as upstream's reflection sees it, as if they were in normal form.
    Reflected,
}

impl Lens {
    /// A field as it is seen.
    pub(super) fn field<'v>(
        self,
        field: &Field,
        value: Option<&'v Value>,
    ) -> Option<Cow<'v, Value>> {
        match self {
            Self::Plain => value.map(Cow::Borrowed),
            Self::Reflected => reflected(field, value),
        }
    }
}

/// A type with what the field that holds it says of ownership.
#[derive(Clone, Copy, Debug)]
pub(super) enum TypeView<'a> {
    /// A field of a struct.
    Field(&'a Field),
    /// An element of a list or map.
    Element(&'a FieldType),
    /// Something whose type nobody declared: maps are granular, lists atomic.
    Deduced,
}

/// What a value is to apply.
#[derive(Clone, Copy, Debug)]
pub(super) enum Atom<'a> {
    /// Owned as a whole.
    Leaf,
    /// A struct whose fields have owners.
    Struct,
    /// A map whose keys have owners.
    Map(TypeView<'a>),
    /// A list whose values have owners.
    Set,
    /// A list whose items, found by keys, have owners.
    List {
        keys: &'a [Cow<'static, str>],
        element: &'a FieldType,
    },
}

impl<'a> TypeView<'a> {
    /// The declared type.
    pub(super) fn declared(self) -> Option<&'a FieldType> {
        match self {
            Self::Field(field) => Some(&field.ty),
            Self::Element(ty) => Some(ty),
            Self::Deduced => None,
        }
    }

    /// How a value of this type is owned. `value` decides where the type is open.
    pub(super) fn atom(self, value: &Value) -> Atom<'a> {
        match self {
            Self::Deduced => match value {
                Value::Map(_) => Atom::Map(Self::Deduced),
                _ => Atom::Leaf,
            },
            Self::Element(ty) => of_type(ty, ListType::Unspecified, &[], MapType::Unspecified),
            Self::Field(field) => {
                of_type(&field.ty, field.list_type, &field.list_keys, field.map_type)
            }
        }
    }
}

fn of_type<'a>(
    ty: &'a FieldType,
    list: ListType,
    keys: &'a [Cow<'static, str>],
    map: MapType,
) -> Atom<'a> {
    match ty {
        FieldType::Object(ty) => match ty.shape {
            Shape::Struct if map == MapType::Atomic || ty.map_type == MapType::Atomic => Atom::Leaf,
            Shape::Struct => Atom::Struct,
            Shape::FieldsV1 => Atom::Map(TypeView::Deduced),
            _ => Atom::Leaf,
        },
        FieldType::Map(_) if map == MapType::Atomic => Atom::Leaf,
        FieldType::Map(element) => Atom::Map(TypeView::Element(element)),
        FieldType::List(element) => match list {
            ListType::Set => Atom::Set,
            ListType::Map => Atom::List { keys, element },
            ListType::Atomic | ListType::Unspecified => Atom::Leaf,
        },
        FieldType::Any => Atom::Map(TypeView::Deduced),
        _ => Atom::Leaf,
    }
}

/// The path element of an item in a [`Atom::List`]: its keys, sorted by name. A key that is
/// missing counts with its default.
pub(super) fn item_key(keys: &[Cow<'static, str>], item: &Value, lens: Lens) -> PathElement {
    let mut found: Vec<(Text, Scalar)> = keys
        .iter()
        .filter_map(|key| {
            let value = match item {
                Value::Record(record) => key_of_record(record, key, lens),
                Value::Map(map) => map.get(key).and_then(Scalar::of),
                _ => None,
            };
            value.map(|value| (Text::from(key.clone()), value))
        })
        .collect();
    found.sort_unstable();
    PathElement::Key(found)
}

/// The same of an item that somebody applies, who has to say every key that has no default.
pub(super) fn checked_key(
    keys: &[Cow<'static, str>],
    element: &FieldType,
    item: &Map,
) -> Result<PathElement, String> {
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let default = || match element {
            FieldType::Object(ty) => ty.field(key).and_then(default_of),
            _ => None,
        };
        let value = match item.get(key) {
            Some(value) => Scalar::of(value).or_else(default),
            None => default(),
        };
        let value = value.ok_or_else(|| {
            format!(
                "associative list with keys has an element that omits key field {} (and doesn't have default value)",
                Quoted(key)
            )
        })?;
        found.push((Text::from(key.to_string()), value));
    }
    found.sort();
    Ok(PathElement::Key(found))
}

fn key_of_record(record: &Record, key: &str, lens: Lens) -> Option<Scalar> {
    let index = record.ty().field_index(key)?;
    let field = &record.ty().fields[index];
    match lens.field(field, record.get(index)) {
        Some(value) if !value.is_null() => Scalar::of(&value),
        _ => default_of(field),
    }
}

/// The declared default of a key, such as `TCP` of a container port's protocol.
fn default_of(field: &Field) -> Option<Scalar> {
    let text = field.default.as_ref();
    if text.is_empty() {
        return None;
    }
    match serde_json::from_str(text) {
        Ok(serde_json::Value::String(text)) => Some(Scalar::String(Text::from(text))),
        Ok(serde_json::Value::Bool(truth)) => Some(Scalar::Bool(truth)),
        Ok(serde_json::Value::Number(number)) => number.as_i64().map(Scalar::Int),
        _ => None,
    }
}
