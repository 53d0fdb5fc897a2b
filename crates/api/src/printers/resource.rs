//! Dynamic resources.

use std::borrow::Cow;

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::age::{age, age_cell};
use super::cell::cells;
use super::text::{NONE, TRUE};
use super::{Cell, Cells};
use crate::resource;
use resource::v1alpha3::{PoolStatus, ResourcePoolStatusRequest};

/// The printers of a version of what is in all of them. The name of a slice's node is a pointer in
/// some, hence `$text`.
macro_rules! resources {
    ($version:ident, $text:expr) => {
        pub(in crate::printers) mod $version {
            use super::*;
            use crate::resource::$version::{
                DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice,
            };

            pub(in crate::printers) fn device_class(object: &Record, now: Time) -> Cells<'_> {
                let meta = DeviceClass::from_record(object).metadata();
                cells![meta.name(), age_cell(meta.creation_timestamp(), now)]
            }

            pub(in crate::printers) fn claim_template(object: &Record, now: Time) -> Cells<'_> {
                let meta = ResourceClaimTemplate::from_record(object).metadata();
                cells![meta.name(), age_cell(meta.creation_timestamp(), now)]
            }

            pub(in crate::printers) fn claim(object: &Record, now: Time) -> Cells<'_> {
                let object = ResourceClaim::from_record(object);
                let (meta, status) = (object.metadata(), object.status());
                let state = claim_state(
                    meta.deletion_timestamp().is_some(),
                    status.allocation().is_some(),
                    !status.reserved_for().is_empty(),
                );
                cells![meta.name(), state, age_cell(meta.creation_timestamp(), now)]
            }

            pub(in crate::printers) fn slice(object: &Record, now: Time) -> Cells<'_> {
                let object = ResourceSlice::from_record(object);
                let (meta, spec) = (object.metadata(), object.spec());
                cells![
                    meta.name(),
                    $text(spec.node_name()),
                    spec.driver(),
                    spec.pool().name(),
                    age_cell(meta.creation_timestamp(), now),
                ]
            }
        }
    };
}
resources!(v1, Option::unwrap_or_default);
resources!(v1beta1, std::convert::identity);
resources!(v1beta2, Option::unwrap_or_default);

const fn claim_state(deleted: bool, allocated: bool, reserved: bool) -> &'static str {
    match (deleted, allocated, reserved) {
        (false, false, _) => "pending",
        (false, true, false) => "allocated",
        (false, true, true) => "allocated,reserved",
        (true, false, _) => "deleted",
        (true, true, false) => "deleted,allocated",
        (true, true, true) => "deleted,allocated,reserved",
    }
}

/// The printer of a version of DeviceTaintRule.
macro_rules! device_taint_rule {
    ($module:ident, $version:ident) => {
        pub(in crate::printers) mod $module {
            use super::*;
            use crate::resource::$version::DeviceTaintRule;

            pub(in crate::printers) fn device_taint_rule(object: &Record, now: Time) -> Cells<'_> {
                let object = DeviceTaintRule::from_record(object);
                let meta = object.metadata();
                let taint = object.spec().taint();
                let added = taint
                    .time_added()
                    .map_or(Cow::Borrowed(""), |added| age(Some(added), now));
                cells![
                    meta.name(),
                    taint.key(),
                    taint.value(),
                    taint.effect(),
                    added,
                    age_cell(meta.creation_timestamp(), now),
                ]
            }
        }
    };
}
device_taint_rule!(taints_v1alpha3, v1alpha3);
device_taint_rule!(taints_v1beta2, v1beta2);

/// Counts over all pools, which are not known before there is a status nor after a failure.
pub(super) fn pool_status_request(object: &Record, now: Time) -> Cells<'_> {
    let object = ResourcePoolStatusRequest::from_record(object);
    let (name, driver) = (object.metadata().name(), object.spec().driver());
    let unknown = || Cell::from("-");
    let Some(status) = object.status() else {
        let (pools, state) = (0, "Pending");
        return cells![
            name,
            driver,
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            pools,
            state,
            NONE
        ];
    };
    let end = status.conditions().iter().find(|condition| {
        condition.status() == TRUE && matches!(condition.type_(), "Complete" | "Failed")
    });
    let failed = end.is_some_and(|condition| condition.type_() == "Failed");
    let complete = end.filter(|_| !failed);
    let (pools, known) = (status.pool_count().unwrap_or(0), status.pools().len());
    let state: Cow<'_, str> = match complete {
        Some(_) if i64::from(pools) > known as i64 => {
            format!("Complete ({known}/{pools} pools)").into()
        }
        Some(_) => "Complete".into(),
        None if failed => "Failed".into(),
        None => "Pending".into(),
    };
    let sum = |of: fn(PoolStatus<'_>) -> i32| {
        if failed {
            unknown()
        } else {
            Cell::from(
                status
                    .pools()
                    .iter()
                    .fold(0_i32, |sum, pool| sum.wrapping_add(of(pool))),
            )
        }
    };
    cells![
        name,
        driver,
        sum(|pool| pool.total_devices().unwrap_or(0)),
        sum(|pool| pool.available_devices().unwrap_or(0)),
        sum(|pool| pool.allocated_devices().unwrap_or(0)),
        sum(|pool| pool.unavailable_devices().unwrap_or(0)),
        sum(|pool| pool.validation_error().is_some().into()),
        pools,
        state,
        complete.map_or(NONE.into(), |condition| age_cell(
            condition.last_transition_time(),
            now
        )),
    ]
}

#[cfg(test)]
mod tests;
