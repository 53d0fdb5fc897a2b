//! What cargo knows of this workspace.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The workspace's root folder. Cargo says where it is each time: with a shared target directory, the
/// clone that this was compiled in may be gone.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let of_xtask = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        of_xtask
            .parent()
            .expect("xtask stands in the workspace's root")
            .to_owned()
    });
    &ROOT
}

/// The part of `cargo metadata` that the build tool needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// A member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// Something that is compiled.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    name: String,
    kind: Vec<String>,
}

impl Package {
    /// Names of its integration tests.
    pub(crate) fn test_targets(&self) -> impl Iterator<Item = &str> {
        let tests = self.targets.iter().filter(|target| target.kind == ["test"]);
        tests.map(|target| target.name.as_str())
    }
}

/// A line of a member's dependencies, development and build dependencies included.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
}

impl Metadata {
    /// Asks cargo; needs no network.
    pub(crate) fn read() -> Result<Self> {
        let output = crate::process::cargo(["metadata", "--no-deps", "--format-version=1"])
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", output.status);
        }
        serde_json::from_slice(&output.stdout).context("cannot read what cargo metadata printed")
    }

    /// The program `name` as built in `profile`.
    pub(crate) fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target_directory.join(profile).join(name)
    }
}
