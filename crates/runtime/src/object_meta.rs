//! Whether an object's metadata is in order.
//!
//! Every rule adds to a list of errors and goes on, in upstream's order and words.

mod condition;
mod labels;
mod options;
mod owners;

use crate::field_path::{BadValue, ErrorList, Path};
use crate::meta::ObjectMeta;
use crate::name::{NameRule, Part};
use crate::quote::quoted_list;
use crate::time::Time;

pub use condition::{validate_condition, validate_conditions};
pub use labels::{validate_annotations, validate_label_name, validate_labels};
pub use options::{
    validate_create_options, validate_delete_options, validate_dry_run, validate_field_manager,
    validate_field_validation, validate_patch_options, validate_update_options,
};
pub use owners::{validate_finalizers, validate_managed_fields, validate_owner_references};

/// What is said of a field that was changed and must not be.
pub const IMMUTABLE: &str = "field is immutable";
/// What is said of a negative number.
pub const NEGATIVE: &str = "must be greater than or equal to 0";

/// Where objects of a resource live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
}

/// Checks the metadata of a new object, whose name has been generated if it had to be.
pub fn validate_create(
    meta: ObjectMeta<'_>,
    scope: Scope,
    names: NameRule,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let prefix = meta.generate_name();
    if !prefix.is_empty() {
        errors.invalid_each(
            &path.child("generateName"),
            prefix,
            names.check(prefix, Part::Prefix),
        );
    }
    let name = meta.name();
    if name.is_empty() {
        errors.required(&path.child("name"), "name or generateName is required");
    } else {
        errors.invalid_each(&path.child("name"), name, names.check(name, Part::Whole));
    }
    validate_namespace(meta.namespace(), scope, &path.child("namespace"), errors);
    validate_well_formed(meta, path, errors);
}

/// Checks all of an object's metadata but what it is called: what a new object and a changed one have in common.
pub fn validate_well_formed(meta: ObjectMeta<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    validate_nonnegative(meta.generation(), &path.child("generation"), errors);
    validate_labels(meta.labels(), &path.child("labels"), errors);
    validate_annotations(meta.annotations(), &path.child("annotations"), errors);
    validate_owner_references(
        meta.owner_references(),
        &path.child("ownerReferences"),
        errors,
    );
    validate_finalizers(meta.finalizers(), &path.child("finalizers"), errors);
    validate_managed_fields(meta.managed_fields(), &path.child("managedFields"), errors);
}

/// Checks the metadata of an object that is about to replace `old`.
pub fn validate_update(
    new: ObjectMeta<'_>,
    old: ObjectMeta<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if old.deletion_timestamp().is_some() {
        let mut added: Vec<&str> = new
            .finalizers()
            .iter()
            .filter(|name| !old.finalizers().contains(name))
            .collect();
        added.sort_unstable();
        added.dedup();
        if !added.is_empty() {
            let added = quoted_list(added);
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{added}}}"
            );
            errors.forbidden(&path.child("finalizers"), detail);
        }
    }
    if new.resource_version().is_empty() {
        errors.invalid(
            &path.child("resourceVersion"),
            "",
            "must be specified for an update",
        );
    }
    if new.generation() < old.generation() {
        errors.invalid(
            &path.child("generation"),
            new.generation(),
            "must not be decremented",
        );
    }
    validate_unchanged(new, old, path, errors);
    validate_labels(new.labels(), &path.child("labels"), errors);
    validate_annotations(new.annotations(), &path.child("annotations"), errors);
    validate_owner_references(
        new.owner_references(),
        &path.child("ownerReferences"),
        errors,
    );
    validate_managed_fields(new.managed_fields(), &path.child("managedFields"), errors);
}

/// Checks that a number is not negative.
pub fn validate_nonnegative(value: i64, path: &Path<'_>, errors: &mut ErrorList) {
    if value < 0 {
        errors.invalid(path, value, NEGATIVE);
    }
}

fn validate_namespace(namespace: &str, scope: Scope, path: &Path<'_>, errors: &mut ErrorList) {
    match scope {
        Scope::Namespaced if namespace.is_empty() => errors.required(path, ""),
        Scope::Namespaced => {
            errors.invalid_each(
                path,
                namespace,
                NameRule::DnsLabel.check(namespace, Part::Whole),
            );
        }
        Scope::Cluster if namespace.is_empty() => {}
        Scope::Cluster => errors.forbidden(path, "not allowed on this type"),
    }
}

/// The fields that only the server sets.
fn validate_unchanged(
    new: ObjectMeta<'_>,
    old: ObjectMeta<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut same = |name: &str, same: bool, value: BadValue| {
        if !same {
            errors.invalid(&path.child(name), value, IMMUTABLE);
        }
    };
    same("name", new.name() == old.name(), new.name().into());
    same(
        "namespace",
        new.namespace() == old.namespace(),
        new.namespace().into(),
    );
    same(
        "uid",
        new.uid() == old.uid(),
        BadValue::json_string(new.uid()),
    );
    let (time, before) = (new.creation_timestamp(), old.creation_timestamp());
    same("creationTimestamp", time == before, time_value(time));
    let (time, before) = (new.deletion_timestamp(), old.deletion_timestamp());
    same("deletionTimestamp", time == before, time_value(time));
    let (grace, before) = (
        new.deletion_grace_period_seconds(),
        old.deletion_grace_period_seconds(),
    );
    same(
        "deletionGracePeriodSeconds",
        grace == before,
        grace.map_or_else(BadValue::null, BadValue::Int),
    );
}

fn time_value(time: Option<Time>) -> BadValue {
    time.map_or_else(BadValue::null, |time| BadValue::Json(format!("\"{time}\"")))
}

#[cfg(test)]
mod tests;
