//! Devices.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::label_value;
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::view::{ObjectMap, Strings};

use super::claim::TAINT_EFFECTS;
use super::lists::{at_most, each, each_once};
use super::{capacity, names};
use crate::resource::v1::{
    Counter, Device, DeviceAttribute, DeviceCounterConsumption, DeviceTaint,
};
use crate::validation::immutable::Content;
use crate::validation::labels::Values;
use crate::validation::{internal_form, node_selector};

const ATTRIBUTES_AND_CAPACITIES: usize = 32;
const ATTRIBUTE_VALUES: usize = 48;
const VALUE_LIMIT: usize = 64;
const TAINTS: usize = 16;
const CONSUMPTIONS: usize = 2;
pub(super) const COUNTERS: usize = 32;
const BINDING_CONDITIONS: usize = 4;

/// Checks a device of a slice, in which each device may have nodes of its own.
pub(super) fn device(
    device: Device<'_>,
    old: Option<Device<'_>>,
    by_device: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    names::label(device.name(), &path.child("name"), errors);
    let facts = device.attributes().len() + device.capacity().len();
    too_many(
        "attributes and capacities",
        facts,
        ATTRIBUTES_AND_CAPACITIES,
        path,
        errors,
    );
    let values = device
        .attributes()
        .iter()
        .map(|(_, attribute)| entries(attribute))
        .sum();
    too_many("attribute values", values, ATTRIBUTE_VALUES, path, errors);
    let at = path.child("attributes");
    for (name, attribute) in device.attributes().iter() {
        names::qualified(name, &at, errors);
        self::attribute(attribute, &at.key(&names::shortened(name)), errors);
    }
    let at = path.child("capacity");
    let shared = device.allow_multiple_allocations() == Some(true);
    for (name, found) in device.capacity().iter() {
        names::qualified(name, &at, errors);
        capacity::check(found, shared, &at.key(&names::shortened(name)), errors);
    }
    let unchanged = old.is_some_and(|old| device.taints().is_same(&old.taints()));
    if !unchanged {
        let taints: Vec<DeviceTaint<'_>> = device.taints().into_iter().collect();
        each(
            taints.into_iter(),
            TAINTS,
            &path.child("taints"),
            errors,
            taint,
        );
    }
    let consumptions: Vec<DeviceCounterConsumption<'_>> =
        device.consumes_counters().into_iter().collect();
    each_once(
        &consumptions,
        CONSUMPTIONS,
        |consumption| consumption.counter_set().to_owned(),
        &path.child("consumesCounters"),
        errors,
        |consumption, path, errors| {
            let at = path.child("counterSet");
            names::required_label(consumption.counter_set(), &at, errors);
            counters(consumption.counters(), &path.child("counters"), errors);
        },
    );
    nodes(device, by_device, path, errors);
    binding_conditions(
        device.binding_conditions(),
        device.binding_failure_conditions(),
        path,
        errors,
    );
}

fn too_many(what: &str, found: usize, limit: usize, path: &Path<'_>, errors: &mut ErrorList) {
    if found > limit {
        errors.invalid(
            path,
            found as i64,
            format!("the total number of {what} must not exceed {limit}"),
        );
    }
}

/// How many values an attribute has; the lists of several count by item.
fn entries(attribute: DeviceAttribute<'_>) -> usize {
    let listed = attribute.ints().len()
        + attribute.bools().len()
        + attribute.strings().len()
        + attribute.versions().len();
    listed.max(1)
}

fn attribute(attribute: DeviceAttribute<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let scalars = [
        attribute.bool().is_some(),
        attribute.int().is_some(),
        attribute.string().is_some(),
        attribute.version().is_some(),
    ];
    if let Some(text) = attribute.string() {
        not_too_long(text, &path.child("string"), errors);
    }
    if let Some(text) = attribute.version() {
        version(text, &path.child("version"), errors);
    }
    let mut set = scalars.into_iter().filter(|is_set| *is_set).count();
    for name in ["bools", "ints", "strings", "versions"] {
        let list = attribute.record().get_by_name(name);
        let Some(items) = list.and_then(|list| list.as_list()) else {
            continue;
        };
        set += 1;
        let at = path.child(name);
        if items.is_empty() {
            let value = internal_form::shown_list(items);
            errors.invalid(&at, value, "must not be empty if specified");
        }
        for (index, item) in items.iter().enumerate() {
            match (name, item.as_str()) {
                ("strings", Some(text)) => not_too_long(text, &at.index(index), errors),
                ("versions", Some(text)) => version(text, &at.index(index), errors),
                _ => {}
            }
        }
    }
    let value = match set {
        1 => return,
        0 => BadValue::from(""),
        _ => internal_form::shown(Some(attribute.record())),
    };
    errors.invalid(path, value, "exactly one value must be specified");
}

fn not_too_long(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if text.len() > VALUE_LIMIT {
        errors.push(FieldError::too_long(path, VALUE_LIMIT));
    }
}

fn version(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if !is_semantic_version(text) {
        errors.invalid(
            path,
            text,
            "must be a string compatible with semver.org spec 2.0.0",
        );
    }
    not_too_long(text, path, errors);
}

fn is_semantic_version(text: &str) -> bool {
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let is_word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| {
            pre.split('.')
                .all(|part| is_word(part) && (!is_digits(part) || is_number(part)))
        })
        && build.is_none_or(|build| build.split('.').all(is_word))
}

fn taint(taint: DeviceTaint<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    validate_label_name(taint.key(), &path.child("key"), errors);
    errors.invalid_each(
        &path.child("value"),
        taint.value(),
        label_value(taint.value()),
    );
    let (effect, at) = (taint.effect(), path.child("effect"));
    if effect.is_empty() {
        errors.required(&at, "");
    } else if !TAINT_EFFECTS.contains(&effect) {
        errors.not_supported(&at, BadValue::json_string(effect), TAINT_EFFECTS);
    }
}

/// Counters by name.
pub(super) fn counters(
    counters: ObjectMap<'_, Counter<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if counters.is_empty() {
        return errors.required(path, "");
    }
    if at_most(counters.len(), COUNTERS, path, errors) {
        for (name, _) in counters.iter() {
            names::label(name, path, errors);
        }
    }
}

fn nodes(device: Device<'_>, by_device: bool, path: &Path<'_>, errors: &mut ErrorList) {
    let (name, selector, all) = (
        device.node_name(),
        device.node_selector(),
        device.all_nodes(),
    );
    if !by_device {
        if name.is_some() || selector.is_some() || all.is_some() {
            errors.invalid(
                path,
                BadValue::null(),
                "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
            );
        }
        return;
    }
    let mut set = Vec::new();
    if let Some(name) = name {
        let at = path.child("nodeName");
        if name.is_empty() {
            errors.invalid(&at, name, "must not be empty");
        } else {
            set.push("`nodeName`");
            names::node(name, &at, errors);
        }
    }
    if let Some(selector) = selector {
        set.push("`nodeSelector`");
        let at = path.child("nodeSelector");
        node_selector::selector(selector, Values::Checked, &at, errors);
    }
    match all {
        Some(true) => set.push("`allNodes`"),
        Some(false) => errors.invalid(
            &path.child("allNodes"),
            false,
            "must be either unset or set to true",
        ),
        None => {}
    }
    let detail = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    match set.len() {
        0 => errors.required(path, detail),
        1 => {}
        _ => errors.invalid(path, format!("{{{}}}", set.join(", ")), detail),
    }
}

/// Conditions on which a device is ready for its pod, and those on which it never will be.
pub(super) fn binding_conditions(
    ready: Strings<'_>,
    failed: Strings<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (at_ready, at_failed) = (
        path.child("bindingConditions"),
        path.child("bindingFailureConditions"),
    );
    each(
        ready.iter(),
        BINDING_CONDITIONS,
        &at_ready,
        errors,
        validate_label_name,
    );
    each(
        failed.iter(),
        BINDING_CONDITIONS,
        &at_failed,
        errors,
        validate_label_name,
    );
    let mut seen = BTreeSet::new();
    for (index, condition) in ready.iter().enumerate() {
        if !seen.insert(condition) {
            errors.duplicate(&at_ready.index(index), condition);
        }
    }
    let mut seen = BTreeSet::new();
    for (index, condition) in failed.iter().enumerate() {
        if !seen.insert(condition) {
            errors.duplicate(&at_failed.index(index), condition);
        }
        if ready.contains(condition) {
            errors.invalid(
                &at_failed.index(index),
                condition,
                "bindingFailureConditions must not overlap with bindingConditions",
            );
        }
    }
    if ready.is_empty() && !failed.is_empty() {
        errors.invalid(
            &at_ready,
            ready.shown(),
            "bindingConditions are required to use bindingFailureConditions",
        );
    }
    if failed.is_empty() && !ready.is_empty() {
        errors.invalid(
            &at_failed,
            failed.shown(),
            "bindingFailureConditions are required to use bindingConditions",
        );
    }
}

/// The device called `name` among `devices`.
pub(super) fn named<'a>(
    mut devices: impl Iterator<Item = Device<'a>>,
    name: &str,
) -> Option<Device<'a>> {
    devices.find(|device| device.name() == name)
}

#[cfg(test)]
mod tests {
    use super::is_semantic_version;

    #[test]
    fn versions_are_semantic() {
        for good in ["1.2.3", "0.0.0", "1.2.3-alpha.1+build.5", "1.0.0-0a"] {
            assert!(is_semantic_version(good), "{good}");
        }
        for bad in ["1.2", "01.2.3", "1.2.3-", "1.2.3-01", "v1.2.3", "1.2.3+"] {
            assert!(!is_semantic_version(bad), "{bad}");
        }
    }
}
