//! Kubernetes objects as data: the bottom layer of Pintle, useful on its own.
//!
//! A [`schema::Type`] is the table of one type; a [`value::Record`] is an object of it. Everything
//! generic (codecs, selectors, patches, apply) walks the two together and is written once, for
//! built-in types and custom resources alike. Code for a kind reads and changes records through
//! typed [`view`]s, never by the names of fields.
//!
//! # What one may rely on
//!
//! - Clients see what kube-apiserver would have sent: what is encoded here, and every text that
//!   refuses something, is that of Kubernetes v1.36, byte for byte.
//! - No input makes anything here panic or run away. What is wrong with it is an error, and all
//!   that is wrong with an object is one list of them.
//! - What is absent: no API group is known, nothing waits, nothing is read from a disk or a network,
//!   and time and randomness come in from outside.
//!
//! # Where things are
//!
//! | An object | |
//! | --- | --- |
//! | [`schema`], [`value`], [`text`] | tables, records, and strings that are slices of a body |
//! | [`view`], [`meta`] | typed views, and those of apimachinery's types |
//! | [`resource`], [`gvk`] | rows of the resource table; groups, versions, kinds and resources |
//! | [`codec`] | JSON, YAML and protobuf |
//! | [`patch`], [`fields`] | the patches that clients send; apply, and who owns which field |
//! | [`selector`] | label and field selectors |
//!
//! | A rule, and what is said when it is broken | |
//! | --- | --- |
//! | [`name`], [`object_meta`] | what may be called how; whether metadata is in order |
//! | [`field_path`] | where in an object something is wrong, and what |
//! | [`status`] | why a request failed, and the `Status` that says so |
//!
//! | A value | |
//! | --- | --- |
//! | [`quantity`] | `500m`, `1Gi` |
//! | [`time`], [`duration`] | points in time and spans of it |
//! | [`int_or_string`] | a number or a text |
//! | [`ip`] | addresses and networks |
//! | [`quote`], [`user`] | text in quotes; who sends a request |
//!
//! # Example
//!
//! An object is decoded, asked whether a selector means it, changed and encoded again.
//!
//! ```
//! use bytes::Bytes;
//! use pintle_runtime::codec::{Problems, json};
//! use pintle_runtime::meta::{self, ObjectMeta};
//! use pintle_runtime::schema::{Ref, TypeRef};
//! use pintle_runtime::selector::LabelSelector;
//! use pintle_runtime::value::Value;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ty: TypeRef = Ref::Static(&meta::tables::PARTIAL_OBJECT_METADATA);
//! let body = Bytes::from_static(
//!     br#"{"kind":"Gadget","apiVersion":"example.com/v1","metadata":{"name":"web","labels":{"app":"web"}},"spec":1}"#,
//! );
//! let mut problems = Problems::collected();
//! let mut gadget = json::decode(&ty, &body, &mut problems)?;
//! assert_eq!(problems.texts(), [r#"unknown field "spec""#]);
//!
//! let metadata = gadget.get(meta::METADATA).and_then(Value::as_record).map(ObjectMeta::from_record);
//! let labels = metadata.ok_or("no metadata")?.labels();
//! let selector = LabelSelector::parse("app in (web, db), !canary")?;
//! assert!(selector.matches(|key| labels.get(key)));
//!
//! meta::PartialObjectMetadataMut::from_record(&mut gadget).metadata_mut().set_namespace("blue");
//! let mut out = Vec::new();
//! json::encode(&gadget, &mut out);
//! assert_eq!(
//!     String::from_utf8(out)?,
//!     r#"{"kind":"Gadget","apiVersion":"example.com/v1","metadata":{"name":"web","namespace":"blue","labels":{"app":"web"}}}"#,
//! );
//! # Ok(())
//! # }
//! ```

pub mod codec;
pub mod duration;
pub mod field_path;
pub mod fields;
pub mod gvk;
pub mod int_or_string;
pub mod ip;
pub mod meta;
pub mod name;
pub mod object_meta;
pub mod patch;
pub mod quantity;
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
