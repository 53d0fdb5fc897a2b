//! Who set what: field sets, and server-side apply on them.
//!
//! [`Updater`] is the heart of server-side apply: given the live object, a new one and what every
//! manager owns, it says what everybody owns now and where they collide. It works on any table of
//! [`crate::schema`]; conversion between versions is the caller's, through [`Versions`].
//!
//! The rules are structured-merge-diff's: maps and structs are granular unless the table says
//! atomic, lists are atomic unless the table gives them keys or calls them sets.

mod atom;
mod books;
mod canonical;
mod compare;
mod element;
mod facet;
mod field_set;
mod fields_v1;
mod first;
mod manage;
mod merge;
mod normal;
mod remove;
mod set;
mod typed;
mod update;

pub use books::keep_times_if_same;
pub use compare::Comparison;
pub use element::{PathElement, Scalar};
pub use facet::FacetBooks;
pub use fields_v1::FieldsError;
pub use manage::{ApplyError, FieldManager};
pub use merge::{atomics, records as merged};
pub use set::Set;
pub use typed::{Config, ConfigError, Mismatches, configuration};
pub use update::{Conflict, Manager, Managers, Owned, Updater, Versions};
