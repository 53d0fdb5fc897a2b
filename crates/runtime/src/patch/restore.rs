//! Why upstream cannot make an object of what a strategic merge patch makes.
//!
//! It goes from plain values to structs by reflection, not by way of JSON, so its complaints are others
//! than a decoder's.

use crate::schema::{FieldType, Shape, Type};
use crate::value::{Map, Value};

use super::printed::go_type;

/// What keeps the members `said` from being those of an object of type `ty`, in upstream's words; `None` where that is
/// left to a type's own decoder.
pub fn misfit(said: &Map, ty: &Type) -> Option<String> {
    ty.fields.iter().find_map(|field| {
        let value = said.get(&field.name)?;
        of_value(value, &field.ty)
    })
}

fn of_value(value: &Value, ty: &FieldType) -> Option<String> {
    match (ty, value) {
        (_, Value::Null) | (FieldType::Any, _) | (FieldType::Bytes, Value::String(_)) => None,
        (FieldType::Object(ty), _) if ty.shape != Shape::Struct => None,
        (FieldType::Object(ty), Value::Map(map)) => misfit(map, ty),
        (FieldType::Map(element), Value::Map(map)) => {
            map.iter().find_map(|(_, value)| of_value(value, element))
        }
        (FieldType::List(element), Value::List(items)) => {
            items.iter().find_map(|item| of_value(item, element))
        }
        (FieldType::Object(_), _) => Some(format!("cannot restore struct from: {}", kind(value))),
        (FieldType::Map(_), _) => Some(format!("cannot restore map from {}", kind(value))),
        (FieldType::List(_) | FieldType::Bytes, _) => {
            Some(format!("cannot restore slice from {}", kind(value)))
        }
        _ => of_scalar(value, ty),
    }
}

fn of_scalar(value: &Value, ty: &FieldType) -> Option<String> {
    let wanted = match ty {
        FieldType::String => "string",
        FieldType::Bool => "bool",
        FieldType::Int32 => "int32",
        FieldType::Int64 => "int64",
        _ => "float64",
    };
    match (wanted, value) {
        ("string", Value::String(_))
        | ("bool", Value::Bool(_))
        | ("float64", Value::Int(_) | Value::Float(_))
        | ("int32" | "int64", Value::Int(_)) => None,
        ("int32" | "int64", Value::Float(number)) if number.fract() == 0.0 => None,
        // What Go could convert, were it not for JSON.
        ("string", Value::Int(_)) | ("int32" | "int64", Value::Float(_)) => {
            Some(format!("cannot convert {} to {wanted}", go_type(value)))
        }
        _ => Some(format!("unrecognized type: {wanted}")),
    }
}

/// What Go calls a plain value's kind.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        other => go_type(other),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::{Problems, json};
    use crate::meta::tables;

    #[track_caller]
    fn check(text: &'static str, expected: Option<&str>) {
        let said = json::decode_value(
            &Bytes::from_static(text.as_bytes()),
            &mut Problems::ignored(),
        );
        let said = said.unwrap();
        let found = misfit(said.as_map().unwrap(), &tables::OBJECT_META);
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn what_does_not_fit_is_told_in_upstreams_words() {
        check(r#"{"name":"a","labels":{"a":"b"},"generation":1.0}"#, None);
        check(r#"{"name":null,"labels":null}"#, None);
        check(r#"{"name":1}"#, Some("cannot convert int64 to string"));
        check(r#"{"name":true}"#, Some("unrecognized type: string"));
        check(r#"{"labels":[]}"#, Some("cannot restore map from slice"));
        check(
            r#"{"labels":{"a":1}}"#,
            Some("cannot convert int64 to string"),
        );
        check(
            r#"{"finalizers":"a"}"#,
            Some("cannot restore slice from string"),
        );
        check(
            r#"{"ownerReferences":["a"]}"#,
            Some("cannot restore struct from: string"),
        );
        check(
            r#"{"generation":1.5}"#,
            Some("cannot convert float64 to int64"),
        );
        check(r#"{"generation":"1"}"#, Some("unrecognized type: int64"));
    }
}
