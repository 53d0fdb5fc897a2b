//! Defaults in a schema, which must be what it says and have no more fields than it knows.

use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::Value;

use super::leeway::Leeway;
use super::schema::{Schema, item_schema};
use super::value;

/// Checks the defaults of a structural schema.
pub(super) fn check(schema: Schema<'_>, leeway: Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    inner(schema, Place::Resource, leeway, path, errors);
}

/// Whether a structural schema has defaults with fields that are unknown.
pub(super) fn are_unpruned(schema: Schema<'_>) -> bool {
    let of_part = |part: Schema<'_>| parsed(part).is_some_and(|json| has_unknown(&json, part));
    let properties = schema.properties();
    let mut parts = properties.iter().map(|(_, property)| property);
    of_part(schema)
        || item_schema(schema.items()).is_some_and(are_unpruned)
        || parts.any(are_unpruned)
}

/// What a schema is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A whole object.
    Resource,
    /// Its `metadata`, `kind` or `apiVersion`.
    Metadata,
    Other,
}

fn inner(
    schema: Schema<'_>,
    place: Place,
    leeway: Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let place = if schema.x_kubernetes_embedded_resource() {
        Place::Resource
    } else {
        place
    };
    if let Some(json) = parsed(schema) {
        default(&json, schema, place, leeway, &path.child("default"), errors);
    }
    let below = if place == Place::Metadata {
        Place::Metadata
    } else {
        Place::Other
    };
    if let Some(items) = item_schema(schema.items()) {
        inner(items, below, leeway, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, property) in schema.properties().iter() {
        let place = if place == Place::Resource && is_meta(name) {
            Place::Metadata
        } else {
            below
        };
        inner(property, place, leeway, &properties.key(name), errors);
    }
}

fn default(
    json: &Value,
    schema: Schema<'_>,
    place: Place,
    leeway: Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if place != Place::Metadata && !leeway.unpruned && has_unknown(json, schema) {
        errors.invalid(path, BadValue::from(json), "must not have unknown fields");
    }
    value::check(json, schema, path, errors);
}

/// The default of a schema, unless it is null.
fn parsed(schema: Schema<'_>) -> Option<Value> {
    let value = json::decode_value(schema.default()?, &mut Problems::ignored()).ok()?;
    (!value.is_null()).then_some(value)
}

fn is_meta(name: &str) -> bool {
    matches!(name, "metadata" | "kind" | "apiVersion")
}

/// Whether a value has fields that are pruned by its schema.
fn has_unknown(value: &Value, schema: Schema<'_>) -> bool {
    is_pruned(value, Some(schema), false)
}

/// The same, in a place that keeps what it does not know or not.
fn is_pruned(value: &Value, schema: Option<Schema<'_>>, keeps: bool) -> bool {
    let Some(schema) = schema else {
        return match value {
            Value::Map(map) => !keeps && !map.is_empty(),
            Value::List(items) => items.iter().any(|item| is_pruned(item, None, keeps)),
            _ => false,
        };
    };
    let keeps = keeps || schema.x_kubernetes_preserve_unknown_fields() == Some(true);
    match value {
        Value::Map(map) => map.iter().any(|(name, value)| {
            if schema.x_kubernetes_embedded_resource() && is_meta(name) {
                false
            } else if let Some(property) = schema.properties().get(name) {
                has_unknown(value, property)
            } else if let Some(additional) = schema.additional_properties() {
                is_pruned(value, item_schema(Some(additional)), false)
            } else {
                !keeps
            }
        }),
        Value::List(items) => {
            let inner = item_schema(schema.items());
            items.iter().any(|item| is_pruned(item, inner, keeps))
        }
        _ => false,
    }
}
