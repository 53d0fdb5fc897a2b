//! Tables in the binary: what the generated code is written in.
//!
//! Everything here is `const`, so that a table costs nothing at start-up.

use std::borrow::Cow;

use super::{
    Field, FieldType, Flags, Inlined, Kind, ListType, MapType, PatchStrategy, ProtoField, Ref,
    Shape, Type, Union,
};

/// A name in the binary.
pub type Word = Cow<'static, str>;

/// What there is to say of a type; see [`Type`] for the meaning of each part.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the same parts as those of `Type`")]
pub struct Table {
    pub name: &'static str,
    pub message: &'static str,
    pub shape: Shape,
    pub fields: &'static [Field],
    pub by_name: &'static [u16],
    pub protobuf: &'static [ProtoField],
    pub map_type: MapType,
    pub kinds: &'static [Kind],
    pub inlined: &'static [Inlined],
    pub unions: &'static [Union],
    pub published: bool,
}

impl Table {
    /// A published struct without anything.
    pub const EMPTY: Self = Self {
        name: "",
        message: "",
        shape: Shape::Struct,
        fields: &[],
        by_name: &[],
        protobuf: &[],
        map_type: MapType::Unspecified,
        kinds: &[],
        inlined: &[],
        unions: &[],
        published: true,
    };
}

/// The type of which this is said.
pub const fn table(facts: Table) -> Type {
    Type {
        name: Cow::Borrowed(facts.name),
        message: Cow::Borrowed(facts.message),
        shape: facts.shape,
        fields: Cow::Borrowed(facts.fields),
        by_name: Cow::Borrowed(facts.by_name),
        protobuf: Cow::Borrowed(facts.protobuf),
        map_type: facts.map_type,
        kinds: Cow::Borrowed(facts.kinds),
        inlined: Cow::Borrowed(facts.inlined),
        unions: Cow::Borrowed(facts.unions),
        published: facts.published,
    }
}

/// What there is to say of a field besides its name and type; see [`Field`].
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the same parts as those of `Field`")]
pub struct Facts {
    pub flags: Flags,
    pub default: &'static str,
    pub enumeration: &'static [Word],
    pub list_type: ListType,
    pub list_keys: &'static [Word],
    pub map_type: MapType,
    pub patch: PatchStrategy,
    pub merge_key: &'static str,
    pub gates: &'static [Word],
}

impl Facts {
    /// Nothing to say.
    pub const NONE: Self = Self {
        flags: Flags::empty(),
        default: "",
        enumeration: &[],
        list_type: ListType::Unspecified,
        list_keys: &[],
        map_type: MapType::Unspecified,
        patch: PatchStrategy::None,
        merge_key: "",
        gates: &[],
    };
}

/// A field of which there is more to say than flags.
pub const fn detailed(name: &'static str, ty: FieldType, facts: Facts) -> Field {
    Field {
        name: Cow::Borrowed(name),
        ty,
        flags: facts.flags,
        default: Cow::Borrowed(facts.default),
        enumeration: Cow::Borrowed(facts.enumeration),
        list_type: facts.list_type,
        list_keys: Cow::Borrowed(facts.list_keys),
        map_type: facts.map_type,
        patch: facts.patch,
        merge_key: Cow::Borrowed(facts.merge_key),
        gates: Cow::Borrowed(facts.gates),
    }
}

/// A field of which only flags are to be said.
pub const fn field(name: &'static str, ty: FieldType, flags: Flags) -> Field {
    detailed(
        name,
        ty,
        Facts {
            flags,
            ..Facts::NONE
        },
    )
}

/// An object of a type in the binary.
pub const fn object(ty: &'static Type) -> FieldType {
    FieldType::Object(Ref::Static(ty))
}

/// A list of what `element` says.
pub const fn list(element: &'static FieldType) -> FieldType {
    FieldType::List(Ref::Static(element))
}

/// A map to what `element` says.
pub const fn map(element: &'static FieldType) -> FieldType {
    FieldType::Map(Ref::Static(element))
}

/// A protobuf field; `name` is empty where it is the JSON name.
pub const fn proto(number: u32, field: u16, name: &'static str) -> ProtoField {
    ProtoField::Field {
        number,
        field,
        name: Cow::Borrowed(name),
    }
}

/// The nested message of an inlined struct.
pub const fn inline(number: u32, fields: &'static [ProtoField]) -> ProtoField {
    ProtoField::Inline {
        number,
        fields: Cow::Borrowed(fields),
    }
}

/// A kind of its own.
pub const fn kind(group: &'static str, version: &'static str, kind: &'static str) -> Kind {
    Kind {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed(version),
        kind: Cow::Borrowed(kind),
    }
}

/// A struct inlined at `first`.
pub const fn inlined(name: &'static str, first: u16, count: u16) -> Inlined {
    Inlined {
        name: Cow::Borrowed(name),
        first,
        count,
    }
}

/// A union; `discriminator` is empty if there is none.
pub const fn union(discriminator: &'static str, members: &'static [(Word, Word)]) -> Union {
    Union {
        discriminator: Cow::Borrowed(discriminator),
        members: Cow::Borrowed(members),
    }
}

/// Elements of lists and maps that are no objects.
pub mod elements {
    use super::FieldType;

    /// Strings.
    pub static STRING: FieldType = FieldType::String;
    /// Booleans.
    pub static BOOL: FieldType = FieldType::Bool;
    /// 32-bit integers.
    pub static INT32: FieldType = FieldType::Int32;
    /// 64-bit integers.
    pub static INT64: FieldType = FieldType::Int64;
    /// Bytes.
    pub static BYTES: FieldType = FieldType::Bytes;
    /// Any JSON value.
    pub static ANY: FieldType = FieldType::Any;
}
