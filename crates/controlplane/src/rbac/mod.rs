//! Role-based access control on top of the stores: what brings `pintle_authz`'s rules and Kubernetes' objects together.
//!
//! | module | |
//! | --- | --- |
//! | [`feed`] | roles and bindings into the index, as they are written |
//! | [`escalation`] | nobody writes a role or binding that grants more than they have |
//! | `policy` | the roles and bindings that every cluster has |
//! | `wanted` | the same as objects |
//! | [`reconcile`] | brings them in at start, and back what is missing of them |
//! | [`aggregation`] | fills roles that gather the rules of others |

pub mod aggregation;
mod convert;
pub mod escalation;
pub mod feed;
#[cfg(test)]
mod matrix;
mod policy;
pub mod reconcile;
mod wanted;

pub use wanted::node_rules;

/// The API group.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
/// Who is in the books as the writer of what the server writes by itself.
const MANAGER: &str = "kube-apiserver";
