//! What differs between two objects, path by path.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::value::{Record, Value};

use super::atom::{Atom, Lens, TypeView, item_key};
use super::element::{PathElement, Scalar};
use super::normal::normal_value;
use super::set::Set;

/// The paths at which two objects differ.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Only in the new object.
    pub added: Set,
    /// In both, with different values.
    pub modified: Set,
    /// Only in the old object.
    pub removed: Set,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Without what is at or below the paths of `ignored`.
    #[must_use]
    pub fn without(self, ignored: &Set) -> Self {
        Self {
            added: self.added.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
        }
    }

    fn push(&mut self, element: &PathElement, (change, below): (Option<Change>, Self)) {
        let push = |set: &mut Set, member: bool, below: Set| {
            if member || !below.is_empty() {
                set.push_sorted(element.clone(), member, below);
            }
        };
        push(&mut self.added, change == Some(Change::Added), below.added);
        push(
            &mut self.modified,
            change == Some(Change::Modified),
            below.modified,
        );
        push(
            &mut self.removed,
            change == Some(Change::Removed),
            below.removed,
        );
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Modified,
    Removed,
}

/// Compares two objects of one type as they are seen through `lens`. Parts that are the same are not looked into.
pub(super) fn records(old: &Record, new: &Record, lens: Lens) -> Comparison {
    let mut found = Comparison::default();
    lens.of_fields(old, new, &mut found);
    found
}

impl Lens {
    fn values(
        self,
        old: Option<&Value>,
        new: Option<&Value>,
        view: TypeView<'_>,
    ) -> (Option<Change>, Comparison) {
        let mut found = Comparison::default();
        match (old, new) {
            (None, Some(only)) => {
                found.added = self.all_below(only, view);
                return (Some(Change::Added), found);
            }
            (Some(only), None) => {
                found.removed = self.all_below(only, view);
                return (Some(Change::Removed), found);
            }
            _ => {}
        }
        // Null fits any type; the other side says what there is to see.
        let solid = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
        let shown = if solid(new) { new } else { old };
        let atom = view.atom(shown.unwrap_or(&Value::Null));
        let leaf = matches!(atom, Atom::Leaf)
            || (self.is_hollow(old) && self.is_hollow(new))
            || (solid(old)
                && solid(new)
                && old.map(std::mem::discriminant) != new.map(std::mem::discriminant));
        if leaf {
            return (self.leaf_change(old, new, view), found);
        }
        let below = &mut found;
        match atom {
            Atom::Leaf => {}
            Atom::Struct => {
                let records = (
                    old.and_then(Value::as_record),
                    new.and_then(Value::as_record),
                );
                match records {
                    (Some(old), Some(new)) => self.of_fields(old, new, below),
                    (Some(only), None) => below.removed = self.all_fields(only),
                    (None, Some(only)) => below.added = self.all_fields(only),
                    (None, None) => {}
                }
            }
            Atom::Map(element) => {
                self.join(&map_entries(old), &map_entries(new), element, below);
            }
            Atom::Set => self.join(&set_items(old), &set_items(new), TypeView::Deduced, below),
            Atom::List { keys, element } => {
                self.join(
                    &self.keyed_items(old, keys),
                    &self.keyed_items(new, keys),
                    TypeView::Element(element),
                    below,
                );
            }
        }
        (None, found)
    }

    /// What of `element` is new or another where `new` took the place of `old`.
    pub(super) fn changes(
        self,
        old: Option<&Value>,
        new: &Value,
        view: TypeView<'_>,
        element: &PathElement,
    ) -> Set {
        let mut found = Comparison::default();
        found.push(element, self.values(old, Some(new), view));
        found.modified.union(found.added)
    }

    /// All paths below a value that is on one side only.
    fn all_below(self, only: &Value, view: TypeView<'_>) -> Set {
        if self.is_hollow(Some(only)) {
            return Set::new();
        }
        match view.atom(only) {
            Atom::Leaf => Set::new(),
            Atom::Struct => match only {
                Value::Record(record) => self.all_fields(record),
                _ => Set::new(),
            },
            Atom::Map(element) => self.all_of(map_entries(Some(only)), element),
            Atom::Set => self.all_of(set_items(Some(only)), TypeView::Deduced),
            Atom::List { keys, element } => self.all_of(
                self.keyed_items(Some(only), keys),
                TypeView::Element(element),
            ),
        }
    }

    fn all_fields(self, only: &Record) -> Set {
        let ty = only.ty();
        let mut found = Set::with_capacity(only.entries().len());
        for index in ty.by_name.iter().map(|&at| usize::from(at)) {
            let field = &ty.fields[index];
            if let Some(value) = self.field(field, only.get(index)) {
                let below = self.all_below(&value, TypeView::Field(field));
                found.push_sorted(PathElement::Field(field.name.clone().into()), true, below);
            }
        }
        found
    }

    fn all_of(self, parts: Vec<Part<'_>>, view: TypeView<'_>) -> Set {
        let mut found = Set::with_capacity(parts.len());
        let mut parts = parts.into_iter().peekable();
        while let Some((element, value)) = parts.next() {
            // Items that share a path have no parts of their own: they count together.
            let mut is_alone = true;
            while parts.next_if(|(next, _)| *next == element).is_some() {
                is_alone = false;
            }
            let below = if is_alone {
                self.all_below(value, view)
            } else {
                Set::new()
            };
            found.push_sorted(element, true, below);
        }
        found
    }

    fn leaf_change(
        self,
        old: Option<&Value>,
        new: Option<&Value>,
        view: TypeView<'_>,
    ) -> Option<Change> {
        match (old, new) {
            (None, None) => None,
            (None, Some(_)) => Some(Change::Added),
            (Some(_), None) => Some(Change::Removed),
            (Some(old), Some(new)) => self.differ(old, new, view).then_some(Change::Modified),
        }
    }

    fn differ(self, old: &Value, new: &Value, view: TypeView<'_>) -> bool {
        let has_parts = |value| {
            matches!(
                value,
                &Value::Record(_) | &Value::List(_) | &Value::Map(_) | &Value::Raw(_)
            )
        };
        old != new
            && match view.declared() {
                Some(ty) if self == Self::Reflected && has_parts(old) && has_parts(new) => {
                    normal_value(old, ty) != normal_value(new, ty)
                }
                _ => true,
            }
    }

    /// Absent, null or an empty container: such are compared as leaves, which keeps null and empty apart.
    pub(super) fn is_hollow(self, value: Option<&Value>) -> bool {
        match value {
            None | Some(Value::Null) => true,
            Some(Value::List(items)) => items.is_empty(),
            Some(Value::Map(map)) => map.is_empty(),
            Some(Value::Record(record)) => match self {
                Self::Plain => record.is_empty(),
                Self::Reflected => {
                    let given = record.entries().iter();
                    let nothing_given = given.clone().all(|(_, value)| value.is_empty());
                    let fields = || record.ty().fields.iter().enumerate();
                    nothing_given
                        && fields().all(|(at, field)| self.field(field, record.get(at)).is_none())
                }
            },
            Some(_) => false,
        }
    }

    fn of_fields(self, old: &Record, new: &Record, found: &mut Comparison) {
        let ty = new.ty();
        let (old, new) = (old.entries(), new.entries());
        let (mut left, mut right) = (0, 0);
        // Elements are pushed in declaration order; the sets put them in order of names. What neither side
        // gives is the same on both.
        while left < old.len() || right < new.len() {
            let order = match (old.get(left), new.get(right)) {
                (Some(old), Some(new)) => old.0.cmp(&new.0),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            let before = (order != Ordering::Greater).then(|| &old[left]);
            let after = (order != Ordering::Less).then(|| &new[right]);
            left += usize::from(before.is_some());
            right += usize::from(after.is_some());
            let Some(&(index, _)) = after.or(before) else {
                break;
            };
            let (before, after) = (before.map(|entry| &entry.1), after.map(|entry| &entry.1));
            if before == after {
                continue;
            }
            let field = &ty.fields[index as usize];
            let (before, after) = (self.field(field, before), self.field(field, after));
            if before == after {
                continue;
            }
            let outcome = self.values(before.as_deref(), after.as_deref(), TypeView::Field(field));
            found.push(&PathElement::Field(field.name.clone().into()), outcome);
        }
    }

    pub(super) fn keyed_items<'a>(
        self,
        value: Option<&'a Value>,
        keys: &[Cow<'static, str>],
    ) -> Vec<Part<'a>> {
        sorted_items(value, |item| Some(item_key(keys, item, self)))
    }

    fn join(self, old: &[Part<'_>], new: &[Part<'_>], view: TypeView<'_>, found: &mut Comparison) {
        let (mut left, mut right) = (0, 0);
        while left < old.len() || right < new.len() {
            let element = match (old.get(left), new.get(right)) {
                (Some(old), Some(new)) => (&old.0).min(&new.0),
                (Some(only), None) | (None, Some(only)) => &only.0,
                (None, None) => break,
            };
            let before = run(&old[left..], element);
            let after = run(&new[right..], element);
            left += before.len();
            right += after.len();
            let outcome = match (before, after) {
                // Items that share a path have no parts of their own: they count together.
                (before, after) if before.len() > 1 || after.len() > 1 => {
                    let same = before.len() == after.len()
                        && before
                            .iter()
                            .zip(after)
                            .all(|(before, after)| !self.differ(before.1, after.1, view));
                    let change = match (before.is_empty(), after.is_empty()) {
                        (true, _) => Some(Change::Added),
                        (_, true) => Some(Change::Removed),
                        _ => (!same).then_some(Change::Modified),
                    };
                    (change, Comparison::default())
                }
                ([before], [after]) if before.1 == after.1 => continue,
                (before, after) => self.values(
                    before.first().map(|item| item.1),
                    after.first().map(|item| item.1),
                    view,
                ),
            };
            found.push(element, outcome);
        }
    }
}

/// A part of a value, and where it is.
type Part<'a> = (PathElement, &'a Value);

pub(super) fn map_entries(value: Option<&Value>) -> Vec<Part<'_>> {
    let entries = value.and_then(Value::as_map);
    let entries = entries.into_iter().flat_map(|map| map.iter());
    entries
        .map(|(key, value)| (PathElement::Field(key.clone()), value))
        .collect()
}

pub(super) fn set_items(value: Option<&Value>) -> Vec<Part<'_>> {
    sorted_items(value, |item| Some(PathElement::Value(Scalar::of(item)?)))
}

/// Items in order of their places; those that have none are left out.
fn sorted_items(
    value: Option<&Value>,
    place: impl Fn(&Value) -> Option<PathElement>,
) -> Vec<Part<'_>> {
    let items = value.and_then(Value::as_list).into_iter().flatten();
    let mut items: Vec<_> = items
        .filter_map(|item| Some((place(item)?, item)))
        .collect();
    items.sort_by(|a, b| a.0.cmp(&b.0));
    items
}

fn run<'a, 'v>(items: &'a [Part<'v>], element: &PathElement) -> &'a [Part<'v>] {
    let end = items.iter().take_while(|item| item.0 == *element).count();
    &items[..end]
}
