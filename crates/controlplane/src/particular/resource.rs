//! `resource.k8s.io`.

use std::collections::BTreeSet;

use pintle_api::resource::v1::{
    AllocatedDeviceStatus, Device, DeviceMut, DeviceRequestAllocationResult, ResourceClaim,
    ResourceClaimMut, ResourceClaimStatus, ResourceSlice, ResourceSliceMut,
};
use pintle_api::settings::is_on;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::quote::Quoted;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "resourceclaims" => &Claims,
        "resourceslices" => &Slices,
        _ => return None,
    })
}

/// Claims: what drivers say of a device goes with the device.
struct Claims;

impl Particular for Claims {
    fn prepare_subresource(&self, _: &RequestContext, _: &str, new: &mut Record, old: &Record) {
        let before = ResourceClaim::from_record(old).status();
        let had_reports = !before.devices().is_empty();
        if !had_reports && !is_on("DRAResourceClaimDeviceStatus") {
            return ResourceClaimMut::from_record(new)
                .status_mut()
                .clear_devices();
        }
        let kept = allocated(ResourceClaim::from_record(new).status());
        let gone: BTreeSet<Share> = allocated(before).difference(&kept).cloned().collect();
        if gone.is_empty() {
            return;
        }
        let mut claim = ResourceClaimMut::from_record(new);
        let mut status = claim.status_mut();
        status
            .devices_mut()
            .retain(|device| !gone.contains(&Share::of_report(device)));
        if status.view().devices().is_empty() {
            status.clear_devices();
        }
    }
}

/// A device, or a share of one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Share([String; 4]);

impl Share {
    fn of_result(result: DeviceRequestAllocationResult<'_>) -> Self {
        let share = result.share_id().unwrap_or_default();
        Self([result.driver(), result.pool(), result.device(), share].map(str::to_owned))
    }

    fn of_report(report: AllocatedDeviceStatus<'_>) -> Self {
        let share = report.share_id().unwrap_or_default();
        Self([report.driver(), report.pool(), report.device(), share].map(str::to_owned))
    }
}

/// What is allocated for a claim.
fn allocated(status: ResourceClaimStatus<'_>) -> BTreeSet<Share> {
    let results = status.allocation().map(|it| it.devices().results());
    results
        .into_iter()
        .flatten()
        .map(Share::of_result)
        .collect()
}

/// Slices: fields of features that are off, when taints came, and a warning.
struct Slices;

impl Particular for Slices {
    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        drop_disabled(new, None);
        date_taints(new, cx.now().truncate_to_seconds());
    }

    fn prepare_for_update(&self, cx: &RequestContext, new: &mut Record, old: &Record) {
        drop_disabled(new, Some(old));
        date_taints(new, cx.now().truncate_to_seconds());
    }

    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let driver = ResourceSlice::from_record(new).spec().driver();
        if driver == driver.to_lowercase() {
            return Vec::new();
        }
        vec![format!(
            "spec.driver: driver names should be lowercase; {} contains uppercase characters",
            Quoted(driver)
        )]
    }
}

/// A taint that does not say since when there is one, is new. Upstream has this as a default, so that a slice that is written
/// again without times has new ones.
fn date_taints(new: &mut Record, now: Time) {
    let devices = ResourceSlice::from_record(new).spec().devices();
    if devices.iter().all(|device| device.taints().is_empty()) {
        return;
    }
    let mut slice = ResourceSliceMut::from_record(new);
    for mut device in slice.spec_mut().devices_mut().iter_mut() {
        for mut taint in device.taints_mut().iter_mut() {
            if taint.view().time_added().is_none() {
                taint.set_time_added(now);
            }
        }
    }
}

/// A feature: its gate, whether a device makes use of it, and how that is taken away.
type Feature = (&'static str, fn(Device<'_>) -> bool, fn(&mut DeviceMut<'_>));

const FEATURES: [Feature; 4] = [
    (
        "DRADeviceTaints",
        |device| !device.taints().is_empty(),
        |device| device.clear_taints(),
    ),
    (
        "DRADeviceBindingConditions",
        |device| {
            !device.binding_conditions().is_empty()
                || !device.binding_failure_conditions().is_empty()
                || device.binds_to_node().is_some()
        },
        |device| {
            device.clear_binding_conditions();
            device.clear_binding_failure_conditions();
            device.clear_binds_to_node();
        },
    ),
    (
        "DRANodeAllocatableResources",
        |device| !device.node_allocatable_resource_mappings().is_empty(),
        |device| device.clear_node_allocatable_resource_mappings(),
    ),
    ("DRAListTypeAttributes", has_lists, clear_lists),
];

/// Takes away what a feature is needed for that is off, unless the slice has made use of it before.
fn drop_disabled(new: &mut Record, old: Option<&Record>) {
    let before = old.map(|old| ResourceSlice::from_record(old).spec().devices());
    for (gate, uses, clear) in FEATURES {
        let used = before.is_some_and(|devices| devices.iter().any(uses));
        if used || is_on(gate) {
            continue;
        }
        let mut slice = ResourceSliceMut::from_record(new);
        for mut device in slice.spec_mut().devices_mut().iter_mut() {
            clear(&mut device);
        }
    }
}

fn has_lists(device: Device<'_>) -> bool {
    let mut attributes = device.attributes().iter();
    attributes.any(|(_, attribute)| {
        let lists = ["bools", "ints", "strings", "versions"];
        let is_there = |name: &&str| attribute.record().get_by_name(name).is_some();
        lists.iter().any(is_there)
    })
}

fn clear_lists(device: &mut DeviceMut<'_>) {
    for (_, mut attribute) in device.attributes_mut().iter_mut() {
        attribute.clear_bools();
        attribute.clear_ints();
        attribute.clear_strings();
        attribute.clear_versions();
    }
}

#[cfg(test)]
mod tests {
    use pintle_runtime::codec::{Problems, json};

    use super::*;

    #[test]
    fn a_taint_without_a_time_is_new() {
        let ty =
            pintle_api::type_by_kind("resource.k8s.io", "v1", "ResourceSlice").expect("a kind");
        let body = br#"{"spec":{"driver":"d","pool":{"name":"p","generation":1,"resourceSliceCount":1},"devices":[{"name":"a","taints":[
            {"key":"k","effect":"NoExecute"},
            {"key":"l","effect":"NoExecute","timeAdded":"2026-01-01T00:00:00Z"}]}]}}"#;
        let body = bytes::Bytes::from_static(body);
        let mut slice = json::decode(&ty, &body, &mut Problems::ignored()).expect("a slice");
        let now = Time::parse("2026-02-02T00:00:00Z").expect("a time");
        date_taints(&mut slice, now);
        let devices = ResourceSlice::from_record(&slice).spec().devices();
        let times: Vec<_> = devices
            .iter()
            .flat_map(|device| device.taints())
            .map(|taint| taint.time_added())
            .collect();
        let before = Time::parse("2026-01-01T00:00:00Z").expect("a time");
        assert_eq!(times, [Some(now), Some(before)]);
    }
}
