//! Keys of service account tokens, and what is made of them.

mod signer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use pintle_authn::key::{PublicKey, SigningKey};
use pintle_authn::service_account::issuer::{is_published, key_set, openid_configuration};
use pintle_authn::service_account::{
    Issuer, Keys, Objects, ServiceAccountsOptions, Signing, TokenUses,
};
use pintle_authn::{Awaited, ServiceAccounts};
use pintle_controlplane::identity::token_request::Lifetimes;
use pintle_controlplane::identity::{StoredObjects, TokenRequests};
use pintle_endpoints::server::{Contents, Page};
use pintle_runtime::text::Text;
use tracing::error;

use crate::config::Config;
use crate::pki::Pki;
pub(crate) use signer::SignerMetrics;

/// Who issues tokens here, and whose tokens are accepted.
pub(crate) struct Accounts {
    /// Who the server is to issuers of tokens.
    pub(crate) audiences: Arc<[Text]>,
    /// What tokens are bound to; it has to be told where to look.
    pub(crate) objects: Arc<StoredObjects>,
    /// What is counted of who signs elsewhere.
    pub(crate) counted: Arc<SignerMetrics>,
    /// How often tokens were accepted.
    pub(crate) uses: Arc<TokenUses>,
    issuer: Arc<Issuer>,
    keys: Keys,
    lifetimes: Lifetimes,
}

/// How long a token in a pod may live that is to be renewed every hour.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl Accounts {
    /// Finds who signs, or reads the keys that flags name and makes one if none is. Waits for that.
    pub(crate) fn load(config: &Config) -> Result<Self> {
        let accounts = &config.service_accounts;
        let counted = Arc::new(SignerMetrics::default());
        let mut longest = accounts.max_expiration;
        let mut extended = YEAR;
        let (signing, keys) = if let Some(socket) = &accounts.signing_endpoint {
            let found = signer::wait(signer::find(socket, &counted))
                .map_err(|why| anyhow!("while setting up external-jwt-signer: {why}"))?;
            if longest > found.longest {
                return Err(anyhow!(
                    "service-account-max-token-expiration cannot be set longer than the token expiration supported by \
                     service-account-signing-endpoint: {longest:?} > {:?}",
                    found.longest
                ));
            }
            if longest.is_zero() {
                longest = found.longest;
            }
            extended = extended.min(found.longest);
            (
                Signing::External(Arc::clone(&found.signer)),
                Keys::External(found.signer),
            )
        } else {
            own_keys(config)?
        };
        let name = accounts.issuers.first().cloned().unwrap_or_default();
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        Ok(Self {
            audiences: accounts.audiences.iter().cloned().map(Text::from).collect(),
            objects: Arc::default(),
            counted,
            uses: Arc::default(),
            issuer: Arc::new(Issuer::new(name, signing)),
            keys,
            lifetimes: Lifetimes {
                longest: seconds(longest),
                extended: accounts.extend_expiration.then(|| seconds(extended)),
            },
        })
    }

    /// Whose tokens are accepted.
    pub(crate) fn authenticator(&self, config: &Config) -> ServiceAccounts {
        let objects = Arc::clone(&self.objects) as Arc<dyn Objects>;
        ServiceAccounts::new(ServiceAccountsOptions {
            issuers: config.service_accounts.issuers.clone(),
            keys: self.keys.clone(),
            audiences: Arc::clone(&self.audiences),
            objects: config.service_accounts.lookup.then_some(objects),
            uses: Arc::clone(&self.uses),
        })
    }

    /// What verifiers elsewhere read. `server` is how they reach this one, as `host:port`.
    pub(crate) fn pages(&self, config: &Config, server: &str) -> Vec<Page> {
        let uri = match &config.service_accounts.jwks_uri {
            Some(uri) => uri.clone(),
            None => format!("https://{server}/openid/v1/jwks"),
        };
        let issuer = self.issuer.name().to_owned();
        if !is_published(&issuer) {
            return Vec::new();
        }
        let page = |path, media_type, body: fn(&About) -> String| {
            let about = About {
                issuer: issuer.clone(),
                uri: uri.clone(),
                keys: self.keys.clone(),
            };
            Page {
                path,
                media_type,
                contents: Arc::new(move || Contents {
                    body: Bytes::from(body(&about)),
                    max_age: about.keys.max_age(),
                }),
            }
        };
        vec![
            page(
                "/.well-known/openid-configuration",
                "application/json",
                |about| {
                    let known = about.keys.known();
                    openid_configuration(&about.issuer, &about.uri, known.published())
                },
            ),
            page("/openid/v1/jwks", "application/jwk-set+json", |about| {
                key_set(about.keys.known().published())
            }),
        ]
    }

    /// What issues tokens.
    pub(crate) fn requests(&self) -> TokenRequests {
        TokenRequests::new(
            Arc::clone(&self.issuer),
            Arc::clone(&self.audiences),
            self.lifetimes,
        )
    }
}

/// What verifiers elsewhere are told.
struct About {
    issuer: String,
    uri: String,
    keys: Keys,
}

/// Who signs and what is verified with, where nobody else does.
fn own_keys(config: &Config) -> Result<(Signing, Keys)> {
    let accounts = &config.service_accounts;
    let file = accounts.signing_key_file.clone();
    let signing = match file.or_else(|| Pki::service_account_key(&config.cert_dir)) {
        Some(file) => Awaited::ready(Some(signing_key(&file)?)),
        None => new_signing_key(config.cert_dir.clone()),
    };
    let mut keys = Vec::new();
    for file in &accounts.key_files {
        let pem = fs::read(file).with_context(|| {
            format!("--service-account-key-file: cannot read {}", file.display())
        })?;
        let found = PublicKey::all_from_pem(&pem)
            .with_context(|| format!("--service-account-key-file: {}", file.display()))?;
        keys.extend(found);
    }
    keys.dedup();
    let keys = if keys.is_empty() {
        let signing = signing.clone();
        let own = move || signing.as_ref().map(|key| key.public().clone());
        Awaited::by(move || own().into_iter().collect())
    } else {
        Awaited::ready(keys)
    };
    Ok((Signing::Own(signing), Keys::Own(keys)))
}

fn signing_key(file: &Path) -> Result<SigningKey> {
    let pem = fs::read(file).with_context(|| {
        format!(
            "--service-account-signing-key-file: cannot read {}",
            file.display()
        )
    })?;
    SigningKey::from_pem(&pem)
        .with_context(|| format!("--service-account-signing-key-file: {}", file.display()))
}

/// A key that is being made. If it cannot be made or kept there is none, and no token is issued.
fn new_signing_key(dir: PathBuf) -> Awaited<Option<SigningKey>> {
    let make = move || -> Result<SigningKey> {
        let pem = Pki::make_service_account_key(&dir)?;
        Ok(SigningKey::from_pem(pem.as_bytes())?)
    };
    let maker = thread::spawn(move || {
        make()
            .inspect_err(|error| error!("cannot make the key of service accounts: {error:#}"))
            .ok()
    });
    Awaited::by(move || maker.join().ok().flatten())
}
