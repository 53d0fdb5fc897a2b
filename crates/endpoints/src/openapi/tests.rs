use std::borrow::Cow;

use serde_json::Value;

use super::*;
use crate::discovery::offered;

/// The documents of what a server with default flags serves.
fn open_api() -> OpenApi {
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
    OpenApi::new(
        groups,
        Sources {
            types: pintle_api::type_by_name,
            descriptions: Box::new(Described),
            version: "v1.36.2".to_owned(),
            plain: vec![
                PlainRoute::VERSION,
                PlainRoute::OPENID_CONFIGURATION,
                PlainRoute::OPENID_KEYS,
            ],
        },
    )
}

struct Described;

impl Descriptions for Described {
    fn of_type(&self, definition: &str) -> Option<Cow<'_, str>> {
        definition
            .ends_with("core.v1.Pod")
            .then_some(Cow::Borrowed("A group of containers."))
    }

    fn of_field(&self, definition: &str, field: &str) -> Option<Cow<'_, str>> {
        (definition.ends_with("core.v1.Pod") && field == "spec")
            .then_some(Cow::Borrowed("What is wanted."))
    }
}

impl DescriptionSource for Described {
    fn open(&self) -> Box<dyn Descriptions + '_> {
        Box::new(Self)
    }
}

fn json(document: &Document) -> Value {
    serde_json::from_slice(&document.body()).expect("a document is JSON")
}

/// What kube-apiserver v1.36.2 was recorded with.
fn recorded() -> Vec<Value> {
    let path = "../../tests/golden/scenarios/endpoints.json";
    let theme: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON");
    let scenarios = theme["scenarios"].as_array().expect("scenarios");
    let found = scenarios
        .iter()
        .find(|found| found["name"] == "OpenAPI")
        .expect("the scenario");
    found["steps"].as_array().expect("steps").clone()
}

/// `value` with hashes replaced as in a recording.
fn anonymous(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(Value::String(url)) = value.get_mut("serverRelativeURL") {
        let (path, hash) = url.split_once("?hash=").expect("a hash");
        assert_eq!(hash.len(), 128, "{path}");
        *url = format!("{path}?hash=${{HASH}}");
    }
    value
}

#[test]
fn documents_are_as_recorded() {
    let open_api = open_api();
    for step in recorded()
        .iter()
        .filter(|step| step["expect"]["status"] == 200)
    {
        let name = &step["name"];
        let path = step["request"]["path"].as_str().expect("a path");
        let document = match path.strip_prefix("/openapi/") {
            Some("v2") => open_api.v2(),
            Some("v3") => open_api.v3_index(),
            Some(page) => open_api
                .v3(page.trim_start_matches("v3/"))
                .unwrap_or_else(|| panic!("{path} is there")),
            None => continue,
        };
        let document = json(document);
        let expected = &step["expect"]["body"];
        if let Some(pointer) = step["keys"].as_str() {
            let members = document
                .pointer(pointer)
                .and_then(Value::as_object)
                .expect("an object");
            let mut keys: Vec<_> = members.keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(Value::from(keys), *expected, "{name}");
        }
        for pointer in step["only"].as_array().into_iter().flatten() {
            let pointer = pointer.as_str().expect("a pointer");
            let found = document.pointer(pointer).map(anonymous);
            assert_eq!(found.as_ref(), expected.get(pointer), "{name}: {pointer}");
        }
    }
}

#[test]
fn the_index_leads_to_every_document() {
    let open_api = open_api();
    let index = json(open_api.v3_index());
    let pages = index["paths"].as_object().expect("paths");
    assert_eq!(pages.len(), 47);
    for (name, page) in pages {
        let document = open_api.v3(name).expect("the document");
        assert_eq!(
            page["serverRelativeURL"],
            format!("/openapi/v3/{name}?hash={}", document.hash())
        );
        assert_eq!(
            open_api.v3_location(name).as_deref(),
            page["serverRelativeURL"].as_str()
        );
    }
    assert!(open_api.v3("apis/none/v1").is_none());
}

#[test]
fn every_reference_has_its_definition() {
    fn check(value: &Value, document: &Value) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
        match value {
            Value::Object(members) => members.values().for_each(|value| check(value, document)),
            Value::Array(items) => items.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let open_api = open_api();
    let document = json(open_api.v2());
    check(&document, &document);
    for name in ["api/v1", "apis/apps/v1", "apis", "version"] {
        let document = json(open_api.v3(name).expect("the document"));
        check(&document, &document);
    }
}

#[test]
fn a_reference_with_siblings_is_wrapped_in_version_3_only() {
    let open_api = open_api();
    let v2 = json(open_api.v2());
    let spec = &v2["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"];
    assert_eq!(
        *spec,
        serde_json::json!({
            "$ref": "#/definitions/io.k8s.api.core.v1.PodSpec",
            "description": "What is wanted.",
        })
    );
    let v3 = json(open_api.v3("api/v1").expect("the core group"));
    let spec = &v3["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"];
    assert_eq!(
        *spec,
        serde_json::json!({
            "allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}],
            "default": {},
            "description": "What is wanted.",
        })
    );
}

#[test]
fn apply_and_patch_find_what_they_go_by() {
    let v2 = json(open_api().v2());
    let ports = &v2["definitions"]["io.k8s.api.core.v1.Container"]["properties"]["ports"];
    assert_eq!(
        ports["x-kubernetes-list-map-keys"],
        serde_json::json!(["containerPort", "protocol"])
    );
    assert_eq!(ports["x-kubernetes-list-type"], "map");
    assert_eq!(ports["x-kubernetes-patch-merge-key"], "containerPort");
    assert_eq!(ports["x-kubernetes-patch-strategy"], "merge");
    let selector = &v2["definitions"]["io.k8s.api.core.v1.ConfigMapKeySelector"];
    assert_eq!(selector["x-kubernetes-map-type"], "atomic");
}

#[test]
fn dry_run_and_field_validation_are_never_behind_references() {
    let v2 = json(open_api().v2());
    let patch = &v2["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"];
    let named = |name: &str| {
        patch["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|p| p["name"] == name))
    };
    assert!(named("dryRun") && named("fieldValidation"));
    assert_eq!(v2["parameters"]["namespace-vgWSWtn3"]["in"], "path");
}

#[test]
fn protobuf_carries_the_same_documents() {
    let open_api = open_api();
    let v2 = protobuf_text(open_api.v2_protobuf());
    assert!(v2.contains("readCoreV1NamespacedPod") && v2.contains("x-kubernetes-patch-merge-key"));
    assert_eq!(open_api.v2_protobuf().etag(), open_api.v2().etag());
    let v3 = open_api.v3_protobuf("apis/apps/v1").expect("apps");
    assert!(protobuf_text(v3).contains("#/components/schemas/io.k8s.api.apps.v1.Deployment"));
    assert_eq!(
        v3.content_type(),
        "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
    );
}

fn protobuf_text(document: &Document) -> String {
    String::from_utf8_lossy(&document.body()).into_owned()
}

#[test]
fn fields_have_the_numbers_of_gnostic() {
    let document = serde_json::json!({"swagger": "2.0", "definitions": {"L": {"type": "string"}}, "unknown": 1});
    let message = protobuf::encode(&gnostic::V2_DOCUMENT, &document);
    assert_eq!(
        message,
        b"\x0a\x032.0\x4a\x12\x0a\x10\x0a\x01L\x12\x0b\xb2\x01\x08\x0a\x06string"
    );
}

#[test]
fn extensions_travel_as_yaml() {
    let schema = serde_json::json!({"x-a": "set", "x-b": ["k"], "x-c": "true"});
    let message = protobuf::encode(&gnostic::V2_DOCUMENT, &schema);
    let text = String::from_utf8_lossy(&message);
    assert!(
        text.contains("set\n") && text.contains("[\"k\"]\n") && text.contains("\"true\"\n"),
        "{text:?}"
    );
}
