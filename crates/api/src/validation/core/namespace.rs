//! `Namespace`.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::label_key;
use pintle_runtime::value::Record;
use pintle_runtime::view::Strings;

use crate::core::v1::Namespace;
use crate::validation::Rules;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", status), ("finalize", finalize)],
};

fn create(new: &Record, errors: &mut ErrorList) {
    let namespace = Namespace::from_record(new);
    for name in namespace.spec().finalizers().iter() {
        finalizer(name, &Path::new("spec.finalizers"), errors);
    }
}

/// Only metadata changes: `spec` is what it was.
fn update(_new: &Record, _old: &Record, _errors: &mut ErrorList) {}

fn status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let namespace = Namespace::from_record(new);
    let phase = namespace.status().phase();
    let (right, detail) = if namespace.metadata().deletion_timestamp().is_none() {
        (
            "Active",
            "may only be 'Active' if `deletionTimestamp` is empty",
        )
    } else {
        (
            "Terminating",
            "may only be 'Terminating' if `deletionTimestamp` is not empty",
        )
    };
    if phase != right {
        // Upstream's path has the Go name of the field.
        errors.invalid(
            &Path::new("status.Phase"),
            BadValue::json_string(phase),
            detail,
        );
    }
}

fn finalize(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let namespace = Namespace::from_record(new);
    let path = Path::new("spec.finalizers");
    for (at, name) in namespace.spec().finalizers().iter().enumerate() {
        finalizer(name, &path.index(at), errors);
    }
}

/// A finalizer must be a label's name, and one without a domain must be one of Kubernetes' own.
fn finalizer(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    errors.invalid_each(path, name, label_key(name));
    known_finalizer(name, path, errors);
}

/// Finalizers in the metadata of most kinds: they have been looked at as names.
pub(in crate::validation) fn of_metadata(finalizers: Strings<'_>, errors: &mut ErrorList) {
    let path = Path::new("metadata.finalizers");
    for (at, name) in finalizers.iter().enumerate() {
        known_finalizer(name, &path.index(at), errors);
    }
}

fn known_finalizer(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let own = matches!(name, "kubernetes" | "orphan" | "foregroundDeletion");
    if !name.contains('/') && !own {
        errors.invalid(
            path,
            name,
            "name is neither a standard finalizer name nor is it fully qualified",
        );
    }
}
