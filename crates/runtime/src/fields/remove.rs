//! Taking paths out of an object.

use crate::value::{Map, Record, Value};

use super::atom::{Atom, Lens, TypeView, item_key};
use super::element::{PathElement, Scalar};
use super::set::Set;

/// `record` without what is at the paths of `set`.
pub(super) fn from_record(record: &Record, set: &Set) -> Record {
    let mut out = Record::new(record.type_ref().clone());
    for (index, field, value) in record.iter() {
        let element = PathElement::Field(field.name.to_string().into());
        if set.has(&element) {
            continue;
        }
        let value = match set.below(&element) {
            None => value.clone(),
            Some(below) => from_value(value, TypeView::Field(field), below),
        };
        out.set(index, value);
    }
    out
}

/// What is left of `value`; null if nothing is.
fn from_value(value: &Value, view: TypeView<'_>, set: &Set) -> Value {
    match (view.atom(value), value) {
        (Atom::Struct, Value::Record(record)) => {
            let left = from_record(record, set);
            if left.is_empty() {
                Value::Null
            } else {
                Value::Record(left)
            }
        }
        (Atom::Map(element), Value::Map(map)) => {
            let left: Map = map
                .iter()
                .filter_map(|(key, value)| {
                    let at = PathElement::Field(key.clone());
                    kept(&at, value, element, set).map(|value| (key.clone(), value))
                })
                .collect();
            if left.is_empty() {
                Value::Null
            } else {
                Value::Map(left)
            }
        }
        (Atom::Set, Value::List(items)) => {
            let left: Vec<_> = items
                .iter()
                .filter(|item| {
                    !Scalar::of(item).is_some_and(|item| set.has(&PathElement::Value(item)))
                })
                .cloned()
                .collect();
            if left.is_empty() {
                Value::Null
            } else {
                Value::List(left)
            }
        }
        (Atom::List { keys, element }, Value::List(items)) => {
            let left: Vec<_> = items
                .iter()
                .filter_map(|item| {
                    kept(
                        &item_key(keys, item, Lens::Plain),
                        item,
                        TypeView::Element(element),
                        set,
                    )
                })
                .collect();
            if left.is_empty() {
                Value::Null
            } else {
                Value::List(left)
            }
        }
        // Paths below a leaf remove the leaf.
        (Atom::Leaf, _) => Value::Null,
        _ => value.clone(),
    }
}

fn kept(at: &PathElement, value: &Value, view: TypeView<'_>, set: &Set) -> Option<Value> {
    if set.has(at) {
        return None;
    }
    Some(match set.below(at) {
        None => value.clone(),
        Some(below) => from_value(value, view, below),
    })
}
