//! Values as Go prints them, which is how errors quote a strategic merge patch.

use std::fmt::Write;

use crate::value::Value;

/// A plain value as Go's `%v` prints the `interface{}` that it is there: `map[a:1 b:[x <nil>]]`.
pub fn printed(value: &Value) -> String {
    let mut out = String::new();
    print(value, &mut out);
    out
}

/// What Go calls the type of a plain value.
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        _ => "<nil>",
    }
}

fn print(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::String(text) => out.push_str(text),
        Value::Float(float) => out.push_str(&go_float(*float)),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                print(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                print(value, out);
            }
            out.push(']');
        }
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => out.push_str(itoa::Buffer::new().format(*number)),
        other => _ = write!(out, "{other:?}"),
    }
}

/// `%v` of a float: shortest digits, with an exponent below 1e-4 and from 1e21 on.
fn go_float(float: f64) -> String {
    let exponent = if float == 0.0 {
        0.0
    } else {
        float.abs().log10().floor()
    };
    if (-4.0..21.0).contains(&exponent) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::{Problems, json};

    #[track_caller]
    fn check(text: &'static str, expected: &str) {
        let value = json::decode_value(
            &Bytes::from_static(text.as_bytes()),
            &mut Problems::ignored(),
        );
        assert_eq!(printed(&value.unwrap()), expected, "{text}");
    }

    #[test]
    fn maps_are_printed_with_sorted_keys() {
        check(
            r#"{"b":[1,null,"x"],"a":{"c":true}}"#,
            "map[a:map[c:true] b:[1 <nil> x]]",
        );
    }

    #[test]
    fn floats_have_an_exponent_where_go_gives_one() {
        check(
            "[1.5,1e21,0.00001,1e20,-2.5e-7]",
            "[1.5 1e+21 1e-05 100000000000000000000 -2.5e-07]",
        );
    }
}
