//! `cargo xtask run`: from a clone to a server.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};

use crate::process::{self, cargo};
use crate::setup;
use crate::workspace::Metadata;

/// Builds the server for release and becomes it, so that signals reach it and its exit code is ours.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    setup::for_building()?;
    let pintle = build_release()?;
    println!("$ pintle {}", arguments.join(" "));
    let error = std::process::Command::new(&pintle).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", pintle.display()))
}

/// The release build of the server.
pub(crate) fn build_release() -> Result<std::path::PathBuf> {
    process::run(cargo([
        "build",
        "--locked",
        "--release",
        "--package=pintle-server",
        "--bin=pintle",
    ]))?;
    Ok(Metadata::read()?.binary("release", "pintle"))
}
