//! Where the data of a persistent volume is. What only pods can have is not here, what both can have is
//! in `volume_source`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};

use crate::core::v1::{
    AzureFilePersistentVolumeSource, CSIPersistentVolumeSource, GlusterfsPersistentVolumeSource,
    ISCSIPersistentVolumeSource, PersistentVolumeSpec, ScaleIOPersistentVolumeSource,
    SecretReference, StorageOSPersistentVolumeSource,
};
use crate::validation::volume_source::{
    aws_elastic_block_store, azure_disk, csi_driver_name, fc, flex, flocker, gce_persistent_disk,
    host_path, iscsi_name, lun, monitors, nfs, no_backsteps, quobyte, required,
};

/// How long `<volume name>:<portal>` may be when an initiator is named.
const PORTAL_LIMIT: usize = 64;
const UNKNOWN_NAME: &str = "must be valid format";

/// Exactly one source must be there, and it must be in order. `has_affinity` says whether the
/// volume is tied to nodes, which a local one must be.
pub(super) fn check(
    spec: PersistentVolumeSpec<'_>,
    name: &str,
    has_affinity: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut found = 0;
    macro_rules! sources {
        ($($get:ident $field:literal $(in $inner:literal)?: |$source:ident, $path:ident, $errors:ident| $check:expr;)*) => {$(
            if let Some($source) = spec.$get() {
                found += 1;
                if found > 1 && $field != "flexVolume" {
                    errors.forbidden(&path.child($field), "may not specify more than 1 volume type");
                } else {
                    #[allow(unused_mut, unused_assignments, reason = "most have one name")]
                    let mut field = $field;
                    $(field = $inner;)?
                    let $path = &path.child(field);
                    let $errors = &mut *errors;
                    $check;
                }
            }
        )*};
    }
    sources! {
        host_path "hostPath": |it, path, errors| host_path(it, path, errors);
        gce_persistent_disk "gcePersistentDisk" in "persistentDisk": |it, path, errors| gce_persistent_disk(it, path, errors);
        aws_elastic_block_store "awsElasticBlockStore": |it, path, errors| aws_elastic_block_store(it, path, errors);
        glusterfs "glusterfs": |it, path, errors| glusterfs(it, path, errors);
        flocker "flocker": |it, path, errors| flocker(it, path, errors);
        nfs "nfs": |it, path, errors| nfs(it, path, errors);
        rbd "rbd": |it, path, errors| {
            monitors(it.monitors(), path, errors);
            required(&[("image", it.image())], path, errors);
        };
        quobyte "quobyte": |it, path, errors| quobyte(it, path, errors);
        cephfs "cephFS" in "cephfs": |it, path, errors| monitors(it.monitors(), path, errors);
        iscsi "iscsi": |it, path, errors| iscsi(it, name, path, errors);
        cinder "cinder": |it, path, errors| {
            required(&[("volumeID", it.volume_id())], path, errors);
            if let Some(secret) = it.secret_ref() {
                let named = [("name", secret.name()), ("namespace", secret.namespace())];
                required(&named, &path.child("secretRef"), errors);
            }
        };
        fc "fc": |it, path, errors| fc(it, path, errors);
        flex_volume "flexVolume": |it, path, errors| flex(it.driver(), it.options(), path, errors);
        azure_file "azureFile": |it, path, errors| azure_file(it, path, errors);
        vsphere_volume "vsphereVolume": |it, path, errors| required(&[("volumePath", it.volume_path())], path, errors);
        photon_persistent_disk "photonPersistentDisk": |it, path, errors| required(&[("pdID", it.pd_id())], path, errors);
        portworx_volume "portworxVolume": |it, path, errors| required(&[("volumeID", it.volume_id())], path, errors);
        azure_disk "azureDisk": |it, path, errors| azure_disk(it, path, errors);
        scale_io "scaleIO": |it, path, errors| scale_io(it, path, errors);
    }
    if let Some(source) = spec.local() {
        found += 1;
        if found > 1 {
            errors.forbidden(
                &path.child("local"),
                "may not specify more than 1 volume type",
            );
        } else {
            required(&[("path", source.path())], &path.child("local"), errors);
            no_backsteps(source.path(), &path.child("local").child("path"), errors);
            if !has_affinity {
                errors.required(
                    &path.child("nodeAffinity"),
                    "Local volume requires node affinity",
                );
            }
        }
    }
    sources! {
        storageos "storageos": |it, path, errors| storage_os(it, path, errors);
        csi "csi": |it, path, errors| csi(it, path, errors);
    }
    if found == 0 {
        errors.required(path, "must specify a volume type");
    }
}

fn glusterfs(source: GlusterfsPersistentVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let named = [("endpoints", source.endpoints()), ("path", source.path())];
    required(&named, path, errors);
    let at = path.child("endpointsNamespace");
    match source.endpoints_namespace() {
        None => {}
        Some("") => errors.invalid(
            &at,
            "",
            "if the endpointnamespace is set, it must be a valid namespace name",
        ),
        Some(namespace) => errors.invalid_each(&at, namespace, dns1123_label(namespace)),
    }
}

fn iscsi(
    source: ISCSIPersistentVolumeSource<'_>,
    name: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let portal = source.target_portal();
    required(&[("targetPortal", portal)], path, errors);
    if source.initiator_name().is_some() && name.len() + 1 + portal.len() > PORTAL_LIMIT {
        errors.invalid(
            &path.child("targetportal"),
            portal,
            "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.",
        );
    }
    if source.iqn().is_empty() {
        errors.required(&path.child("iqn"), "");
    } else {
        iscsi_name(source.iqn(), UNKNOWN_NAME, &path.child("iqn"), errors);
    }
    lun(source.lun(), path, errors);
    let authenticates = source.chap_auth_discovery() || source.chap_auth_session();
    match source.secret_ref() {
        None if authenticates => errors.required(&path.child("secretRef"), ""),
        None => {}
        Some(secret) => required(&[("name", secret.name())], &path.child("secretRef"), errors),
    }
    if let Some(initiator) = source.initiator_name() {
        iscsi_name(
            initiator,
            UNKNOWN_NAME,
            &path.child("initiatorname"),
            errors,
        );
    }
}

fn azure_file(
    source: AzureFilePersistentVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let named = [
        ("secretName", source.secret_name()),
        ("shareName", source.share_name()),
    ];
    required(&named, path, errors);
    if source.secret_namespace() == Some("") {
        errors.required(&path.child("secretNamespace"), "");
    }
}

fn scale_io(source: ScaleIOPersistentVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let named = [
        ("gateway", source.gateway()),
        ("system", source.system()),
        ("volumeName", source.volume_name()),
    ];
    required(&named, path, errors);
}

fn storage_os(
    source: StorageOSPersistentVolumeSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("volumeName");
    if source.volume_name().is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(
            &at,
            source.volume_name(),
            dns1123_label(source.volume_name()),
        );
    }
    let namespace = source.volume_namespace();
    if !namespace.is_empty() {
        errors.invalid_each(
            &path.child("volumeNamespace"),
            namespace,
            dns1123_label(namespace),
        );
    }
    if let Some(secret) = source.secret_ref() {
        let named = [("name", secret.name()), ("namespace", secret.namespace())];
        required(&named, &path.child("secretRef"), errors);
    }
}

fn csi(source: CSIPersistentVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    csi_driver_name(source.driver(), &path.child("driver"), errors);
    required(&[("volumeHandle", source.volume_handle())], path, errors);
    let secrets = [
        (
            "controllerPublishSecretRef",
            source.controller_publish_secret_ref(),
        ),
        (
            "controllerExpandSecretRef",
            source.controller_expand_secret_ref(),
        ),
        ("nodePublishSecretRef", source.node_publish_secret_ref()),
        ("nodeExpandSecretRef", source.node_expand_secret_ref()),
    ];
    for (field, secret) in secrets {
        if let Some(secret) = secret {
            secret_reference(secret, &path.child(field), errors);
        }
    }
}

fn secret_reference(secret: SecretReference<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let names = [
        ("name", secret.name(), dns1123_subdomain as fn(&str) -> _),
        ("namespace", secret.namespace(), dns1123_label),
    ];
    for (field, value, check) in names {
        let path = path.child(field);
        if value.is_empty() {
            errors.required(&path, "");
        } else {
            errors.invalid_each(&path, value, check(value));
        }
    }
}
