//! Slices of what a driver has to offer.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::value::Record;

use super::device::{counters, device, named};
use super::lists::{at_most, each_once, once};
use super::names;
use crate::resource::v1::{CounterSet, Device, ResourceSlice, ResourceSliceSpec};
use crate::validation::immutable::immutable;
use crate::validation::labels::Values;
use crate::validation::{Rules, internal_form, node_selector};

pub(super) const RULES: Rules = Rules {
    create: |new, errors| slice(new, None, errors),
    update: |new, old, errors| slice(new, Some(old), errors),
    subresources: &[],
};

const DEVICES: usize = 128;
/// Where devices have taints or counters.
const INTRICATE_DEVICES: usize = 64;
const COUNTER_SETS: usize = 8;

fn slice(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let spec = ResourceSlice::from_record(new).spec();
    let before = old.map(|old| ResourceSlice::from_record(old).spec());
    let path = Path::new("spec");
    names::driver(spec.driver(), &path.child("driver"), errors);
    pool(spec, &path.child("pool"), errors);
    if let Some(before) = before {
        unchanged(spec, before, &path, errors);
    }
    nodes(spec, &path, errors);
    if spec.shared_counters().is_present() && spec.devices().is_present() {
        errors.invalid(
            &path,
            "",
            "only one of `sharedCounters` or `devices` is allowed",
        );
    }
    devices(spec, before, &path.child("devices"), errors);
    let sets: Vec<CounterSet<'_>> = spec.shared_counters().into_iter().collect();
    each_once(
        &sets,
        COUNTER_SETS,
        |set| set.name().to_owned(),
        &path.child("sharedCounters"),
        errors,
        |set, path, errors| {
            names::required_label(set.name(), &path.child("name"), errors);
            counters(set.counters(), &path.child("counters"), errors);
        },
    );
}

fn pool(spec: ResourceSliceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let pool = spec.pool();
    names::pool(pool.name(), &path.child("name"), errors);
    if pool.resource_slice_count() <= 0 {
        errors.invalid(
            &path.child("resourceSliceCount"),
            pool.resource_slice_count(),
            "must be greater than zero",
        );
    }
    if pool.generation() < 0 {
        errors.invalid(
            &path.child("generation"),
            pool.generation(),
            "must be greater than or equal to zero",
        );
    }
}

fn unchanged(
    new: ResourceSliceSpec<'_>,
    old: ResourceSliceSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let pool = path.child("pool");
    immutable(
        new.pool().name(),
        old.pool().name(),
        &pool.child("name"),
        errors,
    );
    immutable(new.driver(), old.driver(), &path.child("driver"), errors);
    let at = path.child("nodeName");
    immutable(new.node_name(), old.node_name(), &at, errors);
}

/// Which nodes the devices are on: it is said in exactly one way.
fn nodes(spec: ResourceSliceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut set = Vec::new();
    if let Some(name) = spec.node_name() {
        let at = path.child("nodeName");
        if name.is_empty() {
            let detail = "must be either unset or set to a non-empty string";
            errors.invalid(&at, name, detail);
        } else {
            set.push("`nodeName`");
            names::node(name, &at, errors);
        }
    }
    if let Some(selector) = spec.node_selector() {
        set.push("`nodeSelector`");
        let at = path.child("nodeSelector");
        node_selector::selector(selector, Values::Checked, &at, errors);
        let terms = selector.node_selector_terms();
        if terms.len() != 1 {
            errors.invalid(
                &at.child("nodeSelectorTerms"),
                if terms.is_present() {
                    internal_form::shown_list(terms.values())
                } else {
                    BadValue::null()
                },
                "must have exactly one node selector term",
            );
        }
    }
    for (name, shown, value) in [
        ("allNodes", "`allNodes`", spec.all_nodes()),
        (
            "perDeviceNodeSelection",
            "`perDeviceNodeSelection`",
            spec.per_device_node_selection(),
        ),
    ] {
        match value {
            Some(true) => set.push(shown),
            Some(false) => errors.invalid(
                &path.child(name),
                false,
                "must be either unset or set to true",
            ),
            None => {}
        }
    }
    let detail = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    match set.len() {
        0 => errors.required(path, detail),
        1 => {}
        _ => errors.invalid(
            path,
            format!("{{{}}}", set.join(", ")),
            format!("{detail}, but multiple fields are set"),
        ),
    }
}

fn devices(
    spec: ResourceSliceSpec<'_>,
    before: Option<ResourceSliceSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let items: Vec<Device<'_>> = spec.devices().into_iter().collect();
    let intricate = items.iter().any(|device| {
        !device.taints().is_empty() || !device.consumes_counters().is_empty() || has_lists(*device)
    });
    let limit = if intricate {
        INTRICATE_DEVICES
    } else {
        DEVICES
    };
    if !at_most(items.len(), limit, path, errors) {
        return;
    }
    let by_device = spec.per_device_node_selection() == Some(true);
    for (index, item) in items.iter().enumerate() {
        let old = before.and_then(|before| named(before.devices().into_iter(), item.name()));
        device(*item, old, by_device, &path.index(index), errors);
    }
    once(
        items.iter().map(|item| item.name().to_owned()),
        BadValue::String,
        path,
        errors,
    );
}

fn has_lists(device: Device<'_>) -> bool {
    device.attributes().iter().any(|(_, attribute)| {
        let lists = ["ints", "bools", "strings", "versions"];
        lists.iter().any(|name| {
            let list = attribute.record().get_by_name(name);
            list.is_some_and(|list| list.as_list().is_some())
        })
    })
}
