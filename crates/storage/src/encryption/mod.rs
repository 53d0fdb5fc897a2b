//! Encryption at rest: values are sealed between the server and whatever keeps them.
//!
//! The bytes are kube-apiserver's: `k8s:enc:<provider>:v1:<key name>:` and the ciphertext. So what
//! one server wrote the other reads, and a configuration file means the same to both.
//!
//! An [`EncryptedStore`] wraps any [`Storage`](crate::Storage). Which [`Chain`] of providers a key has
//! says its [`Rules`], which may be replaced while the server runs. The first provider of a chain
//! seals; whichever can opens, and what any but the first key opened is *stale*: it ought to be
//! written again.

mod chain;
mod ciphers;
mod kms;
mod kms_messages;
mod store;
#[cfg(test)]
mod tests;

pub use chain::{Chain, Key, Opened, Provider};
pub use kms::{Kms, KmsEvents, KmsOptions};
pub use store::{Account, EncryptedStore, Rules, Transformation};

use crate::sealed::NOTHING_OPENS;

/// Why a value could not be sealed or opened. Upstream's words, where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The key has not as many bytes as the cipher takes.
    #[error("the key is not of a size that the cipher takes")]
    KeySize,
    /// There is no room for what stands before the ciphertext.
    #[error("the stored data was shorter than the required size")]
    TooShort,
    /// It was sealed with another key, or for another place, or was changed.
    #[error("cipher: message authentication failed")]
    NotAuthentic,
    /// No provider knows its prefix.
    #[error("no matching prefix found")]
    NoPrefix,
    /// No key of the provider has the name that it was sealed with.
    #[error("no matching key was found for the provided {0} transformer")]
    NoKey(&'static str),
    /// It is sealed, and there is nothing to open it with.
    #[error("{}", NOTHING_OPENS)]
    Sealed,
    /// The key management service failed, or its envelope is wrong.
    #[error("{0}")]
    Kms(String),
    /// The machine has no random numbers, or the cipher failed.
    #[error("the cipher failed")]
    Failed,
}
