//! How tokens of service accounts are issued and accepted, as flags say.

use std::path::PathBuf;
use std::time::Duration;

use super::span;
use crate::fault::Faults;
use crate::flags::Flags;

/// How tokens of service accounts are issued and accepted.
#[derive(Debug, Clone)]
pub struct ServiceAccounts {
    /// Whose tokens are accepted; the first is the name of this issuer.
    pub issuers: Vec<String>,
    /// Keys that tokens are verified with; that of the signing key if there are none.
    pub key_files: Vec<PathBuf>,
    /// Private key; made in `cert_dir` if `None`.
    pub signing_key_file: Option<PathBuf>,
    /// Socket of somebody else who signs and keeps the keys.
    pub signing_endpoint: Option<String>,
    /// Who the server is to issuers of tokens.
    pub audiences: Vec<String>,
    /// Tokens are good only as long as what they are bound to is there.
    pub lookup: bool,
    /// Tokens in pods live for a year.
    pub extend_expiration: bool,
    /// Longest life of a token; zero is no limit.
    pub max_expiration: Duration,
    /// Where verifiers find the keys, if not here.
    pub jwks_uri: Option<String>,
}

impl ServiceAccounts {
    pub(super) fn from_flags(flags: &Flags, faults: &mut Faults) -> Self {
        let texts = |name: &str| -> Vec<String> {
            flags.many(name).into_iter().map(str::to_owned).collect()
        };
        let issuers = texts("service-account-issuer");
        let audiences = match texts("api-audiences") {
            given if given.is_empty() => issuers.clone(),
            given => given,
        };
        if let Some(wrong) = issuers
            .iter()
            .find(|issuer| issuer.contains(':') && !issuer.contains("://"))
        {
            faults.add(format!(
                "--service-account-issuer={wrong}: contained a ':' but was not a valid URL"
            ));
        }
        let max_expiration = faults
            .check(span(flags, "service-account-max-token-expiration"))
            .unwrap_or_default();
        let (hour, longest) = (Duration::from_secs(3600), Duration::from_secs(1 << 32));
        if !max_expiration.is_zero() && (max_expiration < hour || max_expiration > longest) {
            faults.add(
                "--service-account-max-token-expiration: must be between 1 hour and 2^32 seconds",
            );
        }
        let signing_endpoint = flags.given("service-account-signing-endpoint");
        if signing_endpoint.is_some() {
            for other in [
                "service-account-signing-key-file",
                "service-account-key-file",
            ] {
                if flags.is_given(other) {
                    faults.add(format!(
                        "{other} and service-account-signing-endpoint are mutually exclusive and cannot be set at the same time"
                    ));
                }
            }
        }
        Self {
            issuers,
            signing_endpoint: signing_endpoint.map(str::to_owned),
            key_files: texts("service-account-key-file")
                .into_iter()
                .map(PathBuf::from)
                .collect(),
            signing_key_file: flags
                .given("service-account-signing-key-file")
                .map(PathBuf::from),
            audiences,
            lookup: flags.on("service-account-lookup"),
            extend_expiration: flags.on("service-account-extend-token-expiration"),
            max_expiration,
            jwks_uri: flags.given("service-account-jwks-uri").map(str::to_owned),
        }
    }
}
