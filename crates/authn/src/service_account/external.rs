//! Somebody else who signs the tokens of service accounts and keeps their keys: [`ExternalSigner`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::lock::Mutex;
use serde::Deserialize;

use super::keys::{Known, KnownKey};
use crate::key::PublicKey;

/// What a [`SignerService`] gives in the end, or in words for the log why not.
pub type Answered<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Takes requests to the signer. Everything takes as long as it takes, and no longer than some time of its own choice.
pub trait SignerService: Send + Sync + 'static {
    /// Signs a payload, which is in base64 as tokens have it.
    fn sign<'a>(&'a self, payload: &'a str) -> Answered<'a, Signed>;
    /// The keys that tokens may be signed with.
    fn fetch_keys(&self) -> Answered<'_, Fetched>;
}

/// What the signer puts around a payload, both in base64 as tokens have it.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The header.
    pub header: String,
    /// The signature of header and payload.
    pub signature: String,
}

/// Keys as the signer gives them.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The keys.
    pub keys: Vec<FetchedKey>,
    /// After how many seconds to ask again.
    pub refresh_seconds: i64,
}

/// A key as the signer gives it.
#[derive(Debug, Clone)]
pub struct FetchedKey {
    /// What tokens name it.
    pub id: String,
    /// Its `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    /// It verifies tokens, and neither signs them nor is it told to anybody.
    pub is_hidden: bool,
}

/// A signer, and the keys that it gave last.
pub struct ExternalSigner {
    service: Arc<dyn SignerService>,
    keys: ArcSwap<Known>,
    /// When to ask again.
    stale: ArcSwap<Instant>,
    /// How often keys came. Held while they are asked for, so that those who wait for the same share an answer.
    fetches: Mutex<u64>,
    came: std::sync::atomic::AtomicU64,
}

/// Nothing that names a key is longer, in bytes.
const LONGEST_ID: usize = 1024;

/// The header of a token, with nothing in it that is not known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(default)]
    alg: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    typ: String,
}

impl ExternalSigner {
    /// A signer that was not asked for its keys yet.
    pub fn new(service: Arc<dyn SignerService>) -> Self {
        Self {
            service,
            keys: ArcSwap::default(),
            stale: ArcSwap::from_pointee(Instant::now()),
            fetches: Mutex::default(),
            came: std::sync::atomic::AtomicU64::default(),
        }
    }

    /// Asks for the keys. Those of before stay if that fails.
    ///
    /// # Errors
    /// In words for the log.
    pub async fn fetch(&self) -> Result<(), String> {
        let mut fetches = self.fetches.lock().await;
        self.fetch_locked(&mut fetches).await
    }

    /// Asks for the keys, as somebody named one that is not known; unless they came since this was called.
    pub async fn fetch_again(&self) {
        use std::sync::atomic::Ordering::Acquire;
        let before = self.came.load(Acquire);
        let mut fetches = self.fetches.lock().await;
        if self.came.load(Acquire) != before {
            return;
        }
        // Whoever asks in the background tells of it, and the token is refused.
        let _ = self.fetch_locked(&mut fetches).await;
    }

    async fn fetch_locked(&self, fetches: &mut u64) -> Result<(), String> {
        let fetched =
            self.service.fetch_keys().await.map_err(|why| {
                format!("while getting externally supported jwt signing keys: {why}")
            })?;
        let seconds = u64::try_from(fetched.refresh_seconds).unwrap_or_default();
        if seconds == 0 {
            let hint = fetched.refresh_seconds;
            return Err(format!("found invalid refresh hint ({hint}s)"));
        }
        if fetched.keys.is_empty() {
            return Err("found no keys".to_owned());
        }
        let keys = fetched.keys.into_iter().map(known);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let old = self.keys.load();
        if !old.is_same(&keys) {
            let generation = old.generation() + 1;
            self.keys.store(Arc::new(Known::fetched(keys, generation)));
        }
        let stale = Instant::now() + Duration::from_secs(seconds.min(u64::from(u32::MAX)));
        self.stale.store(Arc::new(stale));
        *fetches += 1;
        self.came
            .store(*fetches, std::sync::atomic::Ordering::Release);
        Ok(())
    }

    /// The keys that came last.
    pub(super) fn known(&self) -> Arc<Known> {
        self.keys.load_full()
    }

    /// Whether a token may name this key: nobody knows it only if some are known and it is none of them.
    pub(super) fn knows(&self, id: &str) -> bool {
        let keys = self.keys.load();
        !keys.is_empty() && (id.is_empty() || keys.get(id).is_some())
    }

    /// When to ask for the keys again.
    pub fn stale_at(&self) -> Instant {
        **self.stale.load()
    }

    /// For how many seconds the keys are good.
    pub(super) fn max_age(&self) -> u64 {
        let left = self.stale_at().saturating_duration_since(Instant::now());
        left.as_secs()
    }

    /// The token with this payload, which is in base64.
    pub(super) async fn sign(&self, payload: &str) -> Result<String, String> {
        let signed = self.service.sign(payload).await;
        let Signed { header, signature } =
            signed.map_err(|why| format!("while signing jwt: {why}"))?;
        self.check_header(&header)
            .await
            .map_err(|why| format!("while validating header: {why}"))?;
        if signature.is_empty() {
            return Err("empty signature returned".to_owned());
        }
        Ok(format!("{header}.{payload}.{signature}"))
    }

    async fn check_header(&self, header: &str) -> Result<(), String> {
        let json = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|error| format!("while unwrapping header: {error}"))?;
        let Header { alg, kid, typ } = serde_json::from_slice(&json)
            .map_err(|error| format!("while parsing header JSON: {error}"))?;
        if typ != "JWT" {
            return Err("bad type".to_owned());
        }
        if kid.is_empty() {
            return Err("key id missing".to_owned());
        }
        if kid.len() > LONGEST_ID {
            return Err("key id longer than 1 kb".to_owned());
        }
        if !matches!(&*alg, "RS256" | "ES256" | "ES384" | "ES512") {
            return Err(format!("bad signing algorithm {alg:?}"));
        }
        if !self.knows(&kid) {
            self.fetch_again().await;
        }
        let is_hidden = self
            .keys
            .load()
            .get(&kid)
            .is_some_and(|it| !it.is_published);
        if is_hidden {
            return Err(format!(
                "key used for signing JWT (kid: {kid}) is excluded from OIDC discovery docs"
            ));
        }
        Ok(())
    }
}

fn known(fetched: FetchedKey) -> Result<KnownKey, String> {
    let FetchedKey {
        id,
        spki,
        is_hidden,
    } = fetched;
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(format!("found invalid public key id {id:?}"));
    }
    if spki.is_empty() {
        return Err("found empty public key".to_owned());
    }
    let key = PublicKey::from_spki(&spki)
        .map_err(|error| format!("while parsing external public keys: {error}"))?;
    Ok(KnownKey {
        key: key.named(id),
        is_published: !is_hidden,
    })
}

impl fmt::Debug for ExternalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalSigner")
            .field("keys", &self.keys.load())
            .finish_non_exhaustive()
    }
}
