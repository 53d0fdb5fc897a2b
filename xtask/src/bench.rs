//! `cargo xtask bench`: the table of budgets in ARCHITECTURE.md, measured.

use anyhow::Result;

use crate::process::{self, command};
use crate::setup;

/// Builds the server and the load generator for release and starts the latter, which starts the former.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    setup::for_building()?;
    let pintle = process::build_release("pintle")?;
    let budgets = process::build_release("budgets")?;
    let mut command = command(&budgets.to_string_lossy(), arguments);
    command.env("PINTLE_BIN", pintle);
    process::run(command)
}
