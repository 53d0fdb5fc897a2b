//! Volumes that are something outside of the pod: disks, shares and files; and paths within volumes.

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};
use pintle_runtime::view::{List, StringMap};

use super::spec::supported;
use super::typed;
use crate::core::v1::{
    AzureDiskVolumeSource, CSIVolumeSource, FCVolumeSource, FlockerVolumeSource,
    HostPathVolumeSource, ISCSIVolumeSource, KeyToPath, NFSVolumeSource, QuobyteVolumeSource,
    StorageOSVolumeSource,
};

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const HOST_AND_PORT: &str = "must be a host:port pair or multiple pairs separated by commas";

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

/// A path must not climb.
pub(super) fn no_backsteps(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if has_backsteps(value) {
        errors.invalid(path, value, "must not contain '..'");
    }
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

/// Texts that must be there.
pub(super) fn needed(fields: &[(&str, &str)], path: &Path<'_>, errors: &mut ErrorList) {
    for (name, value) in fields {
        if value.is_empty() {
            errors.required(&path.child(name), "");
        }
    }
}

/// A reference to a secret must name it.
pub(super) fn secret_name(name: Option<&str>, path: &Path<'_>, errors: &mut ErrorList) {
    if name == Some("") {
        errors.required(&path.child("secretRef").child("name"), "");
    }
}

/// A partition of a disk.
pub(super) fn partition(partition: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if !(0..=255).contains(&partition) {
        errors.invalid(
            &path.child("partition"),
            partition,
            "must be between 1 and 255, inclusive",
        );
    }
}

pub(super) fn host_path(source: HostPathVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if source.path().is_empty() {
        errors.required(&path.child("path"), "");
        return;
    }
    no_backsteps(source.path(), &path.child("path"), errors);
    if let Some(kind) = source.type_() {
        let kinds = [
            "",
            "BlockDevice",
            "CharDevice",
            "Directory",
            "DirectoryOrCreate",
            "File",
            "FileOrCreate",
            "Socket",
        ];
        supported(kind, &kinds, &path.child("type"), errors);
    }
}

pub(super) fn nfs(source: NFSVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    needed(
        &[("server", source.server()), ("path", source.path())],
        path,
        errors,
    );
    if !source.path().starts_with('/') {
        errors.invalid(
            &path.child("path"),
            source.path(),
            "must be an absolute path",
        );
    }
}

pub(super) fn iscsi(source: ISCSIVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if source.target_portal().is_empty() {
        errors.required(&path.child("targetPortal"), "");
    }
    match source.iqn() {
        "" => errors.required(&path.child("iqn"), ""),
        name => initiator(name, &path.child("iqn"), errors),
    }
    if !(0..=255).contains(&source.lun()) {
        let detail = "must be between 0 and 255, inclusive";
        errors.invalid(&path.child("lun"), source.lun(), detail);
    }
    let asks = source.chap_auth_discovery() || source.chap_auth_session();
    if asks && source.secret_ref().is_none() {
        errors.required(&path.child("secretRef"), "");
    }
    if let Some(name) = source.initiator_name() {
        initiator(name, &path.child("initiatorname"), errors);
    }
}

/// A name in the iSCSI formats `iqn`, `eui` and `naa`.
fn initiator(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let alphanumeric = |rest: &str, length: usize| {
        rest.len() == length && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let after = |prefix: &str| {
        let rest = name.strip_prefix(prefix)?;
        // Upstream's expression takes any character for the dot.
        let mut letters = rest.chars();
        letters.next()?;
        Some(letters.as_str())
    };
    let good = if name.starts_with("iqn") {
        is_iqn(name)
    } else if name.starts_with("eui") {
        after("eui").is_some_and(|rest| alphanumeric(rest, 16))
    } else if name.starts_with("naa") {
        after("naa").is_some_and(|rest| alphanumeric(rest, 32))
    } else {
        let detail = "must be valid format starting with iqn, eui, or naa";
        errors.invalid(path, name, detail);
        return;
    };
    if !good {
        errors.invalid(path, name, "must be valid format");
    }
}

/// `iqn.2001-04.com.example:storage`, anywhere up to the end.
fn is_iqn(name: &str) -> bool {
    let matches = |rest: &str| {
        let Some((year, rest)) = rest.split_at_checked(4) else {
            return false;
        };
        let Some(rest) = rest.strip_prefix('-') else {
            return false;
        };
        let Some((month, rest)) = rest.split_at_checked(2) else {
            return false;
        };
        let Some(rest) = rest.strip_prefix('.') else {
            return false;
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let Some((domain, unique)) = rest.split_once(':') else {
            return false;
        };
        digits(year)
            && digits(month)
            && !domain.is_empty()
            && domain
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
            && !unique.is_empty()
            && !unique.contains([',', ';', '*', '&', '$', '|'])
            && !unique.contains(['\t', '\n', '\x0c', '\r', ' '])
    };
    name.match_indices("iqn.")
        .any(|(at, prefix)| matches(&name[at + prefix.len()..]))
}

pub(super) fn fibre_channel(source: FCVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (names, ids) = (source.target_wwns(), source.wwids());
    let at = path.child("targetWWNs");
    if names.is_empty() && ids.is_empty() {
        errors.required(&at, "must specify either targetWWNs or wwids, but not both");
    }
    if !names.is_empty() && !ids.is_empty() {
        errors.invalid(
            &at,
            BadValue::strings(names.iter()),
            "targetWWNs and wwids can not be specified simultaneously",
        );
    }
    if names.is_empty() {
        return;
    }
    match source.lun() {
        None => errors.required(
            &path.child("lun"),
            "lun is required if targetWWNs is specified",
        ),
        Some(lun) if !(0..=255).contains(&lun) => {
            errors.invalid(
                &path.child("lun"),
                lun,
                "must be between 0 and 255, inclusive",
            );
        }
        Some(_) => {}
    }
}

pub(super) fn quobyte(source: QuobyteVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let registry = source.registry();
    if registry.is_empty() {
        errors.required(&path.child("registry"), HOST_AND_PORT);
    } else if source.tenant().len() >= 65 {
        errors.required(
            &path.child("tenant"),
            "must be a UUID and may not exceed a length of 64 characters",
        );
    } else {
        for _ in registry.split(',').filter(|pair| !is_host_and_port(pair)) {
            errors.invalid(&path.child("registry"), registry, HOST_AND_PORT);
        }
    }
    needed(&[("volume", source.volume())], path, errors);
}

/// What Go's `net.SplitHostPort` splits.
fn is_host_and_port(pair: &str) -> bool {
    match pair.strip_prefix('[') {
        Some(rest) => rest.split_once(']').is_some_and(|(host, port)| {
            !host.contains('[')
                && port
                    .strip_prefix(':')
                    .is_some_and(|port| !port.contains([':', '[', ']']))
        }),
        None => pair.split_once(':').is_some_and(|(host, port)| {
            !port.contains(':') && !host.contains([']', '[']) && !port.contains(['[', ']'])
        }),
    }
}

pub(super) fn flocker(source: FlockerVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (name, uuid) = (source.dataset_name(), source.dataset_uuid());
    if name.is_empty() && uuid.is_empty() {
        errors.required(path, "one of datasetName and datasetUUID is required");
    }
    if !name.is_empty() && !uuid.is_empty() {
        errors.invalid(
            path,
            "resource",
            "datasetName and datasetUUID can not be specified simultaneously",
        );
    }
    if name.contains('/') {
        errors.invalid(&path.child("datasetName"), name, "must not contain '/'");
    }
}

pub(super) fn flex(driver: &str, options: StringMap<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    needed(&[("driver", driver)], path, errors);
    for (key, _) in options.iter() {
        let domain = key.split_once('/').map_or(key, |(domain, _)| domain);
        let domain = format!(".{}", domain.to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            errors.invalid(
                &path.child("options").key(key),
                key,
                "kubernetes.io and k8s.io namespaces are reserved",
            );
        }
    }
}

pub(super) fn azure_disk(
    source: AzureDiskVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let uri = source.disk_uri();
    needed(
        &[("diskName", source.disk_name()), ("diskURI", uri)],
        path,
        errors,
    );
    if let Some(mode) = source.caching_mode() {
        let modes = ["None", "ReadOnly", "ReadWrite"];
        supported(mode, &modes, &path.child("cachingMode"), errors);
    }
    let Some(kind) = source.kind() else { return };
    let kinds = ["Dedicated", "Managed", "Shared"];
    supported(kind, &kinds, &path.child("kind"), errors);
    let (prefix, form) = if kind == "Managed" {
        (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        )
    } else {
        (
            "https://",
            "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
        )
    };
    if !uri.starts_with(prefix) {
        errors.not_supported(&path.child("diskURI"), uri, [form]);
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
    csi_driver(source.driver(), &path.child("driver"), errors);
    match source.node_publish_secret_ref().map(|secret| secret.name()) {
        None => {}
        Some("") => errors.required(&path.child("nodePublishSecretRef").child("name"), ""),
        Some(name) => errors.invalid_each(&path.child("name"), name, dns1123_subdomain(name)),
    }
}

/// The name of a CSI driver, in which case does not matter.
fn csi_driver(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        errors.required(path, "");
        return;
    }
    if name.len() > 63 {
        errors.push(FieldError::too_long(path, 63));
    }
    errors.invalid_each(path, name, dns1123_subdomain(&name.to_lowercase()));
}

/// A policy for pulling an image into a volume.
pub(super) fn pull_policy(policy: &str, path: &Path<'_>, errors: &mut ErrorList) {
    match policy {
        "" => errors.required(path, ""),
        "Always" | "IfNotPresent" | "Never" => {}
        other => errors.not_supported(path, typed(other), ["Always", "IfNotPresent", "Never"]),
    }
}
