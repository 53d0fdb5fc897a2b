//! Writes the slices behind lookups: types by name and by kind, lifecycles, columns, gates.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::facts::{Column, Facts, KindColumns};
use super::model::{Home, Model};
use super::output::HEADER;

/// `types.rs`.
pub(super) fn types(model: &Model<'_>) -> Result<String> {
    let here = Home::Api {
        group: String::new(),
        version: String::new(),
    };
    let mut text = format!(
        "{HEADER}\n//! Every type by name and by kind.\n\nuse pintle_runtime::schema::Type;\n\n\
         use crate::lifecycle::{{Lifecycle, Replacement}};\n\n"
    );
    let (mut types, mut kinds, mut everywhere, mut lifecycles) = (vec![], vec![], vec![], vec![]);
    for entry in model.entries.values() {
        let table = format!("&{}{}", here.path_to(&entry.home, "tables"), entry.table);
        if entry.facts.everywhere != 0 {
            everywhere.push(format!("({:?}, {table})", entry.view));
        } else {
            for [group, version, kind] in &entry.facts.kinds {
                kinds.push(((group, version, kind), table.clone()));
            }
        }
        if let (Some(life), Some([group, version, kind])) =
            (&entry.facts.lifecycle, entry.facts.kinds.first())
        {
            let replacement = match &life.replacement {
                Some([group, version, kind]) => format!(
                    "Some(Replacement {{ group: {group:?}, version: {version:?}, kind: {kind:?} }})"
                ),
                None => "None".to_owned(),
            };
            let value = format!(
                "Lifecycle {{ introduced: {:?}, deprecated: {:?}, removed: {:?}, replacement: {replacement} }}",
                life.introduced, life.deprecated, life.removed
            );
            lifecycles.push(((group, version, kind), value));
        }
        types.push(table);
    }
    writeln!(
        text,
        "/// Every type, by definition name.\npub(crate) static TYPES: [&Type; {}] = [{}];\n",
        types.len(),
        types.join(", ")
    )?;
    writeln!(
        text,
        "/// Types that are kinds of every group version, by kind.\npub(crate) static EVERYWHERE: [(&str, &Type); {}] = [{}];\n",
        everywhere.len(),
        everywhere.join(", ")
    )?;
    for (name, doc, ty, mut rows) in [
        (
            "KINDS",
            "The types that are kinds, by group, version and kind.",
            "&Type",
            kinds,
        ),
        (
            "LIFECYCLES",
            "Since when and until when a kind is served.",
            "Lifecycle",
            lifecycles,
        ),
    ] {
        rows.sort();
        let rows: Vec<String> = rows
            .iter()
            .map(|(gvk, value)| format!("({gvk:?}, {value})"))
            .collect();
        writeln!(
            text,
            "/// {doc}\npub(crate) static {name}: [((&str, &str, &str), {ty}); {}] = [{}];\n",
            rows.len(),
            rows.join(", ")
        )?;
    }
    Ok(text)
}

/// `columns.rs`.
pub(super) fn columns(facts: &Facts) -> Result<String> {
    let mut text = format!(
        "{HEADER}\n//! Columns of the `Table` representation.\n\nuse crate::columns::{{Column, column}};\n\n"
    );
    let mut list = |name: &str, doc: &str, columns: &[Column]| {
        let rows: Vec<String> = columns
            .iter()
            .map(|(name, ty, format, priority)| {
                format!("column({name:?}, {ty:?}, {format:?}, {priority})")
            })
            .collect();
        writeln!(
            text,
            "/// {doc}\npub(crate) static {name}: [Column; {}] = [{}];\n",
            rows.len(),
            rows.join(", ")
        )
    };
    list(
        "DEFAULT",
        "Kinds without columns of their own.",
        &facts.columns.default,
    )?;
    list(
        "CUSTOM",
        "What custom resources begin with.",
        &facts.columns.custom,
    )?;
    let mut kinds = Vec::new();
    for (name, columns) in &facts.columns.kinds {
        let (kind, group) = name.split_once('.').unwrap_or((name, ""));
        let symbol = match columns {
            KindColumns::Own(columns) => {
                let symbol = name.replace(['.', '-'], "_").to_ascii_uppercase();
                list(&symbol, &format!("`{name}`"), columns)?;
                symbol
            }
            KindColumns::Shared(shared) if shared == "default" => "DEFAULT".to_owned(),
            KindColumns::Shared(other) => bail!("there are no columns called {other}"),
        };
        kinds.push(format!("(({kind:?}, {group:?}), &{symbol})"));
    }
    kinds.sort();
    writeln!(
        text,
        "/// By kind and group.\npub(crate) static KINDS: [((&str, &str), &[Column]); {}] = [{}];",
        kinds.len(),
        kinds.join(", ")
    )?;
    Ok(text)
}

/// `gates.rs`.
pub(super) fn gates(facts: &Facts) -> Result<String> {
    let mut text = format!(
        "{HEADER}\n//! Every feature gate of the release.\n\nuse crate::gates::{{FeatureGate, Stage}};\n\n"
    );
    let mut rows = Vec::new();
    for (name, gate) in &facts.gates {
        if !["Alpha", "Beta", "GA", "Deprecated"].contains(&gate.stage.as_str()) {
            bail!("{name} is of the unknown stage {}", gate.stage);
        }
        let stage = if gate.stage == "GA" {
            "Stable"
        } else {
            &gate.stage
        };
        rows.push(format!(
            "FeatureGate {{ name: {name:?}, default: {}, stage: Stage::{stage}, locked: {} }}",
            gate.default, gate.locked
        ));
    }
    writeln!(
        text,
        "/// By name.\npub(crate) static GATES: [FeatureGate; {}] = [{}];",
        rows.len(),
        rows.join(", ")
    )?;
    Ok(text)
}
