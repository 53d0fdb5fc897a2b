//! Signed tokens, taken apart and put together.
//!
//! Signatures are `jsonwebtoken`'s. What tokens look like is read here, as its `decode` refuses what it does not know,
//! ES512 among it, before anybody could say whose token it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};

use crate::key::{Algorithm, PublicKey, SigningKey};

/// No token of ours comes near this size, in bytes; a longer one is not looked at.
pub const LONGEST: usize = 64 << 10;

/// A token that was taken apart and whose signature nobody has looked at.
#[derive(Debug)]
pub struct Unverified<'a> {
    /// What is signed.
    signed: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: &'a str,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// Extensions that must be understood; none are.
    #[serde(default)]
    crit: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Issuer {
    #[serde(default)]
    iss: String,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart; `None` if it is none.
    pub fn parse(token: &'a str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self {
            signed,
            header,
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            signature,
        })
    }

    /// Who it says has issued it; empty if it does not say.
    pub fn issuer(&self) -> String {
        serde_json::from_slice::<Issuer>(&self.payload)
            .map(|found| found.iss)
            .unwrap_or_default()
    }

    /// Which key it says it is signed with; empty if it does not say.
    pub fn key_id(&self) -> &str {
        &self.header.kid
    }

    /// Whether it is signed in a way that any key of ours could have signed it in.
    pub fn has_known_algorithm(&self) -> bool {
        Algorithm::parse(&self.header.alg).is_some()
    }

    /// How it says that it is signed; `None` if in no way that is accepted.
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::parse(&self.header.alg)
    }

    /// Whether one of `keys` signed it. Of several, those that it names are tried and no others.
    pub fn is_signed_by<'k>(&self, keys: impl IntoIterator<Item = &'k PublicKey>) -> bool {
        let Some(algorithm) = Algorithm::parse(&self.header.alg) else {
            return false;
        };
        keys.into_iter()
            .any(|key| key.verifies(algorithm, self.signed.as_bytes(), self.signature))
    }

    /// What it says.
    ///
    /// # Errors
    /// Where it is not JSON of this form.
    pub fn claims<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.payload)
    }
}

/// A signed token that says `claims`; `None` if it cannot be signed.
pub fn sign(key: &SigningKey, claims: &impl Serialize) -> Option<String> {
    let (algorithm, id) = (key.public().algorithm().as_str(), key.public().id());
    let header = format!(r#"{{"alg":"{algorithm}","kid":"{id}"}}"#);
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    token.push_str(&payload(claims)?);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&signature);
    Some(token)
}

/// What a token that says `claims` has between header and signature.
pub(crate) fn payload(claims: &impl Serialize) -> Option<String> {
    // By way of a map, so that keys are in order, as upstream's are.
    let claims = serde_json::to_value(claims).ok()?;
    Some(URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// An audience is one string or a list of them.
pub(crate) fn audiences<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(from)? {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    })
}

/// A time is a number of seconds since 1970, maybe with a fraction that does not count.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "beyond the range the nearest number will do"
    )]
    Ok(Option::<f64>::deserialize(from)?.map(|seconds| seconds as i64))
}
