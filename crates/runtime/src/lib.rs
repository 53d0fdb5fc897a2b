//! Kubernetes objects as data.
//!
//! A [`schema::Type`] is the table of one type; a [`value::Record`] is an object of it. Everything
//! generic (codecs, selectors, patches, apply) walks the two together and is written once, for
//! built-in types and custom resources alike.
//!
//! What is absent matters: no API group is known here, nothing waits, nothing is read from a disk
//! or a network.

pub mod codec;
pub mod duration;
pub mod field_path;
pub mod fields;
pub mod gvk;
pub mod int_or_string;
pub mod meta;
pub mod name;
pub mod quantity;
pub mod object_meta;
pub mod patch;
pub mod quote;
pub mod resource;
pub mod schema;
pub mod selector;
pub mod status;
pub mod text;
pub mod time;
pub mod user;
pub mod value;
pub mod view;
