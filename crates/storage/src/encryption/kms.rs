//! Keys that a key management service keeps: KMS v2.
//!
//! The service seals one seed, and this server derives the keys of all values from it, so the service
//! is asked when a seed is made and when one is met that is not known, and never for each value. Its
//! status is asked for every minute, every ten seconds while it is not well. When it names another
//! key, a new seed is made; what was sealed under the old key is stale. A service that has not been
//! well for three minutes is written with no more.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use prost::Message;
use tokio::runtime::Handle;
use tonic::{
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{
    Opened, Refusal,
    ciphers::{self, Cipher},
    kms_messages::{
        DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, EncryptedObject, KEY,
        SEED, StatusRequest, StatusResponse,
    },
};

/// Where a service is.
#[derive(Clone, Debug)]
pub struct KmsOptions {
    /// What the values' prefix names it.
    pub name: String,
    /// `unix://` and a path.
    pub endpoint: String,
    /// How long it has to answer.
    pub timeout: Duration,
}

/// What happens between a server and key management services, for who counts it. `provider` is the name of one.
pub trait KmsEvents: Send + Sync + 'static {
    /// It was asked, by the full name of a method; `code` is that of gRPC, as Go names it.
    fn asked(&self, provider: &str, method: &str, code: &str, took: Duration);
    /// A value was sealed or opened under this key of the service.
    fn used(&self, provider: &str, key_id: &str, is_sealing: bool);
    /// It said that this is its key.
    fn named(&self, provider: &str, key_id: &str);
    /// It named a key that is none: `empty` or `too_long`.
    fn misnamed(&self, provider: &str, fault: &str);
    /// So many sources of keys are remembered.
    fn knows(&self, provider: &str, sources: usize);
}

/// A key management service.
pub struct Kms {
    name: String,
    prefix: String,
    timeout: Duration,
    channel: Channel,
    /// Who waits for answers where the caller can not.
    runtime: Handle,
    state: Mutex<State>,
    events: Arc<dyn KmsEvents>,
}

#[derive(Default)]
struct State {
    /// What is sealed with.
    own: Option<Own>,
    /// Sources that were opened, by their envelope without data.
    known: HashMap<Vec<u8>, Arc<Cipher>>,
    /// Sources that could not be opened, and when they are tried again: all values that need one would wait for each
    /// attempt otherwise.
    refused: HashMap<Vec<u8>, (Instant, Refusal)>,
    /// How it was when it was asked last.
    health: Option<Result<(), String>>,
    version: String,
}

#[derive(Clone)]
struct Own {
    /// Without data.
    envelope: EncryptedObject,
    cipher: Arc<Cipher>,
    expires: Instant,
}

const WELL: Duration = Duration::from_secs(60);
const UNWELL: Duration = Duration::from_secs(10);
/// How long a source that could not be opened is not tried again.
const REFUSED_FOR: Duration = Duration::from_secs(3);
const WRITE_FOR: Duration = Duration::from_secs(3 * 60);
const LONGEST_NAME: usize = 1024;
const LONGEST_SOURCE: usize = 1024;
const LONGEST_ANNOTATIONS: usize = 32 * 1024;

impl Kms {
    /// A service there, asked how it is once before this returns, and from then on in the background as
    /// long as the answer lives. `events` is told of what happens.
    ///
    /// # Errors
    /// `Kms` for an address that can not be understood. A service that is not well is no error.
    pub async fn start(
        options: &KmsOptions,
        events: Arc<dyn KmsEvents>,
    ) -> Result<Arc<Self>, Refusal> {
        let wrong = |error: tonic::transport::Error| Refusal::Kms(error.to_string());
        // `unix:///@name` is a socket without a file.
        let endpoint = options.endpoint.replace("unix:///@", "unix://@");
        let channel = Endpoint::from_shared(endpoint)
            .map_err(wrong)?
            .connect_lazy();
        let kms = Arc::new(Self {
            name: options.name.clone(),
            prefix: format!("k8s:enc:kms:v2:{}:", options.name),
            timeout: options.timeout,
            channel,
            runtime: Handle::current(),
            state: Mutex::default(),
            events,
        });
        kms.probe().await;
        let watched = Arc::downgrade(&kms);
        tokio::spawn(async move {
            while let Some(kms) = watched.upgrade() {
                let pause = if kms.health().is_ok() { WELL } else { UNWELL };
                drop(kms);
                tokio::time::sleep(pause).await;
                let Some(kms) = watched.upgrade() else { return };
                kms.probe().await;
            }
        });
        Ok(kms)
    }

    /// How it was when it was asked last.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn health(&self) -> Result<(), String> {
        let never = || Err("it was not asked yet".to_owned());
        self.lock().health.clone().unwrap_or_else(never)
    }

    /// What values begin with that it sealed.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Asks it how it is, and makes a new seed if it names a new key.
    pub(super) async fn probe(&self) {
        let health = match self.status().await {
            Ok(()) => Ok(()),
            Err(why) => {
                let why = format!("kmsv2 Provider {} is not healthy, error: {why}", self.name);
                tracing::warn!("{why}");
                Err(why)
            }
        };
        self.lock().health = Some(health);
    }

    async fn status(&self) -> Result<(), String> {
        let status: StatusResponse = self
            .ask("/v2.KeyManagementService/Status", StatusRequest {})
            .await?;
        if status.healthz != "ok" {
            return Err(format!("got unexpected healthz status: {}", status.healthz));
        }
        if !matches!(status.version.as_str(), "v2" | "v2beta1") {
            return Err(format!(
                "expected KMSv2 API version v2, got {}",
                status.version
            ));
        }
        if let Err(fault) = check_key_id(&status.key_id) {
            self.events.misnamed(&self.name, fault.code());
            return Err(fault.to_string());
        }
        self.events.named(&self.name, &status.key_id);
        let expires = Instant::now() + WRITE_FOR;
        {
            let mut state = self.lock();
            if state.version.is_empty() {
                state.version.clone_from(&status.version);
            }
            if state.version != status.version {
                return Err(format!(
                    "KMSv2 API version should not change after the initial status response version {}, got {}",
                    state.version, status.version
                ));
            }
            if let Some(own) = &mut state.own
                && own.envelope.key_id == status.key_id
            {
                own.expires = expires;
                return Ok(());
            }
        }
        let own = self.make_seed(expires).await?;
        if own.envelope.key_id != status.key_id {
            return Err(format!(
                "failed to rotate DEK: it sealed with key {} and says that its key is {}",
                own.envelope.key_id, status.key_id
            ));
        }
        let mut state = self.lock();
        let known = own.envelope.encode_to_vec();
        state.known.insert(known, Arc::clone(&own.cipher));
        self.events.knows(&self.name, state.known.len());
        state.own = Some(own);
        Ok(())
    }

    async fn make_seed(&self, expires: Instant) -> Result<Own, String> {
        let seed = ciphers::random::<{ ciphers::SEED }>().map_err(|refusal| refusal.to_string())?;
        let cipher = Cipher::derived(&seed).map_err(|refusal| refusal.to_string())?;
        let request = EncryptRequest {
            plaintext: Bytes::copy_from_slice(&seed),
            uid: uid(),
        };
        let sealed: EncryptResponse = self
            .ask("/v2.KeyManagementService/Encrypt", request)
            .await
            .map_err(|why| format!("failed to encrypt DEK, error: {why}"))?;
        let envelope = EncryptedObject {
            data: Vec::new(),
            key_id: sealed.key_id,
            source: sealed.ciphertext,
            annotations: sealed.annotations.into_iter().collect(),
            source_type: SEED,
        };
        check(&envelope)?;
        Ok(Own {
            envelope,
            cipher: Arc::new(cipher),
            expires,
        })
    }

    pub(super) fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        let own = self.lock().own.clone();
        let own = own.ok_or_else(|| Refusal::Kms("got unexpected nil transformer".to_owned()))?;
        if Instant::now() > own.expires {
            let why = format!(
                "encryptedDEKSource of KMS provider {} expired: it has not been well for {WRITE_FOR:?}",
                self.name
            );
            return Err(Refusal::Kms(why));
        }
        let mut envelope = own.envelope;
        self.events.used(&self.name, &envelope.key_id, true);
        own.cipher.seal(context, plain, &mut envelope.data)?;
        let mut out = self.prefix.clone().into_bytes();
        envelope
            .encode(&mut out)
            .map_err(|error| Refusal::Kms(error.to_string()))?;
        Ok(out)
    }

    pub(super) fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Opened, Refusal> {
        let wrong = |why: String| Refusal::Kms(why);
        let mut envelope =
            EncryptedObject::decode(sealed).map_err(|error| wrong(error.to_string()))?;
        let data = std::mem::take(&mut envelope.data);
        if data.is_empty() {
            return Err(wrong("encrypted data is empty".to_owned()));
        }
        check(&envelope).map_err(wrong)?;
        let known = envelope.encode_to_vec();
        let (cipher, stale) = {
            let state = self.lock();
            let own = state.own.as_ref().map(|own| &own.envelope);
            let is_own = |own: &EncryptedObject| {
                own.key_id == envelope.key_id && own.source_type == envelope.source_type
            };
            (state.known.get(&known).cloned(), !own.is_some_and(is_own))
        };
        let cipher = match cipher {
            Some(cipher) => cipher,
            None => self.open_source(known, &envelope)?,
        };
        self.events.used(&self.name, &envelope.key_id, false);
        let value = cipher.open(context, &data)?;
        Ok(Opened { value, stale })
    }

    fn open_source(
        &self,
        known: Vec<u8>,
        envelope: &EncryptedObject,
    ) -> Result<Arc<Cipher>, Refusal> {
        if let Some((again, refusal)) = self.lock().refused.get(&known)
            && Instant::now() < *again
        {
            return Err(refusal.clone());
        }
        match self.ask_for_key(envelope) {
            Ok(cipher) => {
                let cipher = Arc::new(cipher);
                let mut state = self.lock();
                state.refused.remove(&known);
                state.known.insert(known, Arc::clone(&cipher));
                self.events.knows(&self.name, state.known.len());
                Ok(cipher)
            }
            Err(refusal) => {
                let again = Instant::now() + REFUSED_FOR;
                self.lock().refused.insert(known, (again, refusal.clone()));
                Err(refusal)
            }
        }
    }

    /// Has the service open a source. The caller waits; it happens once for each source.
    fn ask_for_key(&self, envelope: &EncryptedObject) -> Result<Cipher, Refusal> {
        let request = DecryptRequest {
            ciphertext: envelope.source.clone(),
            uid: uid(),
            key_id: envelope.key_id.clone(),
            annotations: envelope.annotations.clone().into_iter().collect(),
        };
        let ask = self.ask::<_, DecryptResponse>("/v2.KeyManagementService/Decrypt", request);
        let opened = if Handle::try_current().is_ok() {
            tokio::task::block_in_place(|| self.runtime.block_on(ask))
        } else {
            self.runtime.block_on(ask)
        };
        let opened = opened
            .map_err(|why| Refusal::Kms(format!("failed to decrypt DEK, error: {why}")))?
            .plaintext;
        if envelope.source_type == SEED {
            Cipher::derived(&opened)
        } else {
            Cipher::gcm(&opened)
        }
    }

    async fn ask<Q, A>(&self, path: &'static str, request: Q) -> Result<A, String>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let began = Instant::now();
        let mut grpc = Grpc::new(self.channel.clone());
        let ask = async {
            let ready = grpc.ready().await;
            ready.map_err(|error| ("Unavailable".to_owned(), error.to_string()))?;
            let path = PathAndQuery::from_static(path);
            let codec = ProstCodec::<Q, A>::default();
            let answer = grpc.unary(tonic::Request::new(request), path, codec).await;
            answer.map_err(|status| {
                let code = format!("{:?}", status.code());
                let why = format!("rpc error: code = {code} desc = {}", status.message());
                (code, why)
            })
        };
        let answer = tokio::time::timeout(self.timeout, ask).await;
        let late = |_| {
            let why = "context deadline exceeded".to_owned();
            Err(("DeadlineExceeded".to_owned(), why))
        };
        let answer = answer.unwrap_or_else(late);
        let code = answer.as_ref().err().map_or("OK", |(code, _)| code);
        self.events.asked(&self.name, path, code, began.elapsed());
        answer
            .map(tonic::Response::into_inner)
            .map_err(|(_, why)| why)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

/// What upstream requires of an envelope.
fn check(envelope: &EncryptedObject) -> Result<(), String> {
    if !matches!(envelope.source_type, KEY | SEED) {
        let found = envelope.source_type;
        return Err(format!("unknown encryptedDEKSourceType: {found}"));
    }
    if envelope.source.is_empty() {
        return Err(
            "failed to validate encrypted DEK source: encrypted DEK source is empty".to_owned(),
        );
    }
    if envelope.source.len() > LONGEST_SOURCE {
        return Err(format!(
            "failed to validate encrypted DEK source: encrypted DEK source is {} bytes, which exceeds the max size of {LONGEST_SOURCE}",
            envelope.source.len()
        ));
    }
    check_key_id(&envelope.key_id).map_err(|fault| fault.to_string())?;
    let annotations = envelope.annotations.iter();
    let size: usize = annotations
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > LONGEST_ANNOTATIONS {
        return Err(format!(
            "failed to validate annotations: total size of annotations is {size}, which exceeds the max size of {LONGEST_ANNOTATIONS}"
        ));
    }
    Ok(())
}

/// Why a name of a key is none.
#[derive(Debug, thiserror::Error)]
enum KeyIdFault {
    #[error("failed to validate key id: keyID is empty")]
    Empty,
    #[error(
        "failed to validate key id: keyID is {0} bytes, which exceeds the max size of {most}",
        most = LONGEST_NAME
    )]
    TooLong(usize),
}

impl KeyIdFault {
    /// As upstream counts it.
    const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong(_) => "too_long",
        }
    }
}

fn check_key_id(key_id: &str) -> Result<(), KeyIdFault> {
    match key_id.len() {
        0 => Err(KeyIdFault::Empty),
        length if length > LONGEST_NAME => Err(KeyIdFault::TooLong(length)),
        _ => Ok(()),
    }
}

/// For the service's log: which request it was.
fn uid() -> String {
    let bytes = ciphers::random::<16>().unwrap_or_default();
    let hex = |part: &[u8]| -> String { part.iter().map(|byte| format!("{byte:02x}")).collect() };
    let parts = [
        &bytes[..4],
        &bytes[4..6],
        &bytes[6..8],
        &bytes[8..10],
        &bytes[10..],
    ];
    parts.map(hex).join("-")
}
