//! The schema of a kind, as a document of OpenAPI.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::Value;

use super::{defaults, structural, version};
use crate::apiextensions::v1::{JSONSchemaProps, ValidationRule};
use crate::validation::immutable::Content;
use crate::validation::internal_form;

/// A schema, or a part of one.
pub(super) type Schema<'a> = JSONSchemaProps<'a>;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] = [
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];
/// What the root of a schema may say if `status` is dealt with by itself.
const AT_ROOT: [(&str, &str); 22] = [
    ("description", "Description"),
    ("type", "Type"),
    ("format", "Format"),
    ("title", "Title"),
    ("maximum", "Maximum"),
    ("exclusiveMaximum", "ExclusiveMaximum"),
    ("minimum", "Minimum"),
    ("exclusiveMinimum", "ExclusiveMinimum"),
    ("maxLength", "MaxLength"),
    ("minLength", "MinLength"),
    ("pattern", "Pattern"),
    ("maxItems", "MaxItems"),
    ("minItems", "MinItems"),
    ("uniqueItems", "UniqueItems"),
    ("multipleOf", "MultipleOf"),
    ("required", "Required"),
    ("items", "Items"),
    ("properties", "Properties"),
    ("externalDocs", "ExternalDocs"),
    ("example", "Example"),
    (
        "x-kubernetes-preserve-unknown-fields",
        "XPreserveUnknownFields",
    ),
    ("x-kubernetes-validations", "XValidations"),
];

/// The schema where there may be something else in its place, such as a truth.
pub(super) fn item_schema(value: Option<&Value>) -> Option<Schema<'_>> {
    match value {
        Some(Value::Record(record)) => Some(Schema::from_record(record)),
        _ => None,
    }
}

/// Several schemas where one should be.
fn item_schemas(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}

/// Checks the schema at `path`.
pub(super) fn check(schema: Schema<'_>, has_status: bool, path: &Path<'_>, errors: &mut ErrorList) {
    if has_status {
        root(schema, path, errors);
    }
    if schema.nullable() {
        errors.forbidden(
            &path.child("nullable"),
            "nullable cannot be true at the root",
        );
    }
    // What cannot be structural is refused below, for what it has.
    if structural::is_representable(schema) {
        let mut found = ErrorList::new();
        structural::check(schema, path, &mut found);
        if found.is_empty() {
            defaults::check(schema, path, &mut found);
        }
        errors.extend(found);
    }
    document(schema, path, Place::ROOT, errors);
}

fn root(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (_, field, value) in schema.record().iter() {
        if value.is_empty() {
            continue;
        }
        if field.name == "type" {
            if schema.type_() != "object" {
                errors.invalid(
                    &path.child("type"),
                    schema.type_(),
                    "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled",
                );
                return;
            }
        } else if !AT_ROOT.iter().any(|(name, _)| *name == field.name) {
            let names: Vec<&str> = AT_ROOT.iter().map(|(_, name)| *name).collect();
            errors.invalid(
                path,
                internal_form::shown(Some(schema.record())),
                format!(
                    "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
                    names.join(" ")
                ),
            );
            return;
        }
    }
}

/// Where in a document a schema stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    is_root: bool,
    in_metadata: bool,
    /// Why there may be no default.
    no_defaults: Option<&'a str>,
}

impl Place<'static> {
    const ROOT: Self = Self {
        is_root: true,
        in_metadata: false,
        no_defaults: None,
    };
}

fn document(schema: Schema<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut ErrorList) {
    standard(schema, path, place, errors);
    if schema.unique_items() {
        errors.forbidden(
            &path.child("uniqueItems"),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        );
    }
    let inner = Place {
        is_root: false,
        ..place
    };
    let additional = schema.additional_properties();
    if let Some(additional) = additional {
        let at = path.child("additionalProperties");
        if !schema.properties().is_empty() && *additional != Value::Bool(true) {
            errors.forbidden(
                &at,
                "additionalProperties and properties are mutual exclusive",
            );
        }
        let place = if place.in_metadata {
            Place {
                no_defaults: Some("inside additionalProperties applying to object metadata"),
                ..inner
            }
        } else {
            inner
        };
        if let Some(found) = item_schema(Some(additional)) {
            document(found, &at, place, errors);
        }
    }
    properties(schema, path, place, errors);
    if let Some(found) = schema.not() {
        document(found, &path.child("not"), inner, errors);
    }
    for (name, list) in [
        ("allOf", schema.all_of()),
        ("oneOf", schema.one_of()),
        ("anyOf", schema.any_of()),
    ] {
        let at = path.child(name);
        for (index, found) in list.iter().enumerate() {
            document(found, &at.index(index), inner, errors);
        }
    }
    let at = path.child("definitions");
    for (name, found) in schema.definitions().iter() {
        document(found, &at.key(name), inner, errors);
    }
    let at = path.child("items");
    if let Some(found) = item_schema(schema.items()) {
        document(found, &at, inner, errors);
    }
    for (index, found) in item_schemas(schema.items()).iter().enumerate() {
        if let Some(found) = item_schema(Some(found)) {
            document(found, &at.index(index), inner, errors);
        }
    }
    let at = path.child("dependencies");
    for (name, found) in schema.dependencies().iter() {
        if let Some(found) = item_schema(Some(found)) {
            document(found, &at.key(name), inner, errors);
        }
    }
    extensions(schema, path, errors);
    let at = path.child("x-kubernetes-validations");
    for (index, rule) in schema.x_kubernetes_validations().iter().enumerate() {
        self::rule(rule, schema, &at.index(index), errors);
    }
}

fn properties(schema: Schema<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut ErrorList) {
    let at = path.child("properties");
    for (name, property) in schema.properties().iter() {
        let is_meta = matches!(name, "metadata" | "kind" | "apiVersion")
            && (place.is_root || schema.x_kubernetes_embedded_resource());
        let top = format!("in top-level {name}");
        let place = Place {
            is_root: false,
            in_metadata: place.in_metadata || is_meta,
            no_defaults: if is_meta && place.is_root {
                Some(top.as_str())
            } else {
                place.no_defaults
            },
        };
        document(property, &at.key(name), place, errors);
    }
}

/// What no schema of a kind may have, though OpenAPI knows it.
fn standard(schema: Schema<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut ErrorList) {
    let ty = schema.type_();
    if !ty.is_empty() && !TYPES.contains(&ty) {
        errors.not_supported(&path.child("type"), ty, TYPES);
    }
    if let (Some(_), Some(reason)) = (schema.default(), place.no_defaults) {
        errors.forbidden(&path.child("default"), format!("must not be set {reason}"));
    }
    for (name, is_set) in [
        ("id", !schema.id().is_empty()),
        ("additionalItems", schema.additional_items().is_some()),
        ("patternProperties", !schema.pattern_properties().is_empty()),
        ("definitions", !schema.definitions().is_empty()),
        ("dependencies", !schema.dependencies().is_empty()),
        ("$ref", schema.ref_().is_some()),
    ] {
        if is_set {
            errors.forbidden(&path.child(name), format!("{name} is not supported"));
        }
    }
    if ty == "null" {
        errors.forbidden(
            &path.child("type"),
            "type cannot be set to null, use nullable as an alternative",
        );
    }
    if !item_schemas(schema.items()).is_empty() {
        errors.forbidden(
            &path.child("items"),
            "items must be a schema object and not an array",
        );
    }
    if place.in_metadata && schema.x_kubernetes_embedded_resource() {
        errors.forbidden(
            &path.child("x-kubernetes-embedded-resource"),
            "must not be used inside of resource meta",
        );
    }
}

fn extensions(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
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
        if list_type == "set" {
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
    if matches!(list_type, "map" | "set") {
        keys(schema, list_type, path, errors);
    }
}

/// Items of a set are compared as a whole.
fn set_items(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(item) = item_schema(schema.items()) else {
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
            BadValue::from(value),
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
fn keys(schema: Schema<'_>, list_type: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(item) = item_schema(schema.items()) else {
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

fn rule(rule: ValidationRule<'_>, schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let has_breaks = |text: &str| text.contains(['\n', '\r']);
    let (text, message) = (rule.rule().trim(), rule.message().trim());
    let at = path.child("message");
    let not_blank = "must be non-empty if specified";
    if text.is_empty() {
        errors.required(&path.child("rule"), "rule is not specified");
    } else if !rule.message().is_empty() && message.is_empty() {
        errors.invalid(&at, rule.message(), not_blank);
    } else if has_breaks(message) {
        errors.invalid(&at, rule.message(), "must not contain line breaks");
    } else if has_breaks(text) && message.is_empty() {
        errors.required(
            &at,
            "message must be specified if rule contains line breaks",
        );
    }
    let expression = rule.message_expression();
    if !expression.is_empty() && expression.trim().is_empty() {
        errors.required(
            &path.child("messageExpression"),
            "messageExpression must be non-empty if specified",
        );
    }
    if let Some(reason) = rule.reason()
        && !REASONS.contains(&reason)
    {
        let at = path.child("reason");
        errors.not_supported(&at, BadValue::json_string(reason), REASONS);
    }
    let (field, at) = (rule.field_path(), path.child("fieldPath"));
    if field.is_empty() {
        return;
    }
    if field.trim().is_empty() {
        errors.invalid(&at, field, not_blank);
    }
    if has_breaks(field) {
        errors.invalid(&at, field, "must not contain line breaks");
    }
    // Fields in brackets are left to whoever reads expressions.
    if !field.contains('[') && version::walk(field, schema).is_err() {
        errors.invalid(&at, field, "must be a valid path");
    }
}
