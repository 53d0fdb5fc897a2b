//! Writes the positions of fields, for generic code that knows a type but no view.

use std::fmt::Write as _;

use anyhow::Result;

use super::model::Entry;
use super::names;
use super::output::HEADER;

/// `positions.rs`: a module per struct with a constant per field.
pub(super) fn file(entries: &[&Entry<'_>]) -> Result<String> {
    let mut text = format!("{HEADER}\n//! Positions of fields in the tables.\n\n");
    for entry in entries.iter().filter(|entry| !entry.fields.is_empty()) {
        writeln!(
            text,
            "/// Fields of `{}`.\npub mod {} {{",
            entry.definition,
            names::snake(&entry.view)
        )?;
        for (index, field) in entry.fields.iter().enumerate() {
            writeln!(
                text,
                "/// `{}`\npub const {}: usize = {index};",
                field.name,
                names::screaming(&field.name)
            )?;
        }
        writeln!(text, "}}\n")?;
    }
    Ok(text)
}
