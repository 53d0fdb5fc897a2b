//! Which crate may use which. Changing a table here is a commit of its own.

use std::path::Path;

use crate::workspace::Package;

/// Every crate and the crates of ours that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("pintle-runtime", &[]),
    ("pintle-cel", &["pintle-runtime"]),
    ("pintle-api", &["pintle-cel", "pintle-runtime"]),
    ("pintle-storage", &["pintle-runtime"]),
    (
        "pintle-authn",
        &["pintle-runtime", "pintle-cel", "pintle-api"],
    ),
    (
        "pintle-authz",
        &["pintle-runtime", "pintle-cel", "pintle-api"],
    ),
    (
        "pintle-endpoints",
        &[
            "pintle-runtime",
            "pintle-cel",
            "pintle-api",
            "pintle-storage",
            "pintle-authn",
            "pintle-authz",
        ],
    ),
    (
        "pintle-controlplane",
        &[
            "pintle-runtime",
            "pintle-cel",
            "pintle-api",
            "pintle-storage",
            "pintle-authn",
            "pintle-authz",
            "pintle-endpoints",
        ],
    ),
    (
        "pintle-server",
        &[
            "pintle-runtime",
            "pintle-cel",
            "pintle-api",
            "pintle-storage",
            "pintle-authn",
            "pintle-authz",
            "pintle-endpoints",
            "pintle-controlplane",
        ],
    ),
    ("pintle-testing", &["pintle-storage", "pintle-server"]),
];

/// Dependencies with a home: outside of it, nobody under `crates/` names them.
const HOMES: &[(&str, &[&str])] = &[
    ("rocksdb", &["pintle-storage"]),
    ("tonic", &["pintle-storage", "pintle-server"]),
    (
        "hyper",
        &["pintle-endpoints", "pintle-controlplane", "pintle-server"],
    ),
    (
        "hyper-util",
        &["pintle-endpoints", "pintle-controlplane", "pintle-server"],
    ),
    ("clap", &["pintle-server"]),
    ("anyhow", &["pintle-server", "pintle-testing"]),
    (
        "tokio",
        &[
            "pintle-storage",
            "pintle-authn",
            "pintle-authz",
            "pintle-endpoints",
            "pintle-controlplane",
            "pintle-server",
            "pintle-testing",
        ],
    ),
];

/// A line per arrow that the tables do not have. Development dependencies count: a test that needs
/// an upper crate belongs to that crate.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    packages
        .iter()
        .filter(|package| is_product(&package.manifest_path))
        .flat_map(examine)
        .collect()
}

/// The tools and cross-crate suites beside `crates/` stand above all layers.
fn is_product(manifest: &Path) -> bool {
    manifest
        .ancestors()
        .nth(2)
        .is_some_and(|folder| folder.ends_with("crates"))
}

fn examine(package: &Package) -> Vec<String> {
    let Some((name, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!(
            "{} has no layer: give it a row in xtask/src/tidy/layers.rs",
            package.name
        )];
    };
    let mut faults = Vec::new();
    for dependency in &package.dependencies {
        let dependency = dependency.name.as_str();
        if dependency.starts_with("pintle-") && !allowed.contains(&dependency) {
            faults.push(format!(
                "{name} may not use {dependency}, which is beside or above it"
            ));
        }
        if let Some((_, homes)) = HOMES.iter().find(|(guarded, _)| *guarded == dependency)
            && !homes.contains(name)
        {
            faults.push(format!(
                "{name} may not use {dependency}, which is named only in {}",
                homes.join(", ")
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, folder: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.into(),
            manifest_path: format!("/pintle/{folder}/Cargo.toml").into(),
            dependencies: dependencies
                .iter()
                .map(|&name| Dependency { name: name.into() })
                .collect(),
            targets: Vec::new(),
        }
    }

    #[track_caller]
    fn check(name: &str, dependencies: &[&str], expected: &[&str]) {
        let folder = format!("crates/{}", name.trim_start_matches("pintle-"));
        assert_eq!(
            super::check(&[package(name, &folder, dependencies)]),
            expected
        );
    }

    #[test]
    fn arrows_point_down() {
        check(
            "pintle-api",
            &["pintle-cel", "pintle-runtime", "bytes"],
            &[],
        );
        check(
            "pintle-server",
            &["pintle-controlplane", "clap", "hyper"],
            &[],
        );
        check(
            "pintle-runtime",
            &["pintle-api"],
            &["pintle-runtime may not use pintle-api, which is beside or above it"],
        );
        check(
            "pintle-authn",
            &["pintle-authz"],
            &["pintle-authn may not use pintle-authz, which is beside or above it"],
        );
    }

    #[test]
    fn a_guarded_dependency_stays_in_its_home() {
        check("pintle-storage", &["rocksdb"], &[]);
        check(
            "pintle-endpoints",
            &["rocksdb", "hyper"],
            &["pintle-endpoints may not use rocksdb, which is named only in pintle-storage"],
        );
    }

    #[test]
    fn a_new_crate_needs_a_layer() {
        check(
            "pintle-new",
            &[],
            &["pintle-new has no layer: give it a row in xtask/src/tidy/layers.rs"],
        );
    }

    #[test]
    fn tools_and_suites_stand_above_all_layers() {
        let tools = [
            package("xtask", "xtask", &["clap"]),
            package("pintle-tests", "tests", &["pintle-server"]),
        ];
        assert_eq!(super::check(&tools), Vec::<String>::new());
    }

    #[test]
    fn every_arrow_of_the_table_points_to_an_earlier_row() {
        for (row, (name, allowed)) in LAYERS.iter().enumerate() {
            for lower in *allowed {
                let place = LAYERS.iter().position(|(name, _)| name == lower);
                assert!(place.is_some_and(|place| place < row), "{name} → {lower}");
            }
        }
    }
}
