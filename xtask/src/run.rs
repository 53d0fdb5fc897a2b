//! `cargo xtask run`: from a clone to a server.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};

use crate::{process, setup};

/// Builds the server for release and becomes it, so that signals reach it and its exit code is ours.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    setup::for_building()?;
    let pintle = process::build_release("pintle")?;
    println!("$ pintle {}", arguments.join(" "));
    let error = std::process::Command::new(&pintle).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", pintle.display()))
}
