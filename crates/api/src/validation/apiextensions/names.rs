//! What a kind is called in all its forms.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::dns1035_label;

use crate::apiextensions::v1::CustomResourceDefinitionNames;

/// Names that a definition must have.
pub(super) fn required(
    names: CustomResourceDefinitionNames<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (field, name) in [
        ("plural", names.plural()),
        ("singular", names.singular()),
        ("kind", names.kind()),
        ("listKind", names.list_kind()),
    ] {
        if name.is_empty() {
            errors.required(&path.child(field), "");
        }
    }
}

/// Names as they are wanted or accepted.
pub(super) fn check(
    names: CustomResourceDefinitionNames<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (kind, list_kind) = (names.kind(), names.list_kind());
    for (field, name) in [("plural", names.plural()), ("singular", names.singular())] {
        if !name.is_empty() {
            label(name, &path.child(field), errors);
        }
    }
    for (field, name) in [("kind", kind), ("listKind", list_kind)] {
        let messages = dns1035_label(&name.to_lowercase());
        if !name.is_empty() && !messages.is_empty() {
            let detail = format!(
                "may have mixed case, but should otherwise match: {}",
                messages.join(",")
            );
            errors.invalid(&path.child(field), name, detail);
        }
    }
    let at = path.child("shortNames");
    for (index, name) in names.short_names().iter().enumerate() {
        label(name, &at.index(index), errors);
    }
    if !kind.is_empty() && kind == list_kind {
        errors.invalid(
            &path.child("listKind"),
            list_kind,
            "kind and listKind may not be the same",
        );
    }
    let at = path.child("categories");
    for (index, name) in names.categories().iter().enumerate() {
        label(name, &at.index(index), errors);
    }
}

fn label(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let messages = dns1035_label(name);
    if !messages.is_empty() {
        errors.invalid(path, name, messages.join(","));
    }
}
