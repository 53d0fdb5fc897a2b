//! What tokens are bound to, and whether that is there: [`Objects`].

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;

use super::claims::{Claims, Legacy, Reference};
use crate::authenticator::AuthenticationError;

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

/// How far clocks may differ, and how long what is being deleted still counts, in seconds.
const LEEWAY: i64 = 60;

/// Whether a bound token counts at `now`; whether what it is bound to is there does not matter without `objects`.
pub(super) fn check_bound(
    claims: &Claims,
    objects: Option<&dyn Objects>,
    now: i64,
) -> Result<(), AuthenticationError> {
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
    let Some(objects) = objects else {
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
        let invalidated = || AuthenticationError::new("service account token has been invalidated");
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

/// Whether a token that is kept in a secret is still there.
pub(super) fn check_legacy(
    claims: &Legacy,
    token: &str,
    objects: &dyn Objects,
    now: i64,
) -> Result<(), AuthenticationError> {
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
    if aws_lc_rs::constant_time::verify_slices_are_equal(&kept.token, token.as_bytes()).is_err() {
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
    let today = today(now);
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

/// The day of a time, such as `2026-01-31`.
fn today(seconds: i64) -> String {
    let text = Time { seconds, nanos: 0 }.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}
