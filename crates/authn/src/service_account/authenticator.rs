//! Accepts tokens of service accounts, as long as what they are bound to is there: [`ServiceAccounts`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use super::bound::{Objects, check_bound, check_legacy};
use super::claims::{Claims, Legacy};
use super::keys::{Keys, Known};
use super::username;
use crate::authenticator::{AuthenticationError, Outcome, authenticated};
use crate::jwt::Unverified;
use crate::token::{Digest, digest};
use crate::token_authenticator::{Accepted, Checked, TokenAuthenticator, intersection};

/// How tokens are accepted.
pub struct ServiceAccountsOptions {
    /// Names of the issuers whose tokens are accepted; the first is who issues here.
    pub issuers: Vec<String>,
    /// What they are signed with.
    pub keys: Keys,
    /// Who the server is: whom a token without an audience is for.
    pub audiences: Arc<[Text]>,
    /// Where to look for what tokens are bound to; without it, tokens are good until they expire.
    pub objects: Option<Arc<dyn Objects>>,
    /// Where it is counted what was accepted.
    pub uses: Arc<TokenUses>,
}

/// How often tokens were accepted, by what they are.
#[derive(Debug, Default)]
pub struct TokenUses {
    /// Bound ones that are fresh.
    pub valid: AtomicU64,
    /// Bound ones that their pod ought to have renewed.
    pub stale: AtomicU64,
    /// Those that are kept in secrets.
    pub legacy: AtomicU64,
}

/// Accepts tokens of service accounts: bound ones, and those that are kept in secrets.
///
/// Signatures are remembered, so that a token's second use costs a digest and a look at what it is bound to. That is
/// looked at every time: a deletion counts at once.
pub struct ServiceAccounts {
    options: ServiceAccountsOptions,
    /// Tokens whose signatures are good, by digest; in parts, so that readers seldom meet.
    verified: [RwLock<HashMap<Digest, Arc<Verified>>>; PARTS],
}

/// A token whose signature is good.
struct Verified {
    kind: Kind,
    user: Arc<UserInfo>,
    audiences: Vec<Text>,
    since: Instant,
    /// Which keys it was verified with.
    generation: u64,
}

#[allow(
    clippy::large_enum_variant,
    reason = "bound tokens, the large ones, are what nearly all are"
)]
enum Kind {
    Bound(Claims),
    Legacy(Legacy),
}

const PARTS: usize = 16;
/// Tokens remembered per part.
const CAPACITY: usize = 512;
/// How long a signature is taken for good.
const REMEMBERED: Duration = Duration::from_secs(600);
/// The issuer of tokens that are kept in secrets.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
const NODE_UID: &str = "authentication.kubernetes.io/node-uid";
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

impl ServiceAccounts {
    /// Accepts tokens as the options say.
    pub fn new(options: ServiceAccountsOptions) -> Self {
        Self {
            options,
            verified: std::array::from_fn(|_| RwLock::default()),
        }
    }

    fn accept(&self, token: &str, wanted: &[Text]) -> Checked {
        let digest = digest(token);
        let part = &self.verified[usize::from(digest[0]) % PARTS];
        let generation = self.options.keys.generation();
        let verified = match self.recall(&digest, generation) {
            Some(known) => known,
            None => {
                let Some(verified) = self.verify(token, &self.options.keys.known())? else {
                    return Ok(None);
                };
                let verified = Arc::new(verified);
                let mut part = part.write().unwrap_or_else(PoisonError::into_inner);
                if part.len() >= CAPACITY {
                    part.retain(|_, known| known.since.elapsed() < REMEMBERED);
                }
                if part.len() >= CAPACITY {
                    part.clear();
                }
                part.insert(digest, Arc::clone(&verified));
                verified
            }
        };
        let audiences = intersection(&verified.audiences, wanted);
        if audiences.is_empty() && !self.options.audiences.is_empty() {
            return Err(AuthenticationError::new(format!(
                "token audiences {} is invalid for the target audiences {}",
                quoted(&verified.audiences),
                quoted(wanted)
            )));
        }
        let (now, objects) = (now(), self.options.objects.as_deref());
        let uses = &self.options.uses;
        let counted = match &verified.kind {
            Kind::Bound(claims) => {
                check_bound(claims, objects, now)?;
                let bound = claims.kubernetes.as_ref();
                let is_stale = bound.and_then(|it| it.warnafter).is_some_and(|at| now > at);
                if is_stale { &uses.stale } else { &uses.valid }
            }
            Kind::Legacy(claims) => {
                if let Some(objects) = objects {
                    check_legacy(claims, token, objects, now)?;
                }
                &uses.legacy
            }
        };
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Accepted {
            user: Arc::clone(&verified.user),
            audiences: audiences.into(),
        }))
    }

    /// A token whose signature was good lately, by keys that are still the same.
    fn recall(&self, digest: &Digest, generation: u64) -> Option<Arc<Verified>> {
        let part = &self.verified[usize::from(digest[0]) % PARTS];
        let part = part.read().unwrap_or_else(PoisonError::into_inner);
        let known = part.get(digest)?;
        let is_fresh = known.since.elapsed() < REMEMBERED && known.generation == generation;
        is_fresh.then(|| Arc::clone(known))
    }

    /// The parts of a token, where it says that it is one of these.
    fn parse<'a>(&self, token: &'a str) -> Option<(Unverified<'a>, bool)> {
        let parsed = Unverified::parse(token)?;
        let issuer = parsed.issuer();
        let is_legacy = issuer == LEGACY_ISSUER;
        let is_ours = is_legacy || self.options.issuers.contains(&issuer);
        (is_ours && parsed.has_known_algorithm()).then_some((parsed, is_legacy))
    }

    /// Whether a token names a key of somebody else's that is not known, though it may have come to be.
    fn names_new_key(&self, token: &str) -> bool {
        let Keys::External(keys) = &self.options.keys else {
            return false;
        };
        let is_known = || {
            let found = self.recall(&digest(token), self.options.keys.generation());
            found.is_some()
        };
        !is_known()
            && self
                .parse(token)
                .is_some_and(|(parsed, _)| !keys.knows(parsed.key_id()))
    }

    /// Looks at the signature and at what the token says; `None` where it is none of these tokens.
    fn verify(&self, token: &str, keys: &Known) -> Result<Option<Verified>, AuthenticationError> {
        let Some((parsed, is_legacy)) = self.parse(token) else {
            return Ok(None);
        };
        let mut candidates = keys.candidates(parsed.key_id()).peekable();
        if candidates.peek().is_none() {
            return Err(AuthenticationError::new("invalid signature, no keys found"));
        }
        if !parsed.is_signed_by(candidates) {
            return Err(AuthenticationError::new(
                "go-jose/go-jose: error in cryptographic primitive",
            ));
        }
        let unreadable = |_| AuthenticationError::new("the token's claims cannot be read");
        let claims: Claims = parsed.claims().map_err(unreadable)?;
        let audiences: Vec<Text> = if claims.aud.is_empty() {
            self.options.audiences.to_vec()
        } else {
            claims.aud.iter().cloned().map(Text::from).collect()
        };
        let (kind, user) = if is_legacy {
            let legacy: Legacy = parsed.claims().map_err(unreadable)?;
            check_legacy_claims(&legacy)?;
            let user = user(&legacy.namespace, &legacy.account, &legacy.uid, Vec::new());
            (Kind::Legacy(legacy), user)
        } else {
            let user = bound_user(&claims);
            (Kind::Bound(claims), user)
        };
        Ok(Some(Verified {
            kind,
            user,
            audiences,
            since: Instant::now(),
            generation: keys.generation(),
        }))
    }
}

impl TokenAuthenticator for ServiceAccounts {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        match &self.options.keys {
            Keys::External(keys) if self.names_new_key(token) => {
                Outcome::Later(Box::pin(async move {
                    keys.fetch_again().await;
                    self.accept(token, audiences)
                }))
            }
            _ => Outcome::Now(self.accept(token, audiences)),
        }
    }
}

fn check_legacy_claims(claims: &Legacy) -> Result<(), AuthenticationError> {
    let required = [
        ("sub", &claims.sub),
        ("namespace", &claims.namespace),
        ("secretName", &claims.secret),
        ("serviceAccountName", &claims.account),
        ("serviceAccountUID", &claims.uid),
    ];
    if let Some((name, _)) = required.into_iter().find(|(_, value)| value.is_empty()) {
        return Err(AuthenticationError::new(format!("{name} claim is missing")));
    }
    if username::split(&claims.sub) != Some((&claims.namespace, &claims.account)) {
        return Err(AuthenticationError::new("sub claim is invalid"));
    }
    Ok(())
}

fn bound_user(claims: &Claims) -> Arc<UserInfo> {
    let default = Default::default();
    let bound = claims.kubernetes.as_ref().unwrap_or(&default);
    let mut extra = Vec::new();
    let mut add = |key: &'static str, value: String| {
        extra.push((Text::from_static(key), vec![Text::from(value)]));
    };
    if !claims.jti.is_empty() {
        add(CREDENTIAL_ID, format!("JTI={}", claims.jti));
    }
    if let Some(node) = bound.node.as_ref().filter(|node| !node.name.is_empty()) {
        add(NODE_NAME, node.name.clone());
        if !node.uid.is_empty() {
            add(NODE_UID, node.uid.clone());
        }
    }
    if let Some(pod) = bound
        .pod
        .as_ref()
        .filter(|pod| !pod.name.is_empty() && !pod.uid.is_empty())
    {
        add(POD_NAME, pod.name.clone());
        add(POD_UID, pod.uid.clone());
    }
    let account = &bound.serviceaccount;
    user(&bound.namespace, &account.name, &account.uid, extra)
}

fn user(namespace: &str, name: &str, uid: &str, extra: Vec<(Text, Vec<Text>)>) -> Arc<UserInfo> {
    authenticated(UserInfo {
        name: username::of(namespace, name).into(),
        uid: Text::from(uid.to_owned()),
        groups: username::groups(namespace),
        extra,
    })
}

/// Texts as Go's `%q` shows a slice of them.
fn quoted(texts: &[Text]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| Quoted(text).to_string()).collect();
    format!("[{}]", texts.join(" "))
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
