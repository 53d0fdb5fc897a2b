//! Who is asked who it is, besides what files of tokens and certificates say: flags and the file of
//! `--authentication-config`.

mod counted;
mod file;
mod running;

use std::path::PathBuf;
use std::time::Duration;

use pintle_authn::AnonymousAccess;
use pintle_authn::key::Algorithm;
use pintle_authn::oidc::{Issuer, Mappings, Source};
use pintle_runtime::field_path::{ErrorList, Path as FieldPath};

use crate::config::span;
use crate::fault::Faults;
use crate::flags::Flags;
use crate::peer;

pub(crate) use file::AuthenticationFile;
pub(crate) use running::{Running, webhook};

/// Whose tokens are accepted, and who gets in without any.
#[derive(Debug, Clone, Default)]
pub struct AuthenticationConfig {
    /// The file that is read again when it changes.
    pub file: Option<PathBuf>,
    /// `OpenID` Connect providers whose tokens are accepted.
    pub providers: Vec<Provider>,
    /// Which requests without credentials come in as `system:anonymous`.
    pub anonymous: AnonymousAccess,
    /// The same where the file says nothing of it.
    pub anonymous_by_flag: AnonymousAccess,
    /// Providers that the file must not name, as their tokens are known otherwise.
    pub disallowed: Vec<String>,
    /// Who reviews tokens that nobody else knows.
    pub webhook: Option<TokenWebhookConfig>,
}

/// A provider, and who signs its certificate.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The provider.
    pub issuer: Issuer,
    /// CA bundle, PEM; without it, whom the host trusts.
    pub certificate_authority: Option<String>,
}

/// Who reviews tokens.
#[derive(Debug, Clone)]
pub struct TokenWebhookConfig {
    /// Kubeconfig.
    pub file: PathBuf,
    /// How long answers are remembered.
    pub cache_ttl: Duration,
    /// Version of `authentication.k8s.io`.
    pub version: &'static str,
}

const OIDC_FLAGS: [&str; 9] = [
    "oidc-issuer-url",
    "oidc-client-id",
    "oidc-username-claim",
    "oidc-username-prefix",
    "oidc-groups-claim",
    "oidc-groups-prefix",
    "oidc-required-claim",
    "oidc-signing-algs",
    "oidc-ca-file",
];

impl AuthenticationConfig {
    /// What the flags ask for; `accounts` are the issuers of service account tokens.
    pub(crate) fn from_flags(flags: &Flags, accounts: &[String], faults: &mut Faults) -> Self {
        let anonymous_by_flag = AnonymousAccess {
            enabled: flags.on("anonymous-auth"),
            paths: Vec::new(),
        };
        let file = flags.given("authentication-config").map(PathBuf::from);
        let said = match &file {
            Some(file) => {
                if OIDC_FLAGS.iter().any(|flag| flags.is_given(flag)) {
                    faults
                        .add("authentication-config file and oidc-* flags are mutually exclusive");
                }
                AuthenticationFile::read(file, accounts).unwrap_or_else(|found| {
                    found.into_iter().for_each(|fault| faults.add(fault));
                    AuthenticationFile::default()
                })
            }
            None => AuthenticationFile {
                providers: provider(flags, accounts, faults).into_iter().collect(),
                anonymous: None,
            },
        };
        if said.anonymous.is_some() && flags.is_given("anonymous-auth") {
            faults.add("--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file");
        }
        Self {
            file,
            providers: said.providers,
            anonymous: said.anonymous.unwrap_or_else(|| anonymous_by_flag.clone()),
            anonymous_by_flag,
            disallowed: accounts.to_vec(),
            webhook: token_webhook(flags, faults),
        }
    }
}

impl AuthenticationConfig {
    /// Lets nobody in without a credential unless the file says so. Says whether somebody would have been.
    pub(crate) fn close_to_strangers(&mut self) -> bool {
        let by_flag = std::mem::take(&mut self.anonymous_by_flag);
        let was_open = by_flag.enabled && self.anonymous == by_flag;
        if was_open {
            self.anonymous = AnonymousAccess::default();
        }
        was_open
    }
}

fn token_webhook(flags: &Flags, faults: &mut Faults) -> Option<TokenWebhookConfig> {
    let file = PathBuf::from(flags.given("authentication-token-webhook-config-file")?);
    if let Err(found) = peer::read_for("authentication-token-webhook-config-file", &file) {
        found.into_iter().for_each(|fault| faults.add(fault));
    }
    Some(TokenWebhookConfig {
        file,
        cache_ttl: faults
            .check(span(flags, "authentication-token-webhook-cache-ttl"))
            .unwrap_or_default(),
        version: faults
            .check(version(flags, "authentication-token-webhook-version"))
            .unwrap_or("v1"),
    })
}

/// `v1` or `v1beta1`.
pub(crate) fn version(flags: &Flags, name: &str) -> Result<&'static str, String> {
    match flags.one(name) {
        "v1" => Ok("v1"),
        "v1beta1" => Ok("v1beta1"),
        other => Err(format!("--{name}={other}: must be v1 or v1beta1")),
    }
}

/// The provider that flags describe, if they do.
fn provider(flags: &Flags, accounts: &[String], faults: &mut Faults) -> Option<Provider> {
    let (url, client) = (
        flags.given("oidc-issuer-url"),
        flags.given("oidc-client-id"),
    );
    let (Some(url), Some(client)) = (url, client) else {
        if OIDC_FLAGS.iter().any(|flag| flags.is_given(flag)) {
            faults.add("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set");
        }
        return None;
    };
    let mut errors = ErrorList::new();
    let at = FieldPath::new("--oidc-issuer-url");
    file::check_issuer_url(url, accounts, &at, &mut errors);
    errors
        .iter()
        .for_each(|error| faults.add(error.to_string()));
    let algorithms = flags.many("oidc-signing-algs").into_iter().map(|name| {
        Algorithm::parse(name).ok_or_else(|| {
            let known = file::SIGNING.map(Algorithm::as_str);
            format!(
                "--oidc-signing-algs={name}: must be of {}",
                known.join(", ")
            )
        })
    });
    let algorithms = algorithms
        .filter_map(|algorithm| faults.check(algorithm))
        .collect();
    let mut required = Vec::new();
    for pair in flags.many("oidc-required-claim") {
        match pair.split_once('=') {
            Some((claim, value)) => required.push((claim.to_owned(), value.to_owned())),
            None => faults.add(format!("--oidc-required-claim={pair}: must be claim=value")),
        }
    }
    let claim = flags.one("oidc-username-claim");
    let prefix = match flags.one("oidc-username-prefix") {
        "-" => String::new(),
        "" if claim != "email" => format!("{url}#"),
        prefix => prefix.to_owned(),
    };
    let certificate_authority = flags.given("oidc-ca-file").and_then(|file| {
        let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
        let read = read.and_then(|pem| peer::roots("it", pem.as_bytes()).map(|_| pem));
        faults.check(read.map_err(|error| format!("--oidc-ca-file={file}: {error}")))
    });
    Some(Provider {
        issuer: Issuer {
            url: url.to_owned(),
            discovery_url: None,
            audiences: vec![client.to_owned()],
            algorithms,
            mappings: Mappings {
                username: Source::prefixed(claim, prefix),
                groups: flags
                    .given("oidc-groups-claim")
                    .map(|name| Source::prefixed(name, flags.one("oidc-groups-prefix"))),
                uid: None,
                extra: Vec::new(),
            },
            required,
            claim_rules: Vec::new(),
            user_rules: Vec::new(),
        },
        certificate_authority,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> Result<AuthenticationConfig, usize> {
        let flags = Flags::parse(std::iter::once("pintle").chain(line.split_whitespace()));
        let mut faults = Faults::default();
        let config = AuthenticationConfig::from_flags(&flags.expect("flags"), &[], &mut faults);
        match faults.into_result() {
            Ok(()) => Ok(config),
            Err(faults) => Err(faults.to_string().lines().count()),
        }
    }

    #[track_caller]
    fn check_prefix(line: &str, expected: &str) {
        let line = format!("--oidc-issuer-url=https://i --oidc-client-id=c {line}");
        let config = config(&line).expect("nothing is wrong with it");
        let username = &config.providers[0].issuer.mappings.username;
        let Source::Claim(claim) = username else {
            panic!("flags name claims")
        };
        assert_eq!(claim.prefix, expected, "{line}");
    }

    #[test]
    fn names_of_a_provider_are_told_apart_by_its_own() {
        check_prefix("", "https://i#");
        check_prefix("--oidc-username-claim=email", "");
        check_prefix("--oidc-username-prefix=-", "");
        check_prefix("--oidc-username-prefix=x:", "x:");
    }

    #[test]
    fn every_fault_is_told() {
        let faults = |line| config(line).err();
        assert_eq!(faults("--oidc-client-id=c"), Some(1));
        assert_eq!(
            faults(
                "--oidc-issuer-url=http://i?q --oidc-client-id=c --oidc-signing-algs=none,HS256 --oidc-required-claim=x --oidc-ca-file=/none"
            ),
            Some(6)
        );
        assert_eq!(
            faults(
                "--authentication-token-webhook-config-file=/none --authentication-token-webhook-version=v2 --authentication-token-webhook-cache-ttl=x"
            ),
            Some(3)
        );
    }
}
