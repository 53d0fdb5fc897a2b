//! Tokens of OpenID Connect providers: [`Oidc`].
//!
//! | module | |
//! | --- | --- |
//! | `claims` | what a token says |
//! | `mappings` | whose it is by that |
//! | `expression` | what operators say of both in CEL |
//! | `provider` | where a provider keeps its keys, and those keys |
//!
//! Nothing here fetches: a [`Fetch`] does.

mod claims;
mod expression;
mod mappings;
mod provider;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::Value;
use serde::Deserialize;

use crate::authenticator::{AuthenticationError, Outcome, authenticated};
use crate::cache::{CachedTokens, Lifetimes, TokenCacheEvents};
use crate::jwt::{Unverified, audiences, seconds};
use crate::key::Algorithm;
use crate::token_authenticator::{Accepted, Checked, TokenAuthenticator, intersection};
use claims::Claims;
use provider::Provider;

pub use expression::{Expression, Rule};
pub use mappings::{Claim, Mappings, Source};

/// What a [`Fetch`] gives in the end.
pub type Fetched<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// Gets documents of providers.
pub trait Fetch: Send + Sync + 'static {
    /// The body at a URL, with a bearer token if there is one; or in words for the log why there is none.
    fn get<'a>(&'a self, url: &'a str, bearer: Option<&'a str>) -> Fetched<'a>;
}

/// A provider whose tokens are accepted, and what they mean.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its name, a URL of https.
    pub url: String,
    /// Where it describes itself, if not at its name with `/.well-known/openid-configuration`.
    pub discovery_url: Option<String>,
    /// Tokens have to be for one of these.
    pub audiences: Vec<String>,
    /// How tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Whose a token is.
    pub mappings: Mappings,
    /// Claims that a token has to have with these values.
    pub required: Vec<(String, String)>,
    /// What has to hold of a token's claims.
    pub claim_rules: Vec<Rule>,
    /// What has to hold of the user whose it is.
    pub user_rules: Vec<Rule>,
}

impl Issuer {
    /// The user that the claims are of, if everything holds that has to.
    fn user(&self, claims: &Claims) -> Result<UserInfo, AuthenticationError> {
        let data = if self.mappings.evaluates() || !self.claim_rules.is_empty() {
            claims.data()
        } else {
            Value::Null
        };
        let user = self.mappings.user(claims, &data)?;
        for (name, value) in &self.required {
            claims.require(name, value)?;
        }
        expression::check_claims(&self.claim_rules, &data).map_err(|error| {
            fault(format!(
                "oidc: error evaluating claim validation expression: {error}"
            ))
        })?;
        expression::check_user(&self.user_rules, &user).map_err(|error| {
            fault(format!(
                "oidc: error evaluating user info validation rule: {error}"
            ))
        })?;
        Ok(user)
    }
}

/// Accepts tokens of one provider. Until the provider was found, they are errors.
pub struct Oidc {
    issuer: Issuer,
    fetch: Arc<dyn Fetch>,
    provider: Provider,
    /// Of those whom distributed claims came from.
    others: futures_util::lock::Mutex<Vec<(String, Arc<Provider>)>>,
    /// Who the server is.
    audiences: Arc<[Text]>,
}

/// Other providers whose word counts for a claim; nobody needs more.
const OTHERS: usize = 16;
/// How far clocks may differ in what is not valid yet, in seconds.
const LEEWAY: i64 = 300;

/// What is looked at before it is known what the token says.
#[derive(Deserialize)]
struct Registered {
    #[serde(default)]
    iss: String,
    #[serde(default, deserialize_with = "audiences")]
    aud: Vec<String>,
    #[serde(default, deserialize_with = "seconds")]
    exp: Option<i64>,
    #[serde(default, deserialize_with = "seconds")]
    nbf: Option<i64>,
}

fn fault(text: impl Into<String>) -> AuthenticationError {
    AuthenticationError::new(text.into())
}

impl Oidc {
    /// Accepts tokens of `issuer` on a server that is meant by `audiences`.
    pub fn new(issuer: Issuer, fetch: Arc<dyn Fetch>, audiences: Arc<[Text]>) -> Self {
        Self {
            provider: Provider::new(&issuer.url, issuer.discovery_url.clone()),
            issuer,
            fetch,
            others: futures_util::lock::Mutex::default(),
            audiences,
        }
    }

    /// The name of the provider.
    pub fn issuer(&self) -> &str {
        &self.issuer.url
    }

    /// Finds out where the provider keeps its keys. Tokens are accepted once this has succeeded.
    ///
    /// # Errors
    /// In words for the log.
    pub async fn discover(&self) -> Result<(), String> {
        self.provider.discover(&*self.fetch).await
    }

    /// What a token says, if `provider` says it and it is for us, now.
    async fn verify(
        &self,
        provider: &Provider,
        token: &str,
    ) -> Result<Claims, AuthenticationError> {
        let wrong = |what: String| fault(format!("oidc: verify token: {what}"));
        let parsed = Unverified::parse(token).ok_or_else(|| wrong("malformed jwt".to_owned()))?;
        let registered: Registered = parsed
            .claims()
            .map_err(|error| wrong(format!("failed to unmarshal claims: {error}")))?;
        if google(&registered.iss) != provider.issuer() {
            return Err(wrong(format!(
                "oidc: id token issued by a different provider, expected {} got {}",
                Quoted(provider.issuer()),
                Quoted(&registered.iss)
            )));
        }
        if !registered
            .aud
            .iter()
            .any(|audience| self.issuer.audiences.contains(audience))
        {
            return Err(wrong(format!(
                "oidc: expected audience in {:?} got {:?}",
                self.issuer.audiences, registered.aud
            )));
        }
        let now = now();
        if registered.exp.is_none_or(|exp| now > exp) {
            return Err(wrong("oidc: token is expired".to_owned()));
        }
        if registered.nbf.is_some_and(|begin| now + LEEWAY < begin) {
            return Err(wrong("oidc: token is not valid yet".to_owned()));
        }
        if !parsed
            .algorithm()
            .is_some_and(|algorithm| self.issuer.algorithms.contains(&algorithm))
        {
            return Err(wrong(
                "oidc: id token signed with unsupported algorithm".to_owned(),
            ));
        }
        provider
            .verify(&*self.fetch, &parsed)
            .await
            .map_err(|why| wrong(format!("failed to verify signature: {why}")))?;
        parsed
            .claims()
            .map_err(|error| fault(format!("oidc: parse claims: {error}")))
    }

    async fn accept(&self, token: &str, wanted: &[Text]) -> Checked {
        let meant = intersection(&self.audiences, wanted);
        if meant.is_empty() && !self.audiences.is_empty() {
            return Ok(None);
        }
        if !self.provider.is_known() {
            return Err(fault("oidc: authenticator not initialized"));
        }
        let mut claims = self.verify(&self.provider, token).await?;
        if let Some(groups) = self.issuer.mappings.groups_claim() {
            self.expand(&mut claims, groups).await.map_err(|error| {
                fault(format!(
                    "oidc: could not expand distributed claims: {error}"
                ))
            })?;
        }
        Ok(Some(Accepted {
            user: authenticated(self.issuer.user(&claims)?),
            audiences: meant.into(),
        }))
    }

    /// Gets a claim from where the token says it is, unless the token has it.
    async fn expand(&self, claims: &mut Claims, name: &str) -> Result<(), AuthenticationError> {
        let Some(source) = claims.source_of(name)? else {
            return Ok(());
        };
        let bearer = (!source.access_token.is_empty()).then_some(&*source.access_token);
        let token = self.fetch.get(&source.endpoint, bearer).await;
        let token = token
            .and_then(|body| String::from_utf8(body).map_err(|error| error.to_string()))
            .map_err(|error| fault(format!("while getting distributed claim {name}: {error}")))?;
        let token = token.trim();
        let issuer = Unverified::parse(token)
            .map(|parsed| google(&parsed.issuer()).to_owned())
            .ok_or_else(|| fault("the distributed claim is no token"))?;
        let provider = self.other(&issuer).await?;
        let said = self.verify(&provider, token).await?;
        claims.take(name, said)
    }

    /// A provider whose word counts for a claim.
    async fn other(&self, issuer: &str) -> Result<Arc<Provider>, AuthenticationError> {
        let mut others = self.others.lock().await;
        let known = others.iter().find(|(name, _)| name == issuer);
        let provider = match known {
            Some((_, provider)) => Arc::clone(provider),
            None => Arc::new(Provider::new(issuer, None)),
        };
        if provider.is_known() {
            return Ok(provider);
        }
        provider.discover(&*self.fetch).await.map_err(|error| {
            fault(format!(
                "verifier not initialized for issuer {}: {error}",
                Quoted(issuer)
            ))
        })?;
        others.truncate(OTHERS - 1);
        others.insert(0, (issuer.to_owned(), Arc::clone(&provider)));
        Ok(provider)
    }
}

impl TokenAuthenticator for Oidc {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let is_ours = Unverified::parse(token)
            .is_some_and(|parsed| google(&parsed.issuer()) == self.issuer.url);
        if is_ours {
            Outcome::Later(Box::pin(self.accept(token, audiences)))
        } else {
            Outcome::Now(Ok(None))
        }
    }
}

/// Google once left out the scheme of its name.
fn google(issuer: &str) -> &str {
    if issuer == "accounts.google.com" {
        "https://accounts.google.com"
    } else {
        issuer
    }
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The providers whose tokens are accepted now; they can be replaced at any time. What was accepted is remembered for
/// a few seconds.
pub struct OidcIssuers {
    current: ArcSwap<Current>,
    events: Arc<dyn TokenCacheEvents>,
}

struct Current {
    issuers: Vec<Arc<Oidc>>,
    cache: CachedTokens,
}

/// Several providers, each of which knows its own tokens.
struct All(Vec<Arc<Oidc>>);

impl TokenAuthenticator for All {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let answers = self.0.iter().map(|oidc| oidc.check(token, audiences));
        let is_other = |answer: &Outcome<'_, Checked>| matches!(answer, Outcome::Now(Ok(None)));
        let mut answers = answers.skip_while(is_other);
        answers.next().unwrap_or(Outcome::Now(Ok(None)))
    }
}

impl OidcIssuers {
    /// These providers, with `events` told of what is remembered of their tokens.
    pub fn new(issuers: Vec<Arc<Oidc>>, events: Arc<dyn TokenCacheEvents>) -> Self {
        Self {
            current: ArcSwap::from_pointee(Current::new(issuers, &events)),
            events,
        }
    }

    /// These providers, and no others, from now on.
    pub fn replace(&self, issuers: Vec<Arc<Oidc>>) {
        self.current
            .store(Arc::new(Current::new(issuers, &self.events)));
    }
}

impl Current {
    fn new(issuers: Vec<Arc<Oidc>>, events: &Arc<dyn TokenCacheEvents>) -> Self {
        let cache = CachedTokens::new(Arc::new(All(issuers.clone())), Lifetimes::SHORT);
        let cache = cache.telling(Arc::clone(events));
        Self { issuers, cache }
    }

    /// Whether a token could be one of theirs. Others are not worth an entry in the cache.
    fn knows(&self, token: &str) -> bool {
        let issuer = Unverified::parse(token).map(|parsed| parsed.issuer());
        let is_its = |issuer: String| self.issuers.iter().any(|it| it.issuer() == google(&issuer));
        issuer.is_some_and(is_its)
    }
}

impl TokenAuthenticator for OidcIssuers {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let current = self.current.load();
        if current.issuers.is_empty() || !current.knows(token) {
            return Outcome::Now(Ok(None));
        }
        if let Outcome::Now(checked) = current.cache.check(token, audiences) {
            return Outcome::Now(checked);
        }
        let current = Arc::clone(&current);
        Outcome::Later(Box::pin(async move {
            current.cache.check(token, audiences).wait().await
        }))
    }
}

#[cfg(test)]
mod tests;
