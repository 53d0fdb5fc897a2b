//! `cargo xtask bench`: the table of budgets in ARCHITECTURE.md, measured.

use anyhow::Result;

use crate::process::{self, cargo, command};
use crate::workspace::Metadata;
use crate::{run, setup};

/// Builds the server and the load generator for release and starts the latter, which starts the former.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    setup::for_building()?;
    let pintle = run::build_release()?;
    process::run(cargo([
        "build",
        "--locked",
        "--release",
        "--package=pintle-benches",
        "--bin=budgets",
    ]))?;
    let budgets = Metadata::read()?.binary("release", "budgets");
    let mut command = command(&budgets.to_string_lossy(), arguments);
    command.env("PINTLE_BIN", pintle);
    process::run(command)
}
