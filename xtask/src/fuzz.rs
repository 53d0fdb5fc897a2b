//! `cargo xtask fuzz`: every target of `fuzz/` for a while.
//!
//! The engine is libFuzzer. LLVM counts which branches are taken, with flags that a stable compiler takes; sanitizers
//! of memory would need an unstable one and have little to look for, as no code of ours is unsafe.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::process::{self, cargo, command};
use crate::workspace::{self, Metadata};

/// Counts taken branches and what is compared, and checks what a debug build checks.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

/// Longer inputs find nothing that shorter ones do not.
const LONGEST: usize = 4096;

/// For each target: what is new of its inputs goes to the target directory, and what it finds.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut seconds, mut wanted) = (60_u64, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix("--seconds") {
            Some(rest) => {
                let value = rest.strip_prefix('=').or(words.next().map(String::as_str));
                let value = value.and_then(|value| value.parse().ok());
                seconds = value.context("--seconds needs a number")?;
            }
            None => wanted.push(word.clone()),
        }
    }
    let corpus = workspace::root().join("fuzz/corpus");
    let known = folders(&corpus)?;
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        bail!("there is no target {unknown:?} among {}", known.join(", "));
    }
    let work = Metadata::read()?.target_directory.join("fuzz");
    let program = build(&work)?;
    let mut found = Vec::new();
    for target in known {
        if !wanted.is_empty() && !wanted.contains(&target) {
            continue;
        }
        println!("\n== {target} for {seconds} s");
        let (new, finds) = (work.join("corpus").join(&target), work.join("found"));
        std::fs::create_dir_all(&new)?;
        std::fs::create_dir_all(&finds)?;
        let mut fuzzer = command(
            &program.to_string_lossy(),
            [
                format!("-max_total_time={seconds}"),
                format!("-max_len={LONGEST}"),
                "-timeout=10".to_owned(),
                "-rss_limit_mb=2048".to_owned(),
                "-print_final_stats=1".to_owned(),
                "-verbosity=0".to_owned(),
                format!("-artifact_prefix={}/{target}-", finds.display()),
                new.display().to_string(),
                corpus.join(&target).display().to_string(),
            ],
        );
        fuzzer.env("PINTLE_FUZZ_TARGET", &target);
        if process::run(fuzzer).is_err() {
            found.push(target);
        }
    }
    if !found.is_empty() {
        bail!(
            "fuzz: something does not hold of {}; the bytes are in {}: keep them in fuzz/corpus",
            found.join(", "),
            work.join("found").display()
        );
    }
    Ok(())
}

/// Names of targets.
fn folders(corpus: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(corpus).context("there is no fuzz/corpus")?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The fuzzer of all targets. It is built for a named platform, so that build scripts are not counted in.
fn build(work: &Path) -> Result<PathBuf> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = cargo([
        "build",
        "--locked",
        "--release",
        "--package=pintle-fuzz",
        "--bin=fuzz",
        "--features=engine",
    ]);
    command.arg(format!("--target={platform}"));
    command.arg(format!("--target-dir={}", work.display()));
    command.env("RUSTFLAGS", FLAGS);
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    process::run(command)?;
    Ok(work.join(platform).join("release/fuzz"))
}
