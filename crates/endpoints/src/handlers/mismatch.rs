//! What does not fit the types of a kind, as structured-merge-diff says it of an applied configuration.

use pintle_runtime::schema::{Field, FieldType, ListType, Shape, TypeRef};
use pintle_runtime::value::{Map, Value};

/// Everything in `said` that is of another shape than the table has it, one text for each, or all in one. `None` where
/// nothing is.
pub(super) fn text(said: &Map, ty: &TypeRef) -> Option<String> {
    let mut errors = Vec::new();
    fields(said, ty, "", &mut errors);
    match &errors[..] {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("errors:\n  {}", several.join("\n  "))),
    }
}

fn fields(said: &Map, ty: &TypeRef, path: &str, errors: &mut Vec<String>) {
    for (name, value) in said.iter() {
        let path = format!("{path}.{name}");
        match ty.field_index(name).and_then(|at| ty.fields.get(at)) {
            Some(field) => check(value, &field.ty, Some(field), &path, errors),
            None => errors.push(format!("{path}: field not declared in schema")),
        }
    }
}

fn check(
    value: &Value,
    ty: &FieldType,
    field: Option<&Field>,
    path: &str,
    errors: &mut Vec<String>,
) {
    let mut wrong = |expected: &str, found: String| {
        errors.push(format!("{path}: expected {expected}, got {found}"));
    };
    match (ty, value) {
        (_, Value::Null) | (FieldType::Any, _) => {}
        (FieldType::String | FieldType::Bytes, Value::String(_))
        | (FieldType::Bool, Value::Bool(_)) => {}
        (FieldType::String | FieldType::Bytes, _) => {
            wrong(
                "string",
                format!("&value.valueUnstructured{{Value:{}}}", syntax(value)),
            );
        }
        (FieldType::Bool, _) => wrong("boolean", format!("&{{{}}}", plain(value))),
        (
            FieldType::Int32 | FieldType::Int64 | FieldType::Float64,
            Value::Int(_) | Value::Float(_),
        ) => {}
        (FieldType::Int32 | FieldType::Int64 | FieldType::Float64, _) => {
            wrong("numeric (int or float)", go_type(value).to_owned());
        }
        // Quantities, times and the like are scalars of their own.
        (FieldType::Object(ty), _) if ty.shape != Shape::Struct => {}
        (FieldType::Object(ty), Value::Map(map)) => fields(map, ty, path, errors),
        (FieldType::Map(element), Value::Map(map)) => {
            for (key, value) in map.iter() {
                check(value, element, None, &format!("{path}.{key}"), errors);
            }
        }
        (FieldType::Object(_) | FieldType::Map(_), _) => {
            wrong("map", format!("&{{{}}}", plain(value)))
        }
        (FieldType::List(element), Value::List(items)) => {
            for (at, item) in items.iter().enumerate() {
                let path = format!("{path}{}", place(field, at, item));
                check(item, element, None, &path, errors);
            }
        }
        (FieldType::List(_), _) => wrong("list", format!("&{{{}}}", plain(value))),
    }
}

/// How an item is named: by its keys, by its value, or by its position.
fn place(field: Option<&Field>, at: usize, item: &Value) -> String {
    match (field.map(|field| field.list_type), item) {
        (Some(ListType::Map), Value::Map(map)) => {
            let keys = field.map(|field| &*field.list_keys).unwrap_or_default();
            let pairs = keys
                .iter()
                .filter_map(|key| Some(format!("{key}={}", json(map.get(key)?))));
            format!("[{}]", pairs.collect::<Vec<_>>().join(","))
        }
        (Some(ListType::Set), value) => format!("[={}]", json(value)),
        _ => format!("[{at}]"),
    }
}

fn json(value: &Value) -> String {
    let mut out = Vec::new();
    pintle_runtime::codec::json::encode_value(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A value as Go's `%#v` shows it.
fn syntax(value: &Value) -> String {
    match value {
        Value::Map(map) => {
            let members = map.iter().map(|(key, value)| {
                format!("{}:{}", json(&Value::String(key.clone())), syntax(value))
            });
            format!(
                "map[string]interface {{}}{{{}}}",
                members.collect::<Vec<_>>().join(", ")
            )
        }
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        scalar => json(scalar),
    }
}

/// A value as Go's `%v` shows it.
fn plain(value: &Value) -> String {
    match value {
        Value::Map(map) => {
            let members = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", plain(value)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
        Value::List(items) => format!(
            "[{}]",
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        ),
        Value::String(text) => text.to_string(),
        Value::Null => "<nil>".to_owned(),
        scalar => json(scalar),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        _ => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::Problems;
    use pintle_runtime::codec::json::decode_value;
    use pintle_runtime::meta::tables::PARTIAL_OBJECT_METADATA;
    use pintle_runtime::schema::Ref;

    use super::*;

    #[track_caller]
    fn check(said: &'static str, expected: Option<&str>) {
        let value = decode_value(
            &Bytes::from_static(said.as_bytes()),
            &mut Problems::ignored(),
        );
        let Ok(Value::Map(said)) = value else {
            panic!("{said} is no object");
        };
        let found = text(&said, &Ref::Static(&PARTIAL_OBJECT_METADATA));
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn what_does_not_fit_is_told_as_upstream_does() {
        check(
            r#"{"metadata":{"name":"a","labels":{"x":"y"},"generation":1,"finalizers":["a"]}}"#,
            None,
        );
        check(
            r#"{"metadata":{"labels":{"x":true}}}"#,
            Some(".metadata.labels.x: expected string, got &value.valueUnstructured{Value:true}"),
        );
        check(
            r#"{"metadata":{"labels":[1,"a"]}}"#,
            Some(".metadata.labels: expected map, got &{[1 a]}"),
        );
        check(
            r#"{"metadata":{"finalizers":{"a":1}}}"#,
            Some(".metadata.finalizers: expected list, got &{map[a:1]}"),
        );
        check(
            r#"{"metadata":{"generation":"1","x":1}}"#,
            Some(
                "errors:\n  .metadata.generation: expected numeric (int or float), got string\n  .metadata.x: field \
                 not declared in schema",
            ),
        );
        check(
            r#"{"metadata":{"ownerReferences":[{"uid":"u","controller":"yes"}]}}"#,
            Some(".metadata.ownerReferences[uid=\"u\"].controller: expected boolean, got &{yes}"),
        );
    }
}
