//! What is odd about a JSON patch: how it is read where fields are validated.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Map, Value};

/// The texts of unknown and duplicate fields of the operations in `body`.
///
/// # Errors
/// 400 for what is no list of operations.
pub(super) fn check(body: &Bytes, mut problems: Problems) -> Result<Vec<String>, ApiError> {
    let refused = |text: String| ApiError::bad_request(format!("error decoding patch: {text}"));
    let value =
        json::decode_value(body, &mut problems).map_err(|error| refused(error.to_string()))?;
    let operations = match value {
        Value::List(operations) => operations,
        Value::Null => return Ok(Vec::new()),
        other => return Err(refused(mismatch(&other, "value", "[]handlers.jsonPatchOp"))),
    };
    let mut odd = problems.texts().to_vec();
    for (at, operation) in operations.iter().enumerate() {
        match operation {
            Value::Map(operation) => check_fields(at, operation, &mut odd).map_err(refused)?,
            Value::Null => {}
            other => return Err(refused(mismatch(other, "value", "handlers.jsonPatchOp"))),
        }
    }
    odd.iter_mut()
        .for_each(|text| text.insert_str(0, "json patch "));
    Ok(odd)
}

fn check_fields(at: usize, operation: &Map, odd: &mut Vec<String>) -> Result<(), String> {
    for (key, value) in operation.iter() {
        match (key.as_str(), value) {
            ("value", _) | ("op" | "path" | "from", Value::String(_) | Value::Null) => {}
            (field @ ("op" | "path" | "from"), value) => {
                let place = format!("struct field jsonPatchOp.{field}");
                return Err(mismatch(value, &place, "string"));
            }
            (key, _) => odd.push(format!("unknown field \"[{at}].{key}\"")),
        }
    }
    Ok(())
}

fn mismatch(found: &Value, place: &str, ty: &str) -> String {
    let found = match found {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go {place} of type {ty}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &'static str) -> Result<Vec<String>, String> {
        super::check(&Bytes::from_static(body.as_bytes()), Problems::collected())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn unknown_and_duplicate_fields_are_told_with_their_place() {
        let odd = check(r#"[{"op":"add","op":"add","path":"/a"},{"Op":"x","value":{}}]"#);
        let texts = [
            r#"json patch duplicate field "[0].op""#,
            r#"json patch unknown field "[1].Op""#,
        ];
        assert_eq!(odd, Ok(texts.map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_is_no_list_of_operations_is_refused() {
        for (body, expected) in [
            ("{}", "object into Go value of type []handlers.jsonPatchOp"),
            ("[1]", "number into Go value of type handlers.jsonPatchOp"),
            (
                r#"[{"op":1}]"#,
                "number into Go struct field jsonPatchOp.op of type string",
            ),
        ] {
            let expected = format!("error decoding patch: json: cannot unmarshal {expected}");
            assert_eq!(check(body), Err(expected), "{body}");
        }
    }
}
