//! Volumes, classes of storage, and drivers.

use std::borrow::Cow;

use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_runtime::view::{StringMap, Strings};

use super::Cells;
use super::age::age_cell;
use super::cell::cells;
use super::text::{NONE, UNSET, is_true, join};
use crate::core::v1::{PersistentVolume, PersistentVolumeClaim};
use crate::storage::v1::{CSIDriver, CSINode, StorageClass, VolumeAttachment};

/// Where the class stood before there was a field for it; it still counts first.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// Either of them makes a class the default.
const DEFAULT_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// Access modes and what they are called, in the order in which they are shown.
const MODES: [(&str, &str); 4] = [
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
];

pub(super) fn persistent_volume(object: &Record, now: Time) -> Cells<'_> {
    let object = PersistentVolume::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let claim = spec.claim_ref().map_or(Cow::Borrowed(""), |claim| {
        Cow::Owned(format!("{}/{}", claim.namespace(), claim.name()))
    });
    cells![
        meta.name(),
        storage(spec.capacity()),
        modes(spec.access_modes()),
        spec.persistent_volume_reclaim_policy(),
        phase(meta, status.phase()),
        claim,
        class(meta, spec.storage_class_name()),
        spec.volume_attributes_class_name().unwrap_or(UNSET),
        status.reason(),
        age_cell(meta.creation_timestamp(), now),
        spec.volume_mode().unwrap_or(UNSET),
    ]
}

/// What a claim has got is only shown once it has a volume.
pub(super) fn persistent_volume_claim(object: &Record, now: Time) -> Cells<'_> {
    let object = PersistentVolumeClaim::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let (capacity, modes) = if spec.volume_name().is_empty() {
        ("", Cow::Borrowed(""))
    } else {
        (storage(status.capacity()), modes(status.access_modes()))
    };
    cells![
        meta.name(),
        phase(meta, status.phase()),
        spec.volume_name(),
        capacity,
        modes,
        class(meta, spec.storage_class_name().unwrap_or_default()),
        spec.volume_attributes_class_name().unwrap_or(UNSET),
        age_cell(meta.creation_timestamp(), now),
        spec.volume_mode().unwrap_or(UNSET),
    ]
}

fn storage<'a>(amounts: StringMap<'a>) -> &'a str {
    amounts.get("storage").unwrap_or("0")
}

fn modes(modes: Strings<'_>) -> Cow<'static, str> {
    let given = MODES.iter().filter(|(mode, _)| modes.contains(mode));
    join(given.map(|(_, short)| *short), ",")
}

fn phase<'a>(meta: ObjectMeta<'a>, phase: &'a str) -> &'a str {
    if meta.deletion_timestamp().is_some() {
        "Terminating"
    } else {
        phase
    }
}

fn class<'a>(meta: ObjectMeta<'a>, class: &'a str) -> &'a str {
    meta.annotations().get(CLASS).unwrap_or(class)
}

pub(super) fn storage_class(object: &Record, now: Time) -> Cells<'_> {
    let object = StorageClass::from_record(object);
    let meta = object.metadata();
    let mut name = Cow::Borrowed(meta.name());
    if DEFAULT_CLASS
        .iter()
        .any(|key| is_true(meta.annotations(), key))
    {
        name.to_mut().push_str(" (default)");
    }
    cells![
        name,
        object.provisioner(),
        object.reclaim_policy().unwrap_or("Delete"),
        object.volume_binding_mode().unwrap_or("Immediate"),
        object.allow_volume_expansion().unwrap_or(false),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn volume_attachment(object: &Record, now: Time) -> Cells<'_> {
    let object = VolumeAttachment::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    cells![
        meta.name(),
        spec.attacher(),
        spec.source().persistent_volume_name().unwrap_or_default(),
        spec.node_name(),
        object.status().attached(),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn csi_driver(object: &Record, now: Time) -> Cells<'_> {
    let object = CSIDriver::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let modes = spec.volume_lifecycle_modes();
    let requests = spec.token_requests();
    let audiences = if requests.is_present() {
        join(requests.iter().map(|request| request.audience()), ",")
    } else {
        Cow::Borrowed(UNSET)
    };
    cells![
        meta.name(),
        spec.attach_required().unwrap_or(true),
        spec.pod_info_on_mount().unwrap_or(false),
        spec.storage_capacity().unwrap_or(false),
        audiences,
        spec.requires_republish().unwrap_or(false),
        if modes.is_empty() {
            Cow::Borrowed(NONE)
        } else {
            join(modes.iter(), ",")
        },
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn csi_node(object: &Record, now: Time) -> Cells<'_> {
    let object = CSINode::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.spec().drivers().len(),
        age_cell(meta.creation_timestamp(), now)
    ]
}

/// The printer of a version of VolumeAttributesClass.
macro_rules! volume_attributes_class {
    ($version:ident) => {
        pub(in crate::printers) mod $version {
            use super::*;
            use crate::storage::$version::VolumeAttributesClass;

            pub(in crate::printers) fn volume_attributes_class(
                object: &Record,
                now: Time,
            ) -> Cells<'_> {
                let object = VolumeAttributesClass::from_record(object);
                let meta = object.metadata();
                cells![
                    meta.name(),
                    object.driver_name(),
                    age_cell(meta.creation_timestamp(), now)
                ]
            }
        }
    };
}
volume_attributes_class!(v1);
volume_attributes_class!(v1beta1);

#[cfg(test)]
mod tests;
