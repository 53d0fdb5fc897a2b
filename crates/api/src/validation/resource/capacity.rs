//! How much of a device there is, and in which pieces it is given away.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::value::Value;

use super::lists::{at_most, once};
use crate::resource::v1::{CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity};
use crate::validation::quantity::amount;

const VALUES: usize = 10;

/// A capacity of a device, which has a policy only if several can share the device.
pub(super) fn check(
    capacity: DeviceCapacity<'_>,
    shared: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(policy) = capacity.request_policy() else {
        return;
    };
    let path = path.child("requestPolicy");
    if !shared {
        return errors.forbidden(&path, "allowMultipleAllocations must be true");
    }
    let values: Vec<&str> = policy
        .valid_values()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    match (values.as_slice(), policy.valid_range()) {
        ([], None) => {}
        ([_, ..], Some(_)) => errors.forbidden(
            &path,
            "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time",
        ),
        (values, None) => discrete(capacity, policy, values, &path, errors),
        ([], Some(span)) => continuous(capacity, policy, span, &path, errors),
    }
}

/// What is taken where nothing is said; it must be there.
fn default<'a>(
    policy: CapacityRequestPolicy<'a>,
    needed_by: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) -> Option<&'a str> {
    if policy.default().is_none() {
        errors.required(
            &path.child("default"),
            format!("required when {needed_by} is defined"),
        );
    }
    policy.default()
}

fn discrete(
    capacity: DeviceCapacity<'_>,
    policy: CapacityRequestPolicy<'_>,
    values: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(default) = default(policy, "validValues", path, errors) else {
        return;
    };
    let path = path.child("validValues");
    let all = capacity.value();
    for (index, pair) in values.windows(2).enumerate() {
        if amount(pair[0]) > amount(pair[1]) {
            errors.invalid(
                &path.index(index + 1),
                pair[1],
                "values must be sorted in ascending order",
            );
        }
    }
    if at_most(values.len(), VALUES, &path, errors) {
        for (index, value) in values.iter().enumerate() {
            if amount(value) > amount(all) {
                let detail = format!("option is larger than capacity value: {all}");
                errors.invalid(&path.index(index), *value, detail);
            }
        }
        let keys = values.iter().map(|value| amount(value).value().to_string());
        once(keys, BadValue::String, &path, errors);
    }
    if !values.iter().any(|value| amount(value) == amount(default)) {
        errors.invalid(
            &path,
            default,
            "default value is not valid according to the requestPolicy",
        );
    }
}

fn continuous(
    capacity: DeviceCapacity<'_>,
    policy: CapacityRequestPolicy<'_>,
    span: CapacityRequestPolicyRange<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let Some(default) = default(policy, "validRange", path, errors) else {
        return;
    };
    let path = path.child("validRange");
    let (at_min, at_max) = (path.child("min"), path.child("max"));
    let Some(min) = span.min() else {
        return errors.required(&at_min, "required when validRange is defined");
    };
    let all = capacity.value();
    if amount(min) > amount(all) {
        let detail = format!("min is larger than capacity value: {all}");
        errors.invalid(&at_min, min, detail);
    }
    if amount(default) < amount(min) {
        errors.invalid(&at_min, default, format!("default is less than min: {min}"));
    }
    if let Some(max) = span.max() {
        if amount(min) > amount(max) {
            errors.invalid(&at_max, min, format!("min is larger than max: {max}"));
        }
        if amount(max) > amount(all) {
            let detail = format!("max is larger than capacity value: {all}");
            errors.invalid(&at_max, max, detail);
        }
        if amount(default) > amount(max) {
            errors.invalid(&at_max, default, format!("default is more than max: {max}"));
        }
    }
    let Some(step) = span.step() else { return };
    let at = path.child("step");
    if amount(step).signum() <= 0 {
        return errors.invalid(&at, step, "must be greater than zero");
    }
    let one = amount(min).value().saturating_add(amount(step).value());
    if one > amount(all).value() {
        let detail = format!("one step {one} is larger than capacity value: {all}");
        errors.invalid(&at, step, detail);
    }
    for value in std::iter::once(default).chain(span.max()) {
        let distance = amount(value).value() - amount(min).value();
        if distance % whole(amount(step)) != 0 {
            let detail = format!("value is not a multiple of a given step ({step}) from ({min})");
            errors.invalid(&at, value, detail);
        }
    }
}

/// A positive amount as a whole number, rounded up.
fn whole(amount: Quantity) -> i64 {
    amount.value().max(1)
}
