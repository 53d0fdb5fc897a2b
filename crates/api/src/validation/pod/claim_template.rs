//! Templates of claims that are made for a pod's volumes.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::object_meta::{validate_annotations, validate_labels};

use crate::core::v1::PersistentVolumeClaimTemplate;
use crate::validation::core::persistent_volume_claim::{self, Leeway};

/// Checks a template (`ValidatePersistentVolumeClaimTemplate`).
pub(super) fn check(
    template: PersistentVolumeClaimTemplate<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    metadata(template.metadata(), &path.child("metadata"), errors);
    let at = path.child("spec");
    persistent_volume_claim::spec(template.spec(), Leeway::NONE, &at, errors);
}

/// Metadata of which labels and annotations are copied, and nothing else (`ValidateTemplateObjectMeta`).
pub(super) fn metadata(meta: ObjectMeta<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    validate_annotations(meta.annotations(), &path.child("annotations"), errors);
    validate_labels(meta.labels(), &path.child("labels"), errors);
    let fields = [
        ("name", !meta.name().is_empty()),
        ("generateName", !meta.generate_name().is_empty()),
        ("namespace", !meta.namespace().is_empty()),
        ("selfLink", !meta.self_link().is_empty()),
        // As upstream, which makes the first letter small and no other.
        ("uID", !meta.uid().is_empty()),
        ("resourceVersion", !meta.resource_version().is_empty()),
        ("generation", meta.generation() != 0),
        ("creationTimestamp", meta.creation_timestamp().is_some()),
        ("deletionTimestamp", meta.deletion_timestamp().is_some()),
        (
            "deletionGracePeriodSeconds",
            meta.deletion_grace_period_seconds().is_some(),
        ),
        ("ownerReferences", !meta.owner_references().is_empty()),
        ("finalizers", !meta.finalizers().is_empty()),
        ("managedFields", !meta.managed_fields().is_empty()),
    ];
    for (name, is_set) in fields {
        if is_set {
            errors.forbidden(&path.child(name), "cannot be set");
        }
    }
}
