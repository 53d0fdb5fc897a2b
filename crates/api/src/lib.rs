//! Every built-in Kubernetes type and resource of v1.36, as tables and typed views.
//!
//! Types are data: a table says what a type is made of, and a record is an object of it. Tables,
//! rows and views are generated from the API facts in `spec/` by `cargo xtask codegen` and are
//! `static`, so they cost nothing at start-up. What is absent: requests, storage, and anything that
//! waits.
//!
//! | To find | there is |
//! | --- | --- |
//! | the table of a type | [`type_by_name`], [`type_by_kind`], [`types`], and the `tables` module of each Go package, such as [`core::v1::tables`] |
//! | the views of a type | the module of its Go package: [`core::v1::Pod`], [`apps::v1::DeploymentMut`] |
//! | what is served where, and how it is kept | [`groups`] |
//! | columns of the `Table` representation; rows | [`columns()`]; [`printers`] |
//! | what is filled in, and what is wrong with an object | [`defaults`], [`validation`] |
//! | feature gates; since when a kind is served | [`feature_gates`]; [`lifecycle()`] |
//!
//! An object is decoded along its table, and read and changed through views:
//!
//! ```
//! use bytes::Bytes;
//! use pintle_api::core::v1::PodMut;
//! use pintle_runtime::codec::{Problems, json};
//!
//! let body = Bytes::from_static(
//!     br#"{"metadata":{"name":"web"},"spec":{"nodeName":"a","containers":[{"name":"nginx"}]}}"#,
//! );
//! let ty = pintle_api::type_by_kind("", "v1", "Pod").expect("a kind of this release");
//! let mut record = json::decode(&ty, &body, &mut Problems::ignored())?;
//!
//! let mut pod = PodMut::from_record(&mut record);
//! for mut container in pod.spec_mut().containers_mut().iter_mut() {
//!     container.set_image_pull_policy("Always");
//! }
//! pod.metadata_mut().labels_mut().insert("app", "web");
//!
//! let pod = pod.view();
//! assert_eq!(pod.metadata().name(), "web");
//! assert_eq!(pod.spec().node_name(), "a");
//! assert_eq!(pod.spec().containers().first().map(|it| it.image_pull_policy()), Some("Always"));
//! assert!(pod.spec().security_context().is_none());
//! # Ok::<(), pintle_runtime::codec::DecodeError>(())
//! ```
//!
//! # A new release of Kubernetes
//!
//! Its facts go to `spec/`, and `cargo xtask codegen` does the rest. Defaults, validation,
//! conversions and printers that changed are code: [`defaults`], [`validation`], [`convert`], [`printers`].

#![allow(
    clippy::module_name_repetitions,
    reason = "modules have the names of the facts they hold"
)]

mod columns;
pub mod convert;
pub mod defaults;
pub mod expressions;
mod gates;
mod generated;
mod lifecycle;
mod lookup;
pub mod printers;
pub mod settings;
pub mod validation;

pub use columns::{Column, columns, custom_columns};
pub use gates::{FeatureGate, Stage, feature_gate, feature_gates};
pub use generated::resources::{RELEASE, ROOT};
pub use generated::*;
pub use lifecycle::{Lifecycle, Replacement, lifecycle};
pub use lookup::{groups, past, type_by_kind, type_by_name, types};
