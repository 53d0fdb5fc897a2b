//! Types as OpenAPI schemas.
//!
//! Version 2 knows neither defaults nor alternatives, and upstream publishes none in it; version 3
//! has both, and wraps a reference that has siblings in `allOf`.

use std::collections::BTreeMap;

use pintle_runtime::schema::{
    Field, FieldType, Flags, Kind, ListType, MapType, PatchStrategy, Shape, Type, TypeRef, Union,
};

use super::descriptions::{self, Descriptions};
use super::json::Json;

/// The version of OpenAPI to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V2,
    V3,
}

impl Dialect {
    fn prefix(self) -> &'static str {
        match self {
            Self::V2 => "#/definitions/",
            Self::V3 => "#/components/schemas/",
        }
    }

    /// A reference to a definition, as a member of the schema being written.
    pub(super) fn reference(self, json: &mut Json, definition: &str) {
        json.key("$ref")
            .string(&format!("{}{definition}", self.prefix()));
    }
}

/// Types by definition name, closed under references.
#[derive(Default)]
pub(super) struct Definitions {
    types: BTreeMap<String, TypeRef>,
}

impl Definitions {
    /// Adds `ty` and what it refers to.
    pub(super) fn add(&mut self, ty: &TypeRef) {
        if self.types.contains_key(ty.name.as_ref()) {
            return;
        }
        if is_definition(ty) {
            self.types.insert(ty.name.to_string(), ty.clone());
        }
        for field in ty.fields.iter() {
            self.add_field(&field.ty);
        }
    }

    fn add_field(&mut self, ty: &FieldType) {
        match ty {
            FieldType::Object(ty) => self.add(ty),
            FieldType::List(element) | FieldType::Map(element) => self.add_field(element),
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Every definition as a member of the object being written, ordered by name.
    pub(super) fn write(&self, json: &mut Json, dialect: Dialect, descriptions: &dyn Descriptions) {
        let writer = Writer {
            dialect,
            descriptions,
        };
        for (name, ty) in &self.types {
            json.key(name).object(|json| writer.definition(json, ty));
        }
    }
}

/// Whether others refer to the type by name. Lists that are messages of their own and durations
/// are written where they are used.
fn is_definition(ty: &Type) -> bool {
    !matches!(ty.shape, Shape::StringList | Shape::Duration)
}

struct Writer<'a> {
    dialect: Dialect,
    descriptions: &'a dyn Descriptions,
}

impl Writer<'_> {
    fn definition(&self, json: &mut Json, ty: &Type) {
        let description = descriptions::of_type(self.descriptions, ty);
        if ty.shape != Shape::Struct {
            self.special(json, ty.shape, &description);
            return kinds(json, &ty.kinds);
        }
        json.text_member("description", &description);
        if !ty.fields.is_empty() {
            json.key("properties")
                .object(|json| self.properties(json, ty));
        }
        let required = || {
            ty.fields
                .iter()
                .filter(|field| field.flags.has(Flags::REQUIRED))
        };
        if required().next().is_some() {
            json.key("required")
                .strings(required().map(|field| field.name.as_ref()));
        }
        json.key("type").string("object");
        kinds(json, &ty.kinds);
        map_type(json, ty.map_type);
        unions(json, &ty.unions);
    }

    fn properties(&self, json: &mut Json, ty: &Type) {
        for &at in ty.by_name.iter() {
            let field = &ty.fields[at as usize];
            let description = descriptions::of_field(self.descriptions, ty, field);
            json.key(&field.name)
                .object(|json| self.field(json, field, &description));
        }
    }

    fn field(&self, json: &mut Json, field: &Field, description: &str) {
        let default = self.default(field);
        let on_self: &[_] = if is_list(&field.ty) {
            &[]
        } else {
            &field.enumeration
        };
        match &field.ty {
            FieldType::Object(ty) if is_definition(ty) => {
                let siblings =
                    default.is_some() || !description.is_empty() || has_extensions(field);
                self.reference_with(json, &ty.name, siblings, |json| {
                    if let Some(default) = &default {
                        json.key("default").raw(default);
                    }
                    json.text_member("description", description);
                });
            }
            FieldType::List(element) => {
                if let Some(default) = &default {
                    json.key("default").raw(default);
                }
                json.text_member("description", description);
                json.key("items")
                    .object(|json| self.element(json, element, field));
                json.key("type").string("array");
            }
            FieldType::Map(element) => {
                json.key("additionalProperties")
                    .object(|json| self.element(json, element, field));
                if let Some(default) = &default {
                    json.key("default").raw(default);
                }
                json.text_member("description", description);
                json.key("type").string("object");
            }
            scalar => self.scalar(json, scalar, default.as_deref(), description, on_self),
        }
        extensions(json, field);
    }

    /// The elements of a list or the values of a map. They are never pointers, so version 3 shows
    /// their zero value as default.
    fn element(&self, json: &mut Json, ty: &FieldType, field: &Field) {
        let default = if self.dialect == Dialect::V3 {
            zero(ty)
        } else {
            None
        };
        match ty {
            FieldType::Object(ty) if is_definition(ty) => {
                self.reference_with(json, &ty.name, default.is_some(), |json| {
                    if let Some(default) = default {
                        json.key("default").raw(default);
                    }
                });
            }
            FieldType::List(inner) => {
                json.key("items")
                    .object(|json| self.element(json, inner, field));
                json.key("type").string("array");
            }
            FieldType::Map(inner) => {
                json.key("additionalProperties")
                    .object(|json| self.element(json, inner, field));
                json.key("type").string("object");
            }
            scalar => self.scalar(json, scalar, default, "", &field.enumeration),
        }
    }

    /// A reference, behind `allOf` if it has `siblings` and the dialect ignores those otherwise.
    fn reference_with(
        &self,
        json: &mut Json,
        definition: &str,
        siblings: bool,
        rest: impl FnOnce(&mut Json),
    ) {
        if siblings && self.dialect == Dialect::V3 {
            json.key("allOf").array([definition], |json, definition| {
                json.object(|json| self.dialect.reference(json, definition));
            });
        } else {
            self.dialect.reference(json, definition);
        }
        rest(json);
    }

    fn scalar(
        &self,
        json: &mut Json,
        ty: &FieldType,
        default: Option<&str>,
        description: &str,
        enumeration: &[std::borrow::Cow<'static, str>],
    ) {
        if let Some(default) = default {
            json.key("default").raw(default);
        }
        json.text_member("description", description);
        if !enumeration.is_empty() {
            json.key("enum")
                .strings(enumeration.iter().map(AsRef::as_ref));
        }
        let (name, format) = match ty {
            FieldType::String => ("string", ""),
            FieldType::Bool => ("boolean", ""),
            FieldType::Int32 => ("integer", "int32"),
            FieldType::Int64 => ("integer", "int64"),
            FieldType::Float64 => ("number", "double"),
            FieldType::Bytes => ("string", "byte"),
            // Version 2 has no word for a value that may be anything.
            FieldType::Any if self.dialect == Dialect::V3 => {
                json.key("x-kubernetes-preserve-unknown-fields").raw("true");
                return;
            }
            FieldType::Any => ("object", ""),
            FieldType::Object(ty) => return self.special(json, ty.shape, ""),
            FieldType::List(_) | FieldType::Map(_) => return,
        };
        json.text_member("format", format);
        json.key("type").string(name);
    }

    /// A type that is written in a form of its own.
    fn special(&self, json: &mut Json, shape: Shape, description: &str) {
        let v3 = self.dialect == Dialect::V3;
        let one_of = |json: &mut Json, names: [&str; 2]| {
            json.key("oneOf").array(names, |json, name| {
                json.object(|json| json.key("type").string(name));
            });
        };
        json.text_member("description", description);
        match shape {
            Shape::Time | Shape::MicroTime => {
                json.key("format").string("date-time");
                json.key("type").string("string");
            }
            Shape::Quantity if v3 => one_of(json, ["string", "number"]),
            Shape::Quantity | Shape::Duration => json.key("type").string("string"),
            Shape::IntOrString => {
                json.key("format").string("int-or-string");
                if v3 {
                    one_of(json, ["integer", "string"]);
                } else {
                    json.key("type").string("string");
                }
            }
            Shape::StringList => {
                json.key("items").object(|json| {
                    if v3 {
                        json.key("default").string("");
                    }
                    json.key("type").string("string");
                });
                json.key("type").string("array");
            }
            Shape::Struct
            | Shape::FieldsV1
            | Shape::RawExtension
            | Shape::Patch
            | Shape::Unknown => {
                json.key("type").string("object");
            }
            // Any value will do, so nothing is said of it.
            Shape::Json
            | Shape::SchemaOrArray
            | Shape::SchemaOrBool
            | Shape::SchemaOrStringArray => {}
        }
    }

    fn default(&self, field: &Field) -> Option<String> {
        if self.dialect == Dialect::V2 {
            None
        } else if !field.default.is_empty() {
            Some(field.default.to_string())
        } else if field.flags.has(Flags::DEFAULT_ZERO) {
            zero(&field.ty).map(str::to_owned)
        } else {
            None
        }
    }
}

/// The zero value of a type as JSON, where OpenAPI shows one.
fn zero(ty: &FieldType) -> Option<&'static str> {
    match ty {
        FieldType::String => Some("\"\""),
        FieldType::Bool => Some("false"),
        FieldType::Int32 | FieldType::Int64 | FieldType::Float64 => Some("0"),
        FieldType::Object(ty) if ty.shape == Shape::Struct => Some("{}"),
        // Types that are written in a form of their own have no zero value that could be shown.
        FieldType::Object(_)
        | FieldType::Bytes
        | FieldType::Any
        | FieldType::List(_)
        | FieldType::Map(_) => None,
    }
}

fn is_list(ty: &FieldType) -> bool {
    matches!(ty, FieldType::List(_) | FieldType::Map(_))
}

fn has_extensions(field: &Field) -> bool {
    field.map_type != MapType::Unspecified
        || !field.merge_key.is_empty()
        || field.patch != PatchStrategy::None
}

/// What apply and strategic merge patch go by.
fn extensions(json: &mut Json, field: &Field) {
    if field.list_type == ListType::Map {
        json.key("x-kubernetes-list-map-keys")
            .strings(field.list_keys.iter().map(AsRef::as_ref));
    }
    let list_type = match field.list_type {
        ListType::Atomic => "atomic",
        ListType::Set => "set",
        ListType::Map => "map",
        ListType::Unspecified => "",
    };
    if is_array(&field.ty) {
        json.text_member("x-kubernetes-list-type", list_type);
    }
    map_type(json, field.map_type);
    json.text_member("x-kubernetes-patch-merge-key", &field.merge_key);
    let strategy = match field.patch {
        PatchStrategy::None => "",
        PatchStrategy::Merge => "merge",
        PatchStrategy::Replace => "replace",
        PatchStrategy::RetainKeys => "retainKeys",
        PatchStrategy::MergeRetainKeys => "merge,retainKeys",
    };
    json.text_member("x-kubernetes-patch-strategy", strategy);
}

fn is_array(ty: &FieldType) -> bool {
    match ty {
        // Bytes are a list in Go, and marked as such here and there.
        FieldType::List(_) | FieldType::Bytes => true,
        FieldType::Object(ty) => ty.shape == Shape::StringList,
        _ => false,
    }
}

fn map_type(json: &mut Json, map_type: MapType) {
    let name = match map_type {
        MapType::Unspecified => "",
        MapType::Atomic => "atomic",
        MapType::Granular => "granular",
    };
    json.text_member("x-kubernetes-map-type", name);
}

fn kinds(json: &mut Json, kinds: &[Kind]) {
    if !kinds.is_empty() {
        json.key("x-kubernetes-group-version-kind")
            .array(kinds, |json, kind| {
                json.object(|json| {
                    group_version_kind(json, &kind.group, &kind.version, &kind.kind);
                });
            });
    }
}

/// The members of a group, version and kind.
pub(super) fn group_version_kind(json: &mut Json, group: &str, version: &str, kind: &str) {
    json.key("group").string(group);
    json.key("kind").string(kind);
    json.key("version").string(version);
}

fn unions(json: &mut Json, unions: &[Union]) {
    if unions.is_empty() {
        return;
    }
    json.key("x-kubernetes-unions")
        .array(unions, |json, union| {
            json.object(|json| {
                json.text_member("discriminator", &union.discriminator);
                json.key("fields-to-discriminateBy").object(|json| {
                    for (field, value) in union.members.iter() {
                        json.key(field).string(value);
                    }
                });
            });
        });
}
