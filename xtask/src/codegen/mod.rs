//! `cargo xtask codegen`: the API facts as tables and typed views.
//!
//! Facts come from `crates/api/spec`; types of apimachinery go to `crates/runtime`, everything
//! else to `crates/api`. The output is a function of the facts alone, so `--check` can tell
//! whether what is committed is fresh.

mod facts;
mod lookups;
mod model;
mod modules;
mod names;
mod output;
mod positions;
mod resources;
mod roots;
mod tables;
mod views;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use self::facts::Facts;
use self::model::{Home, Model};
use self::output::Files;

const SPEC: &str = "crates/api/spec/v1.36";
const RUNTIME: &str = "crates/runtime/src/meta/generated";
const API: &str = "crates/api/src/generated";
const ROOTS: &str = "crates/server/build/roots.rs";

/// Runs the command.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let root = crate::workspace::root();
    match arguments {
        [] => {
            let files = generate(root)?;
            let changed = output::write(root, &folders(), &files)?;
            println!("{} generated files, {changed} of them changed", files.len());
            Ok(())
        }
        [flag] if flag == "--check" => check(root),
        _ => bail!("codegen takes nothing but --check"),
    }
}

/// Fails unless what is committed is what the facts say.
pub(crate) fn check(root: &Path) -> Result<()> {
    let stale = output::stale(root, &folders(), &generate(root)?)?;
    if stale.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = stale
        .iter()
        .map(|path| format!("  {}", path.display()))
        .collect();
    bail!(
        "generated files are stale; run `cargo xtask codegen`:\n{}",
        list.join("\n")
    )
}

fn folders() -> [PathBuf; 2] {
    [RUNTIME.into(), API.into()]
}

fn generate(root: &Path) -> Result<Files> {
    let facts = Facts::read(&root.join(SPEC))?;
    let model = Model::new(&facts)?;
    let mut files = Files::new();
    for (home, entries) in model.homes() {
        let folder: PathBuf = match home {
            Home::Meta => RUNTIME.into(),
            Home::Api { group, version } => [API, group, version].iter().collect(),
        };
        files.insert(
            folder.join("tables.rs"),
            tables::file(&model, home, &entries)?,
        );
        files.insert(
            folder.join("views.rs"),
            views::file(&model, home, &entries)?,
        );
        if *home == Home::Meta {
            files.insert(folder.join("positions.rs"), positions::file(&entries)?);
        }
    }
    let api = Path::new(API);
    files.insert(Path::new(RUNTIME).join("mod.rs"), modules::runtime());
    files.insert(api.join("mod.rs"), modules::api(&model)?);
    files.insert(api.join("types.rs"), lookups::types(&model)?);
    files.insert(api.join("columns.rs"), lookups::columns(&facts)?);
    files.insert(api.join("gates.rs"), lookups::gates(&facts)?);
    files.insert(api.join("resources.rs"), resources::file(&model, &facts)?);
    files.insert(ROOTS.into(), roots::file(&facts)?);
    output::format(root, files)
}
