//! Issues tokens, and tells verifiers elsewhere how: [`Issuer`].

use std::collections::BTreeSet;

use serde_json::json;

use super::claims::Claims;
use crate::jwt;
use crate::key::{PublicKey, SigningKey};

/// Issues tokens of service accounts.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    key: SigningKey,
}

impl Issuer {
    /// An issuer called `name`, as a rule a URL, that signs with `key`.
    pub fn new(name: impl Into<String>, key: SigningKey) -> Self {
        let name = name.into();
        Self { name, key }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What verifies its tokens.
    pub fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// A token that says `claims`; `None` if it cannot be signed.
    pub fn issue(&self, claims: Claims) -> Option<String> {
        let iss = self.name.clone();
        jwt::sign(&self.key, &Claims { iss, ..claims })
    }
}

/// The body of `/.well-known/openid-configuration`; keys are at `jwks_uri`. `None` where `issuer` is no URL.
pub fn openid_configuration(issuer: &str, jwks_uri: &str, keys: &[PublicKey]) -> Option<String> {
    if !issuer.starts_with("https://") {
        return None;
    }
    let algorithms: BTreeSet<&str> = keys.iter().map(|key| key.algorithm().as_str()).collect();
    // In upstream's order, which a map of JSON would not keep.
    Some(format!(
        r#"{{"issuer":{},"jwks_uri":{},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":{}}}"#,
        json!(issuer),
        json!(jwks_uri),
        json!(algorithms)
    ))
}

/// The body of `/openid/v1/jwks`.
pub fn key_set(keys: &[PublicKey]) -> String {
    let keys: Vec<String> = keys.iter().map(PublicKey::jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}
