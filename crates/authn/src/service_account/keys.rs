//! What tokens are verified with: [`Keys`].

use std::sync::Arc;

use super::external::ExternalSigner;
use crate::awaited::Awaited;
use crate::key::PublicKey;

/// What tokens of service accounts are verified with.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Keys that are known from the start.
    Own(Awaited<Vec<PublicKey>>),
    /// Those of somebody else who signs, which change.
    External(Arc<ExternalSigner>),
}

/// The keys of one moment.
#[derive(Debug, Default)]
pub struct Known {
    keys: Vec<KnownKey>,
    generation: u64,
    /// A key that is not known is nobody's, and not tried with the others.
    is_strict: bool,
}

/// A key, and who is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// The key.
    pub key: PublicKey,
    /// Whether verifiers elsewhere are told of it.
    pub is_published: bool,
}

impl Keys {
    /// The keys as they are now.
    pub fn known(&self) -> Arc<Known> {
        match self {
            Self::Own(keys) => {
                let keys = keys.iter().cloned().map(|key| KnownKey {
                    key,
                    is_published: true,
                });
                Arc::new(Known {
                    keys: keys.collect(),
                    ..Known::default()
                })
            }
            Self::External(signer) => signer.known(),
        }
    }

    /// Grows whenever keys change.
    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Own(_) => 0,
            Self::External(signer) => signer.known().generation,
        }
    }

    /// For how many seconds verifiers elsewhere may keep them.
    pub fn max_age(&self) -> u64 {
        match self {
            Self::Own(_) => 3600,
            Self::External(signer) => signer.max_age(),
        }
    }
}

impl Known {
    /// Keys of somebody else's, as they were fetched.
    pub(super) fn fetched(keys: Vec<KnownKey>, generation: u64) -> Self {
        Self {
            keys,
            generation,
            is_strict: true,
        }
    }

    /// Grows whenever keys change.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether there are the same ones in the same order.
    pub(super) fn is_same(&self, keys: &[KnownKey]) -> bool {
        self.keys == keys
    }

    /// Those that may have signed a token that names `id`.
    pub(super) fn candidates(&self, id: &str) -> impl Iterator<Item = &PublicKey> {
        let named = self.keys.iter().any(|known| known.key.id() == id);
        let all = !named && (id.is_empty() || !self.is_strict);
        let keys = self.keys.iter().map(|known| &known.key);
        keys.filter(move |key| all || key.id() == id)
    }

    /// The key of an id.
    pub(super) fn get(&self, id: &str) -> Option<&KnownKey> {
        self.keys.iter().find(|known| known.key.id() == id)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Those that verifiers elsewhere are told of.
    pub fn published(&self) -> impl Iterator<Item = &PublicKey> + Clone {
        let published = self.keys.iter().filter(|known| known.is_published);
        published.map(|known| &known.key)
    }
}
