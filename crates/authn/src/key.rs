//! Keys of signed tokens: [`PublicKey`], [`SigningKey`].

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{sign, verify};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rustls::pki_types::pem::{PemObject, SectionKind};
use serde::Deserialize;
use x509_parser::asn1_rs::Any;
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
    /// RSA, PSS, SHA-256.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
}

impl Algorithm {
    const ALL: [Self; 9] = [
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The name in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The algorithm of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|found| found.as_str() == name)
    }

    /// The same for `jsonwebtoken`, which knows nothing of P-521.
    fn known(self) -> Option<jsonwebtoken::Algorithm> {
        use jsonwebtoken::Algorithm as Known;
        Some(match self {
            Self::Es256 => Known::ES256,
            Self::Es384 => Known::ES384,
            Self::Es512 => return None,
            Self::Ps256 => Known::PS256,
            Self::Ps384 => Known::PS384,
            Self::Ps512 => Known::PS512,
            Self::Rs256 => Known::RS256,
            Self::Rs384 => Known::RS384,
            Self::Rs512 => Known::RS512,
        })
    }
}

const RSA: &[Algorithm] = &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512];
const ANY_RSA: &[Algorithm] = &[
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

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

/// What a public key is made of.
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

/// The curve of points with coordinates of so many bytes, and what is signed with it.
fn curve(coordinate: usize) -> Option<(&'static str, &'static [Algorithm])> {
    Some(match coordinate {
        32 => ("P-256", &[Algorithm::Es256]),
        48 => ("P-384", &[Algorithm::Es384]),
        66 => ("P-521", &[Algorithm::Es512]),
        _ => return None,
    })
}

/// A key that tokens are verified with.
#[derive(Clone)]
pub struct PublicKey {
    id: String,
    /// The first is what tokens signed by us say.
    algorithms: &'static [Algorithm],
    numbers: Numbers,
    decoding: DecodingKey,
}

/// An entry of a JSON Web Key Set, as far as it is looked at.
#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(rename = "use", default)]
    purpose: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl PublicKey {
    fn new(id: String, algorithms: &'static [Algorithm], numbers: Numbers) -> Self {
        let decoding = match &numbers {
            Numbers::Rsa { modulus, exponent } => {
                DecodingKey::from_rsa_raw_components(modulus, exponent)
            }
            Numbers::Ec { x, y, .. } => DecodingKey::from_ec_der(&[&[4], &x[..], &y[..]].concat()),
        };
        Self {
            id,
            algorithms,
            numbers,
            decoding,
        }
    }

    /// A key from its `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// Where it is none that tokens are signed with.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let (_, info) = SubjectPublicKeyInfo::from_der(spki).map_err(|_| KeyError::Unsupported)?;
        let (algorithms, numbers) = match info.parsed().map_err(|_| KeyError::Unsupported)? {
            Parsed::RSA(key) => (
                RSA,
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
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                let (curve, algorithms) = curve(x.len()).ok_or(KeyError::Unsupported)?;
                let (x, y) = (x.to_vec(), y.to_vec());
                (algorithms, Numbers::Ec { curve, x, y })
            }
            _ => return Err(KeyError::Unsupported),
        };
        let id = URL_SAFE_NO_PAD.encode(digest(&SHA256, spki));
        Ok(Self::new(id, algorithms, numbers))
    }

    /// The keys of a JSON Web Key Set that tokens are signed with; others are left out. The id of one is what the
    /// set says, and may be empty.
    ///
    /// # Errors
    /// Where it is no such set.
    pub fn all_from_jwks(set: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let Set { keys } = serde_json::from_slice(set)?;
        let key = |entry| serde_json::from_value(entry).ok().and_then(Self::from_jwk);
        Ok(keys.into_iter().filter_map(key).collect())
    }

    fn from_jwk(jwk: Jwk) -> Option<Self> {
        if !matches!(&*jwk.purpose, "" | "sig") {
            return None;
        }
        let number = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let (algorithms, numbers) = match &*jwk.kty {
            "RSA" => {
                let (modulus, exponent) = (number(&jwk.n)?, number(&jwk.e)?);
                (
                    ANY_RSA,
                    Numbers::Rsa {
                        modulus: without_zeros(&modulus),
                        exponent: without_zeros(&exponent),
                    },
                )
            }
            "EC" => {
                let (x, y) = (number(&jwk.x)?, number(&jwk.y)?);
                let (curve, algorithms) = curve(x.len())?;
                if curve != jwk.crv || x.len() != y.len() {
                    return None;
                }
                (algorithms, Numbers::Ec { curve, x, y })
            }
            _ => return None,
        };
        Some(Self::new(jwk.kid, algorithms, numbers))
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

    /// The same key, which tokens name by another id.
    #[must_use]
    pub fn named(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// What tokens signed with it name it: the digest of its encoding, if nobody says otherwise.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What tokens that we sign with it say of it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::Rs256)
    }

    /// Whether `signature`, in base64 as tokens have it, is this key's of `message`.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        if !self.algorithms.contains(&algorithm) {
            return false;
        }
        if let Some(known) = algorithm.known() {
            return verify(signature, message, &self.decoding, known).unwrap_or(false);
        }
        let (Ok(signature), Ok(point)) = (
            URL_SAFE_NO_PAD.decode(signature),
            self.decoding.try_get_as_bytes(),
        ) else {
            return false;
        };
        UnparsedPublicKey::new(&signature::ECDSA_P521_SHA512_FIXED, point)
            .verify(message, &signature)
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

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.numbers) == (&other.id, &other.numbers)
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
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
    Known(EncodingKey),
    /// On P-521, which `jsonwebtoken` does not know.
    P521(EcdsaKeyPair),
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
        let unsupported = |_| KeyError::Unsupported;
        if let Some(pair) = rsa {
            let inner = if kind == SectionKind::PrivateKey {
                inside_pkcs8(der).ok_or(KeyError::Unsupported)?
            } else {
                der
            };
            let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(unsupported)?;
            return Ok(Self {
                public: PublicKey::from_spki(spki.as_ref())?,
                pair: Pair::Known(EncodingKey::from_rsa_der(inner)),
            });
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
            let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(unsupported)?;
            let public = PublicKey::from_spki(spki.as_ref())?;
            let pair = if public.algorithm() == Algorithm::Es512 {
                Pair::P521(pair)
            } else {
                let pkcs8 = pair.to_pkcs8v1().map_err(unsupported)?;
                Pair::Known(EncodingKey::from_ec_der(pkcs8.as_ref()))
            };
            return Ok(Self { pair, public });
        }
        Err(KeyError::Unsupported)
    }

    /// The other half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of `message`, in base64 as tokens have it; `None` if the machine has no randomness.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<String> {
        match &self.pair {
            Pair::Known(key) => sign(message, key, self.public.algorithm().known()?).ok(),
            Pair::P521(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(URL_SAFE_NO_PAD.encode(signature.as_ref()))
            }
        }
    }
}

/// The key inside of a PKCS #8 structure: version, algorithm, and the key as octets.
fn inside_pkcs8(der: &[u8]) -> Option<&[u8]> {
    let (_, outer) = Any::from_der(der).ok()?;
    let (rest, _version) = Any::from_der(outer.data).ok()?;
    let (rest, _algorithm) = Any::from_der(rest).ok()?;
    let (_, key) = Any::from_der(rest).ok()?;
    Some(key.data)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.public.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
