//! Writes the list of types at which the build of `pintle-server` begins to collect descriptions.

use std::collections::BTreeSet;

use anyhow::Result;

use super::facts::Facts;
use super::output::HEADER;

/// Types that are served without being a resource's or subresource's.
const MORE: &[&str] = &[
    "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList",
    "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList",
    "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "io.k8s.apimachinery.pkg.version.Info",
];

/// `roots.rs`.
pub(super) fn file(facts: &Facts) -> Result<String> {
    let resources = facts
        .resources
        .groups
        .iter()
        .flat_map(|group| &group.versions)
        .flat_map(|version| &version.resources);
    let mut roots: BTreeSet<&str> = MORE.iter().copied().collect();
    for resource in resources {
        let bodies = resource
            .subresources
            .iter()
            .flat_map(|row| [&row.input, &row.output]);
        for code in bodies.flatten().chain([&resource.object]) {
            roots.extend(code.strip_prefix('#'));
        }
    }
    let rows: Vec<String> = roots
        .iter()
        .map(|definition| format!("add::<{}>,\n", path(definition)))
        .collect();
    Ok(format!(
        "{HEADER}\n//! Types that reach every other by their fields.\n\n\
         use k8s_openapi::schemars::{{JsonSchema, SchemaGenerator}};\n\
         use k8s_openapi::{{api, apiextensions_apiserver, apimachinery, kube_aggregator}};\n\n\
         /// Adds a type and what it is made of to the definitions.\n\
         fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {{ generator.subschema_for::<T>(); }}\n\n\
         pub(crate) static ROOTS: [fn(&mut SchemaGenerator); {}] = [{}];\n",
        rows.len(),
        rows.concat()
    ))
}

/// The type's name in Rust: `io.k8s.kube-aggregator.x.Y` as `kube_aggregator::x::Y`.
fn path(definition: &str) -> String {
    definition
        .trim_start_matches("io.k8s.")
        .replace('-', "_")
        .replace('.', "::")
}
