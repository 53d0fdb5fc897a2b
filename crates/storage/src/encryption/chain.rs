//! Providers in a row.

use std::{fmt, sync::Arc};

use super::{Kms, Refusal, ciphers::Cipher};
use crate::sealed::is_sealed;

/// A named key.
pub struct Key {
    name: String,
    cipher: Cipher,
}

/// One way to seal values.
pub enum Provider {
    /// Not at all.
    Identity,
    /// With one of these keys; the first is written with.
    Keys {
        /// Such as `k8s:enc:aesgcm:v1:`.
        prefix: &'static str,
        /// What upstream calls it in errors.
        name: &'static str,
        /// The keys.
        keys: Vec<Key>,
    },
    /// With keys that a key management service keeps.
    Kms(Arc<Kms>),
}

/// Providers, in order: the first seals, all open.
#[derive(Debug)]
pub struct Chain(Vec<Arc<Provider>>);

/// A value as it was before it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its bytes.
    pub value: Vec<u8>,
    /// It would be sealed otherwise today.
    pub stale: bool,
}

impl Provider {
    /// `aesgcm`, with keys of 16, 24 or 32 bytes by name.
    ///
    /// # Errors
    /// `KeySize`.
    pub fn aesgcm(keys: &[(String, Vec<u8>)]) -> Result<Self, Refusal> {
        Self::keys("k8s:enc:aesgcm:v1:", "AES", keys, Cipher::gcm)
    }

    /// `aescbc`, with keys of 16, 24 or 32 bytes by name.
    ///
    /// # Errors
    /// `KeySize`.
    pub fn aescbc(keys: &[(String, Vec<u8>)]) -> Result<Self, Refusal> {
        Self::keys("k8s:enc:aescbc:v1:", "AES", keys, Cipher::cbc)
    }

    /// `secretbox`, with keys of 32 bytes by name.
    ///
    /// # Errors
    /// `KeySize`.
    pub fn secretbox(keys: &[(String, Vec<u8>)]) -> Result<Self, Refusal> {
        Self::keys(
            "k8s:enc:secretbox:v1:",
            "Secretbox",
            keys,
            Cipher::secretbox,
        )
    }

    fn keys(
        prefix: &'static str,
        name: &'static str,
        keys: &[(String, Vec<u8>)],
        make: impl Fn(&[u8]) -> Result<Cipher, Refusal>,
    ) -> Result<Self, Refusal> {
        let key = |(name, secret): &(String, Vec<u8>)| {
            Ok(Key {
                name: format!("{name}:"),
                cipher: make(secret)?,
            })
        };
        Ok(Self::Keys {
            prefix,
            name,
            keys: keys.iter().map(key).collect::<Result<_, _>>()?,
        })
    }

    fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Identity => Ok(plain.to_vec()),
            Self::Keys { prefix, name, keys } => {
                let key = keys.first().ok_or(Refusal::NoKey(name))?;
                let mut out = Vec::with_capacity(plain.len() + 128);
                out.extend_from_slice(prefix.as_bytes());
                out.extend_from_slice(key.name.as_bytes());
                key.cipher.seal(context, plain, &mut out)?;
                Ok(out)
            }
            Self::Kms(kms) => kms.seal(context, plain),
        }
    }

    /// `None` if the value is not one of this provider's.
    fn open(&self, context: &[u8], stored: &[u8]) -> Option<Result<Opened, Refusal>> {
        match self {
            // Another provider after it may do better.
            Self::Identity => (!is_sealed(stored)).then(|| {
                Ok(Opened {
                    value: stored.to_vec(),
                    stale: false,
                })
            }),
            Self::Keys { prefix, name, keys } => {
                let sealed = stored.strip_prefix(prefix.as_bytes())?;
                let mut last = Refusal::NoKey(name);
                for (at, key) in keys.iter().enumerate() {
                    let Some(sealed) = sealed.strip_prefix(key.name.as_bytes()) else {
                        continue;
                    };
                    match key.cipher.open(context, sealed) {
                        Ok(value) => {
                            let stale = at > 0;
                            return Some(Ok(Opened { value, stale }));
                        }
                        Err(refusal) => last = refusal,
                    }
                }
                Some(Err(last))
            }
            Self::Kms(kms) => {
                let sealed = stored.strip_prefix(kms.prefix().as_bytes())?;
                Some(kms.open(context, sealed))
            }
        }
    }
}

impl Provider {
    /// What values begin with that it sealed; of values that are not sealed, `identity`.
    fn prefix(&self) -> &str {
        match self {
            Self::Identity => "identity",
            Self::Keys { prefix, .. } => prefix,
            Self::Kms(kms) => kms.prefix(),
        }
    }
}

impl Chain {
    /// Those providers.
    pub fn new(providers: Vec<Arc<Provider>>) -> Self {
        Self(providers)
    }

    /// What the values begin with that it seals.
    pub fn sealing_prefix(&self) -> &str {
        self.0.first().map_or("unknown", |first| first.prefix())
    }

    /// What the provider is called that a stored value is opened by: its prefix.
    pub fn opening_prefix(&self, stored: &[u8]) -> &str {
        let opens = |provider: &&Arc<Provider>| match &***provider {
            Provider::Identity => !is_sealed(stored),
            sealing => stored.starts_with(sealing.prefix().as_bytes()),
        };
        let found = self.0.iter().find(opens);
        found.map_or("unknown", |provider| provider.prefix())
    }

    /// Seals a value for the place `context`, which is the storage's key.
    ///
    /// # Errors
    /// What the first provider says.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        let provider = self.0.first().ok_or(Refusal::NoPrefix)?;
        provider.seal(context, plain)
    }

    /// Opens what was sealed for the place `context`.
    ///
    /// # Errors
    /// What the providers say that know its prefix, or `NoPrefix` if none does.
    pub fn open(&self, context: &[u8], stored: &[u8]) -> Result<Opened, Refusal> {
        let mut refused = None;
        for (at, provider) in self.0.iter().enumerate() {
            match provider.open(context, stored) {
                None => {}
                Some(Ok(opened)) => {
                    return Ok(Opened {
                        stale: opened.stale || at > 0,
                        ..opened
                    });
                }
                // A later entry may have an older key of the same name.
                Some(Err(refusal)) => refused = refused.or(Some(refusal)),
            }
        }
        Err(refused.unwrap_or(Refusal::NoPrefix))
    }

    /// What is read where no rule says anything: only what is not sealed.
    ///
    /// # Errors
    /// `Sealed`.
    pub fn open_unsealed(stored: &[u8]) -> Result<(), Refusal> {
        if is_sealed(stored) {
            return Err(Refusal::Sealed);
        }
        Ok(())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Keys { prefix, .. } => f.write_str(prefix),
            Self::Kms(kms) => f.write_str(kms.prefix()),
        }
    }
}
