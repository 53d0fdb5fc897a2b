//! Values as expressions see them.
//!
//! Lists, maps and objects of the data that an expression reads are not copied: a [`Val`] points
//! at them. What an expression makes is shared, so a value is always cheap to clone.

mod data;
mod escape;
mod map;
mod relate;
mod to_data;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::value::Value;

pub use data::Dynamic;
pub use map::{Key, Map, OwnedMap};
pub use to_data::NoJson;

use crate::library::Opaque;
use crate::types::Type;

/// A value.
#[derive(Clone)]
pub enum Val<'a> {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer without sign.
    Uint(u64),
    /// A floating point number.
    Double(f64),
    /// Text.
    String(Text),
    /// Bytes.
    Bytes(Bytes),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// A point in time.
    Timestamp(Time),
    /// A list.
    List(List<'a>),
    /// A map, or an object without a type.
    Map(Map<'a>),
    /// An object with a type.
    Object(Object<'a>),
    /// A type.
    Type(Type),
    /// Something that may be absent.
    Optional(Option<Arc<Val<'a>>>),
    /// A value of a library.
    Opaque(Opaque<'a>),
}

/// Why an expression has no value. Shown in cel-go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// It went wrong, and what is said of it.
    #[error("{0}")]
    Failed(Text),
    /// It took too much work.
    #[error("operation cancelled: actual cost limit exceeded")]
    TooCostly,
}

impl EvalError {
    /// It went wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into().into())
    }

    pub(crate) const fn fixed(message: &'static str) -> Self {
        Self::Failed(Text::from_static(message))
    }

    /// The operands of an operator do not go together.
    pub(crate) const NO_OVERLOAD: Self = Self::fixed("no such overload");
}

/// A value, or why there is none.
pub type Outcome<'a> = Result<Val<'a>, EvalError>;

/// What a function does: it looks at its arguments to see which way it was called, and gives
/// `None` if it can not be called so.
pub type Function = for<'v, 'a> fn(&'v [Val<'a>]) -> Option<Outcome<'a>>;

/// A list: of the data, or made by an expression.
#[derive(Clone)]
pub enum List<'a> {
    /// Of the data.
    Data(&'a [Value]),
    /// Of data whose names may be [escaped](Val::escaped).
    Escaped(&'a [Value]),
    /// Made by an expression.
    Owned(Arc<Vec<Val<'a>>>),
}

impl<'a> List<'a> {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Data(items) | Self::Escaped(items) => items.len(),
            Self::Owned(items) => items.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Val<'a>> {
        match self {
            Self::Data(items) => items.get(index).map(Val::from),
            Self::Escaped(items) => items.get(index).map(Val::escaped),
            Self::Owned(items) => items.get(index).cloned(),
        }
    }

    /// The elements.
    pub fn iter(&self) -> impl Iterator<Item = Val<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// Something with fields, of a type that has a name.
pub trait Fields: Send + Sync {
    /// The name of the type.
    fn type_name(&self) -> &str;

    /// The value of a field; `None` if it is absent.
    ///
    /// # Errors
    /// Where the field has to be computed and can not be.
    fn field(&self, name: &str) -> Result<Option<Val<'_>>, EvalError>;

    /// The fields that are present.
    fn entries(&self) -> Vec<(Text, Val<'_>)> {
        Vec::new()
    }
}

/// An object with a type: lent, or made by an expression.
#[derive(Clone)]
pub enum Object<'a> {
    /// Lent.
    Lent(&'a dyn Fields),
    /// Made by an expression.
    Made(Arc<Made<'a>>),
    /// Of which every field was computed, which may have failed.
    Computed(Arc<Computed<'a>>),
}

/// An object of which every field was computed, which may have failed: only who asks for it is told.
pub struct Computed<'a> {
    /// The name of its type.
    pub type_name: Arc<str>,
    /// The fields.
    pub fields: Vec<(Text, Outcome<'a>)>,
}

/// An object that an expression made, or whoever evaluates it.
pub struct Made<'a> {
    /// The name of its type.
    pub type_name: Arc<str>,
    /// The fields that are present.
    pub fields: Vec<(Text, Val<'a>)>,
}

impl<'a> Object<'a> {
    /// The name of the type.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Lent(fields) => fields.type_name(),
            Self::Made(made) => &made.type_name,
            Self::Computed(computed) => &computed.type_name,
        }
    }

    /// The value of a field; `None` if it is absent.
    ///
    /// # Errors
    /// Where the field has to be computed and can not be.
    pub fn field(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        match self {
            Self::Lent(fields) => fields.field(name),
            Self::Made(made) => {
                let field = made.fields.iter().find(|(found, _)| found == name);
                Ok(field.map(|(_, value)| value.clone()))
            }
            Self::Computed(computed) => {
                let field = computed.fields.iter().find(|(found, _)| found == name);
                field.map(|(_, outcome)| outcome.clone()).transpose()
            }
        }
    }

    /// The fields that are present.
    pub fn entries(&self) -> Vec<(Text, Val<'a>)> {
        match self {
            Self::Lent(fields) => fields.entries(),
            Self::Made(made) => made.fields.clone(),
            Self::Computed(computed) => {
                let fields = computed.fields.iter();
                fields
                    .filter_map(|(name, outcome)| Some((name.clone(), outcome.clone().ok()?)))
                    .collect()
            }
        }
    }
}

impl<'a> Val<'a> {
    /// Text.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into().into())
    }

    /// A list of these.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::Owned(Arc::new(items)))
    }

    /// An object of these fields.
    pub fn object(type_name: &str, fields: Vec<(&'static str, Self)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (Text::from_static(name), value));
        Self::Object(Object::Made(Arc::new(Made {
            type_name: type_name.into(),
            fields: fields.collect(),
        })))
    }

    /// Something that is there.
    pub(crate) fn some(inner: Self) -> Self {
        Self::Optional(Some(Arc::new(inner)))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The name of its type, as errors tell it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Object(object) => object.type_name(),
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Opaque(opaque) => opaque.type_name(),
        }
    }

    /// Its type as a value.
    pub(crate) fn ty(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Duration(_) => Type::Duration,
            Self::Timestamp(_) => Type::Timestamp,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Object(object) => Type::object(object.type_name()),
            Self::Type(_) => Type::Type(Arc::new(Type::Dyn)),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Opaque(opaque) => Type::Opaque(opaque.type_name()),
        }
    }

    /// What reckoning of cost takes for its size: characters, bytes, elements, entries; else 1.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::String(text) => text.chars().count() as u64,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::List(list) => list.len() as u64,
            Self::Map(map) => map.len() as u64,
            Self::Optional(Some(inner)) => inner.size(),
            Self::Opaque(opaque) => opaque.size(),
            _ => 1,
        }
    }

    /// Whether it is the zero of its type.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(truth) => !truth,
            Self::Int(number) => *number == 0,
            Self::Uint(number) => *number == 0,
            Self::Double(number) => *number == 0.0,
            Self::String(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Duration(nanos) => *nanos == 0,
            Self::Timestamp(time) => time.is_zero(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            Self::Optional(inner) => inner.is_none(),
            Self::Object(object) => object.entries().is_empty(),
            Self::Type(_) | Self::Opaque(_) => false,
        }
    }
}

impl fmt::Debug for Val<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Uint(number) => write!(f, "{number}u"),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::String(text) => write!(f, "{:?}", text.as_str()),
            Self::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
            Self::Duration(nanos) => {
                let text = pintle_runtime::duration::format(*nanos);
                write!(f, "duration({text})")
            }
            Self::Timestamp(time) => write!(f, "timestamp({})", crate::library::time::show(*time)),
            Self::List(list) => f.debug_list().entries(list.iter()).finish(),
            Self::Map(map) => f.debug_map().entries(map.entries()).finish(),
            Self::Object(object) => {
                write!(f, "{}", object.type_name())?;
                f.debug_map().entries(object.entries()).finish()
            }
            Self::Type(ty) => write!(f, "{}", type_value_name(ty)),
            Self::Optional(Some(inner)) => write!(f, "optional({inner:?})"),
            Self::Optional(None) => f.write_str("optional.none()"),
            Self::Opaque(opaque) => write!(f, "{opaque:?}"),
        }
    }
}

/// The name of a type as a value.
pub(crate) fn type_value_name(ty: &Type) -> String {
    match ty {
        Type::Null => "null_type".to_owned(),
        Type::Duration => "google.protobuf.Duration".to_owned(),
        Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Type::List(_) => "list".to_owned(),
        Type::Map(_) => "map".to_owned(),
        Type::Optional(_) => "optional_type".to_owned(),
        Type::Type(_) => "type".to_owned(),
        other => other.to_string(),
    }
}
