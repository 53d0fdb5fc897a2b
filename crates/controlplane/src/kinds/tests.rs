//! No kind is served that nobody thought about.

use std::collections::BTreeSet;
use std::fs;

use pintle_api::{defaults, groups, validation};
use pintle_runtime::resource::Resource;
use serde_json::Value;

use super::KINDS;

/// Kinds of which upstream fills in nothing, so that there is nothing to fill in here.
const WITHOUT_DEFAULTS: &[&str] = &[
    "certificatesigningrequests",
    "clusterroles",
    "configmaps",
    "controllerrevisions",
    "csinodes",
    "csistoragecapacities",
    "deviceclasses",
    "events",
    "ingresses",
    "ipaddresses",
    "leases",
    "poddisruptionbudgets",
    // What upstream has for these needs a clock: it comes with what is particular to them.
    "resourceslices",
    "roles",
    "serviceaccounts",
    "servicecidrs",
    "volumeattributesclasses",
];

/// What is served by default and stored.
fn stored() -> impl Iterator<Item = &'static Resource> {
    groups()
        .iter()
        .flat_map(|group| group.versions.iter())
        .flat_map(|version| version.resources.iter())
        .filter(|resource| resource.default && resource.storage.is_some())
}

#[track_caller]
fn none(lacking: impl Iterator<Item = &'static Resource>, what: &str) {
    let lacking: BTreeSet<&str> = lacking.map(|resource| resource.name.as_ref()).collect();
    assert!(lacking.is_empty(), "without {what}: {lacking:?}");
}

#[test]
fn every_stored_kind_has_a_row() {
    let has_row = |resource: &&Resource| {
        let group = match resource.group.as_ref() {
            // The two event resources are one.
            "events.k8s.io" => "",
            group => group,
        };
        KINDS
            .iter()
            .any(|row| row.group == group && row.resource == resource.name.as_ref())
    };
    none(stored().filter(|resource| !has_row(resource)), "a row");
    let served: BTreeSet<&str> = stored().map(|resource| resource.name.as_ref()).collect();
    for row in KINDS {
        assert!(
            served.contains(row.resource),
            "{} is not served",
            row.resource
        );
    }
}

#[test]
fn every_stored_kind_has_rules() {
    // Older versions are looked at as what they are converted to.
    let has_rules = |resource: &&Resource| {
        groups()
            .iter()
            .filter(|group| group.name == resource.group || resource.name == "events")
            .flat_map(|group| group.versions.iter())
            .flat_map(|version| version.resources.iter())
            .filter(|other| other.name == resource.name)
            .any(|other| validation::has_rules(&other.object.name))
    };
    none(stored().filter(|resource| !has_rules(resource)), "rules");
}

#[test]
fn every_stored_kind_has_defaults_or_none_upstream() {
    let has = |resource: &Resource| defaults::has(&resource.object.name);
    let is_plain = |resource: &Resource| WITHOUT_DEFAULTS.contains(&resource.name.as_ref());
    none(
        stored().filter(|resource| !has(resource) && !is_plain(resource)),
        "defaults",
    );
    none(
        stored().filter(|resource| has(resource) && is_plain(resource)),
        "reason to be listed as having no defaults",
    );
}

#[test]
fn every_stored_kind_has_been_recorded() {
    let mut recorded = BTreeSet::new();
    for entry in fs::read_dir("../../tests/golden/scenarios").expect("scenarios") {
        let text = fs::read(entry.expect("a file").path()).expect("text");
        let theme: Value = serde_json::from_slice(&text).expect("JSON");
        let names = theme["scenarios"].as_array().expect("a list").iter();
        recorded.extend(names.filter_map(|scenario| scenario["name"].as_str().map(str::to_owned)));
    }
    none(
        stored().filter(|resource| !recorded.contains(resource.name.as_ref())),
        "a scenario",
    );
}
