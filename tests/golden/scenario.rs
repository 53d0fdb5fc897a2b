//! The recorded scenarios, as they stand in their files.
//!
//! A theme is a file of scenarios; a scenario is a list of steps, run in order against a namespace of
//! its own; a step is a request, a watch, or a look at what a watch has seen. `expect` holds what
//! kube-apiserver v1.36.2 answered, with symbols such as `${UID1}` in the place of what varies.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Deserializer};

use super::json::Json;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Theme {
    pub(super) theme: String,
    pub(super) scenarios: Vec<Scenario>,
}

/// Steps that build on each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) name: String,
    #[serde(rename = "description")]
    _description: Option<String>,
    /// Whether the scenario gets a namespace.
    #[serde(default = "yes")]
    pub(super) namespace: bool,
    #[serde(rename = "namespaceLabels")]
    pub(super) namespace_labels: Option<Json>,
    pub(super) steps: Vec<Step>,
}

/// One of `request`, `watch` and `watch_expect`, and what is said of its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) request: Option<Request>,
    pub(super) watch: Option<Request>,
    pub(super) watch_expect: Option<WatchExpect>,
    /// Variable → JSON pointer into the answer.
    #[serde(default)]
    pub(super) capture: BTreeMap<String, String>,
    /// Variable → response header.
    #[serde(default)]
    pub(super) capture_header: BTreeMap<String, String>,
    pub(super) poll: Option<Poll>,
    /// Seconds to wait first.
    pub(super) delay: Option<f64>,
    /// Whether the answer is compared.
    #[serde(default = "yes")]
    pub(super) assert: bool,
    /// Pointers left out of the comparison.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    /// The only pointers compared.
    pub(super) only: Option<Vec<String>>,
    /// The pointer whose sorted keys alone are compared.
    pub(super) keys: Option<String>,
    /// Lists whose order says nothing.
    #[serde(default)]
    pub(super) sort: Vec<String>,
    #[serde(default)]
    pub(super) compare: Compare,
    /// Further headers to compare.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    /// Matters to recording alone.
    #[serde(rename = "pin")]
    _pin: Option<Vec<String>>,
    pub(super) expect: Option<Json>,
}

/// How an answer's body is compared.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Compare {
    /// As JSON if it is JSON, as text else; of protobuf the magic alone.
    #[default]
    Document,
    /// Byte for byte.
    Text,
    /// As a set of lines.
    Lines,
    /// Not at all.
    Status,
    /// Byte for byte, protobuf.
    Bytes,
}

/// What is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// Names a watch.
    pub(super) id: Option<String>,
    #[serde(default = "get")]
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<Json>,
    pub(super) headers: Option<Json>,
    /// A user's name, `anonymous`, or a literal token.
    #[serde(default = "admin")]
    pub(super) user: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) body: Option<Json>,
    pub(super) text: Option<String>,
    pub(super) base64: Option<String>,
}

/// Repeats a request until its answer is as wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Poll {
    pub(super) status: Option<u16>,
    pub(super) contains: Option<String>,
    pub(super) pointer: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) equals: Option<Json>,
    /// Seconds.
    #[serde(default = "fifteen")]
    pub(super) timeout: f64,
}

/// A look at the events of a watch since the last look.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchExpect {
    pub(super) id: String,
    /// Whether to close the watch afterwards.
    #[serde(default)]
    pub(super) close: bool,
    /// Whether to compare if the server has ended it.
    #[serde(default)]
    pub(super) ended: bool,
    /// Seconds to wait for as many events as are expected.
    #[serde(default = "eight")]
    pub(super) timeout: f64,
    /// Seconds to wait for events beyond them.
    #[serde(default = "a_quarter")]
    pub(super) quiet: f64,
}

/// Reads all themes of a folder, in the order of file names.
pub(super) fn read(folder: &Path) -> Result<Vec<Theme>> {
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    let parse = |path: &std::path::PathBuf| {
        serde_json::from_slice(&std::fs::read(path)?)
            .with_context(|| format!("cannot use {}", path.display()))
    };
    files.iter().map(parse).collect()
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

fn yes() -> bool {
    true
}

fn get() -> String {
    "GET".into()
}

fn admin() -> String {
    "admin".into()
}

fn fifteen() -> f64 {
    15.0
}

fn eight() -> f64 {
    8.0
}

fn a_quarter() -> f64 {
    0.25
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_scenario_can_be_read_and_its_steps_have_names_of_their_own() {
        let themes = read(&super::super::folder().join("scenarios")).unwrap();
        assert!(themes.len() >= 24);
        for scenario in themes.iter().flat_map(|theme| &theme.scenarios) {
            let mut names: Vec<&str> = scenario
                .steps
                .iter()
                .map(|step| step.name.as_str())
                .collect();
            names.sort_unstable();
            names
                .windows(2)
                .for_each(|pair| assert_ne!(pair[0], pair[1], "{}", scenario.name));
        }
    }
}
