//! Fields of a configuration file that nobody knows: [`Unknown`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What is left of an object when the fields that are known are taken. A file is read to its end although it has some,
/// for all of its faults to be told at once.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Unknown(BTreeMap<String, Value>);

impl Unknown {
    /// Adds a fault for each; `at` is the path of the object.
    pub(crate) fn tell(&self, at: &str, faults: &mut Vec<String>) {
        let dot = if at.is_empty() { "" } else { "." };
        let fault = |field| format!("unknown field \"{at}{dot}{field}\"");
        faults.extend(self.0.keys().map(fault));
    }
}
