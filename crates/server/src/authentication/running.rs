//! What the configuration means while the server runs: [`Running`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method};
use pintle_authn::oidc::{Fetch, Fetched};
use pintle_authn::webhook::TokenReviewer;
use pintle_authn::{
    Anonymous, CachedTokens, Lifetimes, Oidc, OidcIssuers, TokenAuthenticator, TokenCacheEvents,
    TokenWebhook,
};
use pintle_endpoints::client::{Retries, Transport, TransportOptions, Webhook, system_roots};
use pintle_runtime::text::Text;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::counted::TokenCacheMetrics;
use super::{AuthenticationConfig, AuthenticationFile, Provider, TokenWebhookConfig};
use crate::files::Watched;
use crate::metrics::Reloads;
use crate::peer;

/// Of a request to a provider.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Between attempts to find a provider.
const AGAIN: Duration = Duration::from_secs(10);
/// How long new providers may take to be found before the old ones stay.
const PATIENCE: Duration = Duration::from_secs(60);

/// Providers and paths that are open, which can be replaced.
pub(crate) struct Running {
    /// The providers.
    pub(crate) issuers: Arc<OidcIssuers>,
    /// Who gets in without a credential.
    pub(crate) anonymous: Arc<Anonymous>,
    audiences: Arc<[Text]>,
    /// What is counted of tokens that are remembered.
    pub(crate) counted: Arc<TokenCacheMetrics>,
    /// Looks for those that were not found yet.
    finding: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// As configured. Providers are looked for in the background.
    ///
    /// # Errors
    /// Where a CA bundle cannot be used.
    pub(crate) fn start(
        config: &AuthenticationConfig,
        audiences: &Arc<[Text]>,
    ) -> Result<Self, String> {
        let providers = oidc(&config.providers, audiences)?;
        let counted = Arc::new(TokenCacheMetrics::default());
        let events = Arc::clone(&counted) as Arc<dyn TokenCacheEvents>;
        let running = Self {
            issuers: Arc::new(OidcIssuers::new(providers.clone(), events)),
            anonymous: Arc::new(Anonymous::new(config.anonymous.clone())),
            audiences: Arc::clone(audiences),
            counted,
            finding: Mutex::default(),
        };
        running.find(providers);
        Ok(running)
    }

    /// Looks for providers until all are found. Those before are not looked for any more.
    fn find(&self, providers: Vec<Arc<Oidc>>) {
        let finding = tokio::spawn(async move {
            for provider in providers {
                while let Err(error) = provider.discover().await {
                    let issuer = provider.issuer();
                    warn!(
                        issuer,
                        error, "the provider of tokens is not there; trying again"
                    );
                    tokio::time::sleep(AGAIN).await;
                }
            }
        });
        let mut held = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = held.replace(finding) {
            old.abort();
        }
    }

    /// Reads the file again whenever it changes. What cannot be used changes nothing.
    pub(crate) async fn follow(&self, config: &AuthenticationConfig, reloads: &Reloads) {
        let Some(file) = &config.file else {
            return std::future::pending().await;
        };
        let mut watched = Watched::new(vec![file.clone()]);
        reloads.first(file);
        loop {
            watched.changed().await;
            let said = AuthenticationFile::read(file, &config.disallowed);
            let applied = match said {
                Ok(said) => self.apply(said, config).await,
                Err(faults) => Err(faults.join("; ")),
            };
            watched.used(applied.is_ok());
            reloads.done(file, applied.is_ok());
            match applied {
                Ok(()) => {
                    info!(file = %file.display(), "the authentication configuration has changed");
                }
                Err(error) => warn!(
                    error,
                    "the new authentication configuration cannot be used; the old one stays"
                ),
            }
        }
    }

    async fn apply(
        &self,
        said: AuthenticationFile,
        config: &AuthenticationConfig,
    ) -> Result<(), String> {
        let providers = oidc(&said.providers, &self.audiences)?;
        let deadline = Instant::now() + PATIENCE;
        let found = |provider: Arc<Oidc>| async move {
            loop {
                match provider.discover().await {
                    Ok(()) => return Ok(()),
                    Err(error) if Instant::now() + AGAIN > deadline => {
                        return Err(format!("{}: {error}", provider.issuer()));
                    }
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
        };
        try_join_all(providers.iter().cloned().map(found)).await?;
        self.find(Vec::new());
        self.issuers.replace(providers);
        let by_flag = || config.anonymous_by_flag.clone();
        self.anonymous
            .replace(said.anonymous.unwrap_or_else(by_flag));
        Ok(())
    }
}

fn oidc(providers: &[Provider], audiences: &Arc<[Text]>) -> Result<Vec<Arc<Oidc>>, String> {
    let made = providers.iter().map(|provider| {
        let roots = match &provider.certificate_authority {
            Some(pem) => peer::roots("certificateAuthority", pem.as_bytes())?,
            None => system_roots(),
        };
        let transport = Transport::new(TransportOptions {
            roots: Some(roots),
            timeout: TIMEOUT,
            ..TransportOptions::default()
        });
        let transport = transport.map_err(|error| error.to_string())?;
        Ok(Arc::new(Oidc::new(
            provider.issuer.clone(),
            Arc::new(Web(transport)),
            Arc::clone(audiences),
        )))
    });
    made.collect()
}

/// Gets documents of providers over HTTPS.
struct Web(Transport);

impl Fetch for Web {
    fn get<'a>(&'a self, url: &'a str, bearer: Option<&'a str>) -> Fetched<'a> {
        Box::pin(async move {
            let mut headers = vec![(ACCEPT, HeaderValue::from_static("application/json"))];
            if let Some(token) = bearer {
                let mut shown = HeaderValue::try_from(format!("Bearer {token}"))
                    .map_err(|_| "the access token is no text for a header".to_owned())?;
                shown.set_sensitive(true);
                headers.push((AUTHORIZATION, shown));
            }
            let answer = self.0.send(Method::GET, url, &headers, Bytes::new()).await;
            let answer = answer.map_err(|error| error.to_string())?;
            if answer.status.is_success() {
                Ok(answer.body.to_vec())
            } else {
                Err(format!("{url}: status {}", answer.status.as_u16()))
            }
        })
    }
}

/// Takes token reviews to a webhook.
struct Reviewer(Webhook);

impl TokenReviewer for Reviewer {
    fn review(&self, review: Vec<u8>) -> Fetched<'_> {
        Box::pin(async move {
            let answer = self.0.post(review.into(), |_| ()).await;
            answer.map(|body| body.to_vec()).map_err(|error| {
                warn!(error, "tokens cannot be reviewed");
                error
            })
        })
    }
}

/// Who reviews tokens, with what it said lately.
///
/// # Errors
/// All that is wrong with its kubeconfig.
pub(crate) fn webhook(
    config: &TokenWebhookConfig,
    audiences: &Arc<[Text]>,
    events: Arc<dyn TokenCacheEvents>,
) -> Result<Arc<dyn TokenAuthenticator>, Vec<String>> {
    let peer = peer::read_for("authentication-token-webhook-config-file", &config.file)?;
    let webhook = peer
        .webhook(TIMEOUT, Retries::default())
        .map_err(|fault| vec![fault])?;
    let reviewer = Arc::new(Reviewer(webhook));
    let reviewing = TokenWebhook::new(reviewer, config.version, Arc::clone(audiences));
    let lifetimes = Lifetimes {
        success: config.cache_ttl,
        failure: config.cache_ttl,
    };
    let cache = CachedTokens::new(Arc::new(reviewing), lifetimes);
    Ok(Arc::new(cache.telling(events)))
}
