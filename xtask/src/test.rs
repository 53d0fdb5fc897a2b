//! `cargo xtask test`: everything that proves that it works, and one line at the end that says whether it does.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{self, cargo, on_path};
use crate::workspace::Metadata;
use crate::{setup, tidy};

/// One thing to prove.
struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome>,
    /// Whether what follows can tell anything after this has failed.
    decisive: bool,
    /// Whether a failure fails the whole. One that is not required yet is reported all the same, and
    /// becomes required once it has passed; never the other way round.
    required: bool,
}

/// How a step that did not fail ended.
enum Outcome {
    Passed,
    Skipped(&'static str),
}

/// Cheap ones first. Everything is built with the same profile and the same selection of packages,
/// so that RocksDB is compiled once.
const STEPS: &[Step] = &[
    Step {
        name: "tidy",
        run: tidy_step,
        decisive: false,
        required: true,
    },
    Step {
        name: "formatting",
        run: formatting,
        decisive: false,
        required: true,
    },
    Step {
        name: "build",
        run: build,
        decisive: true,
        required: true,
    },
    Step {
        name: "clippy",
        run: clippy,
        decisive: false,
        required: true,
    },
    Step {
        name: "tests",
        run: tests,
        decisive: false,
        required: true,
    },
    Step {
        name: "documentation tests",
        run: documentation_tests,
        decisive: false,
        required: true,
    },
    Step {
        name: "durability",
        run: durability,
        decisive: false,
        required: true,
    },
    Step {
        name: "consistency",
        run: consistency,
        decisive: false,
        required: true,
    },
    Step {
        name: "faults",
        run: faults,
        decisive: false,
        required: true,
    },
    Step {
        name: "fairness",
        run: fairness,
        decisive: false,
        required: true,
    },
    Step {
        name: "reading",
        run: reading,
        decisive: false,
        required: true,
    },
    Step {
        name: "allocations",
        run: allocations,
        decisive: false,
        required: true,
    },
    Step {
        name: "overload",
        run: overload,
        decisive: false,
        required: true,
    },
    Step {
        name: "writes",
        run: writes,
        decisive: false,
        required: true,
    },
    Step {
        name: "admission",
        run: admission,
        decisive: false,
        required: true,
    },
    Step {
        name: "cluster",
        run: cluster,
        decisive: false,
        required: true,
    },
    Step {
        name: "operations",
        run: operations,
        decisive: false,
        required: true,
    },
    Step {
        name: "etcd",
        run: etcd,
        decisive: false,
        required: true,
    },
    Step {
        name: "identity",
        run: identity,
        decisive: false,
        required: true,
    },
    Step {
        name: "clients",
        run: clients,
        decisive: false,
        required: true,
    },
    Step {
        name: "golden",
        run: golden,
        decisive: false,
        required: true,
    },
    Step {
        name: "golden on etcd",
        run: golden_on_etcd,
        decisive: false,
        required: true,
    },
    Step {
        name: "dependencies",
        run: dependencies,
        decisive: false,
        required: true,
    },
];

/// Runs every step, however many fail.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    crate::commands::no_arguments(arguments)?;
    setup::for_building()?;
    setup::for_testing();
    let started = Instant::now();
    let mut lines = Vec::new();
    let (mut failed, mut open) = (Vec::new(), Vec::new());
    for step in STEPS {
        println!("\n== {}", step.name);
        let began = Instant::now();
        let outcome = (step.run)();
        let took = seconds(began.elapsed());
        lines.push(match &outcome {
            Ok(Outcome::Passed) => format!("  ok       {} ({took})", step.name),
            Ok(Outcome::Skipped(why)) => format!("  skipped  {}: {why}", step.name),
            Err(error) => format!("  FAILED   {} ({took}): {error:#}", step.name),
        });
        println!(
            "{}",
            lines.last().expect("a line was just added").trim_start()
        );
        if outcome.is_err() {
            if step.required {
                failed.push(step.name);
            } else {
                open.push(step.name);
            }
            if step.decisive {
                lines.push("  the steps after it were not run".into());
                break;
            }
        }
    }
    println!("\n{}", lines.join("\n"));
    let took = seconds(started.elapsed());
    if !failed.is_empty() {
        bail!("xtask test: failed in {took}: {}", failed.join(", "));
    }
    if open.is_empty() {
        println!("xtask test: everything passed in {took}");
    } else {
        println!(
            "xtask test: what is required passed in {took}; FAILED and not required yet: {}",
            open.join(", ")
        );
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

fn tidy_step() -> Result<Outcome> {
    tidy::run(&[])?;
    Ok(Outcome::Passed)
}

fn formatting() -> Result<Outcome> {
    passed(["fmt", "--all", "--check"])
}

/// With the tests: without them, other features of what RocksDB's build depends on are selected, and it is compiled twice.
fn build() -> Result<Outcome> {
    passed(["build", "--locked", "--workspace", "--bins", "--tests"])
}

fn clippy() -> Result<Outcome> {
    passed([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "--deny=warnings",
    ])
}

/// All but the suites of `pintle-tests` that start a server; those have steps of their own.
fn tests() -> Result<Outcome> {
    if on_path("cargo-nextest") {
        let others = "not (package(pintle-tests) and kind(test))";
        return passed([
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--no-fail-fast",
            "--filterset",
            others,
        ]);
    }
    // Named one by one: to leave a package out would select other features, and compile RocksDB again.
    let mut command = cargo(["test", "--locked", "--no-fail-fast", "--workspace"]);
    command.args(["--lib", "--bins", "--examples"]);
    for package in Metadata::read()?.packages {
        if package.name != "pintle-tests" {
            command.args(package.test_targets().map(|name| format!("--test={name}")));
        }
    }
    process::run(command)?;
    Ok(Outcome::Passed)
}

fn documentation_tests() -> Result<Outcome> {
    passed(["test", "--locked", "--workspace", "--doc"])
}

fn durability() -> Result<Outcome> {
    suite("durability")
}

fn consistency() -> Result<Outcome> {
    suite("consistency")
}

fn faults() -> Result<Outcome> {
    suite("faults")
}

fn fairness() -> Result<Outcome> {
    suite("fairness")
}

fn clients() -> Result<Outcome> {
    suite("clients")
}

fn etcd() -> Result<Outcome> {
    if !on_path("etcd") {
        return Ok(Outcome::Skipped("etcd is not installed"));
    }
    suite("etcd")
}

fn reading() -> Result<Outcome> {
    suite("reading")
}

fn allocations() -> Result<Outcome> {
    suite("allocations")
}

fn overload() -> Result<Outcome> {
    suite("overload")
}

fn writes() -> Result<Outcome> {
    suite("writes")
}

fn admission() -> Result<Outcome> {
    suite("admission")
}

fn cluster() -> Result<Outcome> {
    suite("cluster")
}

fn operations() -> Result<Outcome> {
    suite("operations")
}

fn identity() -> Result<Outcome> {
    suite("identity")
}

fn golden() -> Result<Outcome> {
    suite("golden")
}

/// The same answers, whatever keeps the objects.
fn golden_on_etcd() -> Result<Outcome> {
    if !on_path("etcd") {
        return Ok(Outcome::Skipped("etcd is not installed"));
    }
    suite_with("golden", &["--etcd"])
}

/// A test target of `pintle-tests`, with what it prints, against the server that was just built.
fn suite(target: &str) -> Result<Outcome> {
    if target == "golden" {
        suite_with(target, &[])
    } else {
        suite_with(target, &["--nocapture"])
    }
}

fn suite_with(target: &str, arguments: &[&str]) -> Result<Outcome> {
    let mut command = cargo(["test", "--locked", "--workspace", "--test", target]);
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    command.env("PINTLE_BIN", Metadata::read()?.binary("debug", "pintle"));
    process::run(command)?;
    Ok(Outcome::Passed)
}

fn dependencies() -> Result<Outcome> {
    if !on_path("cargo-deny") {
        return Ok(Outcome::Skipped("cargo-deny is not installed"));
    }
    passed(["deny", "--workspace", "check"])
}

fn passed<const N: usize>(arguments: [&str; N]) -> Result<Outcome> {
    process::run(cargo(arguments))?;
    Ok(Outcome::Passed)
}
