//! The options of requests that write.

use crate::field_path::{BadValue, ErrorList, FieldError, Path};
use crate::meta::{CreateOptions, DeleteOptions, PatchOptions, UpdateOptions};
use crate::quote::is_printable;
use crate::view::Strings;

/// How long the name of a field manager may be.
const MANAGER_LIMIT: usize = 128;

/// Checks the options of a create.
pub fn validate_create_options(options: CreateOptions<'_>) -> ErrorList {
    let mut errors = ErrorList::new();
    validate_common(
        options.field_manager(),
        options.dry_run(),
        options.field_validation(),
        &mut errors,
    );
    errors
}

/// Checks the options of an update.
pub fn validate_update_options(options: UpdateOptions<'_>) -> ErrorList {
    let mut errors = ErrorList::new();
    validate_common(
        options.field_manager(),
        options.dry_run(),
        options.field_validation(),
        &mut errors,
    );
    errors
}

/// Checks the options of a patch. An apply names its manager; nothing else may be forced.
pub fn validate_patch_options(options: PatchOptions<'_>, is_apply: bool) -> ErrorList {
    let mut errors = ErrorList::new();
    if is_apply && options.field_manager().is_empty() {
        errors.required(&Path::new("fieldManager"), "is required for apply patch");
    }
    if !is_apply && options.force().is_some() {
        errors.forbidden(
            &Path::new("force"),
            "may not be specified for non-apply patch",
        );
    }
    validate_common(
        options.field_manager(),
        options.dry_run(),
        options.field_validation(),
        &mut errors,
    );
    errors
}

/// Checks the options of a delete.
pub fn validate_delete_options(options: DeleteOptions<'_>) -> ErrorList {
    let mut errors = ErrorList::new();
    let path = Path::new("propagationPolicy");
    if let Some(policy) = options.propagation_policy() {
        let value = BadValue::json_string(policy);
        if options.orphan_dependents().is_some() {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.invalid(&path, value.clone(), detail);
        }
        if !matches!(policy, "Foreground" | "Background" | "Orphan") {
            errors.not_supported(&path, value, ["Foreground", "Background", "Orphan", "nil"]);
        }
    }
    validate_dry_run(options.dry_run(), &Path::new("dryRun"), &mut errors);
    validate_unsafe_delete(options, &mut errors);
    errors
}

/// A delete that ignores that the object cannot be read can do nothing else.
fn validate_unsafe_delete(options: DeleteOptions<'_>, errors: &mut ErrorList) {
    if options.ignore_store_read_error_with_cluster_breaking_potential() != Some(true) {
        return;
    }
    let others = [
        ("dryRun", !options.dry_run().is_empty()),
        ("propagationPolicy", options.propagation_policy().is_some()),
        ("orphanDependents", options.orphan_dependents().is_some()),
        (
            "gracePeriodSeconds",
            options.grace_period_seconds().is_some(),
        ),
        ("preconditions", options.preconditions().is_some()),
    ];
    let path = Path::new("ignoreStoreReadErrorWithClusterBreakingPotential");
    for (other, _) in others.into_iter().filter(|(_, given)| *given) {
        errors.invalid(&path, true, format!("cannot be set together with .{other}"));
    }
}

fn validate_common(manager: &str, dry_run: Strings<'_>, validation: &str, errors: &mut ErrorList) {
    validate_field_manager(manager, &Path::new("fieldManager"), errors);
    validate_dry_run(dry_run, &Path::new("dryRun"), errors);
    validate_field_validation(validation, &Path::new("fieldValidation"), errors);
}

/// Checks the name of a field manager: up to 128 bytes of printable characters.
pub fn validate_field_manager(manager: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if manager.len() > MANAGER_LIMIT {
        errors.push(FieldError::too_long(path, MANAGER_LIMIT));
    }
    for (at, c) in manager.char_indices().filter(|(_, c)| !is_printable(*c)) {
        let number = u32::from(c);
        errors.invalid(
            path,
            manager,
            format!("invalid character U+{number:04X} (at position {at})"),
        );
    }
}

/// Checks `dryRun`: nothing or `All`.
pub fn validate_dry_run(dry_run: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if dry_run.iter().any(|stage| stage != "All") {
        errors.not_supported(path, BadValue::strings(dry_run.iter()), ["All"]);
    }
}

/// Checks `fieldValidation`.
pub fn validate_field_validation(validation: &str, path: &Path<'_>, errors: &mut ErrorList) {
    const ALLOWED: [&str; 4] = ["", "Ignore", "Strict", "Warn"];
    if !ALLOWED.contains(&validation) {
        errors.not_supported(path, validation, ALLOWED);
    }
}
