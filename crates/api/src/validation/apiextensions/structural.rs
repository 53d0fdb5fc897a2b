//! Whether a schema says of every field what it is, so that objects can be pruned and filled in by it.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::value::Value;

use super::nested;
use super::schema::{Schema, each_part, item_schema};

/// How deep a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What a schema has that a structural schema has no place for.
pub(super) fn unsupported(schema: Schema<'_>) -> Option<&'static str> {
    let mut found = None;
    each_part(schema, &mut |part| {
        found = found.or_else(|| unsupported_here(part));
    });
    found
}

fn unsupported_here(schema: Schema<'_>) -> Option<&'static str> {
    Some(if !schema.id().is_empty() {
        "OpenAPIV3Schema 'id' is not supported"
    } else if !schema.schema().is_empty() {
        "OpenAPIV3Schema 'schema' is not supported"
    } else if schema.ref_().is_some_and(|to| !to.is_empty()) {
        "OpenAPIV3Schema '$ref' is not supported"
    } else if !schema.pattern_properties().is_empty() {
        "OpenAPIV3Schema 'patternProperties' is not supported"
    } else if !schema.dependencies().is_empty() {
        "OpenAPIV3Schema 'dependencies' is not supported"
    } else if schema.additional_items().is_some() {
        "OpenAPIV3Schema 'additionalItems' is not supported"
    } else if !schema.definitions().is_empty() {
        "OpenAPIV3Schema 'definitions' is not supported"
    } else if schema.x_kubernetes_preserve_unknown_fields() == Some(false) {
        "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
    } else if matches!(schema.items(), Some(Value::List(_))) {
        "OpenAPIV3Schema 'items' must be a schema, but is an array"
    } else {
        return None;
    })
}

/// Whether a schema is structural.
pub(super) fn is_structural(schema: Schema<'_>) -> bool {
    let mut errors = ErrorList::new();
    unsupported(schema).is_none() && {
        check(schema, &Path::NOWHERE, &mut errors);
        errors.is_empty()
    }
}

/// Checks a schema; what is wrong comes in the order of its text.
pub(super) fn check(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut found = ErrorList::new();
    invariants(schema, Level::Root, path, &mut found);
    nested::completeness(schema, schema, path, path, &mut found);
    let mut found: Vec<FieldError> = found.into_iter().collect();
    found.sort_by_cached_key(ToString::to_string);
    errors.extend(found);
}

fn invariants(schema: Schema<'_>, level: Level, path: &Path<'_>, errors: &mut ErrorList) {
    let at_items = path.child("items");
    match item_schema(schema.items()) {
        Some(items) => invariants(items, Level::Item, &at_items, errors),
        None if schema.type_() == "array" => errors.required(&at_items, "must be specified"),
        None => {}
    }
    let properties = path.child("properties");
    for (name, property) in schema.properties().iter() {
        invariants(property, Level::Field, &properties.key(name), errors);
    }
    let additional = schema.additional_properties();
    let at_additional = path.child("additionalProperties");
    if additional.is_some() && level == Level::Root {
        errors.forbidden(&at_additional, "must not be used at the root");
    }
    if let Some(found) = item_schema(additional) {
        invariants(found, Level::Field, &at_additional, errors);
    }
    extensions(schema, path, errors);
    nested::values(schema, path, errors);
    ty(schema, level, path, errors);
    if schema.x_kubernetes_embedded_resource() && additional.is_some() {
        errors.forbidden(
            &at_additional,
            "must not be used if x-kubernetes-embedded-resource is set",
        );
    }
    meta(schema, level, path, errors);
    let preserves = schema.x_kubernetes_preserve_unknown_fields() == Some(true);
    if schema.x_kubernetes_embedded_resource() && !preserves && schema.properties().is_empty() {
        errors.required(
            &properties,
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        );
    }
}

fn extensions(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if !schema.x_kubernetes_int_or_string() {
        return;
    }
    let detail = "must be false if x-kubernetes-int-or-string is true";
    if schema.x_kubernetes_preserve_unknown_fields() == Some(true) {
        let at = path.child("x-kubernetes-preserve-unknown-fields");
        errors.invalid(&at, true, detail);
    }
    if schema.x_kubernetes_embedded_resource() {
        let at = path.child("x-kubernetes-embedded-resource");
        errors.invalid(&at, true, detail);
    }
}

fn ty(schema: Schema<'_>, level: Level, path: &Path<'_>, errors: &mut ErrorList) {
    let (ty, at) = (schema.type_(), path.child("type"));
    let is_open = schema.x_kubernetes_int_or_string()
        || schema.x_kubernetes_preserve_unknown_fields() == Some(true);
    if schema.x_kubernetes_embedded_resource() && ty != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if ty.is_empty() {
            errors.required(&at, detail);
        } else {
            errors.invalid(&at, ty, detail);
        }
    } else if ty.is_empty() && !is_open {
        errors.required(
            &at,
            match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            },
        );
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        errors.invalid(&at, ty, "must be object at the root");
    }
}

/// `kind`, `apiVersion` and `metadata` are what they are everywhere.
fn meta(schema: Schema<'_>, level: Level, path: &Path<'_>, errors: &mut ErrorList) {
    let is_object = level == Level::Root || schema.x_kubernetes_embedded_resource();
    let properties = path.child("properties");
    for name in ["kind", "apiVersion"] {
        if let Some(found) = schema.properties().get(name)
            && is_object
            && found.type_() != "string"
        {
            let at = properties.key(name);
            errors.invalid(&at.child("type"), found.type_(), "must be string");
        }
    }
    let Some(metadata) = schema.properties().get("metadata") else {
        return;
    };
    let at = properties.key("metadata");
    if is_object && metadata.type_() != "object" {
        errors.invalid(&at.child("type"), metadata.type_(), "must be object");
    }
    let is_known = |name: &str| matches!(name, "name" | "generateName");
    let only_names = metadata.properties().iter().all(|(name, _)| is_known(name));
    let says_more = metadata.record().iter().any(|(_, field, value)| {
        !value.is_empty() && !matches!(field.name.as_ref(), "type" | "default" | "properties")
    });
    if level == Level::Root && (!only_names || says_more) {
        errors.forbidden(
            &at,
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        );
    }
}
