//! The file of `--authentication-config`: `AuthenticationConfiguration`.

mod claims;

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use pintle_authn::AnonymousAccess;
use pintle_authn::key::Algorithm;
use pintle_authn::oidc::Issuer;
use pintle_runtime::codec::{Problems, yaml};
use pintle_runtime::field_path::{ErrorList, FieldError, Path as FieldPath};
use serde::Deserialize;

use self::claims::{Claims, ClaimsSaid};
use super::Provider;
use crate::peer::roots;
use crate::unknown::Unknown;

/// What the file says.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuthenticationFile {
    /// Providers whose tokens are accepted.
    pub(crate) providers: Vec<Provider>,
    /// Who gets in without a credential, if it says so.
    pub(crate) anonymous: Option<AnonymousAccess>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    jwt: Option<Vec<Jwt>>,
    anonymous: Option<Anonymous>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Deserialize)]
struct Anonymous {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    conditions: Option<Vec<Condition>>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(default)]
    path: String,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Jwt {
    #[serde(default)]
    issuer: JwtIssuer,
    #[serde(flatten)]
    claims: ClaimsSaid,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JwtIssuer {
    url: String,
    #[serde(rename = "discoveryURL")]
    discovery_url: Option<String>,
    certificate_authority: String,
    audiences: Option<Vec<String>>,
    audience_match_policy: String,
    egress_selector_type: String,
    #[serde(flatten)]
    unknown: Unknown,
}

const VERSIONS: [&str; 3] = [
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
];
/// Providers at most.
const PROVIDERS: usize = 64;

/// Every way of signing that a token of a provider may be signed in.
pub(super) const SIGNING: [Algorithm; 9] = [
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

impl AuthenticationFile {
    /// Reads the file. None of its providers may be one of `disallowed`, who issue tokens otherwise.
    ///
    /// # Errors
    /// All that is wrong with it, a line each.
    pub(crate) fn read(file: &Path, disallowed: &[String]) -> Result<Self, Vec<String>> {
        let name = file.display();
        let text = std::fs::read(file).map_err(|error| {
            vec![format!(
                "--authentication-config: cannot read {name}: {error}"
            )]
        })?;
        parse(text, disallowed).map_err(|faults| {
            let fault = |fault: String| format!("--authentication-config: {name}: {fault}");
            faults.into_iter().map(fault).collect()
        })
    }
}

fn parse(text: Vec<u8>, disallowed: &[String]) -> Result<AuthenticationFile, Vec<String>> {
    let mut problems = Problems::collected();
    let json = yaml::to_json(&Bytes::from(text), &mut problems)
        .map_err(|error| vec![error.to_string()])?;
    let mut faults: Vec<String> = problems.texts().iter().map(ToString::to_string).collect();
    let file: File = match serde_json::from_slice(&json) {
        Ok(file) => file,
        Err(error) => {
            faults.push(error.to_string());
            return Err(faults);
        }
    };
    if file.kind != "AuthenticationConfiguration" || !VERSIONS.contains(&file.api_version.as_str())
    {
        faults.push(format!(
            "{} {} is not known: must be {} AuthenticationConfiguration",
            file.api_version, file.kind, VERSIONS[0]
        ));
    }
    file.unknown.tell("", &mut faults);
    let mut errors = ErrorList::new();
    let (root, jwt) = (FieldPath::new("jwt"), file.jwt.unwrap_or_default());
    if jwt.len() > PROVIDERS {
        errors.push(FieldError::too_many(&root, jwt.len(), PROVIDERS));
    }
    let (mut urls, mut discovery_urls) = (BTreeSet::new(), BTreeSet::new());
    let mut providers = Vec::new();
    for (index, jwt) in jwt.into_iter().take(PROVIDERS).enumerate() {
        let at = root.index(index);
        let provider = provider(jwt, &at, disallowed, &mut errors, &mut faults);
        let (named, issuer) = (&provider.issuer, at.child("issuer"));
        if !urls.insert(named.url.clone()) {
            errors.duplicate(&issuer.child("url"), &*named.url);
        }
        if let Some(url) = &named.discovery_url
            && !discovery_urls.insert(url.clone())
        {
            errors.duplicate(&issuer.child("discoveryURL"), url.as_str());
        }
        providers.push(provider);
    }
    let anonymous = file.anonymous.map(|said| {
        said.unknown.tell("anonymous", &mut faults);
        let conditions = said.conditions.unwrap_or_default();
        for (index, condition) in conditions.iter().enumerate() {
            let at = format!("anonymous.conditions[{index}]");
            condition.unknown.tell(&at, &mut faults);
        }
        AnonymousAccess {
            enabled: said.enabled,
            paths: conditions.into_iter().map(|it| it.path).collect(),
        }
    });
    if let Some(said) = &anonymous
        && !said.enabled
        && !said.paths.is_empty()
    {
        errors.invalid(
            &FieldPath::new("anonymous").child("conditions"),
            &*said.paths.join(","),
            "enabled should be set to true when conditions are defined",
        );
    }
    faults.extend(errors.iter().map(ToString::to_string));
    if faults.is_empty() {
        Ok(AuthenticationFile {
            providers,
            anonymous,
        })
    } else {
        Err(faults)
    }
}

/// A provider, as far as it is in order; what is not is in `errors` and `faults`.
fn provider(
    jwt: Jwt,
    at: &FieldPath<'_>,
    disallowed: &[String],
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Provider {
    let JwtIssuer {
        url,
        discovery_url,
        certificate_authority,
        audiences,
        audience_match_policy,
        egress_selector_type,
        unknown,
    } = jwt.issuer;
    let issuer = at.child("issuer");
    unknown.tell(&issuer.to_string(), faults);
    check_issuer_url(&url, disallowed, &issuer.child("url"), errors);
    let discovery_url = discovery_url.filter(|url| !url.is_empty());
    if let Some(discovery) = &discovery_url {
        let at = issuer.child("discoveryURL");
        if !url.is_empty() && url.trim_end_matches('/') == discovery.trim_end_matches('/') {
            errors.invalid(
                &at,
                discovery.as_str(),
                "discoveryURL must be different from URL",
            );
        }
        check_url(discovery, &at, errors);
    }
    let audiences = audiences.unwrap_or_default();
    check_audiences(&audiences, &audience_match_policy, &issuer, errors);
    if !certificate_authority.is_empty()
        && let Err(fault) = roots("it", certificate_authority.as_bytes())
    {
        errors.invalid(&issuer.child("certificateAuthority"), "<omitted>", fault);
    }
    if !egress_selector_type.is_empty() {
        errors.invalid(
            &issuer.child("egressSelectorType"),
            egress_selector_type.as_str(),
            "egress selectors are not known here; leave it out",
        );
    }
    let claims = Claims::read(jwt.claims, at, errors, faults);
    Provider {
        issuer: Issuer {
            url,
            discovery_url,
            audiences,
            algorithms: SIGNING.to_vec(),
            mappings: claims.mappings,
            required: claims.required,
            claim_rules: claims.claim_rules,
            user_rules: claims.user_rules,
        },
        certificate_authority: (!certificate_authority.is_empty()).then_some(certificate_authority),
    }
}

/// What is to be said of the name of a provider.
pub(super) fn check_issuer_url(
    url: &str,
    disallowed: &[String],
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
) {
    if url.is_empty() {
        errors.required(at, "");
        return;
    }
    if disallowed.iter().any(|other| other == url) {
        let others = format!(
            "URL must not overlap with disallowed issuers: [{}]",
            disallowed.join(" ")
        );
        errors.invalid(at, url, others);
    }
    check_url(url, at, errors);
}

fn check_url(url: &str, at: &FieldPath<'_>, errors: &mut ErrorList) {
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = match rest.split_once("://") {
        Some(("https", rest)) => rest.split('/').next().unwrap_or_default(),
        _ => {
            errors.invalid(at, url, "URL scheme must be https");
            ""
        }
    };
    for (is_wrong, what) in [
        (
            authority.contains('@'),
            "URL must not contain a username or password",
        ),
        (!query.is_empty(), "URL must not contain a query"),
        (!fragment.is_empty(), "URL must not contain a fragment"),
    ] {
        if is_wrong {
            errors.invalid(at, url, what);
        }
    }
}

fn check_audiences(
    audiences: &[String],
    policy: &str,
    issuer: &FieldPath<'_>,
    errors: &mut ErrorList,
) {
    let at = issuer.child("audiences");
    if audiences.is_empty() {
        errors.required(&at, format!("at least one {at} is required"));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, audience) in audiences.iter().enumerate() {
        if audience.is_empty() {
            errors.required(&at.index(index), "");
        }
        if !seen.insert(audience) {
            errors.duplicate(&at.index(index), audience.as_str());
        }
    }
    let at = issuer.child("audienceMatchPolicy");
    if audiences.len() > 1 && policy != "MatchAny" {
        errors.invalid(
            &at,
            policy,
            "audienceMatchPolicy must be MatchAny for multiple audiences",
        );
    } else if !matches!(policy, "" | "MatchAny") {
        errors.invalid(
            &at,
            policy,
            "audienceMatchPolicy must be empty or MatchAny for single audience",
        );
    }
}

#[cfg(test)]
mod tests;
