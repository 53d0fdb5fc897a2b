//! Schemas of custom resources, whose internal type names extensions in Go's way and has structs where JSON has one
//! thing or another.

use pintle_runtime::schema::Type;
use pintle_runtime::value::Value;

use super::{write_items, write_value};

/// What upstream calls a field of a schema that has no usual name.
pub(super) fn name(ty: &Type, field: &str) -> Option<&'static str> {
    let names = [
        ("id", "ID"),
        ("$schema", "Schema"),
        ("$ref", "Ref"),
        (
            "x-kubernetes-preserve-unknown-fields",
            "XPreserveUnknownFields",
        ),
        ("x-kubernetes-embedded-resource", "XEmbeddedResource"),
        ("x-kubernetes-int-or-string", "XIntOrString"),
        ("x-kubernetes-list-map-keys", "XListMapKeys"),
        ("x-kubernetes-list-type", "XListType"),
        ("x-kubernetes-map-type", "XMapType"),
        ("x-kubernetes-validations", "XValidations"),
    ];
    let known = names.iter().find(|(known, _)| *known == field);
    known.filter(|_| is_schema(ty)).map(|(_, name)| *name)
}

/// The fields of a schema of which the order differs from that in the API: a prefix.
pub(super) fn order(ty: &Type) -> &'static [&'static str] {
    if is_schema(ty) {
        &["id", "$schema", "$ref", "description", "type", "nullable"]
    } else {
        &[]
    }
}

/// Writes a field that is a struct upstream, and says whether it is.
pub(super) fn write(ty: &Type, field: &str, value: &Value, out: &mut Vec<u8>) -> bool {
    if !is_schema(ty) {
        return false;
    }
    match (field, value) {
        ("items", Value::List(schemas)) => {
            out.extend_from_slice(br#"{"Schema":null,"JSONSchemas":"#);
            write_items(schemas, out);
            out.push(b'}');
        }
        ("items", schema) => {
            out.extend_from_slice(br#"{"Schema":"#);
            write_value(schema, out);
            out.extend_from_slice(br#","JSONSchemas":null}"#);
        }
        ("additionalProperties" | "additionalItems", Value::Bool(allows)) => {
            let text = format!(r#"{{"Allows":{allows},"Schema":null}}"#);
            out.extend_from_slice(text.as_bytes());
        }
        ("additionalProperties" | "additionalItems", schema) => {
            out.extend_from_slice(br#"{"Allows":true,"Schema":"#);
            write_value(schema, out);
            out.push(b'}');
        }
        _ => return false,
    }
    true
}

fn is_schema(ty: &Type) -> bool {
    ty.name.ends_with(".apiextensions.v1.JSONSchemaProps")
}
