//! Volumes of pods.

use std::collections::{HashMap, HashSet};

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};
use pintle_runtime::quote::Quoted;
use pintle_runtime::view::List;

use super::leeway::Leeway;
use super::{claim_template, projected, sources};
use crate::core::v1::{EphemeralVolumeSource, Volume};
use crate::validation::quantity::amount;
use crate::validation::volume_source;

const ONE_TYPE: &str = "may not specify more than 1 volume type";
const LONG_TARGET: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

/// Checks volumes, and gives those with which nothing is wrong by name (`ValidateVolumes`).
pub(super) fn check<'a>(
    volumes: List<'a, Volume<'a>>,
    meta: Option<ObjectMeta<'_>>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) -> HashMap<&'a str, Volume<'a>> {
    let pod = meta.map_or("", |meta| meta.name());
    let made: HashSet<String> = volumes
        .iter()
        .filter(|volume| !pod.is_empty() && volume.ephemeral().is_some())
        .map(|volume| format!("{pod}-{}", volume.name()))
        .collect();
    let mut known = HashMap::new();
    for (index, volume) in volumes.iter().enumerate() {
        let (at, name) = (path.index(index), volume.name());
        let before = errors.len();
        source(volume, pod, leeway, &at, errors);
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else {
            errors.invalid_each(&at.child("name"), name, dns1123_label(name));
        }
        if known.contains_key(name) {
            errors.duplicate(&at.child("name"), name);
        }
        if errors.len() == before {
            known.insert(name, volume);
        }
        if let Some(claim) = volume.persistent_volume_claim()
            && made.contains(claim.claim_name())
        {
            errors.invalid(
                &at.child("persistentVolumeClaim").child("claimName"),
                claim.claim_name(),
                "must not reference a PVC that gets created for an ephemeral volume",
            );
        }
    }
    known
}

/// Exactly one source (`validateVolumeSource`).
#[allow(
    clippy::too_many_lines,
    reason = "one line or a few for each of thirty sorts of volumes"
)]
fn source(volume: Volume<'_>, pod: &str, leeway: &Leeway, path: &Path<'_>, errors: &mut ErrorList) {
    let mut found = false;
    /// Checks a source if it is there and the first.
    macro_rules! check {
        ($source:expr, $name:literal, |$it:ident, $at:ident| $check:expr) => {
            check!($source, $name, $name, |$it, $at| $check)
        };
        ($source:expr, $name:literal, $second:literal, |$it:ident, $at:ident| $check:expr) => {
            if let Some($it) = $source {
                if found {
                    errors.forbidden(&path.child($second), ONE_TYPE);
                } else {
                    found = true;
                    let $at = &path.child($name);
                    $check;
                }
            }
        };
    }
    use sources::{mode, needed, secret_name};
    check!(volume.empty_dir(), "emptyDir", |it, at| {
        if it
            .size_limit()
            .is_some_and(|limit| amount(limit).signum() < 0)
        {
            errors.forbidden(
                &at.child("sizeLimit"),
                "SizeLimit field must be a valid resource quantity",
            );
        }
    });
    check!(volume.host_path(), "hostPath", |it, at| {
        volume_source::host_path(it, at, errors);
    });
    check!(volume.git_repo(), "gitRepo", |it, at| {
        needed(&[("repository", it.repository())], at, errors);
        sources::descending_path(it.directory(), &at.child("directory"), errors);
    });
    check!(
        volume.gce_persistent_disk(),
        "persistentDisk",
        "gcePersistentDisk",
        |it, at| {
            needed(&[("pdName", it.pd_name())], at, errors);
            volume_source::partition(it.partition(), at, errors);
        }
    );
    check!(
        volume.aws_elastic_block_store(),
        "awsElasticBlockStore",
        |it, at| {
            needed(&[("volumeID", it.volume_id())], at, errors);
            volume_source::partition(it.partition(), at, errors);
        }
    );
    check!(volume.secret(), "secret", |it, at| {
        needed(&[("secretName", it.secret_name())], at, errors);
        mode(it.default_mode(), &at.child("defaultMode"), errors);
        sources::keys(it.items(), &at.child("items"), errors);
    });
    check!(volume.nfs(), "nfs", |it, at| volume_source::nfs(
        it, at, errors
    ));
    check!(volume.iscsi(), "iscsi", |it, at| sources::iscsi(
        it, at, errors
    ));
    if let Some(it) = volume.iscsi() {
        let length = volume.name().len() + 1 + it.target_portal().len();
        if it.initiator_name().is_some() && length > 64 {
            errors.invalid(&path.child("name"), volume.name(), LONG_TARGET);
        }
    }
    check!(volume.glusterfs(), "glusterfs", |it, at| {
        needed(
            &[("endpoints", it.endpoints()), ("path", it.path())],
            at,
            errors,
        );
    });
    check!(
        volume.flocker(),
        "flocker",
        |it, at| volume_source::flocker(it, at, errors)
    );
    check!(
        volume.persistent_volume_claim(),
        "persistentVolumeClaim",
        |it, at| {
            needed(&[("claimName", it.claim_name())], at, errors);
        }
    );
    check!(volume.rbd(), "rbd", |it, at| {
        if it.monitors().is_empty() {
            errors.required(&at.child("monitors"), "");
        }
        needed(&[("image", it.image())], at, errors);
    });
    check!(volume.cinder(), "cinder", |it, at| {
        needed(&[("volumeID", it.volume_id())], at, errors);
        secret_name(it.secret_ref().map(|secret| secret.name()), at, errors);
    });
    check!(volume.cephfs(), "cephfs", "cephFS", |it, at| {
        if it.monitors().is_empty() {
            errors.required(&at.child("monitors"), "");
        }
    });
    check!(
        volume.quobyte(),
        "quobyte",
        |it, at| volume_source::quobyte(it, at, errors)
    );
    check!(
        volume.downward_api(),
        "downwardAPI",
        "downwarAPI",
        |it, at| {
            mode(it.default_mode(), &at.child("defaultMode"), errors);
            for file in it.items() {
                projected::told_file(file, at, errors);
            }
        }
    );
    check!(volume.fc(), "fc", |it, at| volume_source::fc(
        it, at, errors
    ));
    check!(volume.flex_volume(), "flexVolume", |it, at| {
        volume_source::flex(it.driver(), it.options(), at, errors);
    });
    check!(volume.config_map(), "configMap", |it, at| {
        needed(&[("name", it.name())], at, errors);
        mode(it.default_mode(), &at.child("defaultMode"), errors);
        sources::keys(it.items(), &at.child("items"), errors);
    });
    check!(volume.azure_file(), "azureFile", |it, at| {
        let fields = [
            ("secretName", it.secret_name()),
            ("shareName", it.share_name()),
        ];
        needed(&fields, at, errors);
    });
    check!(volume.vsphere_volume(), "vsphereVolume", |it, at| {
        needed(&[("volumePath", it.volume_path())], at, errors);
    });
    check!(
        volume.photon_persistent_disk(),
        "photonPersistentDisk",
        |it, at| {
            needed(&[("pdID", it.pd_id())], at, errors);
        }
    );
    check!(volume.portworx_volume(), "portworxVolume", |it, at| {
        needed(&[("volumeID", it.volume_id())], at, errors);
    });
    check!(volume.azure_disk(), "azureDisk", |it, at| {
        volume_source::azure_disk(it, at, errors);
    });
    check!(volume.storageos(), "storageos", |it, at| {
        sources::storage_os(it, at, errors);
    });
    check!(volume.projected(), "projected", |it, at| projected::check(
        it, leeway, at, errors
    ));
    check!(volume.scale_io(), "scaleIO", |it, at| {
        let fields = [
            ("gateway", it.gateway()),
            ("system", it.system()),
            ("volumeName", it.volume_name()),
        ];
        needed(&fields, at, errors);
    });
    check!(volume.csi(), "csi", |it, at| sources::csi(it, at, errors));
    check!(volume.ephemeral(), "ephemeral", |it, at| {
        ephemeral(it, at, errors);
        claim_name(volume.name(), pod, path, errors);
    });
    check!(volume.image(), "image", |it, at| {
        if leeway.is_pod {
            needed(&[("reference", it.reference())], at, errors);
        }
        sources::pull_policy(it.pull_policy(), &at.child("pullPolicy"), errors);
    });
    if !found {
        errors.required(path, "must specify a volume type");
    }
}

/// The claim that is made for the volume must have a name that claims can have.
fn claim_name(volume: &str, pod: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if pod.is_empty() || volume.is_empty() {
        return;
    }
    let name = format!("{pod}-{volume}");
    for fault in dns1123_subdomain(&name) {
        let detail = format!("PVC name {}: {fault}", Quoted(&name));
        errors.invalid(&path.child("name"), volume, detail);
    }
}

fn ephemeral(source: EphemeralVolumeSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("volumeClaimTemplate");
    match source.volume_claim_template() {
        None => errors.required(&at, ""),
        Some(template) => claim_template::check(template, &at, errors),
    }
}
