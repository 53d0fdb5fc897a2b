//! What a definition may go on having though a new one may not: it has had it before.

use pintle_runtime::field_path::{ErrorList, Path};

use super::schema::{Schema, each_part, has_known_type};
use super::{defaults, extensions, structural};
use crate::apiextensions::v1::CustomResourceDefinitionSpec;

/// Rules that a definition is spared.
#[derive(Clone, Copy, Default)]
pub(super) struct Leeway {
    /// A version without a schema.
    pub(super) no_schema: bool,
    /// A schema that is not structural.
    pub(super) structure: bool,
    /// A type that OpenAPI does not have.
    pub(super) types: bool,
    /// Defaults with fields that are unknown.
    pub(super) unpruned: bool,
    /// Sets of what is not compared as a whole.
    pub(super) sets: bool,
    /// Maps whose keys need not be there.
    pub(super) keys: bool,
}

impl Leeway {
    /// What `old` has, and `new` may have still.
    pub(super) fn of(
        new: CustomResourceDefinitionSpec<'_>,
        old: Option<CustomResourceDefinitionSpec<'_>>,
    ) -> Self {
        let Some(old) = old else {
            return Self::default();
        };
        let wrong = |rule: fn(Schema<'_>, &Path<'_>, &mut ErrorList)| {
            has(old, |part| {
                let mut errors = ErrorList::new();
                rule(part, &Path::NOWHERE, &mut errors);
                !errors.is_empty()
            })
        };
        let needs_structure = |part: Schema<'_>| part.default().is_some() || is_extended(part);
        Self {
            no_schema: schemas(old).count() < old.versions().len(),
            structure: new.preserve_unknown_fields()
                && !has(new, needs_structure)
                && !schemas(old).all(structural::is_structural),
            types: has(old, |part| !has_known_type(part)),
            unpruned: schemas(old).any(defaults::are_unpruned),
            sets: wrong(extensions::set_items),
            keys: wrong(extensions::keys),
        }
    }
}

/// The schemas of all versions that have one.
pub(super) fn schemas(spec: CustomResourceDefinitionSpec<'_>) -> impl Iterator<Item = Schema<'_>> {
    let versions = spec.versions().into_iter();
    versions.filter_map(|version| version.schema()?.open_apiv3_schema())
}

/// Whether any part of any schema is such.
pub(super) fn has(
    spec: CustomResourceDefinitionSpec<'_>,
    test: impl Fn(Schema<'_>) -> bool,
) -> bool {
    schemas(spec).any(|schema| {
        let mut found = false;
        each_part(schema, &mut |part| found = found || test(part));
        found
    })
}

/// Whether a schema says what OpenAPI cannot.
fn is_extended(schema: Schema<'_>) -> bool {
    schema.x_kubernetes_embedded_resource()
        || schema.x_kubernetes_preserve_unknown_fields().is_some()
        || schema.x_kubernetes_int_or_string()
        || !schema.x_kubernetes_list_map_keys().is_empty()
        || schema.x_kubernetes_list_type().is_some()
        || !schema.x_kubernetes_validations().is_empty()
}
