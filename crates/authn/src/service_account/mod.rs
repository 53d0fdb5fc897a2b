//! Service accounts: the tokens that the server issues for them, and whose they are.
//!
//! | module | |
//! | --- | --- |
//! | [`claims`] | what tokens say |
//! | [`issuer`] | issues them, and tells verifiers elsewhere how |
//! | [`external`] | somebody else who signs them |
//! | [`authenticator`] | accepts them |
//! | [`keys`] | what they are verified with |
//! | [`bound`] | what they are bound to, and whether that is there |
//! | [`username`] | between accounts and the users that they are |

pub mod authenticator;
pub mod bound;
pub mod claims;
pub mod external;
pub mod issuer;
pub mod keys;
pub mod username;

pub use authenticator::{ServiceAccounts, ServiceAccountsOptions, TokenUses};
pub use bound::{Bound, KeptToken, Objects};
pub use claims::{Claims, Kubernetes, Reference};
pub use external::ExternalSigner;
pub use issuer::{Issuer, Signing};
pub use keys::Keys;
