//! Role-based access control: rules that roles hold and bindings grant.
//!
//! | module | |
//! | --- | --- |
//! | [`rule`] | what a rule allows |
//! | [`covers`] | whether rules are held already: nobody grants what they do not have |
//! | [`binding`] | who is granted which role |
//! | [`index`] | roles and bindings, compiled to who holds what |
//! | [`authorizer`] | the index as an [`Authorizer`](crate::Authorizer) |
//!
//! There is no denial: what no rule allows is nobody's to do. Whoever keeps roles and bindings tells the [`Rbac`] of
//! them; it never looks for any.

pub mod authorizer;
pub mod binding;
pub mod covers;
pub mod index;
pub mod rule;

pub use authorizer::Rbac;
pub use binding::{Binding, NoSuchRole, RoleKind, RoleRef, Subject};
pub use index::Index;
pub use rule::Rule;
