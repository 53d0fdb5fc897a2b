//! Who may do what.
//!
//! An [`Authorizer`] looks at the [`Attributes`] of a request and gives a [`Decision`]; a [`Union`]
//! asks several in order. A failure to decide is never an `Allow`. No authorizer writes, and none
//! knows HTTP: attributes in, decision out.

pub mod abac;
pub mod attributes;
pub mod authorizer;
pub mod builtin;
pub mod decision;
pub mod node;
pub mod rbac;
pub mod replaceable;
pub mod rules;
pub mod union;
pub mod webhook;

pub use abac::Abac;
pub use attributes::{Attributes, ResourceAttributes};
pub use authorizer::{Authorizer, Verdict};
pub use builtin::{AlwaysAllow, AlwaysDeny, SystemMasters};
pub use decision::{Decision, Reason};
pub use node::NodeAuthorizer;
pub use rbac::Rbac;
pub use replaceable::Replaceable;
pub use rules::{Rules, RulesFor};
pub use union::Union;
pub use webhook::Webhook;
