//! The file of `--authentication-config`: `AuthenticationConfiguration`.

use std::path::Path;

use bytes::Bytes;
use pintle_runtime::codec::{Problems, yaml};
use serde::Deserialize;

/// Who gets in without a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnonymousAccess {
    /// Whether anybody does.
    pub enabled: bool,
    /// To which paths; to all if there are none.
    pub paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    api_version: String,
    kind: String,
    #[serde(default)]
    jwt: Vec<serde_json::Value>,
    anonymous: Option<Anonymous>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anonymous {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    path: String,
}

const VERSIONS: [&str; 3] = [
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
];

/// Reads the file; what it says of those without credentials, if it does.
///
/// # Errors
/// All that is wrong with it, a line each.
pub(crate) fn read(file: &Path) -> Result<Option<AnonymousAccess>, Vec<String>> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| {
        vec![format!(
            "--authentication-config: cannot read {name}: {error}"
        )]
    })?;
    parse(text).map_err(|faults| {
        let fault = |fault: String| format!("--authentication-config: {name}: {fault}");
        faults.into_iter().map(fault).collect()
    })
}

fn parse(text: Vec<u8>) -> Result<Option<AnonymousAccess>, Vec<String>> {
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
    if !file.jwt.is_empty() {
        faults.push("jwt: this build accepts no tokens of other issuers; leave it out".to_owned());
    }
    let anonymous = file.anonymous.map(|said| AnonymousAccess {
        enabled: said.enabled,
        paths: said
            .conditions
            .into_iter()
            .map(|condition| condition.path)
            .collect(),
    });
    if let Some(said) = &anonymous
        && !said.enabled
        && !said.paths.is_empty()
    {
        faults.push(
            "anonymous.conditions: enabled should be set to true when conditions are defined"
                .to_owned(),
        );
    }
    if faults.is_empty() {
        Ok(anonymous)
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Option<(bool, &[&str])>, usize>) {
        let text = format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n{text}"
        );
        let found = parse(text.clone().into_bytes());
        let expected = expected.map(|said| {
            said.map(|(enabled, paths)| AnonymousAccess {
                enabled,
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            })
        });
        assert_eq!(found.map_err(|faults| faults.len()), expected, "{text}");
    }

    #[test]
    fn it_says_who_gets_in_without_a_credential() {
        check("", Ok(None));
        check("anonymous: {enabled: false}", Ok(Some((false, &[]))));
        check(
            "anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}",
            Ok(Some((true, &["/livez", "/readyz"]))),
        );
    }

    #[test]
    fn every_fault_is_told() {
        check(
            "anonymous: {enabled: false, conditions: [{path: /livez}]}\njwt: [{}]",
            Err(2),
        );
        check("anonymous: {enabled: true, unknown: 1}", Err(1));
    }
}
