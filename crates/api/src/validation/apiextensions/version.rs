//! What a version has besides its schema: subresources, columns, selectable fields.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::quote::is_printable;
use pintle_runtime::view::List;

use super::field;
use super::schema::Schema;
use crate::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceSubresources, SelectableField,
};

const COLUMN_TYPES: &str = "boolean,date,integer,number,string";
const COLUMN_FORMATS: &str = "byte,date,date-time,double,float,int32,int64,password";
const SELECTABLE_FIELDS: usize = 8;
const WARNING_LIMIT: usize = 256;

/// What is said to those who use an old version.
pub(super) fn deprecation(
    deprecated: bool,
    warning: Option<&str>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(warning) = warning else { return };
    let path = path.child("deprecationWarning");
    if !deprecated {
        return errors.invalid(&path, warning, "can only be set for deprecated versions");
    }
    if warning.len() > WARNING_LIMIT {
        errors.invalid(&path, warning, "must be <= 256 characters long");
    }
    if warning.is_empty() {
        errors.invalid(&path, warning, "must not be an empty string");
    }
    if let Some((index, _)) = warning.char_indices().find(|(_, c)| !is_printable(*c)) {
        let detail = format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        );
        errors.invalid(&path, warning, detail);
    }
}

/// `status` and `scale`.
pub(super) fn subresources(
    subresources: CustomResourceSubresources<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(scale) = subresources.scale() else {
        return;
    };
    let part = |path: &str| path.starts_with('.');
    for (name, text, under, detail) in [
        (
            "scale.specReplicasPath",
            scale.spec_replicas_path(),
            ".spec.",
            "should be a json path under .spec",
        ),
        (
            "scale.statusReplicasPath",
            scale.status_replicas_path(),
            ".status.",
            "should be a json path under .status",
        ),
    ] {
        let at = path.child(name);
        if text.is_empty() {
            errors.required(&at, "");
        } else if !part(text) {
            errors.invalid(&at, text, NOT_SIMPLE);
        } else if !text.starts_with(under) {
            errors.invalid(&at, text, detail);
        }
    }
    let at = path.child("scale.labelSelectorPath");
    match scale.label_selector_path() {
        None | Some("") => {}
        Some(text) if !part(text) => errors.invalid(&at, text, NOT_SIMPLE),
        Some(text) if text.starts_with(".spec.") || text.starts_with(".status.") => {}
        Some(text) => errors.invalid(
            &at,
            text,
            "should be a json path under either .spec or .status",
        ),
    }
}

const NOT_SIMPLE: &str = "must be a simple json path starting with .";

/// Columns of a table.
pub(super) fn columns(
    columns: List<'_, CustomResourceColumnDefinition<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let is_one_of = |list: &str, text: &str| list.split(',').any(|known| known == text);
    for (index, column) in columns.iter().enumerate() {
        let path = path.index(index);
        if column.name().is_empty() {
            errors.required(&path.child("name"), "");
        }
        let at = path.child("type");
        let detail = format!("must be one of {COLUMN_TYPES}");
        if column.type_().is_empty() {
            errors.required(&at, detail);
        } else if !is_one_of(COLUMN_TYPES, column.type_()) {
            errors.invalid(&at, column.type_(), detail);
        }
        let format = column.format();
        if !format.is_empty() && !is_one_of(COLUMN_FORMATS, format) {
            let detail = format!("must be one of {COLUMN_FORMATS}");
            errors.invalid(&path.child("format"), format, detail);
        }
        let at = path.child("JSONPath");
        if column.json_path().is_empty() {
            errors.required(&at, "");
        } else if !column.json_path().starts_with('.') {
            errors.invalid(&at, column.json_path(), NOT_SIMPLE);
        }
    }
}

/// Fields that lists can be narrowed by. `kept` are those that were there before.
pub(super) fn selectable(
    fields: List<'_, SelectableField<'_>>,
    schema: Schema<'_>,
    kept: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut seen = BTreeSet::new();
    for (index, item) in fields.iter().enumerate() {
        let found = path.index(index);
        let at = found.child("jsonPath");
        let text = item.json_path();
        if text.is_empty() {
            errors.required(&at, "");
            continue;
        }
        let target = match field::find(text, schema, false) {
            Ok(target) => target,
            Err(problem) => {
                errors.invalid(&at, text, format!("is an invalid path: {problem}"));
                continue;
            }
        };
        if target.root == "metadata" {
            errors.invalid(&at, text, "must not point to fields in metadata");
        }
        let ty = target.schema.map_or("", Schema::type_);
        if !matches!(ty, "string" | "boolean" | "integer") {
            errors.invalid(
                &at,
                text,
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
            );
        }
        if !seen.insert(target.path) {
            errors.duplicate(&at, text);
        }
    }
    if seen.len() > SELECTABLE_FIELDS && !kept {
        errors.push(FieldError::too_many(path, seen.len(), SELECTABLE_FIELDS));
    }
}
