//! `FieldsV1`: sets of paths as they stand in `metadata.managedFields`.

use bytes::Bytes;
use serde_json::Value as Json;

use crate::codec::json::string_end;
use crate::text::Text;

use super::canonical;
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
    pub fn from_fields_v1(text: &Bytes) -> Result<Self, FieldsError> {
        Self::read(text).map(|(set, _)| set)
    }

    /// The same, and whether the text is the one that [`Set::to_fields_v1`] would write.
    pub(super) fn read(text: &Bytes) -> Result<(Self, bool), FieldsError> {
        if let Some(set) = canonical::read(text) {
            return Ok((set, true));
        }
        let json: Json =
            serde_json::from_slice(text).map_err(|error| FieldsError(error.to_string()))?;
        Ok((read(&json)?, false))
    }

    /// Writes the set as a `fieldsV1` object, compact, elements in upstream's order.
    pub fn to_fields_v1(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        write(self, false, &mut out, &mut Vec::new());
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

/// `spare` is room to spell an element in before it is quoted.
fn write(set: &Set, itself: bool, out: &mut Vec<u8>, spare: &mut Vec<u8>) {
    out.push(b'{');
    if itself && !set.is_empty() {
        out.extend_from_slice(br#"".":{}"#);
    }
    for (at, entry) in set.entries().iter().enumerate() {
        if at > 0 || itself {
            out.push(b',');
        }
        write_name(&entry.element, out, spare);
        out.push(b':');
        write(&entry.children, entry.member, out, spare);
    }
    out.push(b'}');
}

/// The name of an element, in quotes.
pub(super) fn write_name(element: &PathElement, out: &mut Vec<u8>, spare: &mut Vec<u8>) {
    out.push(b'"');
    match element {
        PathElement::Field(name) => {
            out.extend_from_slice(b"f:");
            escape(name.as_bytes(), out);
        }
        element => {
            spare.clear();
            write_element(element, spare);
            escape(spare, out);
        }
    }
    out.push(b'"');
}

/// What is no field, as `fieldsV1` spells it before it is quoted: `k:{…}`, `v:…` or `i:…`.
fn write_element(element: &PathElement, out: &mut Vec<u8>) {
    match element {
        PathElement::Field(name) => {
            out.extend_from_slice(b"f:");
            out.extend_from_slice(name.as_bytes());
        }
        PathElement::Index(index) => {
            out.extend_from_slice(b"i:");
            write_integer(*index, out);
        }
        PathElement::Value(value) => {
            out.extend_from_slice(b"v:");
            write_scalar(value, out);
        }
        PathElement::Key(keys) => {
            out.extend_from_slice(b"k:{");
            for (at, (name, value)) in keys.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                quote(name, out);
                out.push(b':');
                write_scalar(value, out);
            }
            out.push(b'}');
        }
    }
}

fn write_scalar(value: &Scalar, out: &mut Vec<u8>) {
    match value {
        Scalar::Null => out.extend_from_slice(b"null"),
        Scalar::Bool(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
        Scalar::Int(number) => write_integer(*number, out),
        Scalar::Float(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Scalar::String(text) => quote(text, out),
    }
}

fn write_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends UTF-8 as it stands within the quotes of a JSON string.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(string_end(rest, 0));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else {
            return;
        };
        rest = after;
        let short = match byte {
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => {
                let digits = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(digits[usize::from(byte >> 4)]);
                out.push(digits[usize::from(byte & 15)]);
                continue;
            }
            byte => byte,
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Set {
        Set::from_fields_v1(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
    }

    #[track_caller]
    fn round_trips(text: &str) {
        let set = parsed(text);
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
    fn what_needs_escapes_is_written_and_read_with_them() {
        round_trips(r#"{"f:a\"b\\c\n\u0001":{}}"#);
        round_trips(r#"{"f:x":{"k:{\"name\":\"a\\\"b\"}":{}},"f:ü":{"v:\"\\\\\"":{}}}"#);
        round_trips(r#"{"i:-3":{},"i:12":{}}"#);
    }

    #[test]
    fn numbers_in_keys_are_ordered_as_numbers() {
        round_trips(r#"{"k:{\"port\":9}":{},"k:{\"port\":80}":{}}"#);
    }

    #[test]
    fn a_field_that_is_only_a_way_is_no_member() {
        let set = parsed(r#"{"f:a":{"f:b":{}}}"#);
        assert!(!set.has(&PathElement::Field("a".into())));
    }
}
