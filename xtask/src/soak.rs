//! `cargo xtask soak`: the suites that take their chances, for as long as one likes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{self, cargo, on_path};
use crate::setup;

/// A suite, as a test target of `pintle-tests` and the tests of it that are meant.
struct Suite {
    name: &'static str,
    target: &'static str,
    tests: &'static str,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "crash",
        target: "durability",
        tests: "",
    },
    Suite {
        name: "watch",
        target: "consistency",
        tests: "watches::",
    },
    Suite {
        name: "linearizability",
        target: "consistency",
        tests: "registers::",
    },
    Suite {
        name: "overload",
        target: "overload",
        tests: "",
    },
    Suite {
        name: "fairness",
        target: "fairness",
        tests: "",
    },
    Suite {
        name: "fault",
        target: "faults",
        tests: "",
    },
    Suite {
        name: "etcd",
        target: "etcd",
        tests: "faults::",
    },
];

/// What was asked for.
struct Wanted {
    time: Duration,
    suites: Vec<&'static Suite>,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let (mut minutes, mut suites) = (10.0, Vec::new());
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let (name, given) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), arguments.next().map(String::as_str)),
            };
            let value = given.with_context(|| format!("{name} needs a value"))?;
            match name {
                "--minutes" => {
                    minutes = value
                        .parse()
                        .ok()
                        .filter(|minutes| *minutes > 0.0)
                        .with_context(|| format!("--minutes={value}: must be a number"))?;
                }
                "--suite" => {
                    let known = SUITES.iter().find(|suite| suite.name == value);
                    let names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
                    let suite = known.with_context(|| {
                        format!("--suite={value}: must be one of {}", names.join(", "))
                    });
                    suites.push(suite?);
                }
                other => bail!("unexpected argument {other:?}"),
            }
        }
        if suites.is_empty() {
            let here = |suite: &&Suite| suite.name != "etcd" || on_path("etcd");
            suites = SUITES.iter().filter(here).collect();
        }
        Ok(Self {
            time: Duration::from_secs_f64(minutes * 60.0) / u32::try_from(suites.len())?,
            suites,
        })
    }
}

/// Runs each suite for its share of the time, again and again if it comes to its end by itself. The
/// server is built for release.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let wanted = Wanted::parse(arguments)?;
    setup::for_building()?;
    setup::for_testing();
    let pintle = process::build_release("pintle")?;
    let seconds = wanted.time.as_secs().max(1);
    let mut failed = Vec::new();
    for suite in wanted.suites {
        println!("\n== {} for {seconds} s", suite.name);
        let end = Instant::now() + wanted.time;
        let mut rounds = 0;
        loop {
            let mut command = cargo(["test", "--locked", "--workspace"]);
            command.args(["--test", suite.target, "--", "--nocapture", suite.tests]);
            command.env("PINTLE_BIN", &pintle);
            command.env("PINTLE_SOAK_SECONDS", seconds.to_string());
            rounds += 1;
            if let Err(error) = process::run(command) {
                println!("{error:#}");
                failed.push(suite.name);
                break;
            }
            if Instant::now() >= end {
                break;
            }
        }
        println!("{}: {rounds} rounds", suite.name);
    }
    if !failed.is_empty() {
        bail!("soak: failed: {}", failed.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Wanted> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::parse(&words)
    }

    #[test]
    fn suites_share_the_time() {
        let wanted = parse("--minutes 4 --suite crash --suite=watch").expect("it can be read");
        assert_eq!(wanted.time, Duration::from_secs(120));
        assert_eq!(wanted.suites.len(), 2);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for line in ["--suite nothing", "--minutes soon", "--minutes", "crash"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
