//! An object as data: [`Value`] and [`Record`].
//!
//! Presence is exact: a field that is absent is not in the record, one that was given as `null` is
//! [`Value::Null`], one that was given as zero is there with its zero. What an absent or null field
//! means is the table's business (see [`crate::schema`]) and the codecs'.

use std::fmt;

use bytes::Bytes;

use crate::schema::{Field, Type, TypeRef};
use crate::text::Text;
use crate::time::Time;

/// A value of any type.
///
/// Which variant a field of a [`Record`] has follows from its type in the table: a quantity is a
/// [`Value::String`] in canonical form, a duration is a [`Value::Int`] of nanoseconds, an
/// int-or-string is either, an embedded object is [`Value::Raw`].
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `null`: given, and given as nothing.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// A string.
    String(Text),
    /// Bytes, decoded from base64.
    Bytes(Bytes),
    /// A point in time; the field's type says to which precision.
    Time(Time),
    /// JSON text that is passed on as it came: valid, not necessarily compact.
    Raw(Bytes),
    /// A list.
    List(Vec<Value>),
    /// A map with string keys.
    Map(Map),
    /// An object with a table.
    Record(Record),
}

impl Value {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The record.
    pub fn as_record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            _ => None,
        }
    }

    /// Whether it is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Go's `omitempty`: null, false, zero, and strings, lists, maps and bytes without content.
    /// A record is never empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(truth) => !truth,
            Self::Int(number) => *number == 0,
            Self::Float(number) => *number == 0.0,
            Self::String(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.is_empty(),
            Self::Time(_) | Self::Raw(_) | Self::Record(_) => false,
        }
    }
}

/// A map with string keys, kept in bytewise order of the keys.
#[derive(Clone, Default, PartialEq)]
pub struct Map(Vec<(Text, Value)>);

impl Map {
    /// No entries.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// From entries in any order. Of entries with the same key the last one counts.
    pub fn from_entries(mut entries: Vec<(Text, Value)>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Self(entries)
    }

    /// The value at `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).ok().map(|at| &self.0[at].1)
    }

    /// The value at `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.position(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Puts `value` at `key` and gives back what was there.
    pub fn insert(&mut self, key: impl Into<Text>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.position(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes the value at `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.position(key).ok().map(|at| self.0.remove(at).1)
    }

    /// Whether `key` has a value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_ok()
    }

    /// The entries in order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> + DoubleEndedIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The entries in order of the keys, values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&Text, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(found, _)| found.as_bytes().cmp(key.as_bytes()))
    }
}

impl IntoIterator for Map {
    type Item = (Text, Value);
    type IntoIter = std::vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(Text, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().collect())
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Fields for which there is room at once in a record that is decoded.
const ROOM: usize = 8;

/// An object with a table: its type and the fields that are present, in declaration order.
#[derive(Clone, PartialEq)]
pub struct Record {
    ty: TypeRef,
    fields: Vec<(u16, Value)>,
}

impl Record {
    /// An object of type `ty` without any field.
    pub const fn new(ty: TypeRef) -> Self {
        Self {
            ty,
            fields: Vec::new(),
        }
    }

    /// The same with room for some fields: as many as an object of that type may well have.
    pub(crate) fn with_room(ty: TypeRef) -> Self {
        let fields = Vec::with_capacity(ty.fields.len().min(ROOM));
        Self { ty, fields }
    }

    /// The table.
    #[inline]
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The table, to make another record of the type.
    #[inline]
    pub fn type_ref(&self) -> &TypeRef {
        &self.ty
    }

    /// The same fields under another table; both must have the same fields at the same positions,
    /// as versions that differ in name only do.
    pub fn with_type(mut self, ty: TypeRef) -> Self {
        debug_assert_eq!(self.ty.fields.len(), ty.fields.len());
        self.ty = ty;
        self
    }

    /// The value of the field at position `index`, if present.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.position(index).ok().map(|at| &self.fields[at].1)
    }

    /// The value of the field at position `index`, to change.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Value> {
        self.position(index).ok().map(|at| &mut self.fields[at].1)
    }

    /// The value of the field called `name`; for generic code that has a path, not a kind.
    pub fn get_by_name(&self, name: &str) -> Option<&Value> {
        self.get(self.ty.field_index(name)?)
    }

    /// Sets the field at position `index` and gives back what was there.
    pub fn set(&mut self, index: usize, value: Value) -> Option<Value> {
        debug_assert!(index < self.ty.fields.len());
        match self.place(index) {
            Ok(at) => Some(std::mem::replace(&mut self.fields[at].1, value)),
            Err(at) => {
                self.fields.insert(at, (index as u16, value));
                None
            }
        }
    }

    /// The field at position `index`; `make` provides it if it is absent or null.
    pub fn get_or_insert_with(&mut self, index: usize, make: impl FnOnce() -> Value) -> &mut Value {
        let at = match self.place(index) {
            Ok(at) => {
                if self.fields[at].1.is_null() {
                    self.fields[at].1 = make();
                }
                at
            }
            Err(at) => {
                self.fields.insert(at, (index as u16, make()));
                at
            }
        };
        &mut self.fields[at].1
    }

    /// Takes the field at position `index` out.
    pub fn remove(&mut self, index: usize) -> Option<Value> {
        self.position(index).ok().map(|at| self.fields.remove(at).1)
    }

    /// The present fields, in declaration order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &Field, &Value)> {
        self.fields.iter().map(|(index, value)| {
            let index = *index as usize;
            (index, &self.ty.fields[index], value)
        })
    }

    /// The positions and values of the present fields, in declaration order.
    #[inline]
    pub fn entries(&self) -> &[(u16, Value)] {
        &self.fields
    }

    /// The positions and values of the present fields, taken apart.
    pub fn into_entries(self) -> impl ExactSizeIterator<Item = (usize, Value)> {
        self.fields
            .into_iter()
            .map(|(index, value)| (index as usize, value))
    }

    /// The present fields, to change; positions stay as they are.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (usize, &mut Value)> {
        self.fields
            .iter_mut()
            .map(|(index, value)| (*index as usize, value))
    }

    /// Keeps the fields for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, &mut Value) -> bool) {
        self.fields
            .retain_mut(|(index, value)| keep(*index as usize, value));
    }

    /// Whether no field is present.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Where a field is, or belongs that is written: most often behind all others.
    #[inline]
    fn place(&self, index: usize) -> Result<usize, usize> {
        match self.fields.last() {
            Some((last, _)) if usize::from(*last) >= index => self.position(index),
            _ => Err(self.fields.len()),
        }
    }

    #[inline]
    fn position(&self, index: usize) -> Result<usize, usize> {
        // Most records hold a handful of fields, most of them near their place.
        self.fields
            .binary_search_by(|(found, _)| (*found as usize).cmp(&index))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(&self.ty.name);
        for (_, field, value) in self.iter() {
            shown.field(&field.name, value);
        }
        shown.finish()
    }
}
