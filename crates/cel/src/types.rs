//! Types, and what is known of objects.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pintle_runtime::schema::{self, FieldType, Shape, TypeRef};

use crate::ast::Name;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Only known when it is evaluated.
    Dyn,
    /// The same by another name: that of what JSON may hold.
    Any,
    /// That of something that is wrong, which has been reported.
    Error,
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// 64-bit integers.
    Int,
    /// 64-bit integers without sign.
    Uint,
    /// Floating point numbers.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// Spans of time.
    Duration,
    /// Points in time.
    Timestamp,
    /// A type as a value.
    Type(Arc<Type>),
    /// Lists of something.
    List(Arc<Type>),
    /// Maps from something to something.
    Map(Arc<(Type, Type)>),
    /// Something that may be absent.
    Optional(Arc<Type>),
    /// A value of a library, such as a URL.
    Opaque(&'static str),
    /// An object with fields.
    Object(Name),
    /// To be found out.
    Param(Param),
}

/// The name of a type that is to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// In the declaration of a function.
    Declared(char),
    /// In an expression.
    Free(u32),
}

impl Type {
    /// Lists of `item`.
    pub fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    /// Maps from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new((key, value)))
    }

    /// `inner`, or nothing.
    pub fn optional(inner: Self) -> Self {
        Self::Optional(Arc::new(inner))
    }

    /// Objects of the name.
    pub fn object(name: &str) -> Self {
        Self::Object(name.into())
    }

    /// As Kubernetes names it where an expression is of another type than it should be.
    pub fn declared_name(&self) -> String {
        match self {
            Self::Null => "null_type".to_owned(),
            Self::Any => "google.protobuf.Any".to_owned(),
            Self::Duration => "google.protobuf.Duration".to_owned(),
            Self::Timestamp => "google.protobuf.Timestamp".to_owned(),
            Self::List(item) => format!("list({})", item.declared_name()),
            Self::Map(entry) => {
                let (key, value) = (entry.0.declared_name(), entry.1.declared_name());
                format!("map({key}, {value})")
            }
            Self::Optional(inner) => format!("optional_type({})", inner.declared_name()),
            Self::Type(inner) => format!("type({})", inner.declared_name()),
            other => other.to_string(),
        }
    }

    pub(crate) const fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Any)
    }

    pub(crate) const fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Any | Self::Error)
    }

    pub(crate) fn unwrap_optional(&self) -> (&Self, bool) {
        match self {
            Self::Optional(inner) => (inner, true),
            plain => (plain, false),
        }
    }

    /// The type of a field of the built-in table, as expressions see records of it.
    fn of_field(field: &FieldType) -> Self {
        match field {
            FieldType::String => Self::String,
            FieldType::Bool => Self::Bool,
            FieldType::Int32 | FieldType::Int64 => Self::Int,
            FieldType::Float64 => Self::Double,
            FieldType::Bytes => Self::Bytes,
            FieldType::Any => Self::Dyn,
            FieldType::List(item) => Self::list(Self::of_field(item)),
            FieldType::Map(value) => Self::map(Self::String, Self::of_field(value)),
            FieldType::Object(table) => match table.shape {
                Shape::Struct => Self::object(&table.name),
                Shape::Time | Shape::MicroTime => Self::Timestamp,
                Shape::Duration => Self::Duration,
                Shape::Quantity => Self::String,
                Shape::StringList => Self::list(Self::String),
                _ => Self::Dyn,
            },
        }
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared(name) => write!(f, "{name}"),
            Self::Free(number) => write!(f, "_var{number}"),
        }
    }
}

/// As messages name it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn => "dyn",
            Self::Any => "any",
            Self::Error => "!error!",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::Type(inner) => return write!(f, "type({inner})"),
            Self::List(item) => return write!(f, "list({item})"),
            Self::Map(entry) => return write!(f, "map({}, {})", entry.0, entry.1),
            Self::Optional(inner) => return write!(f, "optional_type({inner})"),
            Self::Opaque(name) => name,
            Self::Object(name) => name,
            Self::Param(param) => return write!(f, "{param}"),
        })
    }
}

/// A type that objects have: its fields, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectType {
    /// The fields and their types.
    pub fields: BTreeMap<Name, Type>,
}

impl ObjectType {
    /// A type of these fields.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, Type)>) -> Self {
        let fields = fields.into_iter().map(|(name, ty)| (name.into(), ty));
        Self {
            fields: fields.collect(),
        }
    }
}

/// What is known of objects: which types there are, and which fields they have.
pub trait ObjectTypes: Send + Sync {
    /// Whether there is a type of the name.
    fn has_type(&self, name: &str) -> bool;

    /// The type of a field.
    fn field(&self, object: &str, field: &str) -> Option<Type>;
}

/// Types that are known beforehand, by name.
#[derive(Debug, Clone, Default)]
pub struct Declared(BTreeMap<Name, ObjectType>);

impl Declared {
    /// No type at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one type more.
    #[must_use]
    pub fn with(mut self, name: &str, object: ObjectType) -> Self {
        self.0.insert(name.into(), object);
        self
    }

    /// With the type of a table, and those of everything in it.
    #[must_use]
    pub fn with_table(mut self, table: &TypeRef) -> Self {
        self.add_table(table);
        self
    }

    fn add_table(&mut self, table: &schema::Type) {
        if self.0.contains_key(&*table.name) {
            return;
        }
        let fields = table.fields.iter();
        let object =
            ObjectType::new(fields.map(|field| (field.name.as_ref(), Type::of_field(&field.ty))));
        self.0.insert(table.name.as_ref().into(), object);
        for field in table.fields.iter() {
            self.add_field(&field.ty);
        }
    }

    fn add_field(&mut self, field: &FieldType) {
        match field {
            FieldType::Object(table) if table.shape == Shape::Struct => self.add_table(table),
            FieldType::List(item) | FieldType::Map(item) => self.add_field(item),
            _ => {}
        }
    }
}

impl ObjectTypes for Declared {
    fn has_type(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn field(&self, object: &str, field: &str) -> Option<Type> {
        self.0.get(object)?.fields.get(field).cloned()
    }
}
