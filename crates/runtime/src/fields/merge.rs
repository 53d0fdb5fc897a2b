//! Laying an applied configuration over the live object.

use crate::value::{Map, Record, Value};

use super::atom::{Atom, Lens, TypeView, item_key};
use super::element::{PathElement, Scalar};

/// `live` with everything that `config` sets, whoever owns it.
pub fn records(live: &Record, config: &Record) -> Record {
    let mut out = live.clone();
    for (index, field, value) in config.iter() {
        let merged = match live.get(index) {
            Some(old) => values(old, value, TypeView::Field(field)),
            None => value.clone(),
        };
        out.set(index, merged);
    }
    out
}

/// Where `config` sets a list, map or struct that has one owner only, and so would be replaced as a whole.
pub fn atomics(config: &Record) -> Vec<String> {
    let mut found = Vec::new();
    atomics_below(config, "", &mut found);
    found
}

fn atomics_below(record: &Record, path: &str, found: &mut Vec<String>) {
    for (_, field, value) in record.iter() {
        let path = format!("{path}.{}", field.name);
        atomics_in(value, TypeView::Field(field), &path, found);
    }
}

fn atomics_in(value: &Value, view: TypeView<'_>, path: &str, found: &mut Vec<String>) {
    match (view.atom(value), value) {
        (Atom::Struct, Value::Record(record)) => atomics_below(record, path, found),
        (Atom::Map(element), Value::Map(map)) => {
            for (key, value) in map.iter() {
                atomics_in(value, element, &format!("{path}.{key}"), found);
            }
        }
        (Atom::List { element, .. }, Value::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                atomics_in(item, TypeView::Element(element), &path, found);
            }
        }
        (Atom::Leaf, Value::List(_) | Value::Map(_) | Value::Record(_)) => {
            found.push(path.to_owned());
        }
        _ => {}
    }
}

fn values(old: &Value, new: &Value, view: TypeView<'_>) -> Value {
    match (view.atom(new), old, new) {
        (Atom::Struct, Value::Record(old), Value::Record(new)) => Value::Record(records(old, new)),
        (Atom::Map(element), Value::Map(old), Value::Map(new)) => {
            let mut merged: Map = old.clone();
            for (key, value) in new.iter() {
                let value = match old.get(key) {
                    Some(old) => values(old, value, element),
                    None => value.clone(),
                };
                merged.insert(key.clone(), value);
            }
            Value::Map(merged)
        }
        (Atom::Set, Value::List(old), Value::List(new)) => {
            let element =
                |item: &Value| PathElement::Value(Scalar::of(item).unwrap_or(Scalar::Null));
            Value::List(lists(old, new, element, |_, new| new.clone()))
        }
        (Atom::List { keys, element }, Value::List(old), Value::List(new)) => Value::List(lists(
            old,
            new,
            |item| item_key(keys, item, Lens::Plain),
            |old, new| values(old, new, TypeView::Element(element)),
        )),
        // A granular list or map that is applied empty or null takes nothing away.
        (Atom::Set | Atom::List { .. }, Value::List(_), Value::Null) => old.clone(),
        _ => new.clone(),
    }
}

/// Merges two lists: the items of both, those of `new` in its order, those only in `old` where they
/// stand between items that both have.
fn lists(
    old: &[Value],
    new: &[Value],
    element: impl Fn(&Value) -> PathElement,
    merge: impl Fn(&Value, &Value) -> Value,
) -> Vec<Value> {
    let old: Vec<_> = old.iter().map(|item| (element(item), item)).collect();
    let new: Vec<_> = new.iter().map(|item| (element(item), item)).collect();
    let in_old = |at: &PathElement| old.iter().find(|item| item.0 == *at).map(|item| item.1);
    let in_new = |at: &PathElement| new.iter().any(|item| item.0 == *at);
    let mut shared = new
        .iter()
        .map(|item| &item.0)
        .filter(|at| in_old(at).is_some());
    let mut next = shared.next();
    let mut merged: Vec<&PathElement> = Vec::with_capacity(new.len());
    let mut out = Vec::with_capacity(old.len().max(new.len()));
    let (mut left, mut right) = (0, 0);
    while left < old.len() || right < new.len() {
        if let (Some((at, was)), Some((here, is))) = (old.get(left), new.get(right)) {
            if at == here {
                merged.push(here);
                out.push(merge(was, is));
                left += 1;
                right += 1;
                next = shared.next();
                continue;
            }
            if in_new(at) && next.is_some_and(|next| next != at) {
                // Shared, but it is another one's turn.
                left += 1;
                continue;
            }
        }
        if let Some((at, was)) = old.get(left) {
            if !in_new(at) {
                out.push((*was).clone());
                left += 1;
                continue;
            }
            if merged.contains(&at) {
                left += 1;
            }
        }
        if let Some((here, is)) = new.get(right) {
            merged.push(here);
            out.push(in_old(here).map_or_else(|| (*is).clone(), |was| merge(was, is)));
            right += 1;
            if next == Some(here) {
                next = shared.next();
            }
        }
    }
    out
}
