//! The table of commands.

use anyhow::{Result, bail};

use crate::{bench, codegen, fuzz, golden, integration, run, setup, soak, test, tidy};

/// One `cargo xtask` command.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        arguments: "[FLAGS]",
        about: "build the server and start it; flags go to pintle",
        run: run::run,
    },
    Command {
        name: "test",
        arguments: "",
        about: "everything that proves that it works",
        run: test::run,
    },
    Command {
        name: "ci",
        arguments: "",
        about: "what the checks run; the same as test",
        run: test::run,
    },
    Command {
        name: "codegen",
        arguments: "[--check]",
        about: "write the tables and views of types, or compare them",
        run: codegen::run,
    },
    Command {
        name: "tidy",
        arguments: "",
        about: "layers, file lengths, module docs, fresh generated code",
        run: tidy::run,
    },
    Command {
        name: "golden",
        arguments: "[--only REGEX] [-v] [--server URL] [--bless [--accept-new]]",
        about: "replay the recorded answers of kube-apiserver",
        run: golden::run,
    },
    Command {
        name: "integration",
        arguments: "",
        about: "the suites that need a running server: clients, durability, golden",
        run: integration::run,
    },
    Command {
        name: "soak",
        arguments: "[--minutes N] [--suite NAME]…",
        about: "the suites of crashes, watches, overload and faults for longer, in release",
        run: soak::run,
    },
    Command {
        name: "fuzz",
        arguments: "[--seconds N] [TARGET]…",
        about: "every reader of clients' bytes against bytes that nobody would send",
        run: fuzz::run,
    },
    Command {
        name: "bench",
        arguments: "[--quick] [--server URL --token TOKEN --pids PID,PID]",
        about: "the table of budgets, measured; side by side with another server",
        run: bench::run,
    },
    Command {
        name: "setup",
        arguments: "",
        about: "install or name what this machine lacks",
        run: setup::run,
    },
];

/// Runs the command that the first argument names.
pub(crate) fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", usage());
        return Ok(());
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", usage());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => bail!("there is no command {name:?}\n\n{}", usage()),
    }
}

fn usage() -> String {
    let mut text = String::from("Usage: cargo xtask <command>\n\n");
    for command in COMMANDS {
        let name = format!("{} {}", command.name, command.arguments);
        let separator = if name.len() > 28 {
            "\n                                "
        } else {
            ""
        };
        text += &format!("  {name:<30}{separator}{}\n", command.about);
    }
    text
}

/// Fails on the first argument, for commands that take none.
pub(crate) fn no_arguments(arguments: &[String]) -> Result<()> {
    match arguments.first() {
        Some(unexpected) => bail!("unexpected argument {unexpected:?}"),
        None => Ok(()),
    }
}
