//! Who may do what.
//!
//! An [`Authorizer`] looks at the [`Attributes`] of a request and gives a [`Decision`]; a [`Union`]
//! asks several in order. A failure to decide is never an `Allow`. No authorizer writes, and none
//! knows HTTP: attributes in, decision out.
//!
//! ```
//! use std::sync::Arc;
//! use pintle_authz::{AlwaysDeny, Attributes, Authorizer, Decision, SystemMasters, Union, Verdict};
//! use pintle_runtime::user::{MASTERS, UserInfo};
//!
//! let union = Union::new(vec![Arc::new(SystemMasters), Arc::new(AlwaysDeny)]);
//! let asks = |groups| Attributes {
//!     user: Arc::new(UserInfo { groups, ..UserInfo::named("bob") }),
//!     verb: "get".into(),
//!     path: "/version".into(),
//!     resource: None,
//! };
//! let bob = asks(Vec::new());
//! assert!(matches!(union.authorize(&bob), Verdict::Now(Decision::NoOpinion(_))));
//! assert_eq!(bob.to_string(), r#"User "bob" cannot get path "/version""#);
//! let master = asks(vec![MASTERS.into()]);
//! assert!(matches!(union.authorize(&master), Verdict::Now(Decision::Allow(_))));
//! ```

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
