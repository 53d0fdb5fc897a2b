//! The types that decode themselves.

use std::borrow::Cow;

use bytes::Bytes;

use super::decode::Decoder;
use super::lexer::{Lexed, Stop};
use super::path::Path;
use crate::codec::DecodeError;
use crate::quantity::Quantity;
use crate::schema::{FieldType, Shape, TypeRef};
use crate::text::Text;
use crate::time::Time;
use crate::value::{Record, Value};

impl Decoder<'_, '_> {
    /// A value of the type `ty`, which is a scalar of its own kind. It is not `null`.
    pub(super) fn special(&mut self, ty: &TypeRef, slot: &mut Value, path: &Path<'_>) -> Lexed {
        match ty.shape {
            Shape::Time => {
                let text = self.own_string(path)?;
                let time = Time::parse(&text).map_err(refuse)?;
                *slot = Value::Time(writable(time.truncate_to_seconds()).map_err(refuse)?);
            }
            Shape::MicroTime => {
                let text = self.own_string(path)?;
                let time = Time::parse_micro(&text).map_err(refuse)?;
                *slot = Value::Time(writable(time.truncate_to_micros()).map_err(refuse)?);
            }
            Shape::Duration => {
                let text = self.own_string(path)?;
                *slot = Value::Int(crate::duration::parse(&text).map_err(refuse)?);
            }
            Shape::Quantity => *slot = Value::String(self.quantity()?),
            Shape::IntOrString => return self.int_or_string(slot, path),
            Shape::FieldsV1 | Shape::RawExtension | Shape::Json => {
                let start = self.lexer.position();
                self.lexer.skip()?;
                *slot = Value::Raw(self.lexer.slice_from(start));
            }
            // Read elsewhere, or never.
            Shape::Struct
            | Shape::StringList
            | Shape::SchemaOrArray
            | Shape::SchemaOrBool
            | Shape::SchemaOrStringArray
            | Shape::Patch
            | Shape::Unknown => self.lexer.skip()?,
        }
        Ok(())
    }

    /// The string that a type decoding itself asks for.
    fn own_string(&mut self, path: &Path<'_>) -> Lexed<Text> {
        if self.lexer.peek()? == b'"' {
            let span = self.lexer.string()?;
            return Ok(self.lexer.text(span));
        }
        self.within(|decoder| decoder.mismatch(path, "string"))
            .map(|()| Text::default())
    }

    /// A quantity in canonical form. Go looks at the text of the literal, whatever it is.
    fn quantity(&mut self) -> Lexed<Text> {
        if self.lexer.peek()? == b'"' {
            let span = self.lexer.string()?;
            if let Some(plain) = self.lexer.plain(span)
                && plain.trim().len() == plain.len()
            {
                return canonical_quantity(self.lexer.text(span)).map_err(refuse);
            }
            let given = super::text::lossy(self.lexer.bytes(span)).trim().to_owned();
            return canonical_quantity(Text::from(given)).map_err(refuse);
        }
        let start = self.lexer.position();
        self.lexer.skip()?;
        let given = super::text::lossy(&self.lexer.slice_from(start)).into_owned();
        canonical_quantity(Text::from(given)).map_err(refuse)
    }

    fn int_or_string(&mut self, slot: &mut Value, path: &Path<'_>) -> Lexed {
        match self.lexer.peek()? {
            b'"' => {
                let span = self.lexer.string()?;
                *slot = Value::String(self.lexer.text(span));
                Ok(())
            }
            b'-' | b'0'..=b'9' => self.within(|decoder| decoder.int32(slot, path)),
            _ => self.within(|decoder| decoder.mismatch(path, "int32")),
        }
    }

    /// A schema, or what may stand in its place. Go takes any other value for nothing, which is
    /// kept as an empty list: it is written as `null`.
    pub(super) fn schema_or(&mut self, ty: &TypeRef, slot: &mut Value, path: &Path<'_>) -> Lexed {
        // What stands for a schema stands within schemas.
        let Some(schema) = path.owner() else {
            return self.lexer.skip();
        };
        match (ty.shape, self.lexer.peek()?) {
            (_, b'{') => {
                let mut record = Record::new(schema.clone());
                self.record(&mut record, path)?;
                *slot = Value::Record(record);
                Ok(())
            }
            (Shape::SchemaOrBool, b't') => {
                *slot = Value::Bool(true);
                self.lexer.word(b"true")
            }
            (Shape::SchemaOrBool, b'f') => {
                *slot = Value::Bool(false);
                self.lexer.word(b"false")
            }
            (Shape::SchemaOrBool, _) => {
                self.lexer.skip()?;
                Err(refuse("boolean or JSON schema expected"))
            }
            (shape, b'[') => {
                let element = match shape {
                    Shape::SchemaOrArray => FieldType::Object(schema.clone()),
                    _ => FieldType::String,
                };
                *slot = Value::Null;
                self.list(&element, slot, path)
            }
            _ => {
                *slot = Value::List(Vec::new());
                self.lexer.skip()
            }
        }
    }
}

fn refuse(error: impl ToString) -> Stop {
    Stop::Refused(Box::new(DecodeError::Mismatch(error.to_string())))
}

/// The zero value of an element, which is what `null` among others means.
pub(crate) fn zero(ty: &FieldType) -> Value {
    match ty {
        FieldType::String => Value::String(Text::default()),
        FieldType::Bool => Value::Bool(false),
        FieldType::Int32 | FieldType::Int64 => Value::Int(0),
        FieldType::Float64 => Value::Float(0.0),
        FieldType::Bytes | FieldType::Any | FieldType::List(_) | FieldType::Map(_) => Value::Null,
        FieldType::Object(ty) => match ty.shape {
            Shape::Struct => Value::Record(Record::new(ty.clone())),
            Shape::Time | Shape::MicroTime => Value::Time(Time::ZERO),
            Shape::Duration | Shape::IntOrString => Value::Int(0),
            Shape::Quantity => Value::String(Text::from_static("0")),
            Shape::SchemaOrBool => Value::Bool(false),
            Shape::SchemaOrArray | Shape::SchemaOrStringArray => Value::List(Vec::new()),
            Shape::FieldsV1 | Shape::RawExtension | Shape::Json => Value::Raw(Bytes::new()),
            Shape::StringList | Shape::Patch | Shape::Unknown => Value::Null,
        },
    }
}

/// A quantity in canonical form, which most often is the form it has already.
///
/// # Errors
/// Go's, such as `quantities must match the regular expression …`.
pub(crate) fn canonical_quantity(text: Text) -> Result<Text, String> {
    match Quantity::canonicalize(&text) {
        Ok(Cow::Owned(canonical)) => Ok(Text::from(canonical)),
        Ok(Cow::Borrowed(kept)) if kept.len() == text.len() => Ok(text),
        Ok(Cow::Borrowed(trimmed)) => Ok(Text::from(trimmed.to_owned())),
        Err(error) => Err(error.to_string()),
    }
}

/// The time, unless its year has not four digits in UTC: nobody could read it again. kube-apiserver
/// writes such years all the same.
///
/// # Errors
/// That of Go's `time.Time` in this place.
pub(crate) fn writable(time: Time) -> Result<Time, &'static str> {
    // From the start of year 0 to the end of year 9999.
    const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;
    if WRITABLE.contains(&time.seconds) {
        Ok(time)
    } else {
        Err("Time.MarshalJSON: year outside of range [0,9999]")
    }
}
