use std::borrow::Cow;

use prost::Message as _;
use serde_json::Value;

use super::*;

/// The rows that a server with default flags serves.
fn default_rows() -> Vec<Group> {
    let mut groups = offered(pintle_api::groups(), |offer| {
        offer.resource.default
            && offer
                .subresource
                .is_none_or(|subresource| subresource.default)
    });
    for group in &mut groups {
        let versions = group
            .versions
            .iter()
            .filter(|version| version.default)
            .cloned();
        group.versions = Cow::Owned(versions.collect());
    }
    groups.retain(|group| !group.versions.is_empty());
    groups
}

fn discovery() -> Discovery {
    Discovery::new(&default_rows(), "${ANY}")
}

/// The steps of a scenario that kube-apiserver v1.36.2 was recorded with.
fn recorded(scenario: &str) -> Vec<Value> {
    let path = "../../tests/golden/scenarios/discovery.json";
    let theme: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON");
    let scenarios = theme["scenarios"].as_array().expect("scenarios");
    let found = scenarios
        .iter()
        .find(|found| found["name"] == scenario)
        .expect("the scenario");
    found["steps"].as_array().expect("steps").clone()
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.json.body()).expect("a document is JSON")
}

#[track_caller]
fn check(answer: Option<&Answer>, step: &Value) {
    let name = &step["name"];
    let answer = answer.unwrap_or_else(|| panic!("{name} is answered"));
    assert_eq!(json(answer), step["expect"]["body"], "{name}");
    assert_eq!(
        answer.json.content_type(),
        step["expect"]["headers"]["content-type"],
        "{name}"
    );
}

#[test]
fn legacy_documents_are_as_recorded() {
    let discovery = discovery();
    let steps = recorded("legacy documents");
    assert!(steps.len() > 20);
    for step in &steps {
        let path = step["request"]["path"].as_str().expect("a path");
        let answer = match path.split('/').collect::<Vec<_>>()[1..] {
            ["api"] => Some(discovery.legacy_root()),
            ["apis"] => Some(discovery.groups()),
            ["api", version] => discovery.group_version("", version),
            ["apis", group] => discovery.group(group),
            ["apis", group, version] => discovery.group_version(group, version),
            _ => panic!("{path} is no discovery document"),
        };
        check(answer, step);
    }
}

#[test]
fn aggregated_documents_are_as_recorded() {
    let discovery = discovery();
    let steps = recorded("aggregated");
    check(Some(discovery.aggregated_root()), &steps[0]);
    check(Some(discovery.aggregated_groups()), &steps[1]);
}

#[test]
fn protobuf_says_the_same() {
    let body = discovery().aggregated_groups().protobuf.body();
    let envelope =
        Envelope::decode(body.strip_prefix(MAGIC).expect("the magic number")).expect("an envelope");
    assert_eq!(envelope.type_meta.kind, "APIGroupDiscoveryList");
    assert_eq!(envelope.type_meta.api_version, "apidiscovery.k8s.io/v2");
    assert_eq!(
        discovery()
            .group("apps")
            .map(|apps| apps.protobuf.content_type()),
        Some(PROTOBUF)
    );
}

#[test]
fn documents_of_the_same_rows_have_the_same_tag() {
    let fewer = offered(&default_rows(), |offer| offer.verb != "patch");
    let tag = |rows: &[Group]| {
        Discovery::new(rows, "")
            .aggregated_groups()
            .json
            .etag()
            .to_owned()
    };
    assert_eq!(tag(&default_rows()), tag(&default_rows()));
    assert_ne!(tag(&default_rows()), tag(&fewer));
}

#[test]
fn what_is_not_offered_is_not_listed() {
    let rows = offered(&default_rows(), |offer| {
        offer.verb == "get" && offer.resource.name != "pods"
    });
    let listed = json(
        Discovery::new(&rows, "")
            .group_version("", "v1")
            .expect("the core group"),
    );
    let resources = listed["resources"].as_array().expect("resources");
    assert!(
        resources
            .iter()
            .all(|resource| resource["verbs"] == serde_json::json!(["get"]))
    );
    let named = |name: &str| resources.iter().any(|resource| resource["name"] == name);
    assert!(named("services/status") && named("nodes/proxy"));
    assert!(!named("pods") && !named("pods/status") && !named("bindings"));
}

#[test]
fn the_paths_are_sorted() {
    let discovery = discovery();
    let paths = discovery.paths();
    assert!(paths.is_sorted());
    assert_eq!(paths[..4], ["/api", "/api/v1", "/apis", "/apis/"]);
    assert!(paths.iter().any(|path| path == "/apis/apps/v1"));
}
