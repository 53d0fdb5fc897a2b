//! Which volumes a pod may have.

use std::collections::BTreeSet;

use pintle_api::core::v1::Volume;

use super::{Subject, Violation, plural, quoted, violation};

/// `volume "a"`, `volumes "a", "b"`
fn volumes(names: &[&str]) -> String {
    let word = plural(names.len(), "volume", "volumes");
    format!("{word} {}", quoted(names.iter().copied()))
}

pub(super) fn host_path(it: Subject<'_>) -> Option<Violation> {
    let found = it
        .spec
        .volumes()
        .iter()
        .filter(|it| it.host_path().is_some());
    let names: Vec<&str> = found.map(|volume| volume.name()).collect();
    (!names.is_empty())
        .then(|| volumes(&names))
        .and_then(|detail| violation("hostPath volumes", detail))
}

/// What sort of volume is none of those that a restricted pod may have.
fn restricted_type(it: Volume<'_>) -> Option<&'static str> {
    let allowed = it.config_map().is_some()
        || it.csi().is_some()
        || it.downward_api().is_some()
        || it.empty_dir().is_some()
        || it.ephemeral().is_some()
        || it.image().is_some()
        || it.persistent_volume_claim().is_some()
        || it.projected().is_some()
        || it.secret().is_some();
    if allowed {
        return None;
    }
    let is_set = |name: &&&str| it.record().get_by_name(name).is_some();
    let known = RESTRICTED_VOLUMES.iter().find(is_set);
    Some(known.copied().unwrap_or("unknown"))
}

const RESTRICTED_VOLUMES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

pub(super) fn restricted_volumes(it: Subject<'_>) -> Option<Violation> {
    let found = it.spec.volumes().iter();
    let found = found.filter_map(|volume| Some((volume.name(), restricted_type(volume)?)));
    let (names, types): (Vec<&str>, BTreeSet<&str>) = found.unzip();
    if names.is_empty() {
        return None;
    }
    let detail = format!(
        "{} {} {} {}",
        volumes(&names),
        plural(names.len(), "uses", "use"),
        plural(
            types.len(),
            "restricted volume type",
            "restricted volume types"
        ),
        quoted(types)
    );
    violation("restricted volume types", detail)
}
