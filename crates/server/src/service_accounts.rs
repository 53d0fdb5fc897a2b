//! Keys of service account tokens, and what is made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, thread};

use anyhow::{Context, Result};
use pintle_authn::key::{PublicKey, SigningKey};
use pintle_authn::service_account::issuer::{is_published, key_set, openid_configuration};
use pintle_authn::service_account::{Issuer, Objects, ServiceAccountsOptions};
use pintle_authn::{Awaited, ServiceAccounts};
use pintle_controlplane::identity::token_request::Lifetimes;
use pintle_controlplane::identity::{StoredObjects, TokenRequests};
use pintle_endpoints::server::Page;
use pintle_runtime::text::Text;
use tracing::error;

use crate::config::Config;
use crate::pki::Pki;

/// Who issues tokens here, and whose tokens are accepted.
pub(crate) struct Accounts {
    /// Who the server is to issuers of tokens.
    pub(crate) audiences: Arc<[Text]>,
    /// What tokens are bound to; it has to be told where to look.
    pub(crate) objects: Arc<StoredObjects>,
    issuer: Arc<Issuer>,
    keys: Awaited<Vec<PublicKey>>,
}

impl Accounts {
    /// Reads the keys that flags name, and makes one if none is.
    pub(crate) fn load(config: &Config) -> Result<Self> {
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
        let name = accounts.issuers.first().cloned().unwrap_or_default();
        Ok(Self {
            audiences: accounts.audiences.iter().cloned().map(Text::from).collect(),
            objects: Arc::default(),
            issuer: Arc::new(Issuer::new(name, signing)),
            keys,
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
        let page = |path, media_type, body| Page {
            path,
            media_type,
            cache_control: "public, max-age=3600",
            body,
        };
        let (keys, same_keys) = (self.keys.clone(), self.keys.clone());
        let configuration = move || openid_configuration(&issuer, &uri, &keys).into();
        let key_set = move || key_set(&same_keys).into();
        vec![
            page(
                "/.well-known/openid-configuration",
                "application/json",
                Awaited::by(configuration),
            ),
            page(
                "/openid/v1/jwks",
                "application/jwk-set+json",
                Awaited::by(key_set),
            ),
        ]
    }

    /// What issues tokens.
    pub(crate) fn requests(&self, config: &Config) -> TokenRequests {
        let longest = config.service_accounts.max_expiration.as_secs();
        let lifetimes = Lifetimes {
            longest: i64::try_from(longest).unwrap_or(i64::MAX),
            extended: config.service_accounts.extend_expiration,
        };
        TokenRequests::new(
            Arc::clone(&self.issuer),
            Arc::clone(&self.audiences),
            lifetimes,
        )
    }
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
