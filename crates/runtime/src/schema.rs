//! What a type is made of: the table that every generic feature reads.
//!
//! Built-in types are `static` tables written by `cargo xtask codegen`; the structural schema of a
//! custom resource becomes the same tables at run time. [`Ref`] points at either, so codecs,
//! defaulting, patches and apply are written once.
//!
//! Inlined Go structs are flattened: `Volume` has the field `name` and then every field of
//! `VolumeSource`, as in JSON. Protobuf keeps them nested, which [`ProtoField::Inline`] records.

pub mod fixed;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

/// A pointer to a table: a `static` of a built-in type, or one made at run time.
///
/// Two references are equal when they point at the same table.
#[derive(Debug)]
pub enum Ref<T: 'static> {
    /// A table in the binary.
    Static(&'static T),
    /// A table made from a custom resource's schema.
    Shared(Arc<T>),
}

impl<T> Clone for Ref<T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Static(table) => Self::Static(table),
            Self::Shared(table) => Self::Shared(Arc::clone(table)),
        }
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Static(table) => table,
            Self::Shared(table) => table,
        }
    }
}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq::<T>(&**self, &**other)
    }
}

impl<T> Eq for Ref<T> {}

/// A type's table by reference.
pub type TypeRef = Ref<Type>;

/// One type: a plain struct, or one of the kinds with a form of their own.
#[derive(Debug)]
pub struct Type {
    /// OpenAPI definition name, such as `io.k8s.api.core.v1.PodSpec`.
    pub name: Cow<'static, str>,
    /// Full protobuf message name; empty if the type has no protobuf form.
    pub message: Cow<'static, str>,
    /// How a value of it is written.
    pub shape: Shape,
    /// The JSON fields in declaration order, inlined structs expanded in place.
    pub fields: Cow<'static, [Field]>,
    /// Positions in `fields`, ordered by field name, for lookups by name.
    pub by_name: Cow<'static, [u16]>,
    /// The protobuf message in ascending field number, inlined structs nested.
    pub protobuf: Cow<'static, [ProtoField]>,
    /// Whether apply owns the struct as a whole (`x-kubernetes-map-type: atomic`).
    pub map_type: MapType,
    /// The kinds under which this type is served, if it is a kind of its own.
    pub kinds: Cow<'static, [Kind]>,
    /// Every inlined struct, in order: `(definition name, position of its first field, count)`.
    pub inlined: Cow<'static, [Inlined]>,
    /// Unions of the type (`x-kubernetes-unions`).
    pub unions: Cow<'static, [Union]>,
    /// A definition of its own in the published OpenAPI documents.
    pub published: bool,
}

impl Type {
    /// The position of the field called `name`.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.by_name
            .binary_search_by(|&at| self.fields[at as usize].name.as_ref().cmp(name))
            .ok()
            .map(|found| self.by_name[found] as usize)
    }

    /// The field called `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.field_index(name).map(|index| &self.fields[index])
    }
}

/// The ways a type is written in JSON and protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An object with the table's fields.
    Struct,
    /// RFC 3339 in UTC, whole seconds; zero is `null`.
    Time,
    /// RFC 3339 in UTC with six fraction digits; zero is `null`.
    MicroTime,
    /// A Go duration string; an `int64` of nanoseconds in protobuf.
    Duration,
    /// A canonical quantity string.
    Quantity,
    /// A number or a string.
    IntOrString,
    /// Raw JSON: the field set of a managed fields entry.
    FieldsV1,
    /// Raw JSON of an embedded object.
    RawExtension,
    /// Raw JSON of any value.
    Json,
    /// An array of strings that is a message of its own, so that null and empty differ.
    StringList,
    /// A JSON schema, or an array of them.
    SchemaOrArray,
    /// A JSON schema, or a boolean.
    SchemaOrBool,
    /// A JSON schema, or an array of strings.
    SchemaOrStringArray,
    /// The body of a patch; only OpenAPI speaks of it.
    Patch,
    /// The protobuf envelope.
    Unknown,
}

/// A kind under which a type is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: Cow<'static, str>,
    /// Version, such as `v1`.
    pub version: Cow<'static, str>,
    /// Kind, such as `Pod`.
    pub kind: Cow<'static, str>,
}

/// A struct whose fields stand among another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inlined {
    /// The type that was inlined.
    pub name: Cow<'static, str>,
    /// Position of its first field in the outer type.
    pub first: u16,
    /// How many fields it brings.
    pub count: u16,
}

/// A discriminated union within a type (`x-kubernetes-unions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Union {
    /// The discriminating field, empty if there is none.
    pub discriminator: Cow<'static, str>,
    /// Member field and its discriminator value.
    pub members: Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]>,
}

/// One field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// JSON name.
    pub name: Cow<'static, str>,
    /// What it holds.
    pub ty: FieldType,
    /// When it is written and whether it must be there.
    pub flags: Flags,
    /// Explicit default as JSON text, empty if there is none.
    pub default: Cow<'static, str>,
    /// Allowed values; those of the elements for a list.
    pub enumeration: Cow<'static, [Cow<'static, str>]>,
    /// Ownership of a list by apply.
    pub list_type: ListType,
    /// Keys of a [`ListType::Map`].
    pub list_keys: Cow<'static, [Cow<'static, str>]>,
    /// Ownership of a map or struct by apply, set on the field.
    pub map_type: MapType,
    /// How strategic merge patch treats it.
    pub patch: PatchStrategy,
    /// Merge key of a list of objects under strategic merge patch, empty if there is none.
    pub merge_key: Cow<'static, str>,
    /// Feature gates named for the field.
    pub gates: Cow<'static, [Cow<'static, str>]>,
}

/// Facts of a [`Field`] that are on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u16);

impl Flags {
    /// Left out of JSON when empty (`omitempty`).
    pub const OMIT_EMPTY: Self = Self(1);
    /// Left out of JSON when zero, of whatever type (`omitzero`).
    pub const OMIT_ZERO: Self = Self(1 << 1);
    /// A pointer, so absent and zero are distinct.
    pub const POINTER: Self = Self(1 << 2);
    /// Required in OpenAPI.
    pub const REQUIRED: Self = Self(1 << 3);
    /// OpenAPI v3 shows the zero value as default.
    pub const DEFAULT_ZERO: Self = Self(1 << 4);
    /// OpenAPI v3 shows the zero value as default of the elements.
    pub const ELEMENT_DEFAULT_ZERO: Self = Self(1 << 5);
    /// Marked deprecated.
    pub const DEPRECATED: Self = Self(1 << 6);

    /// No fact at all.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every fact of `other` holds.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a field, a list element or a map value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// A string.
    String,
    /// A boolean.
    Bool,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A floating point number.
    Float64,
    /// Bytes, base64 in JSON.
    Bytes,
    /// Any JSON value.
    Any,
    /// A value of another type.
    Object(TypeRef),
    /// A list of these.
    List(Ref<FieldType>),
    /// A map from strings to these.
    Map(Ref<FieldType>),
}

/// Who owns what in a list under apply (`x-kubernetes-list-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListType {
    /// The whole list has one owner.
    #[default]
    Atomic,
    /// Every value has its owners.
    Set,
    /// Every item, found by its keys, has its owners.
    Map,
    /// Nothing was said; apply treats it as atomic, OpenAPI says nothing.
    Unspecified,
}

/// Who owns what in a map or struct under apply (`x-kubernetes-map-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapType {
    /// Nothing was said; apply treats it as granular.
    #[default]
    Unspecified,
    /// The whole map has one owner.
    Atomic,
    /// Every key has its owners.
    Granular,
}

/// The `patchStrategy` of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PatchStrategy {
    /// Nothing was said: maps and structs merge, lists are replaced.
    #[default]
    None,
    /// `merge`
    Merge,
    /// `replace`
    Replace,
    /// `retainKeys`
    RetainKeys,
    /// `merge,retainKeys`
    MergeRetainKeys,
}

/// One field of a protobuf message.
#[derive(Debug, Clone)]
pub enum ProtoField {
    /// A field of the record.
    Field {
        /// Field number.
        number: u32,
        /// Position in [`Type::fields`].
        field: u16,
        /// Name in the `.proto` file where it differs from the JSON name, else empty.
        name: Cow<'static, str>,
    },
    /// A nested message whose fields are the record's own: an inlined struct, always written.
    Inline {
        /// Field number.
        number: u32,
        /// The nested message's fields, ascending.
        fields: Cow<'static, [ProtoField]>,
    },
}

impl ProtoField {
    /// The field number.
    #[inline]
    pub const fn number(&self) -> u32 {
        match self {
            Self::Field { number, .. } | Self::Inline { number, .. } => *number,
        }
    }
}
