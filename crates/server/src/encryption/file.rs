//! The file of `--encryption-provider-config`: `EncryptionConfiguration`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use pintle_runtime::codec::{Problems, yaml};
use pintle_runtime::duration;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    api_version: String,
    kind: String,
    #[serde(default)]
    resources: Vec<FileEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    providers: Vec<FileProvider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileProvider {
    aesgcm: Option<FileKeys>,
    aescbc: Option<FileKeys>,
    secretbox: Option<FileKeys>,
    identity: Option<Nothing>,
    kms: Option<FileKms>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKeys {
    #[serde(default)]
    keys: Vec<FileKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKey {
    #[serde(default)]
    name: String,
    #[serde(default)]
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKms {
    #[serde(rename = "apiVersion", default)]
    api_version: String,
    #[serde(default)]
    name: String,
    cachesize: Option<i32>,
    #[serde(default)]
    endpoint: String,
    timeout: Option<String>,
}

/// What a file says, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Group and resource; `*` is any.
    pub(super) resources: Vec<(String, String)>,
    /// In the order in which they are asked.
    pub(super) providers: Vec<Provider>,
}

/// A provider and its keys, by name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Identity,
    AesGcm(Vec<(String, Vec<u8>)>),
    AesCbc(Vec<(String, Vec<u8>)>),
    Secretbox(Vec<(String, Vec<u8>)>),
    Kms {
        name: String,
        endpoint: String,
        timeout: Duration,
    },
}

/// Resources that are stored, but are no part of the API.
const NO_RESOURCES: [&str; 3] = [
    "apiserveripinfo",
    "serviceipallocations",
    "servicenodeportallocations",
];

/// Reads a file.
///
/// # Errors
/// All that is wrong with it, in upstream's words.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Vec<String>> {
    let name = path.display();
    let text = std::fs::read(path).map_err(|error| {
        vec![format!(
            "error reading encryption provider configuration file {name}: {error}"
        )]
    })?;
    if text.is_empty() {
        return Err(vec![format!(
            "encryption provider configuration file {name} is empty"
        )]);
    }
    parse(text)
}

pub(super) fn parse(text: Vec<u8>) -> Result<Vec<Entry>, Vec<String>> {
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
    if file.kind != "EncryptionConfiguration" || file.api_version != "apiserver.config.k8s.io/v1" {
        faults.push(format!(
            "no kind {:?} is registered for version {:?}",
            file.kind, file.api_version
        ));
    }
    if file.resources.is_empty() {
        faults.push("resources: Required value: at least one resources is required".to_owned());
    }
    let mut entries = Vec::new();
    let mut services = BTreeSet::new();
    for (at, entry) in file.resources.into_iter().enumerate() {
        let path = format!("resources[{at}]");
        let resources = resources(&entry.resources, &format!("{path}.resources"), &mut faults);
        if entry.providers.is_empty() {
            let path = format!("{path}.providers");
            faults.push(format!(
                "{path}: Required value: at least one {path} is required"
            ));
        }
        let mut providers = Vec::new();
        for (at, found) in entry.providers.into_iter().enumerate() {
            let path = format!("{path}.providers[{at}]");
            providers.extend(provider(found, &path, &mut services, &mut faults));
        }
        entries.push(Entry {
            resources,
            providers,
        });
    }
    masked(&entries, &mut faults);
    if faults.is_empty() {
        Ok(entries)
    } else {
        Err(faults)
    }
}

/// The resources that an entry is for.
fn resources(named: &[String], path: &str, faults: &mut Vec<String>) -> Vec<(String, String)> {
    if named.is_empty() {
        faults.push(format!(
            "{path}: Required value: at least one {path} is required"
        ));
    }
    let split = |name: &String| match name.split_once('.') {
        Some((resource, group)) => (group.to_owned(), resource.to_owned()),
        None => (String::new(), name.clone()),
    };
    let found: Vec<(String, String)> = named.iter().map(split).collect();
    let shown = format!("{named:?}").replace("\", \"", "\",\"");
    let mut repeated = false;
    let mut overlapping = false;
    for (at, (group, resource)) in found.iter().enumerate() {
        for (other_group, other) in &found[..at] {
            if (group, resource) == (other_group, other) {
                repeated = true;
            } else {
                let any = |group: &str, resource: &str| group == "*" && resource == "*";
                overlapping |= any(group, resource)
                    || any(other_group, other)
                    || group == other_group && (resource == "*" || other == "*");
            }
        }
    }
    if repeated {
        faults.push(format!(
            "{path}: Invalid value: {shown}: the same resource cannot be specified multiple times"
        ));
    }
    if overlapping {
        faults.push(format!(
            "{path}: Invalid value: {shown}: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked"
        ));
    }
    for (at, ((group, resource), name)) in found.iter().zip(named).enumerate() {
        let why = if name.chars().any(char::is_uppercase) {
            "resource name should not contain capital letters"
        } else if name == "*" {
            "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
        } else if NO_RESOURCES.contains(&name.as_str()) {
            "resources which do not have REST API/s cannot be encrypted"
        } else if group == "events.k8s.io" {
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
        } else if group == "extensions" {
            "'extensions' group has been removed and cannot be used for encryption"
        } else if group == "*" && resource != "*" {
            "encrypting the same resource across groups is not supported"
        } else {
            continue;
        };
        faults.push(format!("{path}[{at}]: Invalid value: {name:?}: {why}"));
    }
    found
}

/// Entries that an earlier one with a wildcard leaves nothing to.
fn masked(entries: &[Entry], faults: &mut Vec<String>) {
    let shown = |group: &str, resource: &str| match (group, resource) {
        ("", "*") => "*.".to_owned(),
        ("", resource) => resource.to_owned(),
        _ => format!("{resource}.{group}"),
    };
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for entry in entries {
        for (group, resource) in &entry.resources {
            for rule in [(group.as_str(), "*"), ("*", "*")] {
                if seen.contains(&rule) {
                    faults.push(format!(
                        "resource {:?} is masked by earlier rule {:?}",
                        shown(group, resource),
                        shown(rule.0, rule.1)
                    ));
                    break;
                }
            }
        }
        seen.extend(
            entry
                .resources
                .iter()
                .map(|(g, r)| (g.as_str(), r.as_str())),
        );
    }
}

fn provider(
    found: FileProvider,
    path: &str,
    services: &mut BTreeSet<String>,
    faults: &mut Vec<String>,
) -> Option<Provider> {
    let FileProvider {
        aesgcm,
        aescbc,
        secretbox,
        identity,
        kms,
    } = found;
    let count = [
        aesgcm.is_some(),
        aescbc.is_some(),
        secretbox.is_some(),
        identity.is_some(),
        kms.is_some(),
    ];
    match count.iter().filter(|there| **there).count() {
        0 => faults.push(format!(
            "{path}: Invalid value: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
        )),
        1 => {}
        _ => faults.push(format!(
            "{path}: Invalid value: more than one provider specified in a single element, should split into different list elements"
        )),
    }
    const AES: &[usize] = &[16, 24, 32];
    if let Some(found) = aesgcm {
        let path = format!("{path}.aesgcm.keys");
        return Some(Provider::AesGcm(keys(found, &path, AES, faults)));
    }
    if let Some(found) = aescbc {
        let path = format!("{path}.aescbc.keys");
        return Some(Provider::AesCbc(keys(found, &path, AES, faults)));
    }
    if let Some(found) = secretbox {
        let path = format!("{path}.secretbox.keys");
        return Some(Provider::Secretbox(keys(found, &path, &[32], faults)));
    }
    if let Some(found) = kms {
        return kms_service(found, &format!("{path}.kms"), services, faults);
    }
    identity.map(|Nothing {}| Provider::Identity)
}

fn keys(
    found: FileKeys,
    path: &str,
    sizes: &[usize],
    faults: &mut Vec<String>,
) -> Vec<(String, Vec<u8>)> {
    if found.keys.is_empty() {
        faults.push(format!(
            "{path}: Required value: at least one keys is required"
        ));
    }
    let mut keys = Vec::new();
    for (at, key) in found.keys.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        if key.name.is_empty() {
            faults.push(format!(
                "{path}.name: Required value: name is a mandatory field for a key"
            ));
        }
        if key.secret.is_empty() {
            faults.push(format!(
                "{path}.secret: Required value: secret is a mandatory field for a key"
            ));
            continue;
        }
        let invalid = |why: String| format!("{path}.secret: Invalid value: \"REDACTED\": {why}");
        match base64::engine::general_purpose::STANDARD.decode(&key.secret) {
            Err(_) => faults.push(invalid("secrets must be base64 encoded".to_owned())),
            Ok(secret) if !sizes.contains(&secret.len()) => {
                let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
                faults.push(invalid(format!(
                    "secret is not of the expected length, got {}, expected one of [{}]",
                    secret.len(),
                    sizes.join(" ")
                )));
            }
            Ok(secret) => keys.push((key.name, secret)),
        }
    }
    keys
}

fn kms_service(
    found: FileKms,
    path: &str,
    services: &mut BTreeSet<String>,
    faults: &mut Vec<String>,
) -> Option<Provider> {
    let before = faults.len();
    let name = found.name;
    if name.is_empty() {
        faults.push(format!(
            "{path}.name: Required value: name is a mandatory field for a provider"
        ));
    } else if name.contains(':') {
        faults.push(format!(
            "{path}.name: Invalid value: {name:?}: invalid KMS provider name {name}, must not contain ':'"
        ));
    } else if !services.insert(name.clone()) {
        faults.push(format!(
            "{path}.name: Invalid value: {name:?}: duplicate KMS provider name {name}, names must be unique"
        ));
    }
    let text = found.timeout.unwrap_or_else(|| "3s".to_owned());
    let nanos = duration::parse(&text)
        .ok()
        .and_then(|nanos| u64::try_from(nanos).ok());
    let timeout = Duration::from_nanos(nanos.unwrap_or_default());
    if timeout.is_zero() {
        faults.push(format!(
            "{path}.timeout: Invalid value: {text:?}: timeout should be a positive value"
        ));
    }
    let endpoint = found.endpoint;
    if endpoint.is_empty() {
        faults.push(format!(
            "{path}.endpoint: Invalid value: \"\": endpoint is a mandatory field for a kms"
        ));
    } else if !endpoint.starts_with("unix://") {
        let scheme = endpoint.split_once(':').map_or("", |(scheme, _)| scheme);
        faults.push(format!(
            "{path}.endpoint: Invalid value: {endpoint:?}: unsupported scheme {scheme:?} for KMS provider, only unix is supported"
        ));
    }
    match found.api_version.as_str() {
        "v2" if found.cachesize.is_some() => faults.push(format!(
            "{path}.cachesize: Invalid value: {}: cachesize is not supported in v2",
            found.cachesize.unwrap_or_default()
        )),
        "v2" => {}
        "" | "v1" => faults.push(
            "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.".to_owned(),
        ),
        other => faults.push(format!(
            "{path}.apiVersion: Invalid value: {other:?}: unsupported apiVersion {other} for KMS provider, only v1 and v2 are supported"
        )),
    }
    (faults.len() == before).then_some(Provider::Kms {
        name,
        endpoint,
        timeout,
    })
}
