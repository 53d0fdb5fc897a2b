//! Running other programs, visibly.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A command made of words, run in the workspace's root.
pub(crate) fn command<I, S>(program: &str, arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(crate::workspace::root());
    command
}

/// The cargo that runs this program, with clang for C++ where it is installed and nothing else is asked for: RocksDB
/// takes it half the time that gcc takes.
pub(crate) fn cargo<I, S>(arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    let mut cargo = command(
        &std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()),
        arguments,
    );
    if std::env::var_os("CXX").is_none() && on_path("clang++") {
        cargo.env("CXX", "clang++");
    }
    // What cargo tells this program of itself, build scripts would take for theirs, and be run again with each other caller.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|own| name.to_string_lossy().starts_with(own))
        {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// A release build of one program. The whole workspace is selected, as everywhere: to select a single package selects
/// other features of what RocksDB's build depends on, and compiles it again.
pub(crate) fn build_release(program: &str) -> Result<std::path::PathBuf> {
    run(cargo([
        "build",
        "--locked",
        "--release",
        "--workspace",
        "--bin",
        program,
    ]))?;
    Ok(crate::workspace::Metadata::read()?.binary("release", program))
}

/// Prints the command, runs it with this program's output, and fails unless it succeeds.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let shown = shown(&command);
    println!("$ {shown}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Whether the command can be started and succeeds. Its output is dropped.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether `program` is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text += &argument.to_string_lossy();
    }
    text
}
