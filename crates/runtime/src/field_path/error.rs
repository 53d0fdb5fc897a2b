//! One thing that is wrong with one field.

use std::fmt;

use super::Path;
use crate::codec::json;
use crate::quote::{Quoted, quoted_list};
use crate::text::Text;
use crate::value::{Record, Value};

/// What is wrong with a field. The reason of a cause in a Status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Something it refers to is not there.
    NotFound,
    /// It must be there.
    Required,
    /// Another has the same value.
    Duplicate,
    /// It is malformed or out of bounds.
    Invalid,
    /// It is none of the allowed values.
    NotSupported,
    /// It would be fine in other circumstances.
    Forbidden,
    /// It is too long.
    TooLong,
    /// It is too short.
    TooShort,
    /// There are too many items.
    TooMany,
    /// There are too few items.
    TooFew,
    /// The server failed, not the client.
    Internal,
    /// It has another type than its schema says.
    TypeInvalid,
}

impl ErrorKind {
    /// The reason on the wire, such as `FieldValueRequired`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooShort => "FieldValueTooShort",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    /// How a message begins, such as `Required value`.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooShort => "Too short",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::Internal => "Internal error",
        }
    }

    /// Whether a message of this kind shows the value.
    const fn shows_value(self) -> bool {
        match self {
            Self::Required | Self::Forbidden | Self::TooLong | Self::TooShort | Self::Internal => {
                false
            }
            Self::NotFound
            | Self::Duplicate
            | Self::Invalid
            | Self::NotSupported
            | Self::TooMany
            | Self::TooFew
            | Self::TypeInvalid => true,
        }
    }
}

/// The value that is wrong, as a message shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum BadValue {
    /// Not shown.
    Omitted,
    /// A string, shown in quotes as Go's `%q` does.
    String(String),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// Anything else: its JSON, as Go's `json.Marshal` writes it. Strings of a type of their own
    /// (`core.Protocol`) are this, which matters for characters that JSON escapes.
    Json(String),
}

impl BadValue {
    /// A list of strings: `["a","b"]`. Go's nil slice is `null`, see [`BadValue::null`].
    pub fn strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Self {
        let mut json = b"[".to_vec();
        for item in items {
            if json.len() > 1 {
                json.push(b',');
            }
            json::encode_str(item.as_ref(), &mut json);
        }
        json.push(b']');
        Self::Json(String::from_utf8_lossy(&json).into_owned())
    }

    /// A nil pointer or slice.
    pub fn null() -> Self {
        Self::Json("null".to_owned())
    }

    /// A string of a type of its own, shown as JSON.
    pub fn json_string(text: &str) -> Self {
        let mut json = Vec::with_capacity(text.len() + 2);
        json::encode_str(text, &mut json);
        Self::Json(String::from_utf8_lossy(&json).into_owned())
    }
}

impl From<&str> for BadValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for BadValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&Text> for BadValue {
    fn from(text: &Text) -> Self {
        Self::String(text.to_string())
    }
}

/// An object, with the names that it has in JSON. Upstream validates some kinds in an internal form
/// whose fields are named as in Go; what is wrong with such an object is given as
/// [`BadValue::Json`].
impl From<&Record> for BadValue {
    fn from(record: &Record) -> Self {
        let mut json = Vec::new();
        json::encode(record, &mut json);
        Self::Json(String::from_utf8_lossy(&json).into_owned())
    }
}

/// A list, map or other value with the names that it has in JSON.
impl From<&Value> for BadValue {
    fn from(value: &Value) -> Self {
        let mut json = Vec::new();
        json::encode_value(value, &mut json);
        Self::Json(String::from_utf8_lossy(&json).into_owned())
    }
}

impl From<i64> for BadValue {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for BadValue {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for BadValue {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for BadValue {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Omitted => Ok(()),
            Self::String(text) => Quoted(text).fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::Json(json) => f.write_str(json),
        }
    }
}

/// Something that is wrong with a field. Shown as `spec.x: Invalid value: 0: must be …`.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// What kind of fault.
    pub kind: ErrorKind,
    /// Where, as a [`Path`] is shown.
    pub field: String,
    /// The value that is wrong.
    pub value: BadValue,
    /// What would be right; may be empty.
    pub detail: String,
}

impl FieldError {
    fn new(
        kind: ErrorKind,
        field: &Path<'_>,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            field: field.to_string(),
            value: value.into(),
            detail: detail.into(),
        }
    }

    /// `field` refers to something that is not there.
    pub fn not_found(field: &Path<'_>, value: impl Into<BadValue>) -> Self {
        Self::new(ErrorKind::NotFound, field, value, "")
    }

    /// `field` must be there.
    pub fn required(field: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Required, field, BadValue::Omitted, detail)
    }

    /// Another has the value of `field`.
    pub fn duplicate(field: &Path<'_>, value: impl Into<BadValue>) -> Self {
        Self::new(ErrorKind::Duplicate, field, value, "")
    }

    /// `field` is malformed or out of bounds.
    pub fn invalid(
        field: &Path<'_>,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(ErrorKind::Invalid, field, value, detail)
    }

    /// `field` has another type than its schema says.
    pub fn type_invalid(
        field: &Path<'_>,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(ErrorKind::TypeInvalid, field, value, detail)
    }

    /// `field` is none of `supported`, which are shown in the order given.
    pub fn not_supported<S: AsRef<str>>(
        field: &Path<'_>,
        value: impl Into<BadValue>,
        supported: impl IntoIterator<Item = S>,
    ) -> Self {
        let list = quoted_list(supported);
        let detail = if list.is_empty() {
            list
        } else {
            format!("supported values: {list}")
        };
        Self::new(ErrorKind::NotSupported, field, value, detail)
    }

    /// `field` would be fine in other circumstances.
    pub fn forbidden(field: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, field, BadValue::Omitted, detail)
    }

    /// `field` has more than `limit` bytes.
    pub fn too_long(field: &Path<'_>, limit: usize) -> Self {
        let unit = if limit == 1 { "byte" } else { "bytes" };
        Self::new(
            ErrorKind::TooLong,
            field,
            BadValue::Omitted,
            format!("may not be more than {limit} {unit}"),
        )
    }

    /// `field` has more than `limit` characters.
    pub fn too_long_characters(field: &Path<'_>, limit: usize) -> Self {
        let unit = if limit == 1 {
            "character"
        } else {
            "characters"
        };
        Self::new(
            ErrorKind::TooLong,
            field,
            BadValue::Omitted,
            format!("may not be more than {limit} {unit}"),
        )
    }

    /// `field` has fewer than `limit` characters.
    pub fn too_short(field: &Path<'_>, limit: usize) -> Self {
        let unit = if limit == 1 {
            "character"
        } else {
            "characters"
        };
        Self::new(
            ErrorKind::TooShort,
            field,
            BadValue::Omitted,
            format!("must be at least {limit} {unit}"),
        )
    }

    /// `field` has `actual` items and may have `limit`.
    pub fn too_many(field: &Path<'_>, actual: usize, limit: usize) -> Self {
        let unit = if limit == 1 { "item" } else { "items" };
        let detail = format!("must have at most {limit} {unit}");
        Self::new(ErrorKind::TooMany, field, actual as i64, detail)
    }

    /// `field` has `actual` items and must have `limit`.
    pub fn too_few(field: &Path<'_>, actual: usize, limit: usize) -> Self {
        let unit = if limit == 1 { "item" } else { "items" };
        let detail = format!("must have at least {limit} {unit}");
        Self::new(ErrorKind::TooFew, field, actual as i64, detail)
    }

    /// The server failed while it looked at `field`.
    pub fn internal(field: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, field, BadValue::Omitted, detail)
    }

    /// The message without the field: what a cause in a Status says.
    pub fn body(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            f.write_str(self.kind.phrase())?;
            if self.kind.shows_value() && self.value != BadValue::Omitted {
                write!(f, ": {}", self.value)?;
            }
            if self.detail.is_empty() {
                Ok(())
            } else {
                write!(f, ": {}", self.detail)
            }
        })
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

impl std::error::Error for FieldError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &FieldError, expected: &str) {
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn errors_read_as_upstreams() {
        let at = Path::new("f");
        check(&FieldError::required(&at, ""), "f: Required value");
        check(
            &FieldError::required(&at, "name or generateName is required"),
            "f: Required value: name or generateName is required",
        );
        check(
            &FieldError::invalid(&at, "a\"b", "no"),
            r#"f: Invalid value: "a\"b": no"#,
        );
        check(
            &FieldError::invalid(&at, 3, "no"),
            "f: Invalid value: 3: no",
        );
        check(
            &FieldError::invalid(&at, 0.5, "no"),
            "f: Invalid value: 0.5: no",
        );
        check(
            &FieldError::invalid(&at, true, ""),
            "f: Invalid value: true",
        );
        check(
            &FieldError::type_invalid(&at, BadValue::null(), "no"),
            "f: Invalid value: null: no",
        );
        check(
            &FieldError::invalid(&at, BadValue::strings(["a", "<"]), "no"),
            r#"f: Invalid value: ["a","\u003c"]: no"#,
        );
        check(
            &FieldError::not_supported(&at, "x", ["a", "b"]),
            r#"f: Unsupported value: "x": supported values: "a", "b""#,
        );
        check(
            &FieldError::not_supported(&at, "x", [""; 0]),
            r#"f: Unsupported value: "x""#,
        );
        check(
            &FieldError::forbidden(&at, "not now"),
            "f: Forbidden: not now",
        );
        check(
            &FieldError::duplicate(&at, "x"),
            r#"f: Duplicate value: "x""#,
        );
        check(&FieldError::not_found(&at, "x"), r#"f: Not found: "x""#);
        check(
            &FieldError::too_long(&at, 1),
            "f: Too long: may not be more than 1 byte",
        );
        check(
            &FieldError::too_long_characters(&at, 5),
            "f: Too long: may not be more than 5 characters",
        );
        check(
            &FieldError::too_short(&at, 2),
            "f: Too short: must be at least 2 characters",
        );
        check(
            &FieldError::too_many(&at, 3, 2),
            "f: Too many: 3: must have at most 2 items",
        );
        check(
            &FieldError::too_few(&at, 0, 1),
            "f: Too few: 0: must have at least 1 item",
        );
        check(
            &FieldError::internal(&at, "no entropy"),
            "f: Internal error: no entropy",
        );
    }
}
