//! What somebody owns who makes an object, as `fieldsV1`.
//!
//! It is what [`super::compare`] finds between nothing and the object, but written as it is found: there is nobody
//! whose fields would have to be held against it, so no set is made.

use bytes::Bytes;

use crate::value::{Record, Value};

use super::atom::{Atom, Lens, TypeView};
use super::compare::{map_entries, set_items};
use super::element::PathElement;
use super::fields_v1::write_name;
use super::set::Set;

const LENS: Lens = Lens::Reflected;

/// The fields of `made` as `fieldsV1`, without what is at or below the paths of `reset`, and without the paths of
/// `nobodys`.
pub(super) fn fields(made: &Record, reset: &Set, nobodys: &Set) -> Bytes {
    let mut writer = Writer {
        out: Vec::with_capacity(1024),
        spare: Vec::new(),
    };
    writer.out.push(b'{');
    writer.given(made, Exempt { reset, nobodys });
    writer.out.push(b'}');
    writer.out.into()
}

/// What of a part of the object nobody comes to own.
#[derive(Clone, Copy)]
struct Exempt<'a> {
    reset: &'a Set,
    nobodys: &'a Set,
}

static NOTHING: Set = Set::new();

impl<'a> Exempt<'a> {
    /// What is exempt of `element`: all of it (`None`), or itself and some of what is below.
    fn at(self, element: &PathElement) -> Option<(bool, Self)> {
        if self.reset.is_empty() && self.nobodys.is_empty() {
            return Some((false, self));
        }
        let below = |set: &'a Set| set.below(element).unwrap_or(&NOTHING);
        let exempt = Self {
            reset: below(self.reset),
            nobodys: below(self.nobodys),
        };
        (!self.reset.has(element)).then(|| (self.nobodys.has(element), exempt))
    }
}

struct Writer {
    out: Vec<u8>,
    /// Room to spell an element in before it is quoted.
    spare: Vec<u8>,
}

impl Writer {
    /// Fields that a struct gives and that are not as if they were not given.
    fn given(&mut self, only: &Record, exempt: Exempt<'_>) {
        let ty = only.ty();
        for index in ty.by_name.iter().map(|&at| usize::from(at)) {
            let Some(value) = only.get(index) else {
                continue;
            };
            let field = &ty.fields[index];
            let (before, after) = (LENS.field(field, None), LENS.field(field, Some(value)));
            let Some(after) = after.filter(|after| before.as_ref() != Some(after)) else {
                continue;
            };
            let view = TypeView::Field(field);
            let element = PathElement::Field(field.name.clone().into());
            let Some((is_nobodys, below)) = exempt.at(&element) else {
                continue;
            };
            match (before.as_deref(), &*after) {
                (None, after) => self.node(&element, !is_nobodys, |writer| {
                    writer.below(after, view, below);
                }),
                // A struct by value is always there, so nobody makes it.
                (Some(Value::Record(_)), Value::Record(record))
                    if matches!(view.atom(&after), Atom::Struct)
                        && !LENS.is_hollow(Some(&after)) =>
                {
                    self.node(&element, false, |writer| writer.given(record, below));
                }
                // Nor the list that Go writes as null.
                (Some(Value::Null), after)
                    if !matches!(view.atom(after), Atom::Leaf) && !LENS.is_hollow(Some(after)) =>
                {
                    self.node(&element, false, |writer| writer.below(after, view, below));
                }
                (before, after) => {
                    let changes = LENS.changes(before, after, view, &element);
                    let owned = changes
                        .recursive_difference(exempt.reset)
                        .difference(exempt.nobodys);
                    self.set(&owned);
                }
            }
        }
    }

    /// Everything below a value that was not there.
    fn below(&mut self, only: &Value, view: TypeView<'_>, exempt: Exempt<'_>) {
        if LENS.is_hollow(Some(only)) {
            return;
        }
        match (view.atom(only), only) {
            (Atom::Struct, Value::Record(record)) => self.fields(record, exempt),
            (Atom::Map(element), _) => self.parts(map_entries(Some(only)), element, exempt),
            (Atom::Set, _) => self.parts(set_items(Some(only)), TypeView::Deduced, exempt),
            (Atom::List { keys, element }, _) => self.parts(
                LENS.keyed_items(Some(only), keys),
                TypeView::Element(element),
                exempt,
            ),
            (Atom::Struct | Atom::Leaf, _) => {}
        }
    }

    fn fields(&mut self, only: &Record, exempt: Exempt<'_>) {
        let ty = only.ty();
        for index in ty.by_name.iter().map(|&at| usize::from(at)) {
            let field = &ty.fields[index];
            if let Some(value) = LENS.field(field, only.get(index)) {
                let element = PathElement::Field(field.name.clone().into());
                self.part(&element, Some(&value), TypeView::Field(field), exempt);
            }
        }
    }

    fn parts(&mut self, parts: Vec<(PathElement, &Value)>, view: TypeView<'_>, exempt: Exempt<'_>) {
        let mut parts = parts.into_iter().peekable();
        while let Some((element, value)) = parts.next() {
            // Items that share a path have no parts of their own: they count together.
            let mut alone = Some(value);
            while parts.next_if(|(next, _)| *next == element).is_some() {
                alone = None;
            }
            self.part(&element, alone, view, exempt);
        }
    }

    fn part(
        &mut self,
        element: &PathElement,
        value: Option<&Value>,
        view: TypeView<'_>,
        exempt: Exempt<'_>,
    ) {
        let Some((is_nobodys, below)) = exempt.at(element) else {
            return;
        };
        self.node(element, !is_nobodys, |writer| {
            if let Some(value) = value {
                writer.below(value, view, below);
            }
        });
    }

    fn set(&mut self, set: &Set) {
        for entry in set.entries() {
            self.node(&entry.element, entry.member, |writer| {
                writer.set(&entry.children);
            });
        }
    }

    /// An element and what is below it. Nothing is written of what is only a way to nothing.
    fn node(&mut self, element: &PathElement, is_member: bool, below: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        write_name(element, &mut self.out, &mut self.spare);
        self.out.extend_from_slice(b":{");
        let inside = self.out.len();
        if is_member {
            self.out.extend_from_slice(br#"".":{}"#);
        }
        let head = self.out.len();
        below(self);
        if self.out.len() == head {
            self.out.truncate(if is_member { inside } else { start });
            if !is_member {
                return;
            }
        }
        self.out.push(b'}');
    }
}
