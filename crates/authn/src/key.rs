//! Keys of signed tokens: [`PublicKey`], [`SigningKey`].

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::{PemObject, SectionKind};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

/// How a token is signed. `none` and everything symmetric are not among these, and so never accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// ECDSA on P-521.
    Es512,
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
}

impl Algorithm {
    /// The name in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The algorithm of a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Es256,
            Self::Es384,
            Self::Es512,
            Self::Rs256,
            Self::Rs384,
            Self::Rs512,
        ];
        all.into_iter().find(|found| found.as_str() == name)
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// A key file that holds no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in it is a key.
    #[error("data does not contain any valid RSA or ECDSA {0} keys")]
    None(&'static str),
    /// The key is of a sort that signs no tokens.
    #[error("the key is neither RSA nor ECDSA on P-256, P-384 or P-521")]
    Unsupported,
}

/// What is known of a public key of ours for those who verify.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Numbers {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Ec {
        curve: &'static str,
        x: Vec<u8>,
        y: Vec<u8>,
    },
}

/// A key that tokens are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: String,
    /// The first is what tokens signed by us say.
    algorithms: &'static [Algorithm],
    spki: Vec<u8>,
    numbers: Numbers,
}

impl PublicKey {
    /// A key from its `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// Where it is none that tokens are signed with.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let (_, info) = SubjectPublicKeyInfo::from_der(spki).map_err(|_| KeyError::Unsupported)?;
        let (algorithms, numbers): (&[Algorithm], _) =
            match info.parsed().map_err(|_| KeyError::Unsupported)? {
                Parsed::RSA(key) => (
                    &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512],
                    Numbers::Rsa {
                        modulus: without_zeros(key.modulus),
                        exponent: without_zeros(key.exponent),
                    },
                ),
                Parsed::EC(point) => {
                    // An uncompressed point: 4, and both coordinates.
                    let coordinates = point
                        .data()
                        .strip_prefix(&[4])
                        .ok_or(KeyError::Unsupported)?;
                    let (curve, algorithms): (_, &[Algorithm]) = match coordinates.len() {
                        64 => ("P-256", &[Algorithm::Es256]),
                        96 => ("P-384", &[Algorithm::Es384]),
                        132 => ("P-521", &[Algorithm::Es512]),
                        _ => return Err(KeyError::Unsupported),
                    };
                    let (x, y) = coordinates.split_at(coordinates.len() / 2);
                    let (x, y) = (x.to_vec(), y.to_vec());
                    (algorithms, Numbers::Ec { curve, x, y })
                }
                _ => return Err(KeyError::Unsupported),
            };
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(digest(&SHA256, spki)),
            algorithms,
            spki: spki.to_vec(),
            numbers,
        })
    }

    /// All keys of a PEM file: public keys, certificates, and the public halves of private keys.
    ///
    /// # Errors
    /// Where there is none.
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, KeyError> {
        let mut keys = Vec::new();
        for (kind, der) in sections(pem) {
            let key = match kind {
                SectionKind::PublicKey => Self::from_spki(&der),
                SectionKind::Certificate => x509_parser::parse_x509_certificate(&der)
                    .map_err(|_| KeyError::Unsupported)
                    .and_then(|(_, found)| Self::from_spki(found.public_key().raw)),
                _ => match SigningKey::from_der(kind, &der) {
                    Ok(key) => Ok(key.public),
                    Err(error) => Err(error),
                },
            };
            keys.extend(key);
        }
        if keys.is_empty() {
            return Err(KeyError::None("public"));
        }
        Ok(keys)
    }

    /// What tokens signed with it name it: the digest of its encoding.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What tokens that we sign with it say of it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::Rs256)
    }

    /// Whether `signature` of `message` is this key's.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.algorithms.contains(&algorithm)
            && UnparsedPublicKey::new(algorithm.verification(), &self.spki)
                .verify(message, signature)
                .is_ok()
    }

    /// The key as an entry of a JSON Web Key Set.
    pub fn jwk(&self) -> String {
        let (id, algorithm) = (&self.id, self.algorithm().as_str());
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.numbers {
            Numbers::Rsa { modulus, exponent } => format!(
                r#"{{"use":"sig","kty":"RSA","kid":"{id}","alg":"{algorithm}","n":"{}","e":"{}"}}"#,
                text(modulus),
                text(exponent)
            ),
            Numbers::Ec { curve, x, y } => format!(
                r#"{{"use":"sig","kty":"EC","kid":"{id}","crv":"{curve}","alg":"{algorithm}","x":"{}","y":"{}"}}"#,
                text(x),
                text(y)
            ),
        }
    }
}

/// A positive number without what DER puts before it.
fn without_zeros(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number[zeros..].to_vec()
}

/// The sections of a PEM file, up to what is none.
fn sections(pem: &[u8]) -> impl Iterator<Item = (SectionKind, Vec<u8>)> {
    <(SectionKind, Vec<u8>)>::pem_slice_iter(pem).map_while(Result::ok)
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A key that tokens are signed with. It is never shown.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

impl SigningKey {
    /// The first private key of a PEM file: PKCS #8, PKCS #1 or SEC 1.
    ///
    /// # Errors
    /// Where there is none that signs tokens.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        sections(pem)
            .find(|(kind, _)| {
                matches!(
                    kind,
                    SectionKind::PrivateKey
                        | SectionKind::RsaPrivateKey
                        | SectionKind::EcPrivateKey
                )
            })
            .ok_or(KeyError::None("private"))
            .and_then(|(kind, der)| Self::from_der(kind, &der))
    }

    fn from_der(kind: SectionKind, der: &[u8]) -> Result<Self, KeyError> {
        let rsa = match kind {
            SectionKind::PrivateKey => RsaKeyPair::from_pkcs8(der).ok(),
            SectionKind::RsaPrivateKey => RsaKeyPair::from_der(der).ok(),
            _ => None,
        };
        if let Some(pair) = rsa {
            let spki: PublicKeyX509Der<'_> = pair
                .public_key()
                .as_der()
                .map_err(|_| KeyError::Unsupported)?;
            let public = PublicKey::from_spki(spki.as_ref())?;
            let pair = Pair::Rsa(pair);
            return Ok(Self { pair, public });
        }
        let curves: [&'static EcdsaSigningAlgorithm; 3] = [
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        ];
        for curve in curves {
            let pair = match kind {
                SectionKind::PrivateKey => EcdsaKeyPair::from_pkcs8(curve, der),
                SectionKind::EcPrivateKey => EcdsaKeyPair::from_private_key_der(curve, der),
                _ => return Err(KeyError::Unsupported),
            };
            let Ok(pair) = pair else { continue };
            let spki: PublicKeyX509Der<'_> = pair
                .public_key()
                .as_der()
                .map_err(|_| KeyError::Unsupported)?;
            let public = PublicKey::from_spki(spki.as_ref())?;
            let pair = Pair::Ec(pair);
            return Ok(Self { pair, public });
        }
        Err(KeyError::Unsupported)
    }

    /// The other half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of `message`; `None` if the machine has no randomness.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &random,
                    message,
                    &mut signature,
                )
                .ok()?;
                Some(signature)
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.public.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A key made for a test.
    pub(crate) fn signing_key() -> SigningKey {
        let pair = rcgen::KeyPair::generate().expect("a key");
        SigningKey::from_pem(pair.serialize_pem().as_bytes()).expect("a signing key")
    }

    #[test]
    fn what_a_key_signs_its_public_half_verifies_and_no_other() {
        let (key, other) = (signing_key(), signing_key());
        let signature = key.sign(b"message").expect("randomness");
        let public = key.public();
        assert!(public.verifies(Algorithm::Es256, b"message", &signature));
        assert!(!public.verifies(Algorithm::Es256, b"massage", &signature));
        assert!(!public.verifies(Algorithm::Rs256, b"message", &signature));
        assert!(
            !other
                .public()
                .verifies(Algorithm::Es256, b"message", &signature)
        );
    }

    #[test]
    fn a_key_is_named_after_its_encoding() {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let private = SigningKey::from_pem(pair.serialize_pem().as_bytes()).expect("a key");
        let public = PublicKey::all_from_pem(pair.public_key_pem().as_bytes()).expect("a key");
        assert_eq!(public, [private.public().clone()]);
        assert_eq!(public[0].id().len(), 43);
        assert!(
            public[0]
                .jwk()
                .starts_with(r#"{"use":"sig","kty":"EC","kid":""#)
        );
    }

    #[test]
    fn a_file_without_keys_is_refused() {
        assert_eq!(
            PublicKey::all_from_pem(b"nothing").err(),
            Some(KeyError::None("public"))
        );
        assert_eq!(
            SigningKey::from_pem(b"").err(),
            Some(KeyError::None("private"))
        );
    }
}
