//! Issues tokens, and tells verifiers elsewhere how: [`Issuer`].

use std::collections::BTreeSet;

use serde_json::json;

use super::claims::Claims;
use crate::awaited::Awaited;
use crate::jwt;
use crate::key::{PublicKey, SigningKey};

/// Issues tokens of service accounts.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    key: Awaited<Option<SigningKey>>,
}

impl Issuer {
    /// An issuer called `name`, as a rule a URL, that signs with `key`; it issues nothing if there is none.
    pub fn new(name: impl Into<String>, key: Awaited<Option<SigningKey>>) -> Self {
        let name = name.into();
        Self { name, key }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A token that says `claims`; `None` if it cannot be signed.
    pub fn issue(&self, claims: Claims) -> Option<String> {
        let iss = self.name.clone();
        jwt::sign((*self.key).as_ref()?, &Claims { iss, ..claims })
    }
}

/// Whether an issuer of this name can be looked up: its name is a URL.
pub fn is_published(issuer: &str) -> bool {
    issuer.starts_with("https://")
}

/// The body of `/.well-known/openid-configuration`; keys are at `jwks_uri`.
pub fn openid_configuration(issuer: &str, jwks_uri: &str, keys: &[PublicKey]) -> String {
    let algorithms: BTreeSet<&str> = keys.iter().map(|key| key.algorithm().as_str()).collect();
    // In upstream's order, which a map of JSON would not keep.
    format!(
        r#"{{"issuer":{},"jwks_uri":{},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":{}}}"#,
        json!(issuer),
        json!(jwks_uri),
        json!(algorithms)
    )
}

/// The body of `/openid/v1/jwks`.
pub fn key_set(keys: &[PublicKey]) -> String {
    let keys: Vec<String> = keys.iter().map(PublicKey::jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}
