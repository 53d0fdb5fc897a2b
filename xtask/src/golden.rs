//! `cargo xtask golden`: the recorded answers of kube-apiserver, replayed.

use anyhow::Result;

use crate::process::{self, cargo};
use crate::setup;

/// Builds the server and the replay, and hands all arguments to the replay.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    setup::for_building()?;
    let mut command = cargo([
        "test",
        "--locked",
        "--quiet",
        "--workspace",
        "--test=golden",
        "--",
    ]);
    command.args(arguments);
    process::run(command)
}
