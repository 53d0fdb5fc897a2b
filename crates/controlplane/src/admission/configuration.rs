//! What the file of `--admission-control-config-file` says.

use std::collections::BTreeMap;

use bytes::Bytes;
use pintle_runtime::codec::{Problems, yaml};
use serde_json::Value;

/// The settings of plug-ins, by their names, as they are in an `AdmissionConfiguration`.
#[derive(Debug, Clone, Default)]
pub struct Configuration(BTreeMap<String, Value>);

/// Why a configuration cannot be used, in one line for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigurationError(pub String);

impl Configuration {
    /// Reads an `AdmissionConfiguration`, as YAML or JSON. A plug-in's settings stand in it (`configuration`), or in a
    /// file that it names (`path`), which `read` reads; relative paths are its matter.
    ///
    /// # Errors
    /// What cannot be understood, or read.
    pub fn parse(
        text: &[u8],
        read: impl Fn(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Self, ConfigurationError> {
        let file = document(text)?;
        let versions = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"];
        if let Err(error) = check_kind(&file, &versions, &["AdmissionConfiguration"]) {
            // Two plug-ins are older than the file's format, and take one that is theirs alone.
            if !OLDER.iter().any(|(_, key)| file.get(key).is_some()) {
                return Err(error);
            }
            let plugins = OLDER.map(|(name, _)| (name.to_owned(), file.clone()));
            return Ok(Self(plugins.into()));
        }
        check_fields(&file)?;
        let mut plugins = BTreeMap::new();
        for plugin in file["plugins"].as_array().into_iter().flatten() {
            let name = plugin["name"].as_str().unwrap_or_default();
            let settings = match (&plugin["configuration"], plugin["path"].as_str()) {
                (Value::Null, Some(path)) if !path.is_empty() => {
                    let wrong = |error| {
                        let what = "Couldn't open admission plugin configuration";
                        ConfigurationError(format!("{what} {path}: {error}"))
                    };
                    document(&read(path).map_err(wrong)?)?
                }
                (settings, _) => settings.clone(),
            };
            // Upstream takes the first of several.
            plugins.entry(name.to_owned()).or_insert(settings);
        }
        Ok(Self(plugins))
    }

    /// The settings of a plug-in, if there are any.
    pub fn of(&self, plugin: &str) -> Option<&Value> {
        self.0.get(plugin).filter(|settings| !settings.is_null())
    }
}

/// Plug-ins whose settings may be the whole file, and what stands in it then.
const OLDER: [(&str, &str); 2] = [
    ("ImagePolicyWebhook", "imagePolicy"),
    ("PodNodeSelector", "podNodeSelectorPluginConfig"),
];

impl ConfigurationError {
    /// The same said of a plug-in, which is made and then looks at itself, in upstream's words.
    pub(super) fn of(self, plugin: &str) -> Self {
        let looked = self.0.starts_with(plugin);
        let what = if looked {
            "failed to initialize admission plugin"
        } else {
            "couldn't init admission plugin"
        };
        Self(format!("{what} \"{plugin}\": {}", self.0))
    }
}

/// Settings say what they are: a kind of these, in one of these versions.
///
/// # Errors
/// What they are instead.
pub(super) fn check_kind(
    settings: &Value,
    versions: &[impl AsRef<str>],
    kinds: &[&str],
) -> Result<(), ConfigurationError> {
    let text = |name: &str| settings[name].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let why = if kind.is_empty() {
        format!("Object 'Kind' is missing in '{settings}'")
    } else if version.is_empty() {
        format!("Object 'apiVersion' is missing in '{settings}'")
    } else if !kinds.contains(&kind) || versions.iter().all(|it| it.as_ref() != version) {
        format!("no kind \"{kind}\" is registered for version \"{version}\"")
    } else {
        return Ok(());
    };
    Err(ConfigurationError(why))
}

/// Nothing stands in the file that means nothing.
fn check_fields(file: &Value) -> Result<(), ConfigurationError> {
    let unknown = |object: &Value, known: &[&str], path: &str| -> Vec<String> {
        let names = object.as_object().into_iter().flat_map(|it| it.keys());
        names
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| format!("unknown field \"{path}{name}\""))
            .collect()
    };
    let mut faults = unknown(file, &["apiVersion", "kind", "plugins"], "");
    let plugins = file["plugins"].as_array();
    for (at, plugin) in plugins.into_iter().flatten().enumerate() {
        let path = format!("plugins[{at}].");
        faults.extend(unknown(plugin, &["name", "path", "configuration"], &path));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let faults = faults.join(", ");
    Err(ConfigurationError(format!(
        "strict decoding error: {faults}"
    )))
}

fn document(text: &[u8]) -> Result<Value, ConfigurationError> {
    let json = yaml::to_json(&Bytes::copy_from_slice(text), &mut Problems::ignored())
        .map_err(|error| ConfigurationError(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| ConfigurationError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_in_the_file_or_beside_it() {
        let text = b"apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: A\n  \
                     configuration:\n    level: 1\n- name: B\n  path: b.yaml\n- name: C\n";
        let configuration = Configuration::parse(text, |path| {
            assert_eq!(path, "b.yaml");
            Ok(b"level: 2".to_vec())
        })
        .unwrap();
        assert_eq!(configuration.of("A").unwrap()["level"], 1);
        assert_eq!(configuration.of("B").unwrap()["level"], 2);
        assert!(configuration.of("C").is_none());
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        let check = |text: &str, expected: &str| {
            let error = Configuration::parse(text.as_bytes(), |_| Ok(Vec::new())).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(
            "kind: Pod\napiVersion: v1",
            "no kind \"Pod\" is registered for version \"v1\"",
        );
        check(
            "plugins: []",
            "Object 'Kind' is missing in '{\"plugins\":[]}'",
        );
        check(
            "kind: AdmissionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nplugins:\n- {name: A, file: x}\nmore: 1",
            "strict decoding error: unknown field \"more\", unknown field \"plugins[0].file\"",
        );
    }

    #[test]
    fn two_plugins_take_a_file_of_their_own() {
        let text = b"podNodeSelectorPluginConfig: {clusterDefaultNodeSelector: a=b}";
        let configuration = Configuration::parse(text, |_| Ok(Vec::new())).unwrap();
        let settings = configuration.of("PodNodeSelector").unwrap();
        assert_eq!(
            settings["podNodeSelectorPluginConfig"]["clusterDefaultNodeSelector"],
            "a=b"
        );
    }

    #[test]
    fn what_is_wrong_is_said_of_a_plugin() {
        let said = |text: &str| ConfigurationError(text.to_owned()).of("A").to_string();
        assert_eq!(said("no"), "couldn't init admission plugin \"A\": no");
        assert_eq!(
            said("A invalid: no"),
            "failed to initialize admission plugin \"A\": A invalid: no"
        );
    }
}
