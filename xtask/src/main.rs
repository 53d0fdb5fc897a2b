//! Pintle's build tool: `cargo xtask <command>`, all that a newcomer needs.

#![allow(
    clippy::print_stdout,
    reason = "a build tool talks to whoever started it"
)]

mod bench;
mod codegen;
mod commands;
mod fuzz;
mod golden;
mod integration;
mod process;
mod run;
mod setup;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match commands::dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
