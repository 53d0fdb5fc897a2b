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
        let version = file["apiVersion"].as_str().unwrap_or_default();
        if file["kind"] != "AdmissionConfiguration"
            || !matches!(
                version,
                "apiserver.config.k8s.io/v1" | "apiserver.k8s.io/v1alpha1"
            )
        {
            return Err(ConfigurationError(format!(
                "must be an AdmissionConfiguration of apiserver.config.k8s.io/v1, and is {} of {version}",
                file["kind"].as_str().unwrap_or("nothing")
            )));
        }
        let mut plugins = BTreeMap::new();
        for plugin in file["plugins"].as_array().into_iter().flatten() {
            let name = plugin["name"].as_str().unwrap_or_default();
            let settings = match (&plugin["configuration"], plugin["path"].as_str()) {
                (Value::Null, Some(path)) if !path.is_empty() => {
                    let text = read(path)
                        .map_err(|error| ConfigurationError(format!("{name}: {path}: {error}")))?;
                    document(&text)?
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
        let error = Configuration::parse(b"kind: Pod\napiVersion: v1", |_| Ok(Vec::new()));
        assert!(error.unwrap_err().to_string().contains("Pod of v1"));
    }
}
