//! Writes the typed views: a line per field for the macro of `pintle_runtime::view`.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::facts::Field;
use super::model::{Entry, Home, Model};
use super::names;
use super::output::HEADER;

/// `views.rs` of one module.
pub(super) fn file(model: &Model<'_>, home: &Home, entries: &[&Entry<'_>]) -> Result<String> {
    let runtime = match home {
        Home::Meta => "crate",
        Home::Api { .. } => "pintle_runtime",
    };
    let mut text = format!(
        "{HEADER}\n//! Views of the types.\n\nuse super::tables;\nuse {runtime}::typed_view;\n"
    );
    for entry in entries.iter().filter(|entry| entry.facts.special.is_none()) {
        write!(
            text,
            "\ntyped_view! {{\n    /// `{}`\n    {} {}Mut {};\n",
            entry.definition, entry.view, entry.view, entry.table
        )?;
        for (at, field) in entry.fields.iter().enumerate() {
            writeln!(text, "    {};", line(model, home, at, field)?)?;
        }
        text.push_str("}\n");
    }
    Ok(text)
}

/// The form of a field and the names of its methods.
fn line(model: &Model<'_>, home: &Home, at: usize, field: &Field) -> Result<String> {
    let get = names::method(&field.name);
    let name = names::snake(&field.name);
    let pointer = field.pointer != 0;
    let (form, of) = form(model, &field.code, pointer)?;
    let mut line = form.to_owned();
    if let Some(entry) = of {
        let view = format!("{}{}", view_path(home, &entry.home), entry.view);
        write!(line, "[{view}<'a>, {view}Mut<'_>]")?;
    }
    write!(line, " {at} {get} set_{name} clear_{name}")?;
    match form {
        "opt_object" => write!(line, " {name}_mut {name}_or_new")?,
        "values" | "map" | "strings" | "string_map" | "list" | "object_map" | "object" => {
            write!(line, " {name}_mut")?;
        }
        _ => {}
    }
    Ok(line)
}

fn view_path(here: &Home, there: &Home) -> String {
    match there {
        _ if here == there => String::new(),
        Home::Meta => "pintle_runtime::meta::".to_owned(),
        Home::Api { group, version } => format!("crate::{group}::{version}::"),
    }
}

/// The form of a field in the words of the macro, and the type of its objects.
fn form<'m>(
    model: &'m Model<'m>,
    code: &str,
    pointer: bool,
) -> Result<(&'static str, Option<&'m Entry<'m>>)> {
    if let Some(inner) = code.strip_prefix("[]") {
        return Ok(match object(model, inner)? {
            Some(entry) if special(entry).is_none() => ("list", Some(entry)),
            None if inner == "string" => ("strings", None),
            _ => ("values", None),
        });
    }
    if let Some(inner) = code.strip_prefix("{}") {
        return Ok(match object(model, inner)? {
            Some(entry) => match special(entry) {
                None => ("object_map", Some(entry)),
                Some("quantity") => ("string_map", None),
                Some(_) => ("map", None),
            },
            None if inner == "string" => ("string_map", None),
            None => ("map", None),
        });
    }
    let Some(entry) = object(model, code)? else {
        return Ok((scalar(code, pointer)?, None));
    };
    Ok(match special(entry) {
        None if pointer => ("opt_object", Some(entry)),
        None => ("object", Some(entry)),
        Some("time" | "microTime") => ("time", None),
        Some("quantity") => (scalar("string", pointer)?, None),
        Some("duration") => (scalar("int64", pointer)?, None),
        Some("intOrString") if pointer => ("opt_int_or_string", None),
        Some("intOrString") => ("int_or_string", None),
        Some("fieldsV1" | "rawExtension" | "json") => ("raw", None),
        Some("list") => ("strings", None),
        Some(_) => ("any", None),
    })
}

/// The type that a code refers to, if it does.
fn object<'m>(model: &'m Model<'m>, code: &str) -> Result<Option<&'m Entry<'m>>> {
    if code.starts_with('#') {
        model.referred(code).map(Some)
    } else {
        Ok(None)
    }
}

fn special<'m>(entry: &'m Entry<'_>) -> Option<&'m str> {
    entry.facts.special.as_deref()
}

fn scalar(code: &str, pointer: bool) -> Result<&'static str> {
    Ok(match (code, pointer) {
        ("string", false) => "text",
        ("string", true) => "opt_text",
        ("bool", false) => "boolean",
        ("bool", true) => "opt_boolean",
        ("int32", false) => "int32",
        ("int32", true) => "opt_int32",
        ("int64", false) => "int64",
        ("int64", true) => "opt_int64",
        ("float64", _) => "opt_float",
        ("bytes", _) => "bytes",
        ("any", _) => "any",
        _ => bail!("there is no type code {code}"),
    })
}
