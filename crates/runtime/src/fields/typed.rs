//! What somebody applies, read by the table of its kind.
//!
//! Nothing is lenient here, unlike in a decoder: a field that the kind does not have is an error, and so are two items
//! with the same key. `null` is kept, as it says something: the field is owned, and holds nothing.

use std::fmt;

use bytes::Bytes;

use crate::codec::{Problems, json};
use crate::patch::{go_type, printed};
use crate::quote::Quoted;
use crate::schema::{Field, FieldType, ListType, Shape, TypeRef};
use crate::value::{Map, Record, Value};

use super::atom::{Atom, TypeView, checked_key};
use super::element::{PathElement, Scalar};

/// Why a configuration is none of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Every place at which it does not fit the table; what upstream calls a typed patch object cannot be made.
    #[error("{0}")]
    Untyped(Mismatches),
    /// It fits, but a value in it has no meaning, such as a quantity that is none.
    #[error("{0}")]
    Meaningless(String),
}

/// The places at which a configuration does not fit, each with what is wrong there, as upstream shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatches(Vec<(String, String)>);

impl fmt::Display for Mismatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |f: &mut fmt::Formatter<'_>, (path, why): &(String, String)| {
            if path.is_empty() {
                f.write_str(why)
            } else {
                write!(f, "{path}: {why}")
            }
        };
        if let [only] = &self.0[..] {
            return one(f, only);
        }
        f.write_str("errors:")?;
        for mismatch in &self.0 {
            f.write_str("\n  ")?;
            one(f, mismatch)?;
        }
        Ok(())
    }
}

/// What somebody applies.
#[derive(Debug, Clone)]
pub struct Config {
    record: Record,
    /// With amounts as they were written, where one was not written as this server writes it.
    written: Option<Record>,
}

impl Config {
    /// The fields that somebody cares for.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The same for comparing: upstream takes `1000m` for another value than `1`.
    pub(super) fn written(&self) -> Option<&Record> {
        self.written.as_ref()
    }
}

impl From<Record> for Config {
    fn from(record: Record) -> Self {
        Self {
            record,
            written: None,
        }
    }
}

/// A configuration of type `ty`.
///
/// # Errors
/// See [`ConfigError`].
pub fn configuration(said: &Map, ty: &TypeRef) -> Result<Config, ConfigError> {
    let mut check = Check::default();
    check.fields(said, ty);
    if !check.found.is_empty() {
        return Err(ConfigError::Untyped(Mismatches(check.found)));
    }
    let mut text = Vec::new();
    json::encode_value(&Value::Map(said.clone()), &mut text);
    let mut record = json::decode(ty, &Bytes::from(text), &mut Problems::ignored())
        .map_err(|error| ConfigError::Meaningless(error.to_string()))?;
    if check.has_nulls {
        put_back(said, &mut record, &mut |said, _, _| said.is_null());
    }
    let mut is_odd = false;
    let written = check.has_amounts.then(|| {
        let mut written = record.clone();
        put_back(said, &mut written, &mut |said, ty, found| {
            let odd = is_quantity(ty) && found.is_some_and(|found| found != said);
            is_odd |= odd;
            odd
        });
        written
    });
    let written = written.filter(|_| is_odd);
    Ok(Config { record, written })
}

fn is_quantity(ty: &FieldType) -> bool {
    matches!(ty, FieldType::Object(ty) if ty.shape == Shape::Quantity)
}

#[derive(Default)]
struct Check {
    path: String,
    found: Vec<(String, String)>,
    has_nulls: bool,
    has_amounts: bool,
}

impl Check {
    fn wrong(&mut self, why: impl Into<String>) {
        self.found.push((self.path.clone(), why.into()));
    }

    fn below(&mut self, element: &PathElement, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(&element.to_string());
        check(self);
        self.path.truncate(length);
    }

    fn fields(&mut self, said: &Map, ty: &TypeRef) {
        for (key, value) in said.iter() {
            let element = PathElement::Field(key.clone());
            let Some(field) = ty.field(key) else {
                self.below(&element, |check| {
                    check.wrong("field not declared in schema");
                });
                // Upstream looks no further in this map.
                return;
            };
            self.below(&element, |check| check.field(value, field));
        }
    }

    fn field(&mut self, value: &Value, field: &Field) {
        match (&field.ty, value) {
            (_, Value::Null) => self.has_nulls = true,
            (FieldType::List(_), Value::List(items)) => self.items(items, field),
            _ => self.value(value, &field.ty),
        }
    }

    fn items(&mut self, items: &[Value], field: &Field) {
        let FieldType::List(element) = &field.ty else {
            return;
        };
        let view = TypeView::Field(field);
        let mut seen: Vec<PathElement> = Vec::with_capacity(items.len());
        let is_keyed = matches!(field.list_type, ListType::Map | ListType::Set);
        for (at, item) in items.iter().enumerate() {
            let place = if is_keyed {
                match item_place(view, item) {
                    Ok(place) => {
                        if seen.contains(&place) {
                            self.wrong(format!("duplicate entries for key {place}"));
                        }
                        seen.push(place.clone());
                        place
                    }
                    Err(why) => {
                        self.wrong(format!("element {at}: {why}"));
                        return;
                    }
                }
            } else {
                PathElement::Index(i64::try_from(at).unwrap_or(i64::MAX))
            };
            self.below(&place, |check| check.value(item, element));
        }
    }

    fn value(&mut self, value: &Value, ty: &FieldType) {
        match (ty, value) {
            (_, Value::Null) => self.has_nulls = true,
            (FieldType::Object(ty), value) => self.object(value, ty),
            (FieldType::Map(element), Value::Map(map)) => {
                for (key, value) in map.iter() {
                    let element_path = PathElement::Field(key.clone());
                    self.below(&element_path, |check| check.value(value, element));
                }
            }
            (FieldType::List(element), Value::List(items)) => {
                for (at, item) in items.iter().enumerate() {
                    let place = PathElement::Index(i64::try_from(at).unwrap_or(i64::MAX));
                    self.below(&place, |check| check.value(item, element));
                }
            }
            (FieldType::Map(_), other) => self.wrong(format!("expected map, got {}", shown(other))),
            (FieldType::List(_), other) => {
                self.wrong(format!("expected list, got {}", shown(other)));
            }
            (FieldType::String | FieldType::Bytes, other) => self.string(other),
            (FieldType::Bool, Value::Bool(_))
            | (FieldType::Any, _)
            | (
                FieldType::Int32 | FieldType::Int64 | FieldType::Float64,
                Value::Int(_) | Value::Float(_),
            ) => {}
            (FieldType::Bool, other) => {
                self.wrong(format!("expected boolean, got {}", shown(other)));
            }
            (FieldType::Int32 | FieldType::Int64 | FieldType::Float64, _) => {
                self.wrong(format!(
                    "expected numeric (int or float), got {}",
                    go_type(value)
                ));
            }
        }
    }

    fn object(&mut self, value: &Value, ty: &TypeRef) {
        match (ty.shape, value) {
            (Shape::Struct, Value::Map(map)) => self.fields(map, ty),
            (Shape::Struct, other) => self.wrong(format!("expected map, got {}", shown(other))),
            (Shape::Duration, other) => self.string(other),
            // Anything goes as far as the schema is concerned.
            (shape, _) => self.has_amounts |= shape == Shape::Quantity,
        }
    }

    fn string(&mut self, value: &Value) {
        if !matches!(value, Value::String(_)) {
            self.wrong(format!(
                "expected string, got &value.valueUnstructured{{Value:{}}}",
                go_syntax(value)
            ));
        }
    }
}

/// Where an item of a list with owners is, or why it is nowhere.
fn item_place(view: TypeView<'_>, item: &Value) -> Result<PathElement, String> {
    match (view.atom(item), item) {
        (Atom::List { .. }, Value::Null) => {
            Err("associative list with keys may not have a null element".to_owned())
        }
        (Atom::List { keys, element }, Value::Map(map)) => checked_key(keys, element, map),
        (Atom::List { .. }, _) => {
            Err("associative list with keys may not have non-map elements".to_owned())
        }
        (_, Value::Map(_)) => {
            Err("associative list without keys has an element that's a map type".to_owned())
        }
        (_, Value::List(_)) => {
            Err("not supported: associative list with lists as elements".to_owned())
        }
        (_, Value::Null) => {
            Err("associative list without keys has an element that's an explicit null".to_owned())
        }
        (_, item) => Ok(PathElement::Value(Scalar::of(item).unwrap_or(Scalar::Null))),
    }
}

/// A value as Go's `%v` prints the pointer to a struct that it is there.
fn shown(value: &Value) -> String {
    format!("&{{{}}}", printed(value))
}

/// A value as Go's `%#v` prints the `interface{}` that it is there.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{}:{}", Quoted(key), go_syntax(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        Value::String(text) => Quoted(text).to_string(),
        other => printed(other),
    }
}

/// Whether a value belongs back as it was said, by its type and what a decoder made of it.
type BelongsBack<'a> = &'a mut dyn FnMut(&Value, &FieldType, Option<&Value>) -> bool;

/// Puts values back that a decoder takes for something else, such as null for absence.
fn put_back(said: &Map, record: &mut Record, belongs: BelongsBack<'_>) {
    let ty = record.type_ref().clone();
    for (key, value) in said.iter() {
        let Some(index) = ty.field_index(key) else {
            continue;
        };
        let field = &ty.fields[index].ty;
        match record.get_mut(index) {
            Some(found) => put_back_into(value, field, found, belongs),
            None if belongs(value, field, None) => {
                record.set(index, value.clone());
            }
            None => {}
        }
    }
}

fn put_back_into(said: &Value, ty: &FieldType, found: &mut Value, belongs: BelongsBack<'_>) {
    if belongs(said, ty, Some(found)) {
        *found = said.clone();
        return;
    }
    match (said, ty, found) {
        (Value::Map(said), _, Value::Record(record)) => put_back(said, record, belongs),
        (Value::Map(said), FieldType::Map(element), Value::Map(map)) => {
            for (key, value) in said.iter() {
                if let Some(found) = map.get_mut(key) {
                    put_back_into(value, element, found, belongs);
                }
            }
        }
        (Value::List(said), FieldType::List(element), Value::List(items)) => {
            for (said, found) in said.iter().zip(items) {
                put_back_into(said, element, found, belongs);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::tables;
    use crate::schema::Ref;

    fn read(text: &'static str) -> Result<Config, ConfigError> {
        let said = json::decode_value(
            &Bytes::from_static(text.as_bytes()),
            &mut Problems::ignored(),
        );
        let Ok(Value::Map(said)) = said else {
            panic!("{text}");
        };
        configuration(&said, &Ref::Static(&tables::OBJECT_META))
    }

    #[track_caller]
    fn refuses(text: &'static str, expected: &str) {
        assert_eq!(
            read(text)
                .map_err(|error| error.to_string())
                .err()
                .as_deref(),
            Some(expected),
            "{text}"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_in_upstreams_words() {
        refuses(r#"{"bogus":1}"#, ".bogus: field not declared in schema");
        refuses(
            r#"{"labels":{"a":true}}"#,
            ".labels.a: expected string, got &value.valueUnstructured{Value:true}",
        );
        refuses(r#"{"labels":[1]}"#, ".labels: expected map, got &{[1]}");
        refuses(
            r#"{"generation":"1"}"#,
            ".generation: expected numeric (int or float), got string",
        );
        refuses(
            r#"{"finalizers":["a","a"],"labels":{"b":{}}}"#,
            "errors:\n  .finalizers: duplicate entries for key [=\"a\"]\n  .labels.b: expected string, got \
             &value.valueUnstructured{Value:map[string]interface {}{}}",
        );
        refuses(
            r#"{"ownerReferences":[{"name":"a"}]}"#,
            ".ownerReferences: element 0: associative list with keys has an element that omits key field \"uid\" (and \
             doesn't have default value)",
        );
    }

    #[test]
    fn null_is_kept() {
        let config = read(r#"{"labels":null,"annotations":{"a":null},"name":"x"}"#).unwrap();
        let record = config.record();
        assert_eq!(record.get_by_name("labels"), Some(&Value::Null));
        let annotations = record.get_by_name("annotations").and_then(Value::as_map);
        assert_eq!(annotations.and_then(|map| map.get("a")), Some(&Value::Null));
    }
}
