//! The types that decode themselves.

use super::decode::Decoder;
use super::lexer::{Lexed, Stop};
use super::path::Path;
use crate::codec::DecodeError;
use crate::schema::{FieldType, Shape, TypeRef};
use crate::text::Text;
use crate::time::Time;
use crate::value::{Record, Value};

impl Decoder<'_, '_> {
    /// A value of the type `ty`, which is no plain struct. It is not `null`.
    pub(super) fn special(&mut self, ty: &TypeRef, slot: &mut Value, path: &Path<'_>) -> Lexed {
        match ty.shape {
            Shape::Time => {
                let text = self.own_string(path)?;
                *slot = Value::Time(Time::parse(&text).map_err(refuse)?.truncate_to_seconds());
            }
            Shape::MicroTime => {
                let text = self.own_string(path)?;
                *slot = Value::Time(Time::parse_micro(&text).map_err(refuse)?.truncate_to_micros());
            }
            Shape::Duration => {
                let text = self.own_string(path)?;
                *slot = Value::Int(super::duration::parse(&text).map_err(refuse)?);
            }
            Shape::Quantity => *slot = Value::String(self.quantity()?),
            Shape::IntOrString => return self.int_or_string(slot, path),
            Shape::FieldsV1 | Shape::RawExtension | Shape::Json => {
                let start = self.lexer.position();
                self.lexer.skip()?;
                *slot = Value::Raw(self.lexer.slice_from(start));
            }
            Shape::SchemaOrArray | Shape::SchemaOrBool | Shape::SchemaOrStringArray => {
                let path = path.opaque();
                return self.within(|decoder| decoder.schema_or(ty, slot, &path));
            }
            Shape::Struct | Shape::StringList | Shape::Patch | Shape::Unknown => self.lexer.skip()?,
        }
        Ok(())
    }

    /// The string that a type decoding itself asks for.
    fn own_string(&mut self, path: &Path<'_>) -> Lexed<Text> {
        if self.lexer.peek()? == b'"' {
            let span = self.lexer.string()?;
            return Ok(self.lexer.text(span));
        }
        self.within(|decoder| decoder.mismatch(path, "string")).map(|()| Text::default())
    }

    /// A quantity in canonical form. Go looks at the text of the literal, whatever it is.
    fn quantity(&mut self) -> Lexed<Text> {
        let start = self.lexer.position();
        let span = match self.lexer.peek()? {
            b'"' => Some(self.lexer.string()?),
            _ => {
                self.lexer.skip()?;
                None
            }
        };
        let raw = match span {
            Some(span) => self.lexer.bytes(span),
            None => &self.lexer.data()[start..self.lexer.position()],
        };
        let given = super::text::lossy(raw);
        let canonical = canonical_quantity(given.trim()).map_err(refuse)?;
        Ok(match span {
            Some(span) if self.lexer.plain(span) == Some(&canonical) => self.lexer.text(span),
            _ => Text::from(canonical),
        })
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
    fn schema_or(&mut self, ty: &TypeRef, slot: &mut Value, path: &Path<'_>) -> Lexed {
        // What stands for a schema stands within schemas.
        let Some(schema) = path.owner() else { return self.lexer.skip() };
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

/// What `null` is within a list or a map of these.
pub(super) fn zero(ty: &TypeRef) -> Value {
    match ty.shape {
        Shape::Struct => Value::Record(Record::new(ty.clone())),
        Shape::Time | Shape::MicroTime => Value::Time(Time::ZERO),
        Shape::Duration | Shape::IntOrString => Value::Int(0),
        Shape::Quantity => Value::String(Text::from_static("0")),
        Shape::SchemaOrBool => Value::Bool(false),
        Shape::SchemaOrArray | Shape::SchemaOrStringArray => Value::List(Vec::new()),
        Shape::FieldsV1 | Shape::RawExtension | Shape::Json | Shape::StringList | Shape::Patch | Shape::Unknown => {
            Value::Null
        }
    }
}

// Until `crate::quantity` is there.
fn canonical_quantity(text: &str) -> Result<String, &'static str> {
    if text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) { Ok(text.to_owned()) } else {
        Err("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    }
}
