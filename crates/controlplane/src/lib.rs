//! Kubernetes' own API on the generic server.
//!
//! [`Api`](registry::Api) makes the stores of all built-in kinds from `pintle_api`'s rows; what is particular to a
//! kind is a row of [`kinds`] and, where that does not do, code in `particular` and [`strategy`]. What is served
//! without being kept is in [`unkept`]. [`services`] gives Services their addresses and ports. [`admission`] has the plug-ins that writes pass through. [`hooks`] are what the
//! server does by itself once it runs, [`health`] tells whether they have.
//!
//! Absent here: flags, certificates, which storage it is, HTTP.
//!
//! ```
//! use pintle_controlplane::services::{PortRange, Taken};
//!
//! let range = PortRange::parse("30000-30001").expect("a range");
//! let mut taken = Taken::none(range);
//! assert!(taken.take(30001).is_ok() && taken.take(30001).is_err());
//! assert!(taken.has(30001) && !taken.has(30000));
//! ```

pub mod access;
pub mod admission;
pub mod api_services;
pub mod controllers;
pub mod convert;
mod definitions;
mod devices;
pub mod health;
pub mod hooks;
pub mod identity;
pub mod kinds;
pub mod namespaces;
pub mod node_uses;
pub mod nodes;
mod parameters;
mod particular;
mod quota;
pub mod rbac;
pub mod registry;
pub mod reviews;
mod rights;
pub mod rows;
mod scale;
pub mod services;
pub mod strategy;
pub mod unkept;
