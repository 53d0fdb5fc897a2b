//! What containers use of volumes.

use std::collections::{HashMap, HashSet};

use pintle_runtime::field_path::{ErrorList, FieldError, Path};

use super::containers::Around;
use super::sources::{descending_path, has_backsteps};
use super::spec::supported;
use super::visit::for_each_container;
use crate::core::v1::{Container, PodSpec, VolumeMount};

/// Checks `volumeMounts` and `volumeDevices` of a container.
pub(super) fn check(
    container: Container<'_>,
    around: &Around<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    volume_mounts(container, around, &path.child("volumeMounts"), errors);
    volume_devices(container, around, &path.child("volumeDevices"), errors);
}

fn volume_mounts(
    container: Container<'_>,
    around: &Around<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let devices: HashMap<&str, &str> = container
        .volume_devices()
        .iter()
        .map(|device| (device.name(), device.device_path()))
        .collect();
    let mut places = HashSet::new();
    for (index, mount) in container.volume_mounts().iter().enumerate() {
        let at = path.index(index);
        let (name, place) = (mount.name(), mount.mount_path());
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        }
        if !around.volumes.contains_key(name) {
            errors.push(FieldError::not_found(&at.child("name"), name));
        }
        if place.is_empty() {
            errors.required(&at.child("mountPath"), "");
        }
        if !places.insert(place) {
            errors.invalid(&at.child("mountPath"), place, "must be unique");
        }
        if devices.contains_key(name) {
            errors.invalid(
                &at.child("name"),
                name,
                "must not already exist in volumeDevices",
            );
        }
        if devices.values().any(|device| *device == place) {
            errors.invalid(
                &at.child("mountPath"),
                place,
                "must not already exist as a path in volumeDevices",
            );
        }
        // Where these are wrong, upstream names the list and not the item.
        if !mount.sub_path().is_empty() {
            descending_path(mount.sub_path(), &path.child("subPath"), errors);
        }
        let expression = mount.sub_path_expr();
        if !expression.is_empty() {
            if !mount.sub_path().is_empty() {
                errors.invalid(
                    &at.child("subPathExpr"),
                    expression,
                    "subPathExpr and subPath are mutually exclusive",
                );
            }
            descending_path(expression, &path.child("subPathExpr"), errors);
        }
        propagation(mount, container, &path.child("mountPropagation"), errors);
        recursive_read_only(mount, &path.child("recursiveReadOnly"), errors);
    }
}

fn propagation(
    mount: VolumeMount<'_>,
    container: Container<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(mode) = mount.mount_propagation() else {
        return;
    };
    supported(
        mode,
        &["Bidirectional", "HostToContainer", "None"],
        path,
        errors,
    );
    let privileged = container
        .security_context()
        .and_then(|context| context.privileged())
        .unwrap_or(false);
    if mode == "Bidirectional" && !privileged {
        errors.forbidden(
            path,
            "Bidirectional mount propagation is available only to privileged containers",
        );
    }
}

fn recursive_read_only(mount: VolumeMount<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(mode) = mount.recursive_read_only() else {
        return;
    };
    supported(mode, &["Disabled", "Enabled", "IfPossible"], path, errors);
    if !matches!(mode, "Enabled" | "IfPossible") {
        return;
    }
    if !mount.read_only() {
        errors.forbidden(path, "may only be specified when readOnly is true");
    }
    if mount.mount_propagation().is_some_and(|mode| mode != "None") {
        errors.forbidden(
            path,
            "may only be specified when mountPropagation is None or not specified",
        );
    }
}

fn volume_devices(
    container: Container<'_>,
    around: &Around<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mounts: HashMap<&str, &str> = container
        .volume_mounts()
        .iter()
        .map(|mount| (mount.name(), mount.mount_path()))
        .collect();
    let (mut names, mut places) = (HashSet::new(), HashSet::new());
    for (index, device) in container.volume_devices().iter().enumerate() {
        let at = path.index(index);
        let (name, place) = (device.name(), device.device_path());
        let (at_name, at_place) = (at.child("name"), at.child("devicePath"));
        if name.is_empty() {
            errors.required(&at_name, "");
        }
        if names.contains(name) {
            errors.invalid(&at_name, name, "must be unique");
        }
        match around.volumes.get(name) {
            None => errors.push(FieldError::not_found(&at_name, name)),
            Some(volume) => {
                if volume.persistent_volume_claim().is_none() && volume.ephemeral().is_none() {
                    errors.invalid(
                        &at_name,
                        name,
                        "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                    );
                }
            }
        }
        if place.is_empty() {
            errors.required(&at_place, "");
        }
        if places.contains(place) {
            errors.invalid(&at_place, place, "must be unique");
        }
        if has_backsteps(place) {
            errors.invalid(&at_place, place, "can not contain backsteps ('..')");
        } else {
            places.insert(place);
        }
        if mounts.contains_key(name) {
            errors.invalid(&at_name, name, "must not already exist in volumeMounts");
        }
        if mounts.values().any(|mount| *mount == place) {
            errors.invalid(
                &at_place,
                place,
                "must not already exist as a path in volumeMounts",
            );
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}

/// A file that variables are read from must be in an `emptyDir` (`validateFileKeyRefVolumes`).
pub(super) fn env_files(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for_each_container(spec, path, &mut |container, at| {
        let at = at.child("env");
        for (index, variable) in container.env().iter().enumerate() {
            let Some(file) = variable.value_from().and_then(|from| from.file_key_ref()) else {
                continue;
            };
            let at = at.index(index);
            let at = at.child("valueFrom");
            let at = at.child("fileKeyRef");
            let (at, name) = (at.child("volumeName"), file.volume_name());
            // The last of several that are called alike, as of any map.
            let volume = spec
                .volumes()
                .iter()
                .rev()
                .find(|volume| volume.name() == name);
            match volume {
                None => errors.push(FieldError::not_found(&at, name)),
                Some(volume) if volume.empty_dir().is_none() => {
                    errors.invalid(&at, name, "referenced volume must be of type emptyDir");
                }
                Some(_) => {}
            }
        }
    });
}
