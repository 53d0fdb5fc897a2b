//! What a machine needs beyond Rust and a C compiler, installed where that is allowed, else named.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::process::{self, command, on_path, succeeds};

/// A system package, and how to see that it is not needed any more.
struct Requirement {
    what: &'static str,
    why: &'static str,
    package: &'static str,
    present: fn() -> bool,
}

/// Nothing builds without these.
const BUILDING: &[Requirement] = &[
    Requirement {
        what: "a C++ compiler",
        why: "RocksDB is written in C++",
        package: "g++",
        present: || {
            ["c++", "g++", "clang++"].into_iter().any(on_path) || std::env::var_os("CXX").is_some()
        },
    },
    Requirement {
        what: "libclang",
        why: "RocksDB's bindings are generated from its headers",
        package: "libclang-dev",
        present: || libclang().is_some(),
    },
];

/// Without these everything builds, only later.
const HASTENING: &[Requirement] = &[Requirement {
    what: "clang",
    why: "RocksDB takes it half the time",
    package: "clang",
    present: || on_path("clang++") || std::env::var_os("CXX").is_some(),
}];

/// Suites that lack one of these say so and are skipped.
const TESTING: &[Requirement] = &[
    Requirement {
        what: "etcd",
        why: "the storage suite runs against it too",
        package: "etcd-server",
        present: || on_path("etcd"),
    },
    Requirement {
        what: "Python's venv",
        why: "the official Python client is one of the tested clients",
        package: "python3-venv",
        present: || succeeds(command("python3", ["-c", "import venv, ensurepip"])),
    },
];

/// `cargo xtask setup`: everything at once.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    crate::commands::no_arguments(arguments)?;
    for_building()?;
    for_testing();
    println!("setup: this machine has what it needs");
    Ok(())
}

/// Makes sure that the workspace can be built; names what is missing if it cannot.
pub(crate) fn for_building() -> Result<()> {
    let missing = provide(BUILDING);
    if missing.is_empty() {
        for requirement in provide(HASTENING) {
            println!("setup: no {}: {}", requirement.what, requirement.why);
        }
        return Ok(());
    }
    let mut text = String::from("this machine lacks what the build needs:\n");
    for requirement in &missing {
        text += &format!("  {} ({})\n", requirement.what, requirement.why);
    }
    bail!("{text}Install with: apt-get install {}", packages(&missing));
}

/// Provides what the wider suites use. What cannot be had is named, and its suite skips itself.
pub(crate) fn for_testing() {
    let missing = provide(TESTING);
    for requirement in &missing {
        println!("setup: no {}: {}", requirement.what, requirement.why);
    }
    if !missing.is_empty() {
        println!("setup: to have it: apt-get install {}", packages(&missing));
    }
    for (tool, instead) in [
        (
            "cargo-nextest",
            "cargo test runs the tests, which takes longer",
        ),
        (
            "cargo-deny",
            "licences, advisories and duplicates go unchecked",
        ),
    ] {
        if !on_path(tool) {
            println!("setup: no {tool}: {instead} (cargo install --locked {tool})");
        }
    }
}

/// Installs what is missing, if it may. Gives what is missing still.
fn provide(requirements: &'static [Requirement]) -> Vec<&'static Requirement> {
    let absent = || {
        requirements
            .iter()
            .filter(|requirement| !(requirement.present)())
            .collect::<Vec<_>>()
    };
    let missing = absent();
    if missing.is_empty() || !install(&missing) {
        return missing;
    }
    absent()
}

/// Whether apt-get was there, was allowed, and did it.
fn install(missing: &[&Requirement]) -> bool {
    if !on_path("apt-get") {
        return false;
    }
    let words: &[&str] = if is_root() {
        &["env", "DEBIAN_FRONTEND=noninteractive"]
    } else if on_path("sudo") && succeeds(command("sudo", ["-n", "true"])) {
        &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    } else {
        return false;
    };
    let apt_get = |arguments: &[&str]| {
        let mut command = command(words[0], &words[1..]);
        command.arg("apt-get").args(arguments);
        process::run(command)
    };
    // A failed update may leave an older index that is good enough, so only the installation decides.
    apt_get(&["update", "--quiet"]).ok();
    missing.iter().fold(true, |all, requirement| {
        let installed = apt_get(&[
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            requirement.package,
        ]);
        installed
            .inspect_err(|error| println!("setup: {error:#}"))
            .is_ok()
            && all
    })
}

fn packages(requirements: &[&Requirement]) -> String {
    requirements
        .iter()
        .map(|requirement| requirement.package)
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The library that bindgen will load, searched where it searches.
fn libclang() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(path) = std::env::var_os("LIBCLANG_PATH") {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Some(path);
        }
        folders.push(path);
    }
    for fixed in [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/local/lib64",
    ] {
        folders.push(fixed.into());
    }
    for entry in entries(Path::new("/usr/lib")) {
        // Multiarch folders, and one per version of LLVM.
        folders.push(entry.join("lib"));
        folders.push(entry);
    }
    folders
        .iter()
        .flat_map(|folder| entries(folder))
        .find(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| is_libclang(name) && path.is_file())
        })
}

fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else {
        return false;
    };
    let versioned = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    match rest.split_once(".so") {
        Some(("", suffix)) => versioned(suffix),
        Some((infix, suffix)) => {
            infix.strip_prefix('-').is_some_and(versioned) && versioned(suffix)
        }
        None => false,
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(is_libclang(name), expected, "{name}");
    }

    #[test]
    fn libclang_is_known_by_its_file_name() {
        for name in [
            "libclang.so",
            "libclang.so.1",
            "libclang-14.so",
            "libclang-14.so.14.0.6",
            "libclang-19.so.1",
        ] {
            check(name, true);
        }
        for name in [
            "libclang-cpp.so.14",
            "libclang.a",
            "libclangAST.a",
            "libclang",
            "libclangd.so",
        ] {
            check(name, false);
        }
    }
}
