//! `cargo xtask integration`: the suites that start a server.

use anyhow::Result;

use crate::process::{self, cargo};
use crate::setup;
use crate::workspace::Metadata;

/// Every suite of `pintle-tests`, and nothing else.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    crate::commands::no_arguments(arguments)?;
    setup::for_building()?;
    setup::for_testing();
    let mut command = cargo(["test", "--locked", "--workspace", "--no-fail-fast"]);
    for package in Metadata::read()?.packages {
        if package.name == "pintle-tests" {
            command.args(package.test_targets().map(|name| format!("--test={name}")));
        }
    }
    process::run(command)
}
