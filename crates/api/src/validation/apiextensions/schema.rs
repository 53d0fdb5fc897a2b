//! The schema of a kind, as a document of OpenAPI.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::Value;

use super::leeway::Leeway;
use super::{defaults, extensions, field, structural};
use crate::apiextensions::v1::{JSONSchemaProps, ValidationRule};
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

/// Shows `look` a schema and all schemas inside of it.
pub(super) fn each_part<'a>(schema: Schema<'a>, look: &mut dyn FnMut(Schema<'a>)) {
    look(schema);
    let items = item_schemas(schema.items()).iter().map(Some);
    let others = [schema.additional_properties(), schema.additional_items()];
    let in_place = |value: Option<&'a Value>| item_schema(value);
    let mut parts: Vec<Schema<'a>> = in_place(schema.items()).into_iter().collect();
    parts.extend(items.filter_map(in_place));
    for list in [schema.all_of(), schema.any_of(), schema.one_of()] {
        parts.extend(list);
    }
    parts.extend(schema.not());
    parts.extend(schema.properties().iter().map(|(_, part)| part));
    parts.extend(others.into_iter().filter_map(in_place));
    for map in [schema.pattern_properties(), schema.definitions()] {
        parts.extend(map.iter().map(|(_, part)| part));
    }
    let dependencies = schema.dependencies().iter();
    parts.extend(dependencies.filter_map(|(_, part)| in_place(Some(part))));
    for part in parts {
        each_part(part, look);
    }
}

/// Whether a schema has a type of OpenAPI, or none.
pub(super) fn has_known_type(schema: Schema<'_>) -> bool {
    schema.type_().is_empty() || TYPES.contains(&schema.type_())
}

/// Checks the schema at `path`.
pub(super) fn check(
    schema: Schema<'_>,
    has_status: bool,
    leeway: Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let before = errors.len();
    if has_status {
        root(schema, path, errors);
    }
    if schema.nullable() {
        errors.forbidden(
            &path.child("nullable"),
            "nullable cannot be true at the root",
        );
    }
    let unsupported = structural::unsupported(schema).filter(|_| !leeway.structure);
    if !leeway.structure && unsupported.is_none() {
        let mut found = ErrorList::new();
        structural::check(schema, path, &mut found);
        if found.is_empty() {
            defaults::check(schema, leeway, path, &mut found);
        }
        errors.extend(found);
    }
    let place = Place {
        is_root: true,
        in_metadata: false,
        no_defaults: None,
        leeway,
    };
    document(schema, path, place, errors);
    // Mostly said already, for what the schema has.
    if let Some(problem) = unsupported
        && errors.len() == before
    {
        errors.invalid(path, "", problem);
    }
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
    leeway: Leeway,
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
    extensions::check(schema, place.leeway, path, errors);
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
            ..place
        };
        document(property, &at.key(name), place, errors);
    }
}

/// What no schema of a kind may have, though OpenAPI knows it.
fn standard(schema: Schema<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut ErrorList) {
    let ty = schema.type_();
    if !place.leeway.types && !has_known_type(schema) {
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
    let (text, at) = (rule.field_path(), path.child("fieldPath"));
    if text.is_empty() {
        return;
    }
    if text.trim().is_empty() {
        errors.invalid(&at, text, not_blank);
    }
    if has_breaks(text) {
        errors.invalid(&at, text, "must not contain line breaks");
    }
    if structural::unsupported(schema).is_none() && field::find(text, schema, true).is_err() {
        errors.invalid(&at, text, "must be a valid path");
    }
}
