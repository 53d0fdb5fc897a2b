//! Volumes of pods that are something outside of them, where persistent volumes have other rules; and paths within
//! volumes.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};
use pintle_runtime::view::List;

use super::typed;
use crate::core::v1::{CSIVolumeSource, ISCSIVolumeSource, KeyToPath, StorageOSVolumeSource};
use crate::validation::volume_source::{csi_driver_name, iscsi_name, lun};

pub(super) use crate::validation::volume_source::{no_backsteps, required as needed};

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const NO_INITIATOR: &str = "must be valid format starting with iqn, eui, or naa";

/// A mode of files, of three octal digits.
pub(super) fn mode(mode: Option<i32>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(mode) = mode
        && !(0..=0o777).contains(&mode)
    {
        errors.invalid(path, mode, MODE);
    }
}

/// Whether a path climbs.
pub(super) fn has_backsteps(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}

/// A path must be relative and must not climb (`validateLocalDescendingPath`).
pub(crate) fn descending_path(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if value.starts_with('/') {
        errors.invalid(path, value, "must be a relative path");
    }
    no_backsteps(value, path, errors);
}

/// A descending path that does not begin with two dots, as what the kubelet keeps there does.
pub(super) fn local_path(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    descending_path(value, path, errors);
    if value.starts_with("..") && !value.starts_with("../") {
        errors.invalid(path, value, "must not start with '..'");
    }
}

/// Keys and the files that they become.
pub(super) fn keys(items: List<'_, KeyToPath<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    for (index, item) in items.iter().enumerate() {
        key(item, &path.index(index), errors);
    }
}

/// A key and the file that it becomes.
pub(super) fn key(item: KeyToPath<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    needed(&[("key", item.key()), ("path", item.path())], path, errors);
    local_path(item.path(), &path.child("path"), errors);
    mode(item.mode(), &path.child("mode"), errors);
}

/// A reference to a secret must name it.
pub(super) fn secret_name(name: Option<&str>, path: &Path<'_>, errors: &mut ErrorList) {
    if name == Some("") {
        errors.required(&path.child("secretRef").child("name"), "");
    }
}

pub(super) fn iscsi(source: ISCSIVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if source.target_portal().is_empty() {
        errors.required(&path.child("targetPortal"), "");
    }
    match source.iqn() {
        "" => errors.required(&path.child("iqn"), ""),
        name => iscsi_name(name, NO_INITIATOR, &path.child("iqn"), errors),
    }
    lun(source.lun(), path, errors);
    let asks = source.chap_auth_discovery() || source.chap_auth_session();
    if asks && source.secret_ref().is_none() {
        errors.required(&path.child("secretRef"), "");
    }
    if let Some(name) = source.initiator_name() {
        iscsi_name(name, NO_INITIATOR, &path.child("initiatorname"), errors);
    }
}

pub(super) fn storage_os(
    source: StorageOSVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (name, namespace) = (source.volume_name(), source.volume_namespace());
    match name {
        "" => errors.required(&path.child("volumeName"), ""),
        name => errors.invalid_each(&path.child("volumeName"), name, dns1123_label(name)),
    }
    if !namespace.is_empty() {
        let at = path.child("volumeNamespace");
        errors.invalid_each(&at, namespace, dns1123_label(namespace));
    }
    secret_name(
        source.secret_ref().map(|secret| secret.name()),
        path,
        errors,
    );
}

pub(super) fn csi(source: CSIVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    csi_driver_name(source.driver(), &path.child("driver"), errors);
    match source.node_publish_secret_ref().map(|secret| secret.name()) {
        None => {}
        Some("") => errors.required(&path.child("nodePublishSecretRef").child("name"), ""),
        Some(name) => errors.invalid_each(&path.child("name"), name, dns1123_subdomain(name)),
    }
}

/// A policy for pulling an image into a volume.
pub(super) fn pull_policy(policy: &str, path: &Path<'_>, errors: &mut ErrorList) {
    match policy {
        "" => errors.required(path, ""),
        "Always" | "IfNotPresent" | "Never" => {}
        other => errors.not_supported(path, typed(other), ["Always", "IfNotPresent", "Never"]),
    }
}
