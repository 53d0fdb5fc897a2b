//! `PersistentVolume`, and its spec within a volume attachment.

mod source;
#[cfg(test)]
mod tests;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::dns1123_subdomain;
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::schema::Ref;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::Strings;

use crate::core::v1::{
    NodeSelectorRequirementMut, PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity,
    VolumeNodeAffinityMut, tables,
};
use crate::validation::immutable::{immutable, is_same};
use crate::validation::labels::Values;
use crate::validation::volume_source::one_of;
use crate::validation::{Rules, internal_form, node_selector, quantity};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", |_, _, _| {})],
};

const MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];
pub(super) const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];

/// Where a spec stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    /// In a persistent volume of this name.
    Volume(&'a str),
    /// In a volume attachment, for a volume that has no object.
    Inline,
}

fn create(new: &Record, errors: &mut ErrorList) {
    check(new, Values::Checked, errors);
}

fn check(new: &Record, values: Values, errors: &mut ErrorList) {
    let volume = PersistentVolume::from_record(new);
    let place = Place::Volume(volume.metadata().name());
    spec(volume.spec(), place, values, &Path::new("spec"), errors);
}

/// Checks the spec of a volume attachment's inline volume.
pub(in crate::validation) fn inline(
    inline: PersistentVolumeSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    spec(inline, Place::Inline, Values::Checked, path, errors);
}

fn spec(
    spec: PersistentVolumeSpec<'_>,
    place: Place<'_>,
    values: Values,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let of_attachment = place == Place::Inline;
    if of_attachment {
        for (field, there) in [
            ("claimRef", spec.claim_ref().is_some()),
            ("capacity", !spec.capacity().is_empty()),
        ] {
            if there {
                not_inline(field, path, errors);
            }
        }
        if spec.csi().is_none() {
            errors.required(
                &path.child("csi"),
                "has to be specified in the context of inline volumes",
            );
        }
    }
    if spec.access_modes().is_empty() {
        errors.required(&path.child("accessModes"), "");
    }
    access_modes(spec.access_modes(), path, errors);
    if !of_attachment {
        capacity(spec, path, errors);
    }
    reclaim_policy(spec, of_attachment, path, errors);
    let mut has_affinity = false;
    if let Some(affinity) = spec.node_affinity() {
        if of_attachment {
            not_inline("nodeAffinity", path, errors);
        } else {
            has_affinity = true;
            node_affinity(affinity, values, &path.child("nodeAffinity"), errors);
        }
    }
    let name = match place {
        Place::Volume(name) => name,
        Place::Inline => "",
    };
    source::check(spec, name, has_affinity, path, errors);
    classes(spec, of_attachment, path, errors);
}

fn not_inline(field: &str, path: &Path<'_>, errors: &mut ErrorList) {
    errors.forbidden(
        &path.child(field),
        "may not be specified in the context of inline volumes",
    );
}

/// How a volume can be mounted. One that a single pod may use can be mounted in no other way.
pub(super) fn access_modes(modes: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let path = path.child("accessModes");
    let (mut alone, mut others) = (false, false);
    for mode in modes.iter() {
        one_of(Some(mode), &MODES, &path, errors);
        match mode {
            "ReadWriteOncePod" => alone = true,
            mode => others |= MODES.contains(&mode),
        }
    }
    if alone && others {
        errors.forbidden(
            &path,
            "may not use ReadWriteOncePod with other access modes",
        );
    }
}

fn capacity(spec: PersistentVolumeSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let path = path.child("capacity");
    let capacity = spec.capacity();
    if capacity.is_empty() {
        errors.required(&path, "");
    }
    if !capacity.contains_key("storage") || capacity.len() > 1 {
        let shown = capacity.map().map_or_else(BadValue::null, |map| {
            BadValue::from(&Value::Map(map.clone()))
        });
        errors.not_supported(&path, shown, ["storage"]);
    }
    for (name, amount) in capacity.iter() {
        let path = path.key(name);
        basic_amount(amount, &path, errors);
        quantity::positive(amount, &path, errors);
    }
}

/// An amount must not be negative; upstream has a message of its own for volumes.
pub(super) fn basic_amount(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let value = quantity::amount(text).value();
    if value < 0 {
        errors.invalid(path, value, "must be a valid resource quantity");
    }
}

fn reclaim_policy(
    spec: PersistentVolumeSpec<'_>,
    of_attachment: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let path = path.child("persistentVolumeReclaimPolicy");
    match spec.persistent_volume_reclaim_policy() {
        "" => {}
        policy if of_attachment => {
            if policy != "Retain" {
                errors.forbidden(&path, "may only be Retain in the context of inline volumes");
            }
        }
        policy => one_of(
            Some(policy),
            &["Delete", "Recycle", "Retain"],
            &path,
            errors,
        ),
    }
}

fn node_affinity(
    affinity: VolumeNodeAffinity<'_>,
    values: Values,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let path = path.child("required");
    match affinity.required() {
        Some(required) => node_selector::selector(required, values, &path, errors),
        None => errors.required(&path, "must specify required node constraints"),
    }
}

fn classes(
    spec: PersistentVolumeSpec<'_>,
    of_attachment: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let recycled = spec.persistent_volume_reclaim_policy() == "Recycle";
    if recycled && spec.host_path().is_some_and(|host| is_root(host.path())) {
        errors.forbidden(
            &path.child("persistentVolumeReclaimPolicy"),
            "may not be 'recycle' for a hostPath mount of '/'",
        );
    }
    match spec.storage_class_name() {
        "" => {}
        _ if of_attachment => not_inline("storageClassName", path, errors),
        name => errors.invalid_each(
            &path.child("storageClassName"),
            name,
            dns1123_subdomain(name),
        ),
    }
    match spec.volume_mode() {
        Some(mode) if of_attachment => {
            if mode != "Filesystem" {
                errors.forbidden(
                    &path.child("volumeMode"),
                    "may not specify volumeMode other than Filesystem in the context of inline volumes",
                );
            }
        }
        mode => one_of(mode, &VOLUME_MODES, &path.child("volumeMode"), errors),
    }
    // An inline volume is checked with the rules from before there were such classes.
    if let Some(name) = spec.volume_attributes_class_name()
        && !of_attachment
    {
        let at = path.child("volumeAttributesClassName");
        if name.is_empty() {
            errors.required(&at, "an empty string is disallowed");
        } else {
            errors.invalid_each(&at, name, dns1123_subdomain(name));
        }
        if spec.csi().is_none() {
            errors.required(
                &path.child("csi"),
                "has to be specified when using volumeAttributesClassName",
            );
        }
    }
}

/// Whether a path is that of the root, however it is written.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        PersistentVolume::from_record(new).spec(),
        PersistentVolume::from_record(old).spec(),
    );
    let old_selector = before
        .node_affinity()
        .and_then(|affinity| affinity.required());
    // Upstream looks at the new object twice, and its causes say so.
    for _ in 0..2 {
        check(new, node_selector::kept_values(old_selector), errors);
    }

    let (mut now_source, old_source) = (source_record(now), source_record(before));
    let expandable = |spec: PersistentVolumeSpec<'_>| {
        spec.csi()
            .map(|csi| csi.controller_expand_secret_ref().is_some())
    };
    if expandable(before) == Some(false) && expandable(now) == Some(true) {
        // A secret to expand with may come later, once.
        forget_expand_secret(&mut now_source);
    }
    if !is_same(&now_source, &old_source) {
        let difference = internal_form::difference(&old_source, &now_source);
        errors.forbidden(
            &Path::new("spec.persistentvolumesource"),
            format!("spec.persistentvolumesource is immutable after creation\n{difference}"),
        );
    }
    immutable(
        now.volume_mode(),
        before.volume_mode(),
        &Path::new("volumeMode"),
        errors,
    );
    if let Some(old) = before.node_affinity()
        && !is_same_affinity(now.node_affinity(), old)
    {
        errors.invalid(
            &Path::new("nodeAffinity"),
            internal_form::shown(now.node_affinity().map(|it| it.record())),
            format!("{IMMUTABLE}, except for updating from beta label to GA"),
        );
    }
    if before.volume_attributes_class_name().is_some()
        && now.volume_attributes_class_name().is_none()
    {
        errors.forbidden(
            &Path::new("spec.volumeAttributesClassName"),
            "update from non-nil value to nil is forbidden",
        );
    }
}

/// The part of a spec that says where the data is, as an object of its own.
fn source_record(spec: PersistentVolumeSpec<'_>) -> Record {
    let record = spec.record();
    let table = &tables::PERSISTENT_VOLUME_SOURCE;
    let mut source = Record::new(Ref::Static(table));
    for (at, field) in table.fields.iter().enumerate() {
        if let Some(value) = record.get_by_name(&field.name) {
            source.set(at, value.clone());
        }
    }
    source
}

fn forget_expand_secret(source: &mut Record) {
    use crate::core::v1::PersistentVolumeSourceMut;
    if let Some(mut csi) = PersistentVolumeSourceMut::from_record(source).csi_mut() {
        csi.clear_controller_expand_secret_ref();
    }
}

/// Labels that got a name without `beta`.
const RENAMED: [(&str, &str); 5] = [
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
    ),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    (
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
    ),
];

/// Whether two affinities are the same but for labels that have been renamed.
fn is_same_affinity(new: Option<VolumeNodeAffinity<'_>>, old: VolumeNodeAffinity<'_>) -> bool {
    let Some(new) = new else { return false };
    let mut old = old.record().clone();
    rename(&mut old, new);
    is_same(new.record(), &old)
}

/// Gives the labels in `old` the names that `new` has for them.
fn rename(old: &mut Record, new: VolumeNodeAffinity<'_>) {
    let mut old = VolumeNodeAffinityMut::from_record(old);
    let (Some(mut old), Some(new)) = (old.required_mut(), new.required()) else {
        return;
    };
    for (mut old, new) in old
        .node_selector_terms_mut()
        .iter_mut()
        .zip(new.node_selector_terms())
    {
        let rename = |mut old: NodeSelectorRequirementMut<'_>, key: &str| {
            let renamed = RENAMED.contains(&(old.view().key(), key));
            if renamed {
                old.set_key(key.to_owned());
            }
        };
        for (old, new) in old
            .match_expressions_mut()
            .iter_mut()
            .zip(new.match_expressions())
        {
            rename(old, new.key());
        }
        for (old, new) in old.match_fields_mut().iter_mut().zip(new.match_fields()) {
            rename(old, new.key());
        }
    }
}
