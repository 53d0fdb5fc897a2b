//! Writes the tables of types.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::facts::Field;
use super::model::{Entry, Home, Model, Proto};
use super::output::{HEADER, words};

/// `tables.rs` of one module.
pub(super) fn file(model: &Model<'_>, home: &Home, entries: &[&Entry<'_>]) -> Result<String> {
    let runtime = match home {
        Home::Meta => "crate",
        Home::Api { .. } => "pintle_runtime",
    };
    let mut text = format!(
        "{HEADER}\n//! Tables of the types.\n\n\
         #![allow(unused_imports, reason = \"every module imports the same\")]\n\n\
         use std::borrow::Cow::Borrowed;\n\n\
         use {runtime}::schema::fixed::{{detailed, elements, field, inline, inlined, kind, list, map, object, proto, table, union, Facts, Table}};\n\
         use {runtime}::schema::{{Field, FieldType, Flags, Inlined, Kind, ListType, MapType, PatchStrategy, ProtoField, Shape, Type, Union}};\n\n"
    );
    for entry in entries {
        table(model, home, entry, &mut text)?;
    }
    let all: Vec<String> = entries
        .iter()
        .map(|entry| format!("&{}", entry.table))
        .collect();
    writeln!(
        text,
        "/// All of them, by definition name.\npub static ALL: [&Type; {}] = [{}];",
        all.len(),
        all.join(", ")
    )?;
    Ok(text)
}

fn table(model: &Model<'_>, home: &Home, entry: &Entry<'_>, text: &mut String) -> Result<()> {
    let name = &entry.table;
    let mut parts = vec![format!("name: {:?}", entry.definition)];
    if !entry.facts.message.is_empty() {
        parts.push(format!("message: {:?}", entry.facts.message));
    }
    if let Some(special) = &entry.facts.special {
        parts.push(format!("shape: Shape::{}", shape(special)?));
    }
    let mut statics = Vec::new();
    if !entry.fields.is_empty() {
        parts.push(format!("fields: &{name}_FIELDS"));
        parts.push(format!("by_name: &{:?}", by_name(&entry.fields)));
        let rows: Vec<String> = entry
            .fields
            .iter()
            .map(|row| field(model, home, row))
            .collect::<Result<_>>()?;
        statics.push(array(&format!("{name}_FIELDS"), "Field", &rows));
    }
    if !entry.protobuf.is_empty() {
        parts.push(format!("protobuf: &{name}_PROTOBUF"));
        protobuf(&format!("{name}_PROTOBUF"), &entry.protobuf, &mut statics);
    }
    if let Some(kind) = &entry.facts.map_type {
        parts.push(format!("map_type: {}", map_type(kind)?));
    }
    if !entry.facts.kinds.is_empty() {
        parts.push(format!("kinds: &{name}_KINDS"));
        let rows: Vec<String> = entry
            .facts
            .kinds
            .iter()
            .map(|[group, version, kind]| format!("kind({group:?}, {version:?}, {kind:?})"))
            .collect();
        statics.push(array(&format!("{name}_KINDS"), "Kind", &rows));
    }
    if !entry.inlined.is_empty() {
        parts.push(format!("inlined: &{name}_INLINED"));
        let rows: Vec<String> = entry
            .inlined
            .iter()
            .map(|(inner, first, count)| format!("inlined({inner:?}, {first}, {count})"))
            .collect();
        statics.push(array(&format!("{name}_INLINED"), "Inlined", &rows));
    }
    if !entry.facts.unions.is_empty() {
        parts.push(format!("unions: &{name}_UNIONS"));
        let rows: Vec<String> = entry.facts.unions.iter().map(union).collect();
        statics.push(array(&format!("{name}_UNIONS"), "Union", &rows));
    }
    if entry.facts.unpublished != 0 {
        parts.push("published: false".to_owned());
    }
    writeln!(
        text,
        "/// `{}`\npub static {name}: Type = table(Table {{ {}, ..Table::EMPTY }});\n",
        entry.definition,
        parts.join(", ")
    )?;
    for item in statics {
        writeln!(text, "{item}\n")?;
    }
    if entry.is_element {
        writeln!(
            text,
            "/// What a list or map of [`{name}`] holds.\npub static {name}_ELEMENT: FieldType = object(&{name});\n"
        )?;
    }
    Ok(())
}

pub(super) fn array(name: &str, ty: &str, rows: &[String]) -> String {
    format!(
        "static {name}: [{ty}; {}] = [{}];",
        rows.len(),
        rows.join(", ")
    )
}

fn by_name(fields: &[&Field]) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..fields.len()).collect();
    positions.sort_by_key(|&at| &fields[at].name);
    positions
}

fn protobuf(name: &str, fields: &[Proto], statics: &mut Vec<String>) {
    let mut rows = Vec::new();
    for item in fields {
        match item {
            Proto::Field {
                number,
                field,
                name,
            } => {
                rows.push(format!("proto({number}, {field}, {name:?})"));
            }
            Proto::Inline { number, fields } => {
                let inner = format!("{name}_{number}");
                protobuf(&inner, fields, statics);
                rows.push(format!("inline({number}, &{inner})"));
            }
        }
    }
    statics.push(array(name, "ProtoField", &rows));
}

fn field(model: &Model<'_>, home: &Home, field: &Field) -> Result<String> {
    let ty = field_type(model, home, &field.code)?;
    let flags = flags(field);
    let mut facts = Vec::new();
    if let Some(default) = &field.default {
        facts.push(format!("default: {:?}", default.to_string()));
    }
    let allowed = if field.enumeration.is_empty() {
        &field.element_enumeration
    } else {
        &field.enumeration
    };
    if !allowed.is_empty() {
        facts.push(format!("enumeration: &{}", words(allowed)));
    }
    if let Some(kind) = &field.list_type {
        let variant = match kind.as_str() {
            "atomic" => "Atomic",
            "set" => "Set",
            "map" => "Map",
            other => bail!("there is no list type {other}"),
        };
        facts.push(format!("list_type: ListType::{variant}"));
    }
    if !field.list_keys.is_empty() {
        facts.push(format!("list_keys: &{}", words(&field.list_keys)));
    }
    if let Some(kind) = &field.map_type {
        facts.push(format!("map_type: {}", map_type(kind)?));
    }
    if let Some(patch) = &field.patch {
        let variant = match patch.as_str() {
            "merge" => "Merge",
            "replace" => "Replace",
            "retainKeys" => "RetainKeys",
            "merge,retainKeys" => "MergeRetainKeys",
            other => bail!("there is no patch strategy {other}"),
        };
        facts.push(format!("patch: PatchStrategy::{variant}"));
    }
    if !field.merge_key.is_empty() {
        facts.push(format!("merge_key: {:?}", field.merge_key));
    }
    if !field.gates.is_empty() {
        facts.push(format!("gates: &{}", words(&field.gates)));
    }
    if facts.is_empty() {
        return Ok(format!("field({:?}, {ty}, {flags})", field.name));
    }
    if flags != "Flags::empty()" {
        facts.insert(0, format!("flags: {flags}"));
    }
    Ok(format!(
        "detailed({:?}, {ty}, Facts {{ {}, ..Facts::NONE }})",
        field.name,
        facts.join(", ")
    ))
}

/// The expression for a type code.
fn field_type(model: &Model<'_>, home: &Home, code: &str) -> Result<String> {
    for (prefix, function) in [("[]", "list"), ("{}", "map")] {
        let Some(inner) = code.strip_prefix(prefix) else {
            continue;
        };
        let element = if inner.starts_with('#') {
            let entry = model.referred(inner)?;
            format!(
                "{}{}_ELEMENT",
                home.path_to(&entry.home, "tables"),
                entry.table
            )
        } else {
            format!("elements::{}", inner.to_ascii_uppercase())
        };
        return Ok(format!("{function}(&{element})"));
    }
    if code.starts_with('#') {
        let entry = model.referred(code)?;
        return Ok(format!(
            "object(&{}{})",
            home.path_to(&entry.home, "tables"),
            entry.table
        ));
    }
    let variant = match code {
        "string" => "String",
        "bool" => "Bool",
        "int32" => "Int32",
        "int64" => "Int64",
        "float64" => "Float64",
        "bytes" => "Bytes",
        "any" => "Any",
        other => bail!("there is no type code {other}"),
    };
    Ok(format!("FieldType::{variant}"))
}

fn flags(field: &Field) -> String {
    let flags = [
        (field.omit_empty, "OMIT_EMPTY"),
        (field.omit_zero, "OMIT_ZERO"),
        (field.pointer, "POINTER"),
        (field.required, "REQUIRED"),
        (field.default_zero, "DEFAULT_ZERO"),
        (field.element_default_zero, "ELEMENT_DEFAULT_ZERO"),
        (field.deprecated, "DEPRECATED"),
    ];
    let mut set = flags
        .iter()
        .filter(|(on, _)| *on != 0)
        .map(|(_, name)| name);
    let Some(first) = set.next() else {
        return "Flags::empty()".to_owned();
    };
    set.fold(format!("Flags::{first}"), |text, name| {
        format!("{text}.with(Flags::{name})")
    })
}

fn map_type(kind: &str) -> Result<&'static str> {
    Ok(match kind {
        "atomic" => "MapType::Atomic",
        "granular" => "MapType::Granular",
        other => bail!("there is no map type {other}"),
    })
}

fn union(union: &super::facts::Union) -> String {
    let members: Vec<String> = union
        .members
        .iter()
        .map(|(field, value)| format!("(Borrowed({field:?}), Borrowed({value:?}))"))
        .collect();
    format!(
        "union({:?}, &[{}])",
        union.discriminator,
        members.join(", ")
    )
}

fn shape(special: &str) -> Result<&'static str> {
    Ok(match special {
        "time" => "Time",
        "microTime" => "MicroTime",
        "duration" => "Duration",
        "quantity" => "Quantity",
        "intOrString" => "IntOrString",
        "fieldsV1" => "FieldsV1",
        "rawExtension" => "RawExtension",
        "json" => "Json",
        "list" => "StringList",
        "jsonSchemaPropsOrArray" => "SchemaOrArray",
        "jsonSchemaPropsOrBool" => "SchemaOrBool",
        "jsonSchemaPropsOrStringArray" => "SchemaOrStringArray",
        "patch" => "Patch",
        "unknown" => "Unknown",
        other => bail!("there is no special kind {other}"),
    })
}
