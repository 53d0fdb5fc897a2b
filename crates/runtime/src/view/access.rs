//! What the methods of views are made of: a field at a position, read as Go would or changed.
//!
//! Nothing here is generic, so a view's method is a call with a constant.

pub use bytes::Bytes;

pub use crate::int_or_string::IntOrString;

use crate::text::Text;
use crate::time::Time;
use crate::value::{Map, Record, Value};

impl From<IntOrString<'_>> for Value {
    fn from(value: IntOrString<'_>) -> Self {
        match value {
            IntOrString::Int(number) => Self::Int(number.into()),
            IntOrString::String(text) => Self::String(Text::from(text.to_owned())),
        }
    }
}

static NO_BYTES: Bytes = Bytes::new();
static NO_MAP: Map = Map::new();

/// The field at `at`, unless it is absent or null.
#[inline]
pub fn any(record: &Record, at: usize) -> Option<&Value> {
    match record.get(at) {
        None | Some(Value::Null) => None,
        present => present,
    }
}

/// A string behind a pointer.
pub fn opt_text(record: &Record, at: usize) -> Option<&str> {
    record.get(at)?.as_str()
}

/// A string.
pub fn text(record: &Record, at: usize) -> &str {
    opt_text(record, at).unwrap_or("")
}

/// A boolean behind a pointer.
pub fn opt_boolean(record: &Record, at: usize) -> Option<bool> {
    record.get(at)?.as_bool()
}

/// A boolean.
pub fn boolean(record: &Record, at: usize) -> bool {
    opt_boolean(record, at).unwrap_or(false)
}

/// A 64-bit integer behind a pointer.
pub fn opt_int64(record: &Record, at: usize) -> Option<i64> {
    record.get(at)?.as_int()
}

/// A 64-bit integer.
pub fn int64(record: &Record, at: usize) -> i64 {
    opt_int64(record, at).unwrap_or(0)
}

/// A 32-bit integer behind a pointer; the codecs let no other in.
pub fn opt_int32(record: &Record, at: usize) -> Option<i32> {
    opt_int64(record, at).map(|number| number as i32)
}

/// A 32-bit integer.
pub fn int32(record: &Record, at: usize) -> i32 {
    opt_int32(record, at).unwrap_or(0)
}

/// A floating point number behind a pointer.
pub fn opt_float(record: &Record, at: usize) -> Option<f64> {
    match record.get(at)? {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        _ => None,
    }
}

/// Bytes, decoded from base64.
pub fn bytes(record: &Record, at: usize) -> &Bytes {
    match record.get(at) {
        Some(Value::Bytes(bytes)) => bytes,
        _ => &NO_BYTES,
    }
}

/// JSON text that is passed on as it came.
pub fn raw(record: &Record, at: usize) -> Option<&Bytes> {
    match record.get(at)? {
        Value::Raw(bytes) => Some(bytes),
        _ => None,
    }
}

/// A point in time; Go's zero time is none.
pub fn time(record: &Record, at: usize) -> Option<Time> {
    match record.get(at)? {
        Value::Time(time) if !time.is_zero() => Some(*time),
        _ => None,
    }
}

/// A number or a string behind a pointer.
pub fn opt_int_or_string(record: &Record, at: usize) -> Option<IntOrString<'_>> {
    match record.get(at)? {
        Value::Int(number) => Some(IntOrString::Int(*number as i32)),
        Value::String(text) => Some(IntOrString::String(text.as_str())),
        _ => None,
    }
}

/// A number or a string; number 0 where there is neither.
pub fn int_or_string(record: &Record, at: usize) -> IntOrString<'_> {
    opt_int_or_string(record, at).unwrap_or(IntOrString::Int(0))
}

/// The items of a list.
pub fn values(record: &Record, at: usize) -> &[Value] {
    items(record, at).unwrap_or_default()
}

/// The items of a list, if it is there.
pub fn items(record: &Record, at: usize) -> Option<&[Value]> {
    record.get(at)?.as_list()
}

/// The entries of a map.
pub fn map(record: &Record, at: usize) -> &Map {
    entries(record, at).unwrap_or(&NO_MAP)
}

/// The entries of a map, if it is there.
pub fn entries(record: &Record, at: usize) -> Option<&Map> {
    record.get(at)?.as_map()
}

/// A struct, if it is there.
pub fn object(record: &Record, at: usize) -> Option<&Record> {
    record.get(at)?.as_record()
}

/// A struct to change, if it is there.
pub fn object_mut(record: &mut Record, at: usize) -> Option<&mut Record> {
    match record.get_mut(at)? {
        Value::Record(inner) => Some(inner),
        _ => None,
    }
}

/// A struct to change; `new` if it is not there.
pub fn object_or(record: &mut Record, at: usize, new: fn() -> Record) -> &mut Record {
    if object(record, at).is_none() {
        record.set(at, Value::Record(new()));
    }
    match record.get_mut(at) {
        Some(Value::Record(inner)) => inner,
        _ => unreachable!("the record was set above"),
    }
}

/// The items of a list to change, if it is there.
pub fn items_mut(record: &mut Record, at: usize) -> Option<&mut Vec<Value>> {
    match record.get_mut(at)? {
        Value::List(items) => Some(items),
        _ => None,
    }
}

/// The items of a list to change; an empty list if it is not there.
pub fn items_or_new(record: &mut Record, at: usize) -> &mut Vec<Value> {
    if items(record, at).is_none() {
        record.set(at, Value::List(Vec::new()));
    }
    match record.get_mut(at) {
        Some(Value::List(items)) => items,
        _ => unreachable!("the list was set above"),
    }
}

/// The entries of a map to change, if it is there.
pub fn entries_mut(record: &mut Record, at: usize) -> Option<&mut Map> {
    match record.get_mut(at)? {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

/// The entries of a map to change; an empty map if it is not there.
pub fn entries_or_new(record: &mut Record, at: usize) -> &mut Map {
    if entries(record, at).is_none() {
        record.set(at, Value::Map(Map::new()));
    }
    match record.get_mut(at) {
        Some(Value::Map(map)) => map,
        _ => unreachable!("the map was set above"),
    }
}
