//! JSON merge patch.

use crate::value::{Map, Value};

/// RFC 7386: maps merge key by key, `null` removes, anything else replaces.
pub fn merge(target: Value, patch: &Value) -> Value {
    let Value::Map(patch) = patch else {
        return patch.clone();
    };
    let mut merged = match target {
        Value::Map(map) => map,
        _ => Map::new(),
    };
    for (key, value) in patch.iter() {
        if value.is_null() {
            merged.remove(key);
            continue;
        }
        let old = merged.remove(key).unwrap_or_default();
        merged.insert(key.clone(), merge(old, value));
    }
    Value::Map(merged)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::{Problems, json};

    fn value(text: &str) -> Value {
        json::decode_value(
            &Bytes::copy_from_slice(text.as_bytes()),
            &mut Problems::ignored(),
        )
        .unwrap()
    }

    #[track_caller]
    fn check(target: &str, patch: &str, expected: &str) {
        assert_eq!(
            merge(value(target), &value(patch)),
            value(expected),
            "{target} + {patch}"
        );
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        );
        check(r#"["a","b"]"#, r#"["c"]"#, r#"["c"]"#);
        check(
            r#"{}"#,
            r#"{"a":{"bb":{"ccc":null}}}"#,
            r#"{"a":{"bb":{}}}"#,
        );
    }
}
