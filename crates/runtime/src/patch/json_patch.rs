//! JSON patch.

use bytes::Bytes;

use crate::codec::json;
use crate::value::{Map, Value};

use super::PatchError;
use super::lazy::{plain, text, unfold};
use super::pointer::{Pointer, find, index};

/// A patch may not have more operations.
pub const MAX_OPERATIONS: usize = 10_000;

/// A parsed JSON patch.
#[derive(Debug, Clone)]
pub struct JsonPatch(Vec<Operation>);

#[derive(Debug, Clone)]
enum Operation {
    Add(Pointer, Value),
    Remove(Pointer),
    Replace(Pointer, Value),
    Move {
        from: Pointer,
        to: Pointer,
    },
    Copy {
        from: Pointer,
        to: Pointer,
    },
    Test(Pointer, Value),
    /// What cannot be carried out; it fails when its turn comes.
    Wrong(String),
}

impl JsonPatch {
    /// Reads a patch.
    ///
    /// # Errors
    /// [`PatchError::Malformed`] if it is no array of objects, [`PatchError::TooLarge`] if it has more than
    /// [`MAX_OPERATIONS`].
    pub fn parse(patch: &Bytes) -> Result<Self, PatchError> {
        let malformed = |error: crate::codec::DecodeError| PatchError::Malformed(error.to_string());
        let operations = match json::open(patch).map_err(malformed)? {
            Value::List(operations) => operations,
            // As Go reads it: no patch, and no fault.
            Value::Null => Vec::new(),
            other => {
                let kind = go_kind(&other);
                return Err(PatchError::Malformed(format!(
                    "json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch"
                )));
            }
        };
        let count = operations.len();
        let operations = operations
            .into_iter()
            .map(|mut operation| match unfold(&mut operation) {
                Value::Map(operation) => Ok(Operation::parse(operation)),
                Value::Null => Ok(Operation::Wrong("Unexpected kind: unknown".to_owned())),
                other => Err(PatchError::Malformed(format!(
                    "json: cannot unmarshal {} into Go value of type jsonpatch.Operation",
                    go_kind(other)
                ))),
            })
            .collect::<Result<_, _>>()?;
        if count > MAX_OPERATIONS {
            return Err(PatchError::TooLarge(format!(
                "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}"
            )));
        }
        Ok(Self(operations))
    }

    /// The JSON text `document` with the operations applied in order, all or nothing. `budget` bounds how many
    /// bytes `copy` may add. What no operation reaches stays the text that it is.
    ///
    /// # Errors
    /// [`PatchError::Inapplicable`] at the first operation that fails.
    pub fn apply(&self, document: &Bytes, mut budget: usize) -> Result<Bytes, PatchError> {
        let mut document = Value::Raw(document.clone());
        unfold(&mut document);
        for operation in &self.0 {
            operation.apply(&mut document, &mut budget)?;
        }
        Ok(text(&document))
    }
}

impl Operation {
    fn parse(operation: &Map) -> Self {
        let said = |key: &str| match operation.get(key).map(plain) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let pointer = |key: &str| said(key).and_then(|text| Pointer::parse(&text));
        let kind = said("op").unwrap_or_else(|| "unknown".into());
        let Some(path) = pointer("path") else {
            return Self::Wrong(format!("{kind} operation without a path"));
        };
        // What is not given is null.
        let value = operation.get("value").cloned().unwrap_or_default();
        match (kind.as_str(), pointer("from")) {
            ("add", _) => Self::Add(path, value),
            ("replace", _) => Self::Replace(path, value),
            ("test", _) => Self::Test(path, value),
            ("remove", _) => Self::Remove(path),
            ("move", Some(from)) => Self::Move { from, to: path },
            ("copy", Some(from)) => Self::Copy { from, to: path },
            _ => Self::Wrong(format!("Unexpected kind: {kind}")),
        }
    }

    fn apply(&self, document: &mut Value, budget: &mut usize) -> Result<(), PatchError> {
        match self {
            Self::Add(path, value) => add(document, path, value.clone()),
            Self::Remove(path) => remove(document, path).map(drop),
            Self::Replace(path, value) => replace(document, path, value.clone()),
            Self::Test(path, value) => {
                if plain(&read(document, path)?) == plain(value) {
                    Ok(())
                } else {
                    let why = missing("testing value", path).to_string();
                    Err(PatchError::Untested(why))
                }
            }
            Self::Move { from, to } => {
                let value = remove(document, from)?;
                add(document, to, value)
            }
            Self::Copy { from, to } => {
                let value = text(&read(document, from)?);
                *budget = budget.checked_sub(value.len()).ok_or_else(|| {
                    PatchError::Inapplicable(
                        "unable to copy, the accumulated size increase is too large".to_owned(),
                    )
                })?;
                add(document, to, Value::Raw(value))
            }
            Self::Wrong(why) => Err(PatchError::Inapplicable(why.clone())),
        }
    }
}

/// What is at `path`; a key that an object does not have holds null, as far as upstream sees.
fn read(document: &mut Value, path: &Pointer) -> Result<Value, PatchError> {
    let Some((last, parents)) = path.split_last() else {
        return Ok(document.clone());
    };
    match find(document, parents) {
        Some(Value::Map(map)) => Ok(map.get(last).cloned().unwrap_or_default()),
        Some(Value::List(items)) => index(last, items.len())
            .and_then(|at| items.get(at).cloned())
            .ok_or_else(|| missing("reading", path)),
        _ => Err(missing("reading", path)),
    }
}

fn add(document: &mut Value, path: &Pointer, value: Value) -> Result<(), PatchError> {
    let (last, parents) = path.split_last().ok_or_else(|| missing("add", path))?;
    match find(document, parents) {
        Some(Value::Map(map)) => {
            map.insert(last.to_owned(), value);
            Ok(())
        }
        Some(Value::List(items)) => {
            let at = match last {
                "-" => Some(items.len()),
                // Counting from the end, -1 is behind the last item.
                _ if last.starts_with('-') => index(last, items.len() + 1),
                _ => index(last, items.len()),
            };
            let at = at
                .filter(|&at| at <= items.len())
                .ok_or_else(|| missing("add", path))?;
            items.insert(at, value);
            Ok(())
        }
        _ => Err(missing("add", path)),
    }
}

/// Upstream replaces what an object does not have as well.
fn replace(document: &mut Value, path: &Pointer, mut value: Value) -> Result<(), PatchError> {
    let wrong = || missing("replace", path);
    let Some((last, parents)) = path.split_last() else {
        if matches!(unfold(&mut value), Value::Map(_) | Value::List(_)) {
            *document = value;
        }
        return Ok(());
    };
    match find(document, parents) {
        Some(Value::Map(map)) => {
            map.insert(last.to_owned(), value);
            Ok(())
        }
        Some(Value::List(items)) => {
            let at = index(last, items.len()).ok_or_else(wrong)?;
            *items.get_mut(at).ok_or_else(wrong)? = value;
            Ok(())
        }
        _ => Err(wrong()),
    }
}

fn remove(document: &mut Value, path: &Pointer) -> Result<Value, PatchError> {
    let wrong = || missing("remove", path);
    let (last, parents) = path.split_last().ok_or_else(wrong)?;
    match find(document, parents) {
        Some(Value::Map(map)) => map.remove(last).ok_or_else(wrong),
        Some(Value::List(items)) => {
            let at = index(last, items.len())
                .filter(|&at| at < items.len())
                .ok_or_else(wrong)?;
            Ok(items.remove(at))
        }
        _ => Err(wrong()),
    }
}

fn missing(operation: &str, path: &Pointer) -> PatchError {
    PatchError::Inapplicable(format!(
        "{operation} operation does not apply: doc is missing path: /{}",
        path.0.join("/")
    ))
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Raw(text) => match text.trim_ascii_start().first() {
            Some(b'"') => "string",
            Some(b'[') => "array",
            Some(b'{') => "object",
            Some(b't' | b'f') => "bool",
            _ => "number",
        },
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        _ => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn apply(document: &str, patch: &str) -> Result<Bytes, PatchError> {
        JsonPatch::parse(&bytes(patch))?.apply(&bytes(document), 1_000)
    }

    #[track_caller]
    fn check(document: &str, patch: &str, expected: &str) {
        assert_eq!(
            apply(document, patch),
            Ok(bytes(expected)),
            "{document} + {patch}"
        );
    }

    #[track_caller]
    fn refuses(document: &str, patch: &str) {
        assert!(
            matches!(
                apply(document, patch),
                Err(PatchError::Inapplicable(_) | PatchError::Untested(_))
            ),
            "{document} + {patch}"
        );
    }

    #[test]
    fn operations_change_what_they_name() {
        check(
            r#"{"a":1}"#,
            r#"[{"op":"add","path":"/b","value":2}]"#,
            r#"{"a":1,"b":2}"#,
        );
        check(
            r#"{"a":[1,3]}"#,
            r#"[{"op":"add","path":"/a/1","value":2}]"#,
            r#"{"a":[1,2,3]}"#,
        );
        check(
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/-","value":2}]"#,
            r#"{"a":[1,2]}"#,
        );
        check(
            r#"{"a":1,"b":2}"#,
            r#"[{"op":"remove","path":"/a"}]"#,
            r#"{"b":2}"#,
        );
        check(
            r#"{"a/b":1}"#,
            r#"[{"op":"replace","path":"/a~1b","value":null}]"#,
            r#"{"a/b":null}"#,
        );
        check(
            r#"{"a":{"b":1},"c":{}}"#,
            r#"[{"op":"move","from":"/a/b","path":"/c/d"}]"#,
            r#"{"a":{},"c":{"d":1}}"#,
        );
        check(
            r#"{"a":1}"#,
            r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"test","path":"/b","value":1}]"#,
            r#"{"a":1,"b":1}"#,
        );
    }

    #[test]
    fn upstreams_leniency_is_kept() {
        check(
            "{}",
            r#"[{"op":"replace","path":"/a","value":1}]"#,
            r#"{"a":1}"#,
        );
        check("{}", r#"[{"op":"add","path":"/a"}]"#, r#"{"a":null}"#);
        check(
            "{}",
            r#"[{"op":"copy","from":"/b","path":"/a"}]"#,
            r#"{"a":null}"#,
        );
        check("{}", r#"[{"op":"test","path":"/a","value":null}]"#, "{}");
        check(r#"{"a":1}"#, r#"[{"op":"remove","path":"x/a"}]"#, "{}");
        check(
            r#"{"a":1}"#,
            r#"[{"op":"replace","path":"","value":{"b":2}}]"#,
            r#"{"b":2}"#,
        );
        check(r#"{"a":1}"#, "null", r#"{"a":1}"#);
    }

    #[test]
    fn what_is_not_touched_keeps_its_order_and_spelling() {
        check(
            r#"{"z":{"b":1.0,"a":2},"y":[{"d":1,"c":2}]}"#,
            r#"[{"op":"test","path":"/z","value":{"a":2,"b":1.0}},{"op":"add","path":"/y/0/b","value": 1.50}]"#,
            r#"{"y":[{"b":1.50,"c":2,"d":1}],"z":{"b":1.0,"a":2}}"#,
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        refuses(r#"{"a":1}"#, r#"[{"op":"test","path":"/a","value":2}]"#);
        refuses(r#"{"a":1}"#, r#"[{"op":"remove","path":"/b"}]"#);
        refuses(r#"{"a":[]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#);
        refuses(r#"{"a":1}"#, r#"[{"op":"twist","path":"/a"}]"#);
        refuses(
            r#"{"a":{"b":1}}"#,
            r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
        );
    }

    #[test]
    fn copies_cannot_grow_without_bound() {
        let copies = r#"{"op":"copy","from":"/a","path":"/a/b"},"#.repeat(20);
        refuses(
            r#"{"a":{"x":"yyyyyyyyyyyyyyyyyyyy"}}"#,
            &format!("[{}]", copies.trim_end_matches(',')),
        );
    }

    #[test]
    fn a_patch_is_an_array() {
        let error = JsonPatch::parse(&bytes("{}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        );
    }
}
