//! The paths that an object sets.

use crate::schema::{FieldType, Type};
use crate::value::{Record, Value};

use super::atom::{Atom, Lens, TypeView, item_key};
use super::element::{PathElement, Scalar};
use super::set::Set;

/// The paths that `record` sets: what its applier comes to own.
pub(super) fn of_record(record: &Record) -> Set {
    let mut set = Set::new();
    fields(record, &mut set);
    set
}

/// Whether the value itself is a member, and what below it is.
fn of_value(value: &Value, view: TypeView<'_>) -> (bool, Set) {
    let mut below = Set::new();
    match view.atom(value) {
        Atom::Leaf => return (true, below),
        Atom::Struct => {
            if let Value::Record(record) = value {
                fields(record, &mut below);
            }
        }
        Atom::Map(element) => {
            for (key, value) in value.as_map().into_iter().flat_map(|map| map.iter()) {
                let (_, under) = of_value(value, element);
                below.push_sorted(PathElement::Field(key.clone()), true, under);
            }
        }
        Atom::Set => {
            for item in value.as_list().into_iter().flatten() {
                if let Some(item) = Scalar::of(item) {
                    below.push_sorted(PathElement::Value(item), true, Set::new());
                }
            }
        }
        Atom::List { keys, element } => {
            for item in value.as_list().into_iter().flatten() {
                let (_, under) = of_value(item, TypeView::Element(element));
                below.push_sorted(item_key(keys, item, Lens::Plain), true, under);
            }
        }
    }
    (false, below)
}

fn fields(record: &Record, set: &mut Set) {
    for (_, field, value) in record.iter() {
        let (leaf, below) = of_value(value, TypeView::Field(field));
        let hollow = match value {
            Value::Null => true,
            Value::Record(record) => record.is_empty(),
            Value::Map(map) => map.is_empty(),
            _ => false,
        };
        set.push_sorted(
            PathElement::Field(field.name.clone().into()),
            leaf || hollow,
            below,
        );
    }
}

impl Set {
    /// This set, with every declared field on the way to a member being a member too.
    pub(super) fn with_named_fields(&self, ty: &Type) -> Self {
        named(self, Place::Struct(ty))
    }
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Struct(&'a Type),
    Elements(&'a FieldType),
    Open,
}

fn named(set: &Set, place: Place<'_>) -> Set {
    let mut out = Set::new();
    for entry in set.entries() {
        let (declared, below) = match (place, &entry.element) {
            (Place::Struct(ty), PathElement::Field(name)) => match ty.field(name) {
                Some(field) => (true, inside(&field.ty)),
                None => (false, Place::Open),
            },
            (Place::Elements(element), _) => (false, inside(element)),
            _ => (false, Place::Open),
        };
        let member = entry.member || (declared && !entry.children.is_empty());
        out.push_sorted(entry.element.clone(), member, named(&entry.children, below));
    }
    out
}

fn inside(ty: &FieldType) -> Place<'_> {
    match ty {
        FieldType::Object(ty) => Place::Struct(ty),
        FieldType::List(element) | FieldType::Map(element) => Place::Elements(element),
        _ => Place::Open,
    }
}
