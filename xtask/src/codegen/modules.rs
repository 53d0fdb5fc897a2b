//! Writes the module trees that hold the generated files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::model::{Home, Model};
use super::output::HEADER;

/// `mod.rs` of `pintle_runtime::meta::generated`.
pub(super) fn runtime() -> String {
    format!(
        "{HEADER}\n//! Types of apimachinery.\n\npub mod positions;\npub mod tables;\nmod views;\n\npub use self::views::*;\n"
    )
}

/// `mod.rs` of `pintle_api::generated`.
pub(super) fn api(model: &Model<'_>) -> Result<String> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for home in model.homes().into_keys() {
        if let Home::Api { group, version } = home {
            groups.entry(group).or_default().push(version);
        }
    }
    let mut text = format!(
        "{HEADER}\n//! Everything that is generated: lookups, rows, and a module per Go package.\n\n\
         pub(crate) mod columns;\npub(crate) mod gates;\npub(crate) mod resources;\npub(crate) mod types;\n\n"
    );
    for (group, versions) in groups {
        writeln!(text, "/// Types of `{group}`.\npub mod {group} {{")?;
        for version in versions {
            writeln!(
                text,
                "/// Types of `{group}/{version}`.\npub mod {version} {{ pub mod tables; mod views; pub use self::views::*; }}"
            )?;
        }
        writeln!(text, "}}\n")?;
    }
    Ok(text)
}
