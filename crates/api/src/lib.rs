//! Every built-in Kubernetes type and resource of v1.36, as tables and typed views.
//!
//! Each Go package is a module, such as [`core::v1`] or [`apps::v1`], with the tables of its types.
//! [`groups`] has the rows of all resources in the order of discovery; [`type_by_name`],
//! [`type_by_kind`] and [`types`] find the table of a type.
//!
//! What is absent: requests, storage, and anything that waits. All tables are `static`.

#![allow(
    clippy::module_name_repetitions,
    reason = "modules have the names of the facts they hold"
)]

mod columns;
pub mod convert;
pub mod defaults;
mod gates;
mod generated;
mod lifecycle;
mod lookup;

pub use columns::{Column, columns, custom_columns};
pub use gates::{FeatureGate, Stage, feature_gate, feature_gates};
pub use generated::resources::{RELEASE, ROOT};
pub use generated::*;
pub use lifecycle::{Lifecycle, Replacement, lifecycle};
pub use lookup::{groups, type_by_kind, type_by_name, types};
