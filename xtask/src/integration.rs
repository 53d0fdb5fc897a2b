//! `cargo xtask integration`: the suites that start a server.

use anyhow::Result;

use crate::process::{self, cargo};
use crate::setup;

/// Clients, durability and the golden replay, and nothing else.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    crate::commands::no_arguments(arguments)?;
    setup::for_building()?;
    setup::for_testing();
    process::run(cargo(["test", "--locked", "--package=pintle-tests"]))
}
