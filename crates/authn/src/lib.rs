//! Who is it.
//!
//! An [`Authenticator`] looks at the [`Credentials`] of a request and gives a user, nothing, or an
//! error. A [`Union`] tries several: the first user counts, and a credential that was shown and
//! found bad refuses the request unless another one is good. [`Anonymous`] takes those who showed
//! none. None of this knows HTTP: the caller takes token and certificates out of the request.
//!
//! ```
//! use std::sync::Arc;
//! use pintle_authn::authenticator::Outcome;
//! use pintle_authn::{Anonymous, Authenticator, Bearer, Credentials, StaticTokens, Tokens, Union};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let known = StaticTokens::parse("secret,bob,1,\"devs,ops\"")?;
//! let tokens = Arc::new(Tokens::new(vec![Arc::new(known)], Arc::default()));
//! let anonymous = Arc::new(Anonymous::everywhere());
//! let union = Union::new(vec![Arc::new(Bearer(tokens))], Some(anonymous));
//!
//! let who = |bearer| match union.authenticate(Credentials { bearer, ..Credentials::default() }) {
//!     Outcome::Now(answer) => answer.map(|user| user.map(|user| user.name.to_string())),
//!     Outcome::Later(_) => unreachable!("nobody else has to be asked"),
//! };
//! assert_eq!(who(Some("secret"))?.as_deref(), Some("bob"));
//! assert_eq!(who(None)?.as_deref(), Some("system:anonymous"));
//! assert!(who(Some("guessed")).is_err());
//! # Ok(())
//! # }
//! ```

pub mod anonymous;
pub mod authenticator;
mod awaited;
pub mod bootstrap;
pub mod cache;
pub mod credentials;
mod csv;
pub mod front_proxy;
pub mod jwt;
pub mod key;
mod key_pair;
pub mod oidc;
pub mod service_account;
pub mod token;
pub mod token_authenticator;
pub mod union;
pub mod webhook;
pub mod x509;

pub use anonymous::{Anonymous, AnonymousAccess};
pub use authenticator::{
    Authenticated, AuthenticationError, Authenticator, Outcome, authenticated,
};
pub use awaited::Awaited;
pub use bootstrap::BootstrapTokens;
pub use cache::{CachedTokens, Lifetimes, TokenCacheEvents};
pub use credentials::{Credentials, Peer};
pub use front_proxy::FrontProxy;
pub use key_pair::key_pair_problem;
pub use oidc::{Oidc, OidcIssuers};
pub use pintle_runtime::user::UserInfo;
pub use service_account::ServiceAccounts;
pub use token::StaticTokens;
pub use token_authenticator::{Accepted, Bearer, Checked, TokenAuthenticator, Tokens};
pub use union::Union;
pub use webhook::TokenWebhook;
pub use x509::ClientCertificates;
