//! The file of `--authorization-config`: `AuthorizationConfiguration`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use pintle_authz::webhook::{MatchCondition, OnFailure};
use pintle_runtime::codec::{Problems, yaml};
use pintle_runtime::duration;
use pintle_runtime::field_path::{ErrorList, FieldError, Path as FieldPath};
use pintle_runtime::name::dns1123_subdomain;
use serde::Deserialize;

use super::{AuthorizationMode, AuthorizationWebhookConfig, AuthorizerConfig};
use crate::peer::Peer;
use crate::unknown::Unknown;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    authorizers: Option<Vec<Authorizer>>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Deserialize)]
struct Authorizer {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    webhook: Option<Webhook>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Webhook {
    #[serde(rename = "authorizedTTL")]
    authorized_ttl: Option<String>,
    cache_authorized_requests: Option<bool>,
    #[serde(rename = "unauthorizedTTL")]
    unauthorized_ttl: Option<String>,
    cache_unauthorized_requests: Option<bool>,
    timeout: Option<String>,
    subject_access_review_version: String,
    match_condition_subject_access_review_version: String,
    failure_policy: String,
    connection_info: ConnectionInfo,
    match_conditions: Option<Vec<ConditionSaid>>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConditionSaid {
    expression: String,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConnectionInfo {
    #[serde(rename = "type")]
    kind: String,
    kube_config_file: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

const VERSIONS: [&str; 3] = [
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
];
const TYPES: [&str; 6] = [
    "ABAC",
    "AlwaysAllow",
    "AlwaysDeny",
    "Node",
    "RBAC",
    "Webhook",
];

/// Conditions of a webhook at most.
const CONDITIONS: usize = 64;

/// Reads the file.
///
/// # Errors
/// All that is wrong with it, a line each.
pub(super) fn read(file: &Path) -> Result<Vec<AuthorizerConfig>, Vec<String>> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| {
        vec![format!(
            "--authorization-config: cannot read {name}: {error}"
        )]
    })?;
    parse(text).map_err(|faults| {
        let fault = |fault: String| format!("--authorization-config: {name}: {fault}");
        faults.into_iter().map(fault).collect()
    })
}

fn parse(text: Vec<u8>) -> Result<Vec<AuthorizerConfig>, Vec<String>> {
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
    if file.kind != "AuthorizationConfiguration" || !VERSIONS.contains(&file.api_version.as_str()) {
        faults.push(format!(
            "{} {} is not known: must be {} AuthorizationConfiguration",
            file.api_version, file.kind, VERSIONS[0]
        ));
    }
    file.unknown.tell("", &mut faults);
    let mut errors = ErrorList::new();
    let root = FieldPath::new("authorizers");
    let said = file.authorizers.unwrap_or_default();
    if said.is_empty() {
        errors.required(&root, "at least one authorization mode must be defined");
    }
    let mut authorizers: Vec<AuthorizerConfig> = Vec::new();
    for (index, authorizer) in said.into_iter().enumerate() {
        let at = root.index(index);
        authorizer.unknown.tell(&at.to_string(), &mut faults);
        authorizers.extend(one(authorizer, &at, &authorizers, &mut errors, &mut faults));
    }
    faults.extend(errors.iter().map(ToString::to_string));
    if faults.is_empty() {
        Ok(authorizers)
    } else {
        Err(faults)
    }
}

/// One of those who are asked, unless it is not even of a kind.
fn one(
    said: Authorizer,
    at: &FieldPath<'_>,
    before: &[AuthorizerConfig],
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Option<AuthorizerConfig> {
    let kind = at.child("type");
    if said.kind.is_empty() {
        errors.required(&kind, "");
        return None;
    }
    if !TYPES.contains(&said.kind.as_str()) {
        errors.not_supported(&kind, said.kind.as_str(), TYPES);
        return None;
    }
    let is_repeated = before.iter().any(|other| other.mode.name() == said.kind);
    if is_repeated && said.kind != "Webhook" {
        errors.duplicate(&kind, said.kind.as_str());
        return None;
    }
    let name = at.child("name");
    if said.name.is_empty() {
        errors.required(&name, "");
    } else if before.iter().any(|other| other.name == said.name) {
        errors.duplicate(&name, said.name.as_str());
    } else {
        let wrong = dns1123_subdomain(&said.name);
        if !wrong.is_empty() {
            let wrong: Vec<String> = wrong.into_iter().map(Into::into).collect();
            let wrong = format!("authorizer name is invalid: {}", wrong.join(", "));
            errors.invalid(&name, said.name.as_str(), wrong);
        }
    }
    if said.kind != "Webhook" && said.webhook.is_some() {
        errors.invalid(
            &at.child("webhook"),
            "non-null",
            "may only be specified when type=Webhook",
        );
    }
    let mode = match (said.kind.as_str(), said.webhook) {
        ("AlwaysAllow", _) => AuthorizationMode::AlwaysAllow,
        ("AlwaysDeny", _) => AuthorizationMode::AlwaysDeny,
        ("ABAC", _) => {
            errors.invalid(
                &kind,
                "ABAC",
                "its policy file is named by a flag that this file rules out; use --authorization-mode",
            );
            AuthorizationMode::Abac
        }
        ("Node", _) => AuthorizationMode::Node,
        ("RBAC", _) => AuthorizationMode::Rbac,
        (_, Some(said)) => AuthorizationMode::Webhook(webhook(said, at, errors, faults)),
        (_, None) => {
            errors.required(&at.child("webhook"), "required when type=Webhook");
            return None;
        }
    };
    Some(AuthorizerConfig {
        name: said.name,
        mode,
    })
}

fn webhook(
    said: Webhook,
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> AuthorizationWebhookConfig {
    // Upstream names these fields as if they were the authorizer's own.
    let path = at.child("webhook").to_string();
    said.unknown.tell(&path, faults);
    said.connection_info
        .unknown
        .tell(&format!("{path}.connectionInfo"), faults);
    let mut time = |value: Option<&str>, name: &'static str, default: Option<Duration>| {
        let at = at.child(name);
        let nanos = value.map(duration::parse).transpose();
        match (nanos, default) {
            (Ok(None | Some(0)), Some(default)) => default,
            (Ok(None | Some(0)), None) => {
                errors.required(&at, "");
                Duration::ZERO
            }
            (Ok(Some(nanos)), _) => u64::try_from(nanos)
                .map(Duration::from_nanos)
                .unwrap_or_else(|_| {
                    errors.invalid(&at, value.unwrap_or_default(), "must be > 0s");
                    Duration::ZERO
                }),
            (Err(_), _) => {
                errors.invalid(
                    &at,
                    value.unwrap_or_default(),
                    "must be a duration such as 30s or 1m0s",
                );
                Duration::ZERO
            }
        }
    };
    let longest = Duration::from_secs(30);
    let timeout = time(said.timeout.as_deref(), "timeout", None);
    let authorized = time(
        said.authorized_ttl.as_deref(),
        "authorizedTTL",
        Some(Duration::from_secs(300)),
    );
    let unauthorized = time(
        said.unauthorized_ttl.as_deref(),
        "unauthorizedTTL",
        Some(Duration::from_secs(30)),
    );
    if timeout > longest {
        errors.invalid(
            &at.child("timeout"),
            said.timeout.as_deref().unwrap_or_default(),
            "must be > 0s and <= 30s",
        );
    }
    let version = match said.subject_access_review_version.as_str() {
        "v1" => "v1",
        "v1beta1" => "v1beta1",
        other => {
            let at = at.child("subjectAccessReviewVersion");
            if other.is_empty() {
                errors.required(&at, "");
            } else {
                errors.not_supported(&at, other, ["v1", "v1beta1"]);
            }
            "v1"
        }
    };
    let conditions = said.match_conditions.unwrap_or_default();
    match said.match_condition_subject_access_review_version.as_str() {
        "v1" => {}
        "" if conditions.is_empty() => {}
        other => {
            let at = at.child("matchConditionSubjectAccessReviewVersion");
            if other.is_empty() {
                errors.required(&at, "required if match conditions are specified");
            } else {
                errors.not_supported(&at, other, ["v1"]);
            }
        }
    }
    let on_failure = match said.failure_policy.as_str() {
        "Deny" => OnFailure::Deny,
        "NoOpinion" => OnFailure::NoOpinion,
        other => {
            let at = at.child("failurePolicy");
            if other.is_empty() {
                errors.required(&at, "");
            } else {
                errors.not_supported(&at, other, ["NoOpinion", "Deny"]);
            }
            OnFailure::Deny
        }
    };
    let remembered = |ttl, is_on: Option<bool>| {
        if is_on == Some(false) {
            Duration::ZERO
        } else {
            ttl
        }
    };
    AuthorizationWebhookConfig {
        file: connection(&said.connection_info, at, errors),
        conditions: match_conditions(&conditions, at, errors, faults),
        version,
        timeout,
        authorized_ttl: remembered(authorized, said.cache_authorized_requests),
        unauthorized_ttl: remembered(unauthorized, said.cache_unauthorized_requests),
        on_failure,
    }
}

/// What has to hold of a request for a webhook to be asked about it.
fn match_conditions(
    said: &[ConditionSaid],
    at: &FieldPath<'_>,
    errors: &mut ErrorList,
    faults: &mut Vec<String>,
) -> Vec<MatchCondition> {
    let (root, place) = (at.child("matchConditions"), at.to_string());
    let (mut conditions, mut seen) = (Vec::new(), BTreeSet::new());
    if said.len() > CONDITIONS {
        errors.push(FieldError::too_many(&root, said.len(), CONDITIONS));
        return conditions;
    }
    for (index, said) in said.iter().enumerate() {
        let at = root.index(index);
        let name = format!("{place}.webhook.matchConditions[{index}]");
        said.unknown.tell(&name, faults);
        let (at, text) = (at.child("expression"), &*said.expression);
        if text.trim().is_empty() {
            errors.required(&at, "");
        } else if !seen.insert(text) {
            errors.duplicate(&at, text);
        } else {
            match MatchCondition::compile(text) {
                Ok(condition) => conditions.push(condition),
                Err(fault) => errors.invalid(&at, text, fault),
            }
        }
    }
    conditions
}

/// The kubeconfig of a webhook.
fn connection(said: &ConnectionInfo, at: &FieldPath<'_>, errors: &mut ErrorList) -> PathBuf {
    let info = at.child("connectionInfo");
    let (kind, file) = (info.child("type"), info.child("kubeConfigFile"));
    match said.kind.as_str() {
        "" => errors.required(&kind, ""),
        "KubeConfigFile" => {}
        "InClusterConfig" => {
            errors.forbidden(
                &kind,
                "not known here; name a kubeconfig with KubeConfigFile",
            );
        }
        other => errors.not_supported(&kind, other, ["InClusterConfig", "KubeConfigFile"]),
    }
    let path = said.kube_config_file.as_deref().unwrap_or_default();
    if said.kind != "KubeConfigFile" {
        return PathBuf::new();
    }
    if path.is_empty() {
        errors.required(&file, "");
    } else if !Path::new(path).is_absolute() {
        errors.invalid(&file, path, "must be an absolute path");
    } else if let Err(faults) = Peer::read(Path::new(path)) {
        for fault in faults {
            errors.invalid(&file, path, format!("error loading file: {fault}"));
        }
    }
    PathBuf::from(path)
}

#[cfg(test)]
mod tests;
