//! Where a provider keeps its keys, and those keys: [`Provider`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use futures_util::lock::Mutex;
use pintle_runtime::quote::Quoted;
use serde::Deserialize;

use super::{Fetch, google};
use crate::jwt::Unverified;
use crate::key::PublicKey;

/// A provider of tokens.
pub(super) struct Provider {
    issuer: String,
    discovery_url: String,
    /// Where the keys are; nothing until the provider was found.
    key_url: ArcSwapOption<String>,
    keys: ArcSwapOption<Keys>,
    /// Held by who fetches keys.
    fetching: Mutex<Option<Instant>>,
}

/// The keys of a provider, as they were when they were fetched.
struct Keys(Vec<PublicKey>);

/// Tokens with keys that nobody knows do not have the provider asked more often than this.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    jwks_uri: String,
}

impl Provider {
    pub(super) fn new(issuer: &str, discovery_url: Option<String>) -> Self {
        let well_known = || {
            let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
            format!("{issuer}/.well-known/openid-configuration")
        };
        Self {
            issuer: issuer.to_owned(),
            discovery_url: discovery_url.unwrap_or_else(well_known),
            key_url: ArcSwapOption::empty(),
            keys: ArcSwapOption::empty(),
            fetching: Mutex::default(),
        }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether it was found.
    pub(super) fn is_known(&self) -> bool {
        self.key_url.load().is_some()
    }

    pub(super) async fn discover(&self, fetch: &dyn Fetch) -> Result<(), String> {
        let document = fetch.get(&self.discovery_url, None).await?;
        let document: Document = serde_json::from_slice(&document)
            .map_err(|error| format!("failed to decode provider discovery object: {error}"))?;
        if google(&document.issuer) != self.issuer {
            return Err(format!(
                "issuer did not match the issuer returned by provider, expected {} got {}",
                Quoted(&self.issuer),
                Quoted(&document.issuer)
            ));
        }
        if document.jwks_uri.is_empty() {
            return Err("provider did not return JWKS URL".to_owned());
        }
        self.key_url.store(Some(Arc::new(document.jwks_uri)));
        Ok(())
    }

    /// Whether the provider signed a token. If none of its keys at hand did, they are fetched: it may have new ones.
    pub(super) async fn verify(
        &self,
        fetch: &dyn Fetch,
        token: &Unverified<'_>,
    ) -> Result<(), String> {
        let known = self.keys.load_full();
        if known.as_ref().is_some_and(|keys| keys.verify(token)) {
            return Ok(());
        }
        let fetched = self.fetch(fetch, known.as_ref()).await?;
        if fetched.verify(token) {
            Ok(())
        } else {
            Err("failed to verify id token signature".to_owned())
        }
    }

    /// The keys as they are now; `known` is what was tried.
    async fn fetch(
        &self,
        fetch: &dyn Fetch,
        known: Option<&Arc<Keys>>,
    ) -> Result<Arc<Keys>, String> {
        let mut last = self.fetching.lock().await;
        // Somebody may have fetched them while this one waited.
        let current = self.keys.load_full();
        if let Some(current) = current {
            let is_tried = known.is_some_and(|known| Arc::ptr_eq(known, &current));
            if !is_tried || last.is_some_and(|last| last.elapsed() < PAUSE) {
                return Ok(current);
            }
        }
        *last = Some(Instant::now());
        let url = self.key_url.load_full().ok_or("the provider is unknown")?;
        let set = fetch.get(&url, None).await;
        let set = set.map_err(|error| format!("fetching keys {error}"))?;
        let keys = PublicKey::all_from_jwks(&set)
            .map_err(|error| format!("fetching keys: failed to decode keys: {error}"))?;
        let keys = Arc::new(Keys(keys));
        self.keys.store(Some(Arc::clone(&keys)));
        Ok(keys)
    }
}

impl Keys {
    fn verify(&self, token: &Unverified<'_>) -> bool {
        let id = token.key_id();
        let is_candidate = |key: &&PublicKey| id.is_empty() || key.id() == id;
        token.is_signed_by(self.0.iter().filter(is_candidate))
    }
}
