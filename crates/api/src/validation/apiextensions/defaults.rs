//! Defaults in a schema, which must be of the type that they are a default of.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::quote::Quoted;

use super::schema::{Schema, item_schema};

/// Checks the defaults of a structural schema.
pub(super) fn check(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(json) = schema.default() {
        let found = type_of(json);
        let fits = match schema.type_() {
            _ if found == "null" => schema.nullable(),
            "" => true,
            "number" => matches!(found, "number" | "integer"),
            wanted => wanted == found,
        };
        if !fits && found != "null" {
            errors.push(FieldError::type_invalid(
                &path.child("default"),
                found,
                format!(
                    " in body must be of type {}: {}",
                    schema.type_(),
                    Quoted(found)
                ),
            ));
        }
    }
    if let Some(items) = item_schema(schema.items()) {
        check(items, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, property) in schema.properties().iter() {
        check(property, &properties.key(name), errors);
    }
    if let Some(found) = item_schema(schema.additional_properties()) {
        check(found, &path.child("additionalProperties"), errors);
    }
}

/// The type of a JSON text.
fn type_of(json: &[u8]) -> &'static str {
    let json = json.trim_ascii();
    match json.first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "boolean",
        Some(b'n') | None => "null",
        Some(_) if json.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => "number",
        Some(_) => "integer",
    }
}
