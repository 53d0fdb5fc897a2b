//! Where a volume's data is: the sources that pods and persistent volumes have in common, and the
//! rules that they share.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::dns1123_subdomain;
use pintle_runtime::view::{StringMap, Strings};

use crate::core::v1::{
    AWSElasticBlockStoreVolumeSource, AzureDiskVolumeSource, FCVolumeSource, FlockerVolumeSource,
    GCEPersistentDiskVolumeSource, HostPathVolumeSource, NFSVolumeSource, QuobyteVolumeSource,
};

/// How long the name of a CSI driver may be.
const DRIVER_LIMIT: usize = 63;
const BYTE_RANGE: &str = "must be between 0 and 255, inclusive";
const PARTITION_RANGE: &str = "must be between 1 and 255, inclusive";
const HOST_PORTS: &str = "must be a host:port pair or multiple pairs separated by commas";

/// Every one of `fields`, by name, must say something.
pub(crate) fn required(fields: &[(&str, &str)], path: &Path<'_>, errors: &mut ErrorList) {
    for (field, value) in fields {
        if value.is_empty() {
            errors.required(&path.child(field), "");
        }
    }
}

/// A path must not climb.
pub(crate) fn no_backsteps(target: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if target.split('/').any(|step| step == "..") {
        errors.invalid(path, target, "must not contain '..'");
    }
}

pub(crate) fn host_path(source: HostPathVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    const TYPES: [&str; 8] = [
        "",
        "BlockDevice",
        "CharDevice",
        "Directory",
        "DirectoryOrCreate",
        "File",
        "FileOrCreate",
        "Socket",
    ];
    if source.path().is_empty() {
        return errors.required(&path.child("path"), "");
    }
    no_backsteps(source.path(), &path.child("path"), errors);
    one_of(source.type_(), &TYPES, &path.child("type"), errors);
}

/// A value must be one of `known`, if there is any.
pub(crate) fn one_of(value: Option<&str>, known: &[&str], path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(value) = value
        && !known.contains(&value)
    {
        errors.not_supported(path, BadValue::json_string(value), known);
    }
}

pub(crate) fn gce_persistent_disk(
    source: GCEPersistentDiskVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    required(&[("pdName", source.pd_name())], path, errors);
    partition(source.partition(), path, errors);
}

pub(crate) fn aws_elastic_block_store(
    source: AWSElasticBlockStoreVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    required(&[("volumeID", source.volume_id())], path, errors);
    partition(source.partition(), path, errors);
}

/// Zero is fine, whatever the message says.
pub(crate) fn partition(partition: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if !(0..=255).contains(&partition) {
        errors.invalid(&path.child("partition"), partition, PARTITION_RANGE);
    }
}

pub(crate) fn nfs(source: NFSVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    required(
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

pub(crate) fn quobyte(source: QuobyteVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if source.registry().is_empty() {
        errors.required(&path.child("registry"), HOST_PORTS);
    } else if source.tenant().len() >= 65 {
        errors.required(
            &path.child("tenant"),
            "must be a UUID and may not exceed a length of 64 characters",
        );
    } else {
        for pair in source.registry().split(',') {
            if !is_host_port(pair) {
                errors.invalid(&path.child("registry"), source.registry(), HOST_PORTS);
            }
        }
    }
    required(&[("volume", source.volume())], path, errors);
}

/// Whether Go's `net.SplitHostPort` takes it: a colon for the port, and none besides but in brackets.
fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let inner = match host.strip_prefix('[') {
        Some(rest) => match rest.strip_suffix(']') {
            Some(inner) => inner,
            None => return false,
        },
        None if host.contains(':') => return false,
        None => host,
    };
    !inner.contains(['[', ']']) && !port.contains(['[', ']'])
}

pub(crate) fn flocker(source: FlockerVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
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

pub(crate) fn fc(source: FCVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
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
        Some(unit) => lun(unit, path, errors),
    }
}

/// The number of a logical unit.
pub(crate) fn lun(unit: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if !(0..=255).contains(&unit) {
        errors.invalid(&path.child("lun"), unit, BYTE_RANGE);
    }
}

/// A name of iSCSI: `iqn.`, `eui.` or `naa.` and what belongs to each.
pub(crate) fn iscsi_name(name: &str, unknown: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let good = match name.get(..3) {
        Some("iqn") => is_iqn(name),
        Some("eui") => is_hexadecimal_name(name, 16),
        Some("naa") => is_hexadecimal_name(name, 32),
        _ => return errors.invalid(path, name, unknown),
    };
    if !good {
        errors.invalid(path, name, "must be valid format");
    }
}

/// `iqn.2001-04.com.example:storage`; upstream's expression is not tied to the start.
fn is_iqn(name: &str) -> bool {
    name.match_indices("iqn.")
        .any(|(at, _)| is_iqn_tail(&name[at + 4..]))
}

fn is_iqn_tail(tail: &str) -> bool {
    let date: Vec<u8> = tail.bytes().take(8).collect();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let [years @ .., b'.'] = date.as_slice() else {
        return false;
    };
    let [y1, y2, y3, y4, b'-', m1, m2] = years else {
        return false;
    };
    if !digits(&[*y1, *y2, *y3, *y4, *m1, *m2]) {
        return false;
    }
    // The authority ends at the first colon, as it has none.
    let Some((authority, rest)) = tail[8..].split_once(':') else {
        return false;
    };
    let authority_fits = !authority.is_empty()
        && authority
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let rest_fits = !rest.is_empty()
        && !rest.contains(|c: char| {
            matches!(c, ',' | ';' | '*' | '&' | '$' | '|')
                || matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
        });
    authority_fits && rest_fits
}

/// Three letters, any character, and so many letters and digits.
fn is_hexadecimal_name(name: &str, digits: usize) -> bool {
    let mut rest = name.chars().skip(3);
    rest.next().is_some_and(|c| c != '\n') && {
        let rest: Vec<char> = rest.collect();
        rest.len() == digits && rest.iter().all(char::is_ascii_alphanumeric)
    }
}

pub(crate) fn azure_disk(
    source: AzureDiskVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    required(
        &[
            ("diskName", source.disk_name()),
            ("diskURI", source.disk_uri()),
        ],
        path,
        errors,
    );
    one_of(
        source.caching_mode(),
        &["None", "ReadOnly", "ReadWrite"],
        &path.child("cachingMode"),
        errors,
    );
    one_of(
        source.kind(),
        &["Dedicated", "Managed", "Shared"],
        &path.child("kind"),
        errors,
    );
    let (prefix, form) = match source.kind() {
        None => return,
        Some("Managed") => (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        ),
        Some(_) => (
            "https://",
            "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
        ),
    };
    if !source.disk_uri().starts_with(prefix) {
        errors.not_supported(&path.child("diskURI"), source.disk_uri(), [form]);
    }
}

/// Monitors of a Ceph cluster.
pub(crate) fn monitors(monitors: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if monitors.is_empty() {
        errors.required(&path.child("monitors"), "");
    }
}

/// The driver of a flex volume, and options that are not Kubernetes' own.
pub(crate) fn flex(driver: &str, options: StringMap<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    required(&[("driver", driver)], path, errors);
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

/// The name of a CSI driver.
pub(crate) fn csi_driver_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    if name.len() > DRIVER_LIMIT {
        errors.push(pintle_runtime::field_path::FieldError::too_long(
            path,
            DRIVER_LIMIT,
        ));
    }
    errors.invalid_each(path, name, dns1123_subdomain(&name.to_lowercase()));
}
