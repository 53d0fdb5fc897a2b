//! What `allOf`, `anyOf`, `oneOf` and `not` may say: of values, not of structure.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::value::Value;
use pintle_runtime::view::List;

use super::pattern;
use super::schema::{Schema, item_schema};

/// Checks what a structural schema nests.
pub(super) fn values(schema: Schema<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let skips_any = is_int_or_string(schema.any_of());
    let skips_first = schema
        .all_of()
        .first()
        .is_some_and(|first| is_int_or_string(first.any_of()));
    combined(schema, skips_any, skips_first, path, errors);
}

/// `anyOf: [{type: integer}, {type: string}]`: the one way to give a type there.
fn is_int_or_string(list: List<'_, Schema<'_>>) -> bool {
    let types = ["integer", "string"];
    let is = |(schema, ty): (Schema<'_>, &str)| {
        let mut fields = schema.record().iter();
        schema.type_() == ty
            && fields.all(|(_, field, value)| field.name == "type" || value.is_empty())
    };
    list.len() == 2 && list.iter().zip(types).all(is)
}

fn combined(
    schema: Schema<'_>,
    skips_any: bool,
    skips_first: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if !skips_any {
        let at = path.child("anyOf");
        for (index, found) in schema.any_of().iter().enumerate() {
            nested(found, false, &at.index(index), errors);
        }
    }
    let at = path.child("allOf");
    for (index, found) in schema.all_of().iter().enumerate() {
        nested(found, skips_first && index == 0, &at.index(index), errors);
    }
    let at = path.child("oneOf");
    for (index, found) in schema.one_of().iter().enumerate() {
        nested(found, false, &at.index(index), errors);
    }
    if let Some(found) = schema.not() {
        nested(found, false, &path.child("not"), errors);
    }
    if let Some(problem) = pattern::wrong_with(schema.pattern()) {
        let detail = format!("must be a valid regular expression, but isn't: {problem}");
        errors.invalid(&path.child("pattern"), schema.pattern(), detail);
    }
}

fn nested(schema: Schema<'_>, skips_any: bool, path: &Path<'_>, errors: &mut ErrorList) {
    combined(schema, skips_any, false, path, errors);
    if let Some(items) = item_schema(schema.items()) {
        nested(items, false, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, property) in schema.properties().iter() {
        nested(property, false, &properties.key(name), errors);
    }
    let empty = "must be empty to be structural";
    let undefined = "must be undefined to be structural";
    let not = "must be false to be structural";
    let preserves = schema.x_kubernetes_preserve_unknown_fields() == Some(true);
    for (name, is_set, detail) in [
        ("type", !schema.type_().is_empty(), empty),
        (
            "additionalProperties",
            schema
                .additional_properties()
                .is_some_and(|value| *value != Value::Bool(false)),
            undefined,
        ),
        ("default", schema.default().is_some(), undefined),
        ("title", !schema.title().is_empty(), empty),
        ("description", !schema.description().is_empty(), empty),
        ("nullable", schema.nullable(), not),
        ("x-kubernetes-preserve-unknown-fields", preserves, not),
        (
            "x-kubernetes-embedded-resource",
            schema.x_kubernetes_embedded_resource(),
            not,
        ),
        (
            "x-kubernetes-int-or-string",
            schema.x_kubernetes_int_or_string(),
            not,
        ),
        (
            "x-kubernetes-list-map-keys",
            !schema.x_kubernetes_list_map_keys().is_empty(),
            empty,
        ),
        (
            "x-kubernetes-list-type",
            schema.x_kubernetes_list_type().is_some(),
            undefined,
        ),
        (
            "x-kubernetes-map-type",
            schema.x_kubernetes_map_type().is_some(),
            undefined,
        ),
        (
            "x-kubernetes-validations",
            !schema.x_kubernetes_validations().is_empty(),
            empty,
        ),
    ] {
        if is_set {
            errors.forbidden(&path.child(name), detail);
        }
    }
    if schema.properties().get("metadata").is_some() {
        errors.forbidden(
            &properties.key("metadata"),
            "must not be specified in a nested context",
        );
    }
}

/// Every field that `values` speaks of must be one of `schema`; they stand at `at` and at `path`.
pub(super) fn completeness(
    values: Schema<'_>,
    schema: Schema<'_>,
    path: &Path<'_>,
    at: &Path<'_>,
    errors: &mut ErrorList,
) {
    if let Some(found) = values.not() {
        complete(found, schema, path, &at.child("not"), errors);
    }
    for (name, list) in [
        ("allOf", values.all_of()),
        ("anyOf", values.any_of()),
        ("oneOf", values.one_of()),
    ] {
        let at = at.child(name);
        for (index, found) in list.iter().enumerate() {
            complete(found, schema, path, &at.index(index), errors);
        }
    }
}

fn complete(
    values: Schema<'_>,
    schema: Schema<'_>,
    path: &Path<'_>,
    at: &Path<'_>,
    errors: &mut ErrorList,
) {
    completeness(values, schema, path, at, errors);
    if let Some(items) = item_schema(values.items()) {
        let (path, at) = (path.child("items"), at.child("items"));
        match item_schema(schema.items()) {
            Some(schema) => complete(items, schema, &path, &at, errors),
            None => errors.required(&path, format!("because it is defined in {at}")),
        }
    }
    let (path, at) = (path.child("properties"), at.child("properties"));
    for (name, property) in values.properties().iter() {
        let (path, at) = (path.key(name), at.key(name));
        match schema.properties().get(name) {
            Some(schema) => complete(property, schema, &path, &at, errors),
            None => errors.required(&path, format!("because it is defined in {at}")),
        }
    }
}
