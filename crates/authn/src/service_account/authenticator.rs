//! Accepts tokens of service accounts, as long as what they are bound to is there: [`ServiceAccounts`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::user::UserInfo;

use super::claims::{Claims, Legacy, Reference};
use super::username;
use crate::authenticator::{AuthenticationError, Outcome, authenticated};
use crate::awaited::Awaited;
use crate::jwt::Unverified;
use crate::key::PublicKey;
use crate::token::{Digest, digest};
use crate::token_authenticator::{Accepted, Checked, TokenAuthenticator, intersection};

/// An object that a token is bound to, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its uid.
    pub uid: Text,
    /// When its deletion began, in seconds since 1970.
    pub deleted: Option<i64>,
}

/// Looks for what tokens are bound to. Never waits.
pub trait Objects: Send + Sync + 'static {
    /// A service account.
    fn account(&self, namespace: &str, name: &str) -> Option<Bound>;
    /// A pod.
    fn pod(&self, namespace: &str, name: &str) -> Option<Bound>;
    /// A secret.
    fn secret(&self, namespace: &str, name: &str) -> Option<Bound>;
    /// A node.
    fn node(&self, name: &str) -> Option<Bound>;
    /// What a secret holds as a token, and since when that counts no more by its label.
    fn kept_token(&self, namespace: &str, name: &str) -> Option<KeptToken>;
    /// The token in a secret was used on `day`, such as `2026-01-31`, for the first time that day. Does not wait for
    /// whatever is done about it.
    fn note_use(&self, namespace: &str, name: &str, day: &str);
}

/// The token in a secret.
#[derive(Clone)]
pub struct KeptToken {
    /// The token.
    pub token: Vec<u8>,
    /// The secret is marked as not to be used any more.
    pub invalid: bool,
    /// The day when it was last used, or nothing.
    pub last_used: String,
}

/// How tokens are accepted.
pub struct ServiceAccountsOptions {
    /// Names of the issuers whose tokens are accepted; the first is who issues here.
    pub issuers: Vec<String>,
    /// What they are signed with.
    pub keys: Awaited<Vec<PublicKey>>,
    /// Who the server is: whom a token without an audience is for.
    pub audiences: Arc<[Text]>,
    /// Where to look for what tokens are bound to; without it, tokens are good until they expire.
    pub objects: Option<Arc<dyn Objects>>,
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
/// How far clocks may differ, and how long what is being deleted still counts, in seconds.
const LEEWAY: i64 = 60;
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
        let known = part
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .filter(|known| known.since.elapsed() < REMEMBERED)
            .cloned();
        let verified = match known {
            Some(known) => known,
            None => {
                let Some(verified) = self.verify(token)? else {
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
        let now = now();
        match &verified.kind {
            Kind::Bound(claims) => self.check_bound(claims, now)?,
            Kind::Legacy(claims) => self.check_legacy(claims, token)?,
        }
        Ok(Some(Accepted {
            user: Arc::clone(&verified.user),
            audiences: audiences.into(),
        }))
    }

    /// Looks at the signature and at what the token says; `None` where it is none of these tokens.
    fn verify(&self, token: &str) -> Result<Option<Verified>, AuthenticationError> {
        let Some(parsed) = Unverified::parse(token) else {
            return Ok(None);
        };
        let issuer = parsed.issuer();
        let is_legacy = issuer == LEGACY_ISSUER;
        if !is_legacy && !self.options.issuers.contains(&issuer) {
            return Ok(None);
        }
        if !parsed.has_known_algorithm() {
            return Ok(None);
        }
        let keys = &*self.options.keys;
        let named = keys.iter().any(|key| key.id() == parsed.key_id());
        let is_candidate = |key: &&PublicKey| !named || key.id() == parsed.key_id();
        if keys.is_empty() {
            return Err(AuthenticationError::new("invalid signature, no keys found"));
        }
        if !parsed.is_signed_by(keys.iter().filter(is_candidate)) {
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
        }))
    }

    fn check_bound(&self, claims: &Claims, now: i64) -> Result<(), AuthenticationError> {
        let fault = |text: String| AuthenticationError::new(text);
        if claims.exp.is_some_and(|exp| now - LEEWAY > exp) {
            return Err(AuthenticationError::new(
                "service account token has expired",
            ));
        }
        if [claims.nbf, claims.iat]
            .into_iter()
            .flatten()
            .any(|begin| now + LEEWAY < begin)
        {
            return Err(AuthenticationError::new(
                "service account token claims could not be validated due to unexpected validation error",
            ));
        }
        let Some(objects) = &self.options.objects else {
            return Ok(());
        };
        let default = Default::default();
        let bound = claims.kubernetes.as_ref().unwrap_or(&default);
        let (namespace, account) = (&bound.namespace, &bound.serviceaccount);
        let is_gone = |found: &Bound| found.deleted.is_some_and(|deleted| deleted < now - LEEWAY);
        let found = objects.account(namespace, &account.name).ok_or_else(|| {
            fault(format!(
                "serviceaccount {} not found",
                Quoted(&account.name)
            ))
        })?;
        if found.uid != account.uid.as_str() {
            return Err(fault(format!(
                "service account UID ({}) does not match claim ({})",
                found.uid, account.uid
            )));
        }
        if is_gone(&found) {
            return Err(AuthenticationError::new("service account has been deleted"));
        }
        let check = |what: &str, reference: &Reference, found: Option<Bound>| {
            let invalidated =
                || AuthenticationError::new("service account token has been invalidated");
            let found = found.ok_or_else(invalidated)?;
            if found.uid != reference.uid.as_str() {
                return Err(fault(format!(
                    "{what} UID ({}) does not match service account {what} ref claim ({})",
                    found.uid, reference.uid
                )));
            }
            if is_gone(&found) {
                Err(invalidated())
            } else {
                Ok(())
            }
        };
        if let Some(secret) = &bound.secret {
            check("secret", secret, objects.secret(namespace, &secret.name))?;
        }
        match (&bound.pod, &bound.node) {
            (Some(pod), _) => check("pod", pod, objects.pod(namespace, &pod.name)),
            (None, Some(node)) => check("node", node, objects.node(&node.name)),
            (None, None) => Ok(()),
        }
    }

    fn check_legacy(&self, claims: &Legacy, token: &str) -> Result<(), AuthenticationError> {
        let Some(objects) = &self.options.objects else {
            return Ok(());
        };
        let (namespace, name) = (&claims.namespace, &claims.account);
        let invalidated = || AuthenticationError::new("Token has been invalidated");
        let secret = objects
            .secret(namespace, &claims.secret)
            .ok_or_else(invalidated)?;
        if secret.deleted.is_some() {
            return Err(invalidated());
        }
        let kept = objects
            .kept_token(namespace, &claims.secret)
            .ok_or_else(invalidated)?;
        if aws_lc_rs::constant_time::verify_slices_are_equal(&kept.token, token.as_bytes()).is_err()
        {
            return Err(AuthenticationError::new(
                "Token does not match server's copy",
            ));
        }
        let found = objects.account(namespace, name).ok_or_else(|| {
            AuthenticationError::new(format!("serviceaccount {} not found", Quoted(name)))
        })?;
        if found.deleted.is_some() {
            return Err(AuthenticationError::new(format!(
                "ServiceAccount {namespace}/{name} has been deleted"
            )));
        }
        if found.uid != claims.uid.as_str() {
            return Err(AuthenticationError::new(format!(
                "ServiceAccount UID ({}) does not match claim ({})",
                found.uid, claims.uid
            )));
        }
        let today = today(now());
        if kept.last_used != today {
            objects.note_use(namespace, &claims.secret, &today);
        }
        if kept.invalid {
            let secret = &claims.secret;
            return Err(AuthenticationError::new(format!(
                "the token in secret {namespace}/{secret} for service account {namespace}/{name} has been marked \
                 invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the \
                 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token"
            )));
        }
        Ok(())
    }
}

impl TokenAuthenticator for ServiceAccounts {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        Outcome::Now(self.accept(token, audiences))
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

/// The day of a time, such as `2026-01-31`.
fn today(seconds: i64) -> String {
    let text = Time { seconds, nanos: 0 }.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::claims::Kubernetes;
    use super::super::issuer::Issuer;
    use super::*;
    use crate::key::SigningKey;
    use crate::key::tests::signing_key;

    const ISSUER: &str = "https://issuer";

    /// One object of each kind, all with the uid `1`.
    struct World;

    impl World {
        fn find(name: &str) -> Option<Bound> {
            (name != "gone").then(|| Bound {
                uid: "1".into(),
                deleted: (name == "going").then_some(1),
            })
        }
    }

    impl Objects for World {
        fn account(&self, _: &str, name: &str) -> Option<Bound> {
            Self::find(name)
        }

        fn pod(&self, _: &str, name: &str) -> Option<Bound> {
            Self::find(name)
        }

        fn secret(&self, _: &str, name: &str) -> Option<Bound> {
            Self::find(name)
        }

        fn node(&self, name: &str) -> Option<Bound> {
            Self::find(name)
        }

        fn kept_token(&self, _: &str, _: &str) -> Option<KeptToken> {
            None
        }

        fn note_use(&self, _: &str, _: &str, _: &str) {}
    }

    fn claims() -> Claims {
        Claims {
            sub: "system:serviceaccount:blue:bot".to_owned(),
            aud: vec!["us".to_owned()],
            exp: Some(now() + 600),
            nbf: Some(now()),
            iat: Some(now()),
            jti: "id".to_owned(),
            kubernetes: Some(Kubernetes {
                namespace: "blue".to_owned(),
                serviceaccount: reference("bot"),
                ..Kubernetes::default()
            }),
            ..Claims::default()
        }
    }

    fn reference(name: &str) -> Reference {
        Reference {
            name: name.to_owned(),
            uid: "1".to_owned(),
        }
    }

    fn bound(change: impl FnOnce(&mut Kubernetes)) -> Claims {
        let mut claims = claims();
        if let Some(bound) = &mut claims.kubernetes {
            change(bound);
        }
        claims
    }

    /// Accepts what the issuer has issued.
    fn issuer_of(name: &str, key: SigningKey) -> Issuer {
        Issuer::new(name, Awaited::ready(Some(key)))
    }

    fn server() -> (Issuer, ServiceAccounts) {
        let key = signing_key();
        let keys = vec![key.public().clone()];
        let issuer = issuer_of(ISSUER, key);
        let accounts = ServiceAccounts::new(ServiceAccountsOptions {
            issuers: vec![ISSUER.to_owned()],
            keys: Awaited::ready(keys),
            audiences: vec![Text::from("us")].into(),
            objects: Some(Arc::new(World)),
        });
        (issuer, accounts)
    }

    #[track_caller]
    fn check(claims: Claims, audiences: &[&'static str], expected: Result<Option<&str>, &str>) {
        let (issuer, accounts) = server();
        let token = issuer.issue(claims).expect("a token");
        check_token(&accounts, &token, audiences, expected);
        // Once more, from memory.
        check_token(&accounts, &token, audiences, expected);
    }

    #[track_caller]
    fn check_token(
        accounts: &ServiceAccounts,
        token: &str,
        audiences: &[&'static str],
        expected: Result<Option<&str>, &str>,
    ) {
        let audiences: Vec<Text> = audiences.iter().map(|text| Text::from(*text)).collect();
        let found = accounts.accept(token, &audiences);
        let found = found
            .map(|accepted| accepted.map(|accepted| accepted.user.name.to_string()))
            .map_err(|error| error.to_string());
        let expected = expected
            .map(|name| name.map(str::to_owned))
            .map_err(str::to_owned);
        assert_eq!(found, expected);
    }

    const BOT: Result<Option<&str>, &str> = Ok(Some("system:serviceaccount:blue:bot"));
    const INVALIDATED: Result<Option<&str>, &str> =
        Err("service account token has been invalidated");

    #[test]
    fn a_good_token_is_its_accounts() {
        check(claims(), &["us"], BOT);
        check(claims(), &["them", "us"], BOT);
    }

    #[test]
    fn a_token_is_for_its_audiences_only() {
        let why = r#"token audiences ["us"] is invalid for the target audiences ["them"]"#;
        check(claims(), &["them"], Err(why));
    }

    #[test]
    fn a_token_has_its_time() {
        let expired = Claims {
            exp: Some(now() - 61),
            ..claims()
        };
        check(expired, &["us"], Err("service account token has expired"));
        check(
            Claims {
                exp: Some(now() - 50),
                ..claims()
            },
            &["us"],
            BOT,
        );
        let early = "service account token claims could not be validated due to unexpected validation error";
        check(
            Claims {
                nbf: Some(now() + 100),
                ..claims()
            },
            &["us"],
            Err(early),
        );
        check(
            Claims {
                iat: Some(now() + 100),
                ..claims()
            },
            &["us"],
            Err(early),
        );
    }

    #[test]
    fn a_token_goes_with_what_it_is_bound_to() {
        check(
            bound(|to| to.serviceaccount = reference("gone")),
            &["us"],
            Err("serviceaccount \"gone\" not found"),
        );
        check(
            bound(|to| to.serviceaccount = reference("going")),
            &["us"],
            Err("service account has been deleted"),
        );
        check(
            bound(|to| to.serviceaccount.uid = "2".to_owned()),
            &["us"],
            Err("service account UID (1) does not match claim (2)"),
        );
        check(bound(|to| to.pod = Some(reference("web"))), &["us"], BOT);
        check(
            bound(|to| to.pod = Some(reference("gone"))),
            &["us"],
            INVALIDATED,
        );
        check(
            bound(|to| to.pod = Some(reference("going"))),
            &["us"],
            INVALIDATED,
        );
        check(
            bound(|to| to.secret = Some(reference("gone"))),
            &["us"],
            INVALIDATED,
        );
        check(
            bound(|to| to.node = Some(reference("gone"))),
            &["us"],
            INVALIDATED,
        );
    }

    #[test]
    fn a_pods_node_is_not_looked_for() {
        let on_node = bound(|to| {
            to.pod = Some(reference("web"));
            to.node = Some(reference("gone"));
        });
        check(on_node, &["us"], BOT);
    }

    #[test]
    fn what_somebody_else_issued_is_nobodys_or_refused() {
        let (issuer, accounts) = server();
        let elsewhere = issuer_of("https://elsewhere", signing_key());
        let token = elsewhere.issue(claims()).expect("a token");
        check_token(&accounts, &token, &["us"], Ok(None));
        let forged = issuer_of(ISSUER, signing_key())
            .issue(claims())
            .expect("a token");
        let why = "go-jose/go-jose: error in cryptographic primitive";
        check_token(&accounts, &forged, &["us"], Err(why));
        let good = issuer.issue(claims()).expect("a token");
        let payload = good.split('.').nth(1).expect("a payload");
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES256","crit":["x"]}"#,
            "{}",
        ] {
            let header = URL_SAFE_NO_PAD.encode(header);
            check_token(
                &accounts,
                &format!("{header}.{payload}."),
                &["us"],
                Ok(None),
            );
        }
    }

    #[test]
    fn garbage_is_nobodys() {
        let (issuer, accounts) = server();
        let good = issuer.issue(claims()).expect("a token");
        for token in [
            "",
            ".",
            "..",
            "a.b.c",
            "a.b.c.d",
            &good[1..],
            &"a".repeat(1 << 20),
            "\u{0}\u{ffff}",
        ] {
            check_token(&accounts, token, &["us"], Ok(None));
        }
    }

    #[test]
    fn a_token_tells_what_it_is_bound_to() {
        let (issuer, accounts) = server();
        let claims = bound(|to| {
            to.pod = Some(reference("web"));
            to.node = Some(reference("n1"));
        });
        let token = issuer.issue(claims).expect("a token");
        let accepted = accounts
            .accept(&token, &["us".into()])
            .expect("good")
            .expect("somebody");
        let extra: Vec<String> = accepted
            .user
            .extra
            .iter()
            .map(|(key, values)| format!("{key}={}", values[0]))
            .collect();
        assert_eq!(
            extra,
            [
                "authentication.kubernetes.io/credential-id=JTI=id",
                "authentication.kubernetes.io/node-name=n1",
                "authentication.kubernetes.io/node-uid=1",
                "authentication.kubernetes.io/pod-name=web",
                "authentication.kubernetes.io/pod-uid=1",
            ]
        );
        assert_eq!(
            accepted.user.groups,
            [
                "system:serviceaccounts",
                "system:serviceaccounts:blue",
                "system:authenticated"
            ]
        );
    }
}
