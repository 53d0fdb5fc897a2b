//! JSON patch.

use crate::value::{Map, Value};

use super::PatchError;
use super::pointer::{Pointer, find, find_mut, index};

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
    pub fn parse(patch: &Value) -> Result<Self, PatchError> {
        let Value::List(operations) = patch else {
            let kind = go_kind(patch);
            return Err(PatchError::Malformed(format!(
                "json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch"
            )));
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(PatchError::TooLarge(format!(
                "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
                operations.len()
            )));
        }
        let operations = operations
            .iter()
            .map(|operation| match operation {
                Value::Map(operation) => Ok(Operation::parse(operation)),
                other => Err(PatchError::Malformed(format!(
                    "json: cannot unmarshal {} into Go value of type jsonpatch.Operation",
                    go_kind(other)
                ))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self(operations))
    }

    /// Applies the operations in order, all or nothing. `budget` bounds how many values `copy` may add.
    ///
    /// # Errors
    /// [`PatchError::Inapplicable`] at the first operation that fails.
    pub fn apply(&self, mut document: Value, mut budget: usize) -> Result<Value, PatchError> {
        for operation in &self.0 {
            operation.apply(&mut document, &mut budget)?;
        }
        Ok(document)
    }
}

impl Operation {
    fn parse(operation: &Map) -> Self {
        let text = |key: &str| operation.get(key).and_then(Value::as_str);
        let pointer = |key: &str| text(key).and_then(Pointer::parse);
        let kind = text("op").unwrap_or_default();
        let Some(path) = pointer("path") else {
            return Self::Wrong(format!("{kind} operation without a path"));
        };
        let value = operation.get("value");
        match (kind, value, pointer("from")) {
            ("add", Some(value), _) => Self::Add(path, value.clone()),
            ("replace", Some(value), _) => Self::Replace(path, value.clone()),
            // A test without a value asks for null.
            ("test", value, _) => Self::Test(path, value.cloned().unwrap_or_default()),
            ("remove", _, _) => Self::Remove(path),
            ("move", _, Some(from)) => Self::Move { from, to: path },
            ("copy", _, Some(from)) => Self::Copy { from, to: path },
            _ => Self::Wrong(format!("Unexpected kind: {kind}")),
        }
    }

    fn apply(&self, document: &mut Value, budget: &mut usize) -> Result<(), PatchError> {
        match self {
            Self::Add(path, value) => add(document, path, value.clone()),
            Self::Remove(path) => remove(document, path).map(drop),
            Self::Replace(path, value) => {
                let found = find_mut(document, &path.0).ok_or_else(|| missing("replace", path))?;
                *found = value.clone();
                Ok(())
            }
            Self::Test(path, value) => {
                let found = find(document, &path.0).unwrap_or(&Value::Null);
                if found == value {
                    Ok(())
                } else {
                    Err(missing("testing value", path))
                }
            }
            Self::Move { from, to } => {
                if to.is_within(from) && to != from {
                    return Err(missing("move into itself", to));
                }
                let value = remove(document, from)?;
                add(document, to, value)
            }
            Self::Copy { from, to } => {
                let value = find(document, &from.0)
                    .ok_or_else(|| missing("copy", from))?
                    .clone();
                *budget = budget.checked_sub(size(&value)).ok_or_else(|| {
                    PatchError::Inapplicable(
                        "unable to copy, the accumulated size increase is too large".to_owned(),
                    )
                })?;
                add(document, to, value)
            }
            Self::Wrong(why) => Err(PatchError::Inapplicable(why.clone())),
        }
    }
}

fn add(document: &mut Value, path: &Pointer, value: Value) -> Result<(), PatchError> {
    let Some((last, parents)) = path.split_last() else {
        *document = value;
        return Ok(());
    };
    match find_mut(document, parents) {
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

fn remove(document: &mut Value, path: &Pointer) -> Result<Value, PatchError> {
    let wrong = || missing("remove", path);
    let (last, parents) = path.split_last().ok_or_else(wrong)?;
    match find_mut(document, parents) {
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

/// Roughly the bytes of a value in JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::List(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Map(map) => {
            2 + map
                .iter()
                .map(|(key, value)| key.len() + 4 + size(value))
                .sum::<usize>()
        }
        Value::Raw(raw) => raw.len(),
        _ => 8,
    }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        _ => "object",
    }
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

    fn apply(document: &str, patch: &str) -> Result<Value, PatchError> {
        JsonPatch::parse(&value(patch))?.apply(value(document), 1_000)
    }

    #[track_caller]
    fn check(document: &str, patch: &str, expected: &str) {
        assert_eq!(
            apply(document, patch).unwrap(),
            value(expected),
            "{document} + {patch}"
        );
    }

    #[track_caller]
    fn refuses(document: &str, patch: &str) {
        assert!(
            matches!(apply(document, patch), Err(PatchError::Inapplicable(_))),
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
        let error = JsonPatch::parse(&value("{}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        );
    }
}
