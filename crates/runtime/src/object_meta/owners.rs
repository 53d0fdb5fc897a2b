//! Who holds on to an object: owners, finalizers, field managers.

use super::options::validate_field_manager;
use crate::codec::json;
use crate::field_path::{BadValue, ErrorList, FieldError, Path};
use crate::gvk::GroupVersionKind;
use crate::meta::{ManagedFieldsEntry, OwnerReference};
use crate::name::label_key;
use crate::value::Value;
use crate::view::{List, Strings};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
/// How long the name of a subresource may be.
const SUBRESOURCE_LIMIT: usize = 256;

/// Checks that owners are named completely, that none is an event, and that one at most controls.
pub fn validate_owner_references(
    owners: List<'_, OwnerReference<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut controller: Option<OwnerReference<'_>> = None;
    for owner in owners {
        validate_owner(owner, path, errors);
        if owner.controller() != Some(true) {
            continue;
        }
        let Some(first) = controller else {
            controller = Some(owner);
            continue;
        };
        let detail = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            first.kind(),
            first.name(),
            owner.kind(),
            owner.name()
        );
        errors.invalid(path, list_value(owners.values()), detail);
    }
}

fn validate_owner(owner: OwnerReference<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let kind =
        GroupVersionKind::from_api_version(owner.api_version(), owner.kind()).unwrap_or_default();
    if kind.version.is_empty() {
        errors.invalid(
            &path.child("apiVersion"),
            owner.api_version(),
            "version must not be empty",
        );
    }
    for (field, value) in [
        ("kind", owner.kind()),
        ("name", owner.name()),
        ("uid", owner.uid()),
    ] {
        if value.is_empty() {
            errors.invalid(&path.child(field), value, "must not be empty");
        }
    }
    if kind.group.is_empty() && kind.version == "v1" && kind.kind == "Event" {
        errors.invalid(
            path,
            owner.record(),
            format!("{kind} is disallowed from being an owner"),
        );
    }
}

/// Checks the names of finalizers, and that dependents are not to be orphaned and deleted at once.
pub fn validate_finalizers(finalizers: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for finalizer in finalizers.iter() {
        errors.invalid_each(path, finalizer, label_key(finalizer));
    }
    if finalizers.contains(ORPHAN) && finalizers.contains(FOREGROUND) {
        let detail = format!("finalizer {ORPHAN} and {FOREGROUND} cannot be both set");
        errors.invalid(path, BadValue::strings(finalizers.iter()), detail);
    }
}

/// Checks what is written down about field managers.
pub fn validate_managed_fields(
    entries: List<'_, ManagedFieldsEntry<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, entry) in entries.into_iter().enumerate() {
        let path = path.index(index);
        if !matches!(entry.operation(), "Apply" | "Update") {
            let value = BadValue::json_string(entry.operation());
            errors.invalid(
                &path.child("operation"),
                value,
                "must be `Apply` or `Update`",
            );
        }
        if !matches!(entry.fields_type(), "" | "FieldsV1") {
            errors.invalid(
                &path.child("fieldsType"),
                entry.fields_type(),
                "must be `FieldsV1`",
            );
        }
        validate_field_manager(entry.manager(), &path.child("manager"), errors);
        if entry.subresource().len() > SUBRESOURCE_LIMIT {
            errors.push(FieldError::too_long(
                &path.child("subresource"),
                SUBRESOURCE_LIMIT,
            ));
        }
    }
}

fn list_value(items: &[Value]) -> BadValue {
    let mut out = b"[".to_vec();
    for item in items {
        if out.len() > 1 {
            out.push(b',');
        }
        json::encode_value(item, &mut out);
    }
    out.push(b']');
    BadValue::Json(String::from_utf8_lossy(&out).into_owned())
}
