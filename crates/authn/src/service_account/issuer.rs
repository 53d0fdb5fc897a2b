//! Issues tokens, and tells verifiers elsewhere how: [`Issuer`].

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::claims::Claims;
use super::external::ExternalSigner;
use crate::awaited::Awaited;
use crate::jwt;
use crate::key::{PublicKey, SigningKey};

/// Issues tokens of service accounts.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    signing: Signing,
}

/// Who signs tokens.
#[derive(Debug, Clone)]
pub enum Signing {
    /// This server, with a key of its own; nobody if there is none.
    Own(Awaited<Option<SigningKey>>),
    /// Somebody else.
    External(Arc<ExternalSigner>),
}

impl Issuer {
    /// An issuer called `name`, as a rule a URL.
    pub fn new(name: impl Into<String>, signing: Signing) -> Self {
        let name = name.into();
        Self { name, signing }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A token that says `claims`.
    ///
    /// # Errors
    /// In words, why it cannot be signed.
    pub async fn issue(&self, claims: Claims) -> Result<String, String> {
        let iss = self.name.clone();
        let claims = Claims { iss, ..claims };
        let unreadable = || "the claims cannot be written".to_owned();
        match &self.signing {
            Signing::Own(key) => {
                let key = key.as_ref().ok_or("there is no key to sign with")?;
                jwt::sign(key, &claims).ok_or_else(unreadable)
            }
            Signing::External(signer) => {
                let payload = jwt::payload(&claims).ok_or_else(unreadable)?;
                signer.sign(&payload).await
            }
        }
    }
}

/// Whether an issuer of this name can be looked up: its name is a URL.
pub fn is_published(issuer: &str) -> bool {
    issuer.starts_with("https://")
}

/// The body of `/.well-known/openid-configuration`; keys are at `jwks_uri`.
pub fn openid_configuration<'a>(
    issuer: &str,
    jwks_uri: &str,
    keys: impl Iterator<Item = &'a PublicKey>,
) -> String {
    let algorithms: BTreeSet<&str> = keys.map(|key| key.algorithm().as_str()).collect();
    // In upstream's order, which a map of JSON would not keep.
    format!(
        r#"{{"issuer":{},"jwks_uri":{},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":{}}}"#,
        json!(issuer),
        json!(jwks_uri),
        json!(algorithms)
    )
}

/// The body of `/openid/v1/jwks`.
pub fn key_set<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> String {
    let keys: Vec<String> = keys.map(PublicKey::jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}
