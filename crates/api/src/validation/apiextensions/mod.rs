//! `apiextensions.k8s.io`: definitions of further kinds.
//!
//! Upstream looks at a form in which what all versions have in common stands once, beside them. The paths
//! of errors are those of that form: `spec.validation` for `spec.versions[*].schema`.
//!
//! Rules in CEL are looked at only as text here.

use super::Rules;

mod conversion;
mod defaults;
pub(super) mod definition;
mod extensions;
mod field;
pub(super) mod formats;
mod leeway;
mod names;
mod nested;
mod pattern;
mod schema;
mod structural;
#[cfg(test)]
mod tests;
mod value;
mod version;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    (kind == "CustomResourceDefinition").then_some(definition::RULES)
}
