//! Volumes of pods, persistent volumes and claims.

use pintle_runtime::value::Record;

use super::pod::quantities;
use super::{fill, image};
use crate::core::v1::{
    AzureDiskVolumeSourceMut, DownwardAPIVolumeFileMut, HostPathVolumeSourceMut,
    PersistentVolumeClaimMut, PersistentVolumeClaimSpecMut, PersistentVolumeMut,
    PersistentVolumeSpecMut, VolumeMut,
};

/// `0644`
const FILE_MODE: i32 = 0o644;

pub(super) fn of_pod(volume: &mut VolumeMut<'_>) {
    // Field 0 is the name; all others are sources.
    if volume
        .view()
        .record()
        .entries()
        .iter()
        .all(|(at, value)| *at == 0 || value.is_null())
    {
        volume.empty_dir_or_new();
    }
    if let Some(mut source) = volume.host_path_mut() {
        host_path(&mut source);
    }
    if let Some(mut source) = volume.secret_mut() {
        fill!(source; default_mode set_default_mode = FILE_MODE);
    }
    if let Some(mut source) = volume.config_map_mut() {
        fill!(source; default_mode set_default_mode = FILE_MODE);
    }
    if let Some(mut source) = volume.iscsi_mut() {
        fill!(source; iscsi_interface set_iscsi_interface = "default");
    }
    if let Some(mut source) = volume.rbd_mut() {
        fill!(source; pool set_pool = "rbd", user set_user = "admin", keyring set_keyring = "/etc/ceph/keyring");
    }
    if let Some(mut source) = volume.downward_api_mut() {
        fill!(source; default_mode set_default_mode = FILE_MODE);
        for mut item in source.items_mut().iter_mut() {
            downward_file(&mut item);
        }
    }
    if let Some(mut source) = volume.azure_disk_mut() {
        azure_disk(&mut source);
    }
    if let Some(mut source) = volume.scale_io_mut() {
        fill!(source; storage_mode set_storage_mode = "ThinProvisioned", fs_type set_fs_type = "xfs");
    }
    if let Some(mut source) = volume.projected_mut() {
        fill!(source; default_mode set_default_mode = FILE_MODE);
        for mut part in source.sources_mut().iter_mut() {
            if let Some(mut downward) = part.downward_api_mut() {
                for mut item in downward.items_mut().iter_mut() {
                    downward_file(&mut item);
                }
            }
            if let Some(mut token) = part.service_account_token_mut() {
                fill!(token; expiration_seconds set_expiration_seconds = 3600i64);
            }
        }
    }
    if let Some(mut source) = volume.image_mut() {
        let policy = image::pull_policy(source.view().reference());
        fill!(source; pull_policy set_pull_policy = policy);
    }
    if let Some(mut source) = volume.ephemeral_mut()
        && let Some(mut template) = source.volume_claim_template_mut()
    {
        claim_spec(&mut template.spec_mut());
    }
}

fn downward_file(item: &mut DownwardAPIVolumeFileMut<'_>) {
    if let Some(mut field) = item.field_ref_mut() {
        fill!(field; api_version set_api_version = "v1");
    }
}

fn host_path(source: &mut HostPathVolumeSourceMut<'_>) {
    fill!(source; type_ set_type = "");
}

fn azure_disk(source: &mut AzureDiskVolumeSourceMut<'_>) {
    fill!(source;
        caching_mode set_caching_mode = "ReadWrite",
        kind set_kind = "Shared",
        fs_type set_fs_type = "ext4",
        read_only set_read_only = false,
    );
}

pub(super) fn persistent_volume(object: &mut Record) {
    let mut volume = PersistentVolumeMut::from_record(object);
    fill!(volume.status_mut(); phase set_phase = "Pending");
    let mut spec = volume.spec_mut();
    fill!(spec;
        persistent_volume_reclaim_policy set_persistent_volume_reclaim_policy = "Retain",
        volume_mode set_volume_mode = "Filesystem",
    );
    source(&mut spec);
}

/// What a volume has of its own accord wherever its spec stands.
pub(super) fn source(spec: &mut PersistentVolumeSpecMut<'_>) {
    quantities(spec.capacity_mut());
    if let Some(mut source) = spec.host_path_mut() {
        host_path(&mut source);
    }
    if let Some(mut source) = spec.rbd_mut() {
        fill!(source; pool set_pool = "rbd", user set_user = "admin", keyring set_keyring = "/etc/ceph/keyring");
    }
    if let Some(mut source) = spec.iscsi_mut() {
        fill!(source; iscsi_interface set_iscsi_interface = "default");
    }
    if let Some(mut source) = spec.azure_disk_mut() {
        azure_disk(&mut source);
    }
    if let Some(mut source) = spec.scale_io_mut() {
        fill!(source; storage_mode set_storage_mode = "ThinProvisioned", fs_type set_fs_type = "xfs");
    }
}

pub(super) fn persistent_volume_claim(object: &mut Record) {
    claim(&mut PersistentVolumeClaimMut::from_record(object));
}

pub(super) fn claim(claim: &mut PersistentVolumeClaimMut<'_>) {
    fill!(claim.status_mut(); phase set_phase = "Pending");
    quantities(claim.status_mut().capacity_mut());
    quantities(claim.status_mut().allocated_resources_mut());
    claim_spec(&mut claim.spec_mut());
}

fn claim_spec(spec: &mut PersistentVolumeClaimSpecMut<'_>) {
    fill!(spec; volume_mode set_volume_mode = "Filesystem");
    let mut resources = spec.resources_mut();
    quantities(resources.limits_mut());
    quantities(resources.requests_mut());
}
