//! Storage classes and drivers.

use pintle_runtime::value::Record;

use super::{fill, volume};
use crate::storage::v1::{CSIDriverMut, StorageClassMut, VolumeAttachmentMut};

pub(super) fn storage_class(object: &mut Record) {
    fill!(StorageClassMut::from_record(object);
        reclaim_policy set_reclaim_policy = "Delete",
        volume_binding_mode set_volume_binding_mode = "Immediate",
    );
}

pub(super) fn csi_driver(object: &mut Record) {
    let mut driver = CSIDriverMut::from_record(object);
    let mut spec = driver.spec_mut();
    fill!(spec;
        attach_required set_attach_required = true,
        pod_info_on_mount set_pod_info_on_mount = false,
        storage_capacity set_storage_capacity = false,
        fs_group_policy set_fs_group_policy = "ReadWriteOnceWithFSType",
        requires_republish set_requires_republish = false,
        se_linux_mount set_se_linux_mount = false,
    );
    if spec.view().volume_lifecycle_modes().is_empty() {
        spec.volume_lifecycle_modes_mut().push("Persistent");
    }
}

/// An inline volume has the defaults of its source, and none of those of a persistent volume.
pub(super) fn volume_attachment(object: &mut Record) {
    let mut attachment = VolumeAttachmentMut::from_record(object);
    let mut spec = attachment.spec_mut();
    let mut source = spec.source_mut();
    if let Some(mut inline) = source.inline_volume_spec_mut() {
        volume::source(&mut inline);
    }
}
