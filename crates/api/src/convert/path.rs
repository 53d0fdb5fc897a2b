//! Fields by dotted name, for conversions that are lists of names.

use pintle_runtime::schema::{FieldType, TypeRef};
use pintle_runtime::value::{Record, Value};

/// The value at `path`, unless it is absent or null.
pub(super) fn get<'a>(record: &'a Record, path: &str) -> Option<&'a Value> {
    let (head, rest) = path
        .split_once('.')
        .map_or((path, None), |(head, rest)| (head, Some(rest)));
    let found = record.get_by_name(head).filter(|value| !value.is_null())?;
    match rest {
        None => Some(found),
        Some(rest) => get(found.as_record()?, rest),
    }
}

/// Puts `value` at `path` and makes the structs on the way; a path that the type does not have is ignored.
pub(super) fn set(record: &mut Record, path: &str, value: Value) {
    let (head, rest) = path
        .split_once('.')
        .map_or((path, None), |(head, rest)| (head, Some(rest)));
    let Some(at) = record.ty().field_index(head) else {
        return;
    };
    let Some(rest) = rest else {
        record.set(at, value);
        return;
    };
    let Some(ty) = struct_of(&record.ty().fields[at].ty) else {
        return;
    };
    if let Value::Record(inner) = record.get_or_insert_with(at, || Value::Record(Record::new(ty))) {
        set(inner, rest, value);
    }
}

/// The struct that a field holds, itself or as its elements.
pub(super) fn struct_of(ty: &FieldType) -> Option<TypeRef> {
    match ty {
        FieldType::Object(ty) => Some(ty.clone()),
        FieldType::List(element) => struct_of(element),
        _ => None,
    }
}
