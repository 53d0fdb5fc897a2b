//! Definitions of custom resources: served as v1, kept as v1beta1.
//!
//! What all versions of a definition agree on stands once, beside them, in the older form, and in each
//! of them in the newer one.

use bytes::Bytes;
use pintle_endpoints::convert::{Converter, Form};
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use serde_json::{Map, Value};

/// Between the two.
pub(super) struct Definitions;

/// What may stand beside the versions: its name there, and in a version.
const SHARED: [(&str, &str); 4] = [
    ("validation", "schema"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

impl Converter for Definitions {
    fn convert(&self, object: Record, from: &Form, to: &Form) -> Result<Record, ApiError> {
        let mut body = Vec::new();
        json::encode(&object, &mut body);
        let mut object: Value = serde_json::from_slice(&body).map_err(ApiError::internal)?;
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            match (from.version.as_ref(), to.version.as_ref()) {
                ("v1beta1", "v1") => to_v1(spec),
                ("v1", "v1beta1") => to_v1beta1(spec),
                _ => {}
            }
        }
        let body = serde_json::to_vec(&object).map_err(ApiError::internal)?;
        let mut object = json::decode(&to.ty, &Bytes::from(body), &mut Problems::ignored())
            .map_err(ApiError::internal)?;
        to.name(&mut object);
        Ok(object)
    }
}

fn versions(spec: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let versions = spec.get_mut("versions").and_then(Value::as_array_mut);
    versions
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// Names the paths of columns as the other form does.
fn rename_paths(version: &mut Map<String, Value>, from: &str, to: &str) {
    let columns = version
        .get_mut("additionalPrinterColumns")
        .and_then(Value::as_array_mut);
    for column in columns
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        if let Some(path) = column.remove(from) {
            column.insert(to.to_owned(), path);
        }
    }
}

fn to_v1(spec: &mut Map<String, Value>) {
    let version = spec.remove("version");
    let is_none = spec
        .get("versions")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty);
    if let (true, Some(name)) = (is_none, version) {
        let only = serde_json::json!([{"name": name, "served": true, "storage": true}]);
        spec.insert("versions".to_owned(), only);
    }
    for (shared, own) in SHARED {
        let Some(value) = spec.remove(shared) else {
            continue;
        };
        for version in versions(spec) {
            version.entry(own).or_insert_with(|| value.clone());
        }
    }
    versions(spec).for_each(|version| rename_paths(version, "JSONPath", "jsonPath"));
    if spec.get("preserveUnknownFields") == Some(&Value::Bool(false)) {
        spec.remove("preserveUnknownFields");
    }
    if let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut) {
        let client = conversion.remove("webhookClientConfig");
        let reviews = conversion.remove("conversionReviewVersions");
        let parts = [
            ("clientConfig", client),
            ("conversionReviewVersions", reviews),
        ];
        let webhook: Map<String, Value> = parts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        if !webhook.is_empty() {
            conversion.insert("webhook".to_owned(), Value::Object(webhook));
        }
    }
}

fn to_v1beta1(spec: &mut Map<String, Value>) {
    let first = versions(spec).next().cloned().unwrap_or_default();
    if let Some(name) = first.get("name") {
        spec.insert("version".to_owned(), name.clone());
    }
    versions(spec).for_each(|version| rename_paths(version, "jsonPath", "JSONPath"));
    let first = versions(spec).next().cloned().unwrap_or_default();
    for (shared, own) in SHARED {
        let value = first.get(own);
        if !versions(spec).all(|version| version.get(own) == value) {
            continue;
        }
        versions(spec).for_each(|version| {
            version.remove(own);
        });
        if let Some(value) = value {
            spec.insert(shared.to_owned(), value.clone());
        }
    }
    spec.entry("preserveUnknownFields")
        .or_insert(Value::Bool(false));
    if let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut)
        && let Some(Value::Object(mut webhook)) = conversion.remove("webhook")
    {
        for (old, new) in [
            ("webhookClientConfig", "clientConfig"),
            ("conversionReviewVersions", "conversionReviewVersions"),
        ] {
            if let Some(value) = webhook.remove(new) {
                conversion.insert(old.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `old` and `new` are the same definition's spec in the two forms.
    #[track_caller]
    fn check(old: Value, new: Value) {
        let convert = |spec: &Value, convert: fn(&mut Map<String, Value>)| {
            let mut spec = spec.as_object().expect("a spec is an object").clone();
            convert(&mut spec);
            Value::Object(spec)
        };
        assert_eq!(convert(&old, to_v1), new);
        assert_eq!(convert(&new, to_v1beta1), old);
    }

    #[test]
    fn what_all_versions_share_stands_beside_them() {
        check(
            json!({
                "group": "a.b", "version": "v1", "preserveUnknownFields": false,
                "validation": {"openAPIV3Schema": {"type": "object"}},
                "subresources": {"status": {}},
                "versions": [
                    {"name": "v1", "additionalPrinterColumns": [{"name": "x", "JSONPath": ".x"}]},
                    {"name": "v2"},
                ],
            }),
            json!({
                "group": "a.b",
                "versions": [
                    {
                        "name": "v1", "schema": {"openAPIV3Schema": {"type": "object"}}, "subresources": {"status": {}},
                        "additionalPrinterColumns": [{"name": "x", "jsonPath": ".x"}],
                    },
                    {"name": "v2", "schema": {"openAPIV3Schema": {"type": "object"}}, "subresources": {"status": {}}},
                ],
            }),
        );
    }

    #[test]
    fn what_versions_do_not_share_stands_in_each() {
        check(
            json!({
                "version": "v1", "preserveUnknownFields": false,
                "versions": [{"name": "v1", "schema": {"a": 1}}, {"name": "v2", "schema": {"a": 2}}],
            }),
            json!({"versions": [{"name": "v1", "schema": {"a": 1}}, {"name": "v2", "schema": {"a": 2}}]}),
        );
    }

    #[test]
    fn a_webhook_has_two_forms() {
        check(
            json!({
                "version": "v1", "preserveUnknownFields": true, "versions": [{"name": "v1"}],
                "conversion": {"strategy": "Webhook", "webhookClientConfig": {"url": "https://x"}, "conversionReviewVersions": ["v1"]},
            }),
            json!({
                "preserveUnknownFields": true, "versions": [{"name": "v1"}],
                "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://x"}, "conversionReviewVersions": ["v1"]}},
            }),
        );
    }

    #[test]
    fn the_only_version_may_stand_alone() {
        let mut spec = json!({"version": "v1", "validation": {"a": 1}});
        to_v1(spec.as_object_mut().expect("an object"));
        let only = json!([{"name": "v1", "served": true, "storage": true, "schema": {"a": 1}}]);
        assert_eq!(spec, json!({ "versions": only }));
    }
}
