//! Every kind that is kept has what makes it that kind: a row of facts, validation, defaults where upstream has some,
//! and recorded scenarios that write it.

use std::collections::BTreeSet;

use pintle_controlplane::kinds::KINDS;
use pintle_runtime::resource::Resource;
use serde_json::Value;

/// Kinds for which upstream fills nothing in.
const WITHOUT_DEFAULTS: [&str; 17] = [
    "ConfigMap",
    "Event",
    "ServiceAccount",
    "ControllerRevision",
    "CertificateSigningRequest",
    "Lease",
    "PodDisruptionBudget",
    "Role",
    "ClusterRole",
    "Ingress",
    "IPAddress",
    "ServiceCIDR",
    "CSINode",
    "CSIStorageCapacity",
    "VolumeAttributesClass",
    "DeviceClass",
    "ResourceSlice",
];

/// The rows that are kept and served without flags.
fn kept() -> impl Iterator<Item = &'static Resource> {
    let versions = pintle_api::groups()
        .iter()
        .flat_map(|group| group.versions.iter());
    let rows = versions.flat_map(|version| version.resources.iter());
    rows.filter(|row| row.default && row.storage.is_some())
}

#[test]
fn every_kind_has_facts_and_rules() {
    let mut missing = Vec::new();
    for row in kept() {
        // The two event resources are one.
        let group = if row.name == "events" {
            ""
        } else {
            &*row.group
        };
        if !KINDS
            .iter()
            .any(|it| it.group == group && it.resource == row.name)
        {
            missing.push(format!("{}.{}: no row of facts", row.name, row.group));
        }
        let stored = row.storage.as_ref().map(|it| it.object.name.to_string());
        let is_checked = [row.object.name.to_string()].into_iter().chain(stored);
        if !is_checked
            .clone()
            .any(|name| pintle_api::validation::has_rules(&name))
        {
            missing.push(format!("{}.{}: no validation", row.name, row.group));
        }
        let has_defaults = is_checked
            .clone()
            .any(|name| pintle_api::defaults::has(&name));
        if has_defaults == WITHOUT_DEFAULTS.contains(&&*row.kind) {
            missing.push(format!(
                "{}.{}: has defaults is {has_defaults}",
                row.name, row.group
            ));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_kind_is_written_in_recorded_scenarios() {
    let mut written = BTreeSet::new();
    let folder = pintle_tests::folder().join("golden/scenarios");
    for file in std::fs::read_dir(folder).expect("the scenarios are there") {
        let text = std::fs::read(file.expect("a file").path()).expect("a file can be read");
        let theme: Value = serde_json::from_slice(&text).expect("a theme");
        let scenarios = theme["scenarios"].as_array().into_iter().flatten();
        for step in scenarios.flat_map(|it| it["steps"].as_array().into_iter().flatten()) {
            let request = &step["request"];
            if let (Some(method), Some(path)) =
                (request["method"].as_str(), request["path"].as_str())
            {
                written.insert((method.to_owned(), of_what(path)));
            }
        }
    }
    let mut missing = Vec::new();
    for row in kept() {
        let what = format!("{}/{}", row.api_version(), row.name);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            if !written.contains(&(method.to_owned(), what.clone())) {
                missing.push(format!("{method} {what}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Group version and resource of a path: `apps/v1/deployments`.
fn of_what(path: &str) -> String {
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    let at = parts
        .iter()
        .position(|part| *part == "namespaces")
        .filter(|at| parts.len() > at + 2);
    if let Some(at) = at {
        parts.drain(at..at + 2);
    }
    let versions = if path.starts_with("/apis/") { 2 } else { 1 };
    parts.truncate(versions + 1);
    parts.join("/")
}
