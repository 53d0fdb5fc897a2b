//! Service accounts: the tokens that the server issues for them, and whose they are.
//!
//! | module | |
//! | --- | --- |
//! | [`claims`] | what tokens say |
//! | [`issuer`] | issues them, and tells verifiers elsewhere how |
//! | [`authenticator`] | accepts them, as long as what they are bound to is there |
//! | [`username`] | between accounts and the users that they are |

pub mod authenticator;
pub mod claims;
pub mod issuer;
pub mod username;

pub use authenticator::{Bound, KeptToken, Objects, ServiceAccounts, ServiceAccountsOptions};
pub use claims::{Claims, Kubernetes, Reference};
pub use issuer::Issuer;
