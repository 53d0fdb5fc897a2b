//! Types of apimachinery: `ObjectMeta`, `ListMeta`, `Status`, the options of requests and what they
//! are made of.
//!
//! [`tables`] holds the table of each type. Generic code that has a record and a type, but no kind,
//! reaches fields by [`positions`], such as [`positions::object_meta::RESOURCE_VERSION`].

mod generated;

pub use generated::*;

/// Position of `kind` in every kind.
pub const KIND: usize = positions::type_meta::KIND;
/// Position of `apiVersion` in every kind.
pub const API_VERSION: usize = positions::type_meta::API_VERSION;
/// Position of `metadata` in every kind that has it.
pub const METADATA: usize = 2;
/// Position of `items` in every list.
pub const ITEMS: usize = 3;
