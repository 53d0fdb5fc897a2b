//! `cargo xtask tidy`: the rules of the house that the compiler does not know.

mod layers;
mod sources;

use anyhow::{Result, bail};

use crate::codegen;
use crate::workspace::{self, Metadata};

/// Checks everything, prints what it finds, and fails if a rule is broken.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    crate::commands::no_arguments(arguments)?;
    let metadata = Metadata::read()?;
    let mut faults = layers::check(&metadata.packages);
    let report = sources::check(workspace::root())?;
    faults.extend(report.faults);
    if let Err(error) = codegen::check(workspace::root()) {
        faults.push(format!("{error:#}"));
    }
    for advice in &report.advice {
        println!("tidy: note: {advice}");
    }
    for fault in &faults {
        println!("tidy: {fault}");
    }
    println!(
        "tidy: {} files, {} packages, {} faults",
        report.files,
        metadata.packages.len(),
        faults.len()
    );
    if !faults.is_empty() {
        bail!("tidy found {} faults", faults.len());
    }
    Ok(())
}
