//! `FieldsV1`: sets of paths as they stand in `metadata.managedFields`.

use serde_json::Value as Json;

use crate::text::Text;

use super::element::{PathElement, Scalar};
use super::set::Set;

/// What is wrong with a `fieldsV1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FieldsError(String);

impl FieldsError {
    pub(super) fn new(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl Set {
    /// Reads a `fieldsV1` object.
    ///
    /// # Errors
    /// Where the text is no JSON object of path elements.
    pub fn from_fields_v1(text: &[u8]) -> Result<Self, FieldsError> {
        let json: Json =
            serde_json::from_slice(text).map_err(|error| FieldsError(error.to_string()))?;
        read(&json)
    }

    /// Writes the set as a `fieldsV1` object, compact, elements in upstream's order.
    pub fn to_fields_v1(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        write(self, false, &mut out);
        out
    }
}

fn read(json: &Json) -> Result<Set, FieldsError> {
    let Json::Object(entries) = json else {
        return Err(FieldsError("expected an object".to_owned()));
    };
    let mut found: Vec<(PathElement, bool, Set)> = Vec::with_capacity(entries.len());
    for (key, below) in entries {
        if key == "." {
            continue;
        }
        let children = read(below)?;
        let itself = children.is_empty() || below.get(".").is_some();
        found.push((element(key)?, itself, children));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut set = Set::new();
    for (element, member, children) in found {
        set.push_sorted(element, member, children);
    }
    Ok(set)
}

fn element(key: &str) -> Result<PathElement, FieldsError> {
    let wrong = || FieldsError(format!("{key:?} is no path element"));
    let (kind, rest) = key.split_once(':').ok_or_else(wrong)?;
    match kind {
        "f" => Ok(PathElement::Field(rest.to_owned().into())),
        "i" => rest.parse().map(PathElement::Index).map_err(|_| wrong()),
        "v" => serde_json::from_str(rest)
            .ok()
            .and_then(scalar)
            .map(PathElement::Value)
            .ok_or_else(wrong),
        "k" => {
            let Ok(Json::Object(keys)) = serde_json::from_str(rest) else {
                return Err(wrong());
            };
            let mut found = keys
                .into_iter()
                .map(|(name, value)| Some((Text::from(name), scalar(value)?)))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(wrong)?;
            found.sort();
            Ok(PathElement::Key(found))
        }
        _ => Err(wrong()),
    }
}

fn scalar(json: Json) -> Option<Scalar> {
    Some(match json {
        Json::Null => Scalar::Null,
        Json::Bool(truth) => Scalar::Bool(truth),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Scalar::Int(number),
            None => Scalar::Float(number.as_f64()?),
        },
        Json::String(text) => Scalar::String(text.into()),
        Json::Array(_) | Json::Object(_) => return None,
    })
}

fn write(set: &Set, itself: bool, out: &mut Vec<u8>) {
    out.push(b'{');
    if itself && !set.is_empty() {
        out.extend_from_slice(br#"".":{}"#);
    }
    for (at, entry) in set.entries().iter().enumerate() {
        if at > 0 || itself {
            out.push(b',');
        }
        quote(&element_text(&entry.element), out);
        out.push(b':');
        write(&entry.children, entry.member, out);
    }
    out.push(b'}');
}

/// A path element as `fieldsV1` spells it: `f:name`, `k:{…}`, `v:…` or `i:…`.
fn element_text(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Index(index) => format!("i:{index}"),
        PathElement::Value(value) => {
            let mut text = b"v:".to_vec();
            write_scalar(value, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
        PathElement::Key(keys) => {
            let mut text = b"k:{".to_vec();
            for (at, (name, value)) in keys.iter().enumerate() {
                if at > 0 {
                    text.push(b',');
                }
                quote(name, &mut text);
                text.push(b':');
                write_scalar(value, &mut text);
            }
            text.push(b'}');
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

fn write_scalar(value: &Scalar, out: &mut Vec<u8>) {
    match value {
        Scalar::Null => out.extend_from_slice(b"null"),
        Scalar::Bool(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
        Scalar::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Scalar::Float(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Scalar::String(text) => quote(text, out),
    }
}

fn quote(text: &str, out: &mut Vec<u8>) {
    // A string always has a JSON form.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round_trips(text: &str) {
        let set = Set::from_fields_v1(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(set.to_fields_v1()).unwrap(), text);
    }

    #[test]
    fn what_was_written_is_read() {
        round_trips("{}");
        round_trips(r#"{"f:data":{".":{},"f:k":{}}}"#);
        round_trips(r#"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}"#);
        round_trips(r#"{"f:metadata":{"f:finalizers":{".":{},"v:\"x/y\"":{}}}}"#);
        round_trips(
            r#"{"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}"#,
        );
    }

    #[test]
    fn numbers_in_keys_are_ordered_as_numbers() {
        round_trips(r#"{"k:{\"port\":9}":{},"k:{\"port\":80}":{}}"#);
    }

    #[test]
    fn a_field_that_is_only_a_way_is_no_member() {
        let set = Set::from_fields_v1(br#"{"f:a":{"f:b":{}}}"#).unwrap();
        assert!(!set.has(&PathElement::Field("a".into())));
    }
}
