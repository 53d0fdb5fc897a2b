//! What a schema says beyond OpenAPI: how lists and maps are merged.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};

use super::leeway::Leeway;
use super::schema::{Schema, item_schema};
use crate::validation::immutable::Content;
use crate::validation::internal_form;

/// Checks the extensions of the schema at `path`.
pub(super) fn check(schema: Schema<'_>, leeway: Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    if schema.x_kubernetes_preserve_unknown_fields() == Some(false) {
        errors.invalid(
            &path.child("x-kubernetes-preserve-unknown-fields"),
            false,
            "must be true or undefined",
        );
    }
    let needs_type = |ty: &str, detail: &str, errors: &mut ErrorList| {
        let at = path.child("type");
        match schema.type_() {
            "" => errors.required(&at, detail),
            found if found != ty => errors.invalid(&at, found, detail),
            _ => {}
        }
    };
    if let Some(map_type) = schema.x_kubernetes_map_type() {
        let detail = "must be object if x-kubernetes-map-type is specified";
        needs_type("object", detail, errors);
        if !matches!(map_type, "atomic" | "granular") {
            let at = path.child("x-kubernetes-map-type");
            errors.not_supported(&at, map_type, ["atomic", "granular"]);
        }
    }
    let Some(list_type) = schema.x_kubernetes_list_type() else {
        if !schema.x_kubernetes_list_map_keys().is_empty() {
            errors.required(
                &path.child("x-kubernetes-list-type"),
                "must be map if x-kubernetes-list-map-keys is non-empty",
            );
        }
        return;
    };
    if schema.type_() == "array" {
        if !leeway.sets {
            set_items(schema, path, errors);
        }
    } else {
        let detail = "must be array if x-kubernetes-list-type is specified";
        needs_type("array", detail, errors);
    }
    let at = path.child("x-kubernetes-list-type");
    if !matches!(list_type, "atomic" | "set" | "map") {
        errors.not_supported(&at, list_type, ["atomic", "set", "map"]);
    }
    if !schema.x_kubernetes_list_map_keys().is_empty() && list_type != "map" {
        errors.invalid(
            &at,
            list_type,
            "must be map if x-kubernetes-list-map-keys is non-empty",
        );
    }
    if list_type == "map" {
        map_items(schema, path, errors);
    }
    if !leeway.keys {
        keys(schema, path, errors);
    }
}

/// Items of a set are compared as a whole.
pub(super) fn set_items(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let item = item_schema(schema.items());
    let (Some("set"), Some(item)) = (schema.x_kubernetes_list_type(), item) else {
        return;
    };
    let items = path.child("items");
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let shown = || {
        let list_type = item.x_kubernetes_list_type();
        list_type.map_or_else(BadValue::null, BadValue::from)
    };
    match item.type_() {
        "array"
            if item
                .x_kubernetes_list_type()
                .is_some_and(|ty| ty != "atomic") =>
        {
            errors.invalid(&items.child("x-kubernetes-list-type"), shown(), detail);
        }
        "object" if item.x_kubernetes_map_type() != Some("atomic") => {
            errors.invalid(&items.child("x-kubernetes-map-type"), shown(), detail);
        }
        _ => {}
    }
}

/// Items of a map are objects that are told apart by their keys.
fn map_items(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let keys = schema.x_kubernetes_list_map_keys();
    let at_keys = path.child("x-kubernetes-list-map-keys");
    if keys.is_empty() {
        errors.required(
            &at_keys,
            "must not be empty if x-kubernetes-list-type is map",
        );
    }
    let items = path.child("items");
    let Some(value) = schema.items() else {
        return errors.required(
            &items,
            "must have a schema if x-kubernetes-list-type is map",
        );
    };
    let Some(item) = item_schema(Some(value)) else {
        return errors.invalid(
            &items,
            internal_form::shown_field(schema.record(), "items"),
            "must only have a single schema if x-kubernetes-list-type is map",
        );
    };
    if item.type_() != "object" {
        return errors.invalid(
            &items.child("type"),
            item.type_(),
            "must be object if parent array's x-kubernetes-list-type is map",
        );
    }
    let mut seen = BTreeSet::new();
    let properties = items.child("properties");
    for key in keys.iter() {
        match item.properties().get(key).map(Schema::type_) {
            None => errors.invalid(
                &at_keys,
                keys.shown(),
                "entries must all be names of item properties",
            ),
            Some("array" | "object") => {
                let property = properties.key(key);
                errors.invalid(
                    &property.child("type"),
                    item.type_(),
                    "must be a scalar type if parent array's x-kubernetes-list-type is map",
                );
            }
            Some(_) => {}
        }
        if !seen.insert(key) {
            errors.invalid(&at_keys, keys.shown(), "must not contain duplicate entries");
        }
    }
}

/// Items are not null, and the keys of a map are always there.
pub(super) fn keys(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let item = item_schema(schema.items());
    let (Some(list_type @ ("map" | "set")), Some(item)) = (schema.x_kubernetes_list_type(), item)
    else {
        return;
    };
    let items = path.child("items");
    if item.nullable() {
        errors.forbidden(
            &items.child("nullable"),
            format!("cannot be nullable when x-kubernetes-list-type is {list_type}"),
        );
    }
    if list_type != "map" {
        return;
    }
    let properties = items.child("properties");
    for key in schema.x_kubernetes_list_map_keys().iter() {
        let Some(property) = item.properties().get(key) else {
            continue;
        };
        let at = properties.key(key);
        if !item.required().contains(key) && property.default().is_none() {
            errors.required(
                &at.child("default"),
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
            );
        }
        if property.nullable() {
            errors.forbidden(
                &at.child("nullable"),
                "this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
            );
        }
    }
}
