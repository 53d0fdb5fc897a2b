//! Persistent volumes, and claims to them.

use pintle_api::core::v1::{
    PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimMut, PersistentVolumeClaimSpec,
    PersistentVolumeClaimSpecMut, PersistentVolumeMut,
};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::value::Record;

use super::label_warning;
use crate::particular::Particular;
use crate::particular::pods::fraction;

/// Names the storage class of objects from before there was a field for it.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

fn class_warning() -> String {
    format!(
        r#"metadata.annotations[{CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead"#
    )
}

/// Persistent volumes: the server notes when their phase changes.
pub(super) struct Volumes;

impl Particular for Volumes {
    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        let mut volume = PersistentVolumeMut::from_record(new);
        let now = cx.now().truncate_to_seconds();
        volume.status_mut().set_last_phase_transition_time(now);
    }

    fn prepare_subresource(
        &self,
        cx: &RequestContext,
        subresource: &str,
        new: &mut Record,
        old: &Record,
    ) {
        if subresource != "status" {
            return;
        }
        let before = PersistentVolume::from_record(old).status();
        let mut volume = PersistentVolumeMut::from_record(new);
        let mut status = volume.status_mut();
        let (time, old_time) = (
            status.view().last_phase_transition_time(),
            before.last_phase_transition_time(),
        );
        if status.view().phase() == before.phase() {
            if let (None, Some(old)) = (time, old_time) {
                status.set_last_phase_transition_time(old);
            }
        } else if time.is_none() || time == old_time {
            status.set_last_phase_transition_time(cx.now().truncate_to_seconds());
        }
    }

    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let volume = PersistentVolume::from_record(new);
        let spec = volume.spec();
        let mut warnings = Vec::new();
        if volume
            .metadata()
            .annotations()
            .contains_key(CLASS_ANNOTATION)
        {
            warnings.push(class_warning());
        }
        if spec.persistent_volume_reclaim_policy() == "Recycle" {
            warnings.push(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
                    .to_owned(),
            );
        }
        let required = spec
            .node_affinity()
            .and_then(|affinity| affinity.required());
        let terms = required.into_iter().flat_map(|it| it.node_selector_terms());
        for (at, term) in terms.enumerate() {
            for (index, item) in term.match_expressions().iter().enumerate() {
                if let Some(message) = label_warning(item.key()) {
                    warnings.push(format!(
                        "spec.nodeAffinity.required.nodeSelectorTerms[{at}].matchExpressions[{index}].key: {} is {message}",
                        item.key()
                    ));
                }
            }
        }
        let gone = [
            (
                spec.cephfs().is_some(),
                "cephfs",
                "v1.28, non-functional in v1.31+",
            ),
            (
                spec.photon_persistent_disk().is_some(),
                "photonPersistentDisk",
                "v1.11, non-functional in v1.16+",
            ),
            (
                spec.scale_io().is_some(),
                "scaleIO",
                "v1.16, non-functional in v1.22+",
            ),
            (
                spec.storageos().is_some(),
                "storageOS",
                "v1.22, non-functional in v1.25+",
            ),
            (
                spec.glusterfs().is_some(),
                "glusterfs",
                "v1.25, non-functional in v1.26+",
            ),
            (
                spec.rbd().is_some(),
                "rbd",
                "v1.28, non-functional in v1.31+",
            ),
        ];
        let gone = gone.iter().filter(|(there, ..)| *there);
        warnings
            .extend(gone.map(|(_, field, since)| format!("spec.{field}: deprecated in {since}")));
        warnings
    }
}

/// Claims: where their data comes from can be said in two ways, of which the older knows less.
pub(super) struct Claims;

impl Particular for Claims {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut claim = PersistentVolumeClaimMut::from_record(new);
        data_sources(&mut claim.spec_mut(), None);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let old = PersistentVolumeClaim::from_record(old).spec();
        let mut claim = PersistentVolumeClaimMut::from_record(new);
        data_sources(&mut claim.spec_mut(), Some(old));
    }

    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let claim = PersistentVolumeClaim::from_record(new);
        let mut warnings = Vec::new();
        if claim
            .metadata()
            .annotations()
            .contains_key(CLASS_ANNOTATION)
        {
            warnings.push(class_warning());
        }
        claim_warnings(claim.spec(), &Path::new("spec"), &mut warnings);
        warnings
    }
}

/// What is odd about the spec of a claim, or of a template for claims.
pub(crate) fn claim_warnings(
    spec: PersistentVolumeClaimSpec<'_>,
    path: &Path<'_>,
    warnings: &mut Vec<String>,
) {
    let (resources, path) = (spec.resources(), path.child("resources"));
    for (field, amounts) in [
        ("requests", resources.requests()),
        ("limits", resources.limits()),
    ] {
        fraction("storage", amounts, &path.child(field), warnings);
    }
}

/// Brings the two ways to name a source together.
fn data_sources(
    spec: &mut PersistentVolumeClaimSpecMut<'_>,
    old: Option<PersistentVolumeClaimSpec<'_>>,
) {
    let had_reference = old.is_some_and(|old| old.data_source_ref().is_some());
    let had_source = old.is_some_and(|old| old.data_source().is_some()) || had_reference;
    let view = spec.view();
    // Data from another namespace is still to come.
    let namespace = view.data_source_ref().and_then(|it| it.namespace());
    if !had_reference && namespace.is_some_and(|namespace| !namespace.is_empty()) {
        spec.clear_data_source_ref();
    }
    let view = spec.view();
    let plain = view.data_source().is_some_and(|source| {
        matches!(
            (source.api_group().unwrap_or(""), source.kind()),
            ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
        )
    });
    if !had_source && view.data_source_ref().is_none() && !plain {
        spec.clear_data_source();
    }
    mirror(spec);
}

/// Says in the other way what is said in one.
fn mirror(spec: &mut PersistentVolumeClaimSpecMut<'_>) {
    let view = spec.view();
    let owned = |group: Option<&str>, kind: &str, name: &str| {
        (group.map(str::to_owned), kind.to_owned(), name.to_owned())
    };
    match (view.data_source(), view.data_source_ref()) {
        (Some(source), None) => {
            let (group, kind, name) = owned(source.api_group(), source.kind(), source.name());
            let mut reference = spec.data_source_ref_or_new();
            reference.set_kind(kind);
            reference.set_name(name);
            if let Some(group) = group {
                reference.set_api_group(group);
            }
        }
        (None, Some(reference)) if reference.namespace().unwrap_or("").is_empty() => {
            let (group, kind, name) =
                owned(reference.api_group(), reference.kind(), reference.name());
            let mut source = spec.data_source_or_new();
            source.set_kind(kind);
            source.set_name(name);
            if let Some(group) = group {
                source.set_api_group(group);
            }
        }
        _ => {}
    }
}
