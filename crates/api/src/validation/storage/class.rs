//! `StorageClass` and `VolumeAttributesClass`: what kinds of volumes there are.

use std::collections::{BTreeMap, BTreeSet};

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::label_key;
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, StringMap};

use crate::core::v1::TopologySelectorTerm;
use crate::storage::v1::{StorageClass, VolumeAttributesClass};
use crate::validation::Rules;
use crate::validation::immutable::immutable;
use crate::validation::volume_source::one_of;

pub(super) const STORAGE: Rules = Rules {
    create: storage_class,
    update: storage_class_update,
    subresources: &[],
};

pub(super) const ATTRIBUTES: Rules = Rules {
    create: attributes_class,
    update: attributes_class_update,
    subresources: &[],
};

/// How many parameters there may be, and how many bytes all of them may have.
const PARAMETERS_LIMIT: usize = 512;
const PARAMETERS_SIZE_LIMIT: usize = 256 << 10;

const PROVISIONER: Path<'static> = Path::new("provisioner");
const DRIVER_NAME: Path<'static> = Path::new("driverName");
const PARAMETERS: Path<'static> = Path::new("parameters");
const RECLAIM_POLICY: Path<'static> = Path::new("reclaimPolicy");
const BINDING_MODE: Path<'static> = Path::new("volumeBindingMode");

fn storage_class(new: &Record, errors: &mut ErrorList) {
    let class = StorageClass::from_record(new);
    provisioner(class.provisioner(), &PROVISIONER, errors);
    parameters(class.parameters(), errors);
    let policy = class.reclaim_policy().filter(|policy| !policy.is_empty());
    one_of(policy, &["Delete", "Retain"], &RECLAIM_POLICY, errors);
    match class.volume_binding_mode() {
        None => errors.required(&BINDING_MODE, ""),
        mode => one_of(
            mode,
            &["Immediate", "WaitForFirstConsumer"],
            &BINDING_MODE,
            errors,
        ),
    }
    topologies(class.allowed_topologies(), errors);
}

fn storage_class_update(new: &Record, old: &Record, errors: &mut ErrorList) {
    storage_class(new, errors);
    let (now, before) = (
        StorageClass::from_record(new),
        StorageClass::from_record(old),
    );
    immutable(now.parameters(), before.parameters(), &PARAMETERS, errors);
    immutable(
        now.provisioner(),
        before.provisioner(),
        &PROVISIONER,
        errors,
    );
    immutable(
        now.reclaim_policy(),
        before.reclaim_policy(),
        &RECLAIM_POLICY,
        errors,
    );
    immutable(
        now.volume_binding_mode(),
        before.volume_binding_mode(),
        &BINDING_MODE,
        errors,
    );
}

fn attributes_class(new: &Record, errors: &mut ErrorList) {
    let class = VolumeAttributesClass::from_record(new);
    provisioner(class.driver_name(), &DRIVER_NAME, errors);
    parameters(class.parameters(), errors);
    if class.parameters().is_empty() {
        errors.required(&PARAMETERS, "must contain at least one key/value pair");
    }
}

fn attributes_class_update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        VolumeAttributesClass::from_record(new),
        VolumeAttributesClass::from_record(old),
    );
    fixed(
        now.driver_name(),
        before.driver_name(),
        &DRIVER_NAME,
        errors,
    );
    fixed_parameters(now.parameters(), before.parameters(), errors);
    attributes_class(new, errors);
}

fn fixed(new: &str, old: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if new != old {
        errors.forbidden(path, format!("updates to {path} are forbidden."));
    }
}

fn fixed_parameters(new: StringMap<'_>, old: StringMap<'_>, errors: &mut ErrorList) {
    if !new.iter().eq(old.iter()) {
        errors.forbidden(&PARAMETERS, "updates to parameters are forbidden.");
    }
}

/// Who makes volumes of a class, in any case of letters; what is shown is in lower case.
fn provisioner(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    let name = name.to_lowercase();
    errors.invalid_each(path, &name, label_key(&name));
}

fn parameters(parameters: StringMap<'_>, errors: &mut ErrorList) {
    if parameters.len() > PARAMETERS_LIMIT {
        return errors.push(FieldError::too_long(&PARAMETERS, PARAMETERS_LIMIT));
    }
    let mut size = 0;
    for (key, value) in parameters.iter() {
        if key.is_empty() {
            errors.invalid(&PARAMETERS, key, "field can not be empty.");
        }
        size += key.len() + value.len();
    }
    if size > PARAMETERS_SIZE_LIMIT {
        errors.push(FieldError::too_long(&PARAMETERS, PARAMETERS_SIZE_LIMIT));
    }
}

/// The terms must differ. A term that says nothing is, for upstream, also the same as each of as many
/// terms as there are, because it compares with the room that it has kept for them.
fn topologies(terms: List<'_, TopologySelectorTerm<'_>>, errors: &mut ErrorList) {
    let path = Path::new("allowedTopologies");
    let mut seen: Vec<BTreeMap<&str, BTreeSet<&str>>> = vec![BTreeMap::new(); terms.len()];
    for (at, term) in terms.iter().enumerate() {
        let path = path.index(at);
        let expressions = path.child("matchLabelExpressions");
        let mut chosen = BTreeMap::new();
        for (at, requirement) in term.match_label_expressions().iter().enumerate() {
            let path = expressions.index(at);
            let values = path.child("values");
            if requirement.values().is_empty() {
                errors.required(&values, "");
            }
            let mut set = BTreeSet::new();
            for (at, value) in requirement.values().iter().enumerate() {
                if !set.insert(value) {
                    errors.duplicate(&values.index(at), value);
                }
            }
            validate_label_name(requirement.key(), &path.child("key"), errors);
            if chosen.insert(requirement.key(), set).is_some() {
                errors.duplicate(&path.child("key"), requirement.key());
            }
        }
        for _ in seen.iter().filter(|other| **other == chosen) {
            errors.duplicate(&expressions, BadValue::from(""));
        }
        seen.push(chosen);
    }
}
