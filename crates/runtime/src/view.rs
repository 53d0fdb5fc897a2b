//! Typed views: a record read and changed by methods, one per field.
//!
//! Generated code makes a view for every struct with [`typed_view!`](crate::typed_view): `PodSpec<'a>` to read
//! and `PodSpecMut<'a>` to change. A view is a reference to a [`Record`] and nothing else; a method
//! is a lookup by constant position.
//!
//! Reading follows Go. A value field that is absent or null reads as its zero; a pointer reads as
//! an `Option`; a struct by value is always there, a struct by pointer is an `Option` of its view.
//! Lists and maps have [`List`], [`Strings`], [`StringMap`] and [`ObjectMap`], which are empty when
//! the field is absent.
//!
//! To change a field there is `set_x`, `clear_x`, and for what has parts `x_mut`. A struct by
//! value comes into being with `x_mut`; a struct by pointer is an `Option` there, and `x_or_new`
//! makes it. Lists and maps come into being with the first thing put in.

pub mod access;
mod list;
mod macros;
mod map;

use crate::schema::Type;
use crate::value::Record;

pub use access::IntOrString;
pub use list::{List, ListMut, Strings, StringsMut};
pub use map::{ObjectMap, ObjectMapMut, StringMap, StringMapMut};

/// A type's views, for code that is generic over types.
///
/// The implementor stands for the type: `Pod<'static>` names it, whatever the lifetime of a view.
pub trait View {
    /// The view to read.
    type Ref<'a>: Copy;
    /// The view to change.
    type Mut<'a>;

    /// The table of the type.
    fn table() -> &'static Type;

    /// A record of the type without any field.
    fn new_record() -> Record;

    /// `record` to read; it must be of the type.
    fn of(record: &Record) -> Self::Ref<'_>;

    /// `record` to change; it must be of the type.
    fn of_mut(record: &mut Record) -> Self::Mut<'_>;
}

/// The item of a list or map as a record, where it is one.
fn record(value: &crate::value::Value) -> Option<&Record> {
    value.as_record()
}

#[cfg(test)]
mod tests;
