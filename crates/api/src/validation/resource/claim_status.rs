//! What was allocated for a claim, and who uses it.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::ip::Cidr;
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::object_meta::validate_conditions;
use pintle_runtime::quote::Quoted;
use pintle_runtime::value::Record;

use super::claim::{
    self, CONFIGURATIONS, PARAMETERS_LIMIT, RequestNames, configuration, tolerations,
};
use super::device::binding_conditions;
use super::lists::{at_most, each, each_once, once};
use super::names;
use crate::resource::v1::{
    AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration,
    DeviceRequestAllocationResult, NetworkDeviceData, ResourceClaim,
    ResourceClaimConsumerReference, ResourceClaimStatus,
};
use crate::validation::immutable::{immutable, is_same};
use crate::validation::labels::Values;
use crate::validation::node_selector;

const CONSUMERS: usize = 256;
const RESULTS: usize = 32;
const CONDITIONS: usize = 8;
const DATA_LIMIT: usize = 10 * 1024;
const INTERFACE_LIMIT: usize = 256;
const HARDWARE_LIMIT: usize = 128;
const ADDRESSES: usize = 16;

/// Checks a change through `status`.
pub(super) fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let claim = ResourceClaim::from_record(new);
    let (status, before) = (claim.status(), ResourceClaim::from_record(old).status());
    let requests = RequestNames::of(claim.spec().devices());
    let path = Path::new("status");
    consumers(status, &path.child("reservedFor"), errors);
    devices(status, &path.child("devices"), errors);
    reservation(claim.metadata(), status, before, &path, errors);
    let at = path.child("allocation");
    match (status.allocation(), before.allocation()) {
        (Some(new), Some(old)) => immutable(new.record(), old.record(), &at, errors),
        (Some(new), None) => allocation(new, &requests, &at, errors),
        (None, _) => {}
    }
}

fn consumers(status: ResourceClaimStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let items: Vec<ResourceClaimConsumerReference<'_>> =
        status.reserved_for().into_iter().collect();
    each_once(
        &items,
        CONSUMERS,
        |consumer| consumer.uid().to_owned(),
        path,
        errors,
        |consumer, path, errors| {
            for (name, value) in [
                ("resource", consumer.resource()),
                ("name", consumer.name()),
                ("uid", consumer.uid()),
            ] {
                if value.is_empty() {
                    errors.required(&path.child(name), "");
                }
            }
        },
    );
}

/// Who uses a claim uses what has been allocated, and nobody new does once it is to go.
fn reservation(
    metadata: ObjectMeta<'_>,
    status: ResourceClaimStatus<'_>,
    before: ResourceClaimStatus<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if status.reserved_for().is_empty() {
        return;
    }
    let at = path.child("reservedFor");
    if status.allocation().is_none() {
        return errors.forbidden(&at, "may not be specified when `allocated` is not set");
    }
    let was_there = |consumer: ResourceClaimConsumerReference<'_>| {
        let mut known = before.reserved_for().into_iter();
        known.any(|old| is_same(old.record(), consumer.record()))
    };
    if metadata.deletion_timestamp().is_some() && !status.reserved_for().into_iter().all(was_there)
    {
        errors.forbidden(
            &at,
            "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
        );
    }
}

/// A device, or a share of it, in the words of upstream's messages.
fn identity(driver: &str, pool: &str, device: &str, share: Option<&str>) -> String {
    let parts = [
        ("Driver", driver),
        ("Pool", pool),
        ("Device", device),
        ("ShareID", share.unwrap_or_default()),
    ];
    let parts = parts.map(|(name, part)| format!("\"{name}\":{}", BadValue::json_string(part)));
    format!("{{{}}}", parts.join(","))
}

fn devices(status: ResourceClaimStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let results = status
        .allocation()
        .map(|allocation| allocation.devices().results());
    let allocated: BTreeSet<String> = results
        .into_iter()
        .flatten()
        .map(|result| {
            identity(
                result.driver(),
                result.pool(),
                result.device(),
                result.share_id(),
            )
        })
        .collect();
    let items: Vec<AllocatedDeviceStatus<'_>> = status.devices().into_iter().collect();
    let key = |device: AllocatedDeviceStatus<'_>| {
        identity(
            device.driver(),
            device.pool(),
            device.device(),
            device.share_id(),
        )
    };
    each(
        items.iter().copied(),
        usize::MAX,
        path,
        errors,
        |device, path, errors| {
            names::driver(device.driver(), &path.child("driver"), errors);
            names::pool(device.pool(), &path.child("pool"), errors);
            names::label(device.device(), &path.child("device"), errors);
            if let Some(share) = device.share_id() {
                names::uuid(share, &path.child("shareID"), errors);
            }
            if !allocated.contains(&key(device)) {
                let value = BadValue::Json(key(device));
                errors.invalid(path, value, "must be an allocated device in the claim");
            }
            reported(device, path, errors);
        },
    );
    once(items.into_iter().map(key), BadValue::Json, path, errors);
}

fn reported(device: AllocatedDeviceStatus<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("conditions");
    at_most(device.conditions().len(), CONDITIONS, &at, errors);
    validate_conditions(device.conditions(), &at, errors);
    if device.data().is_some_and(|data| !data.is_empty()) {
        claim::object(device.data(), DATA_LIMIT, &path.child("data"), errors);
    }
    if let Some(network) = device.network_data() {
        network_data(network, &path.child("networkData"), errors);
    }
}

fn network_data(network: NetworkDeviceData<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if network.interface_name().len() > INTERFACE_LIMIT {
        let at = path.child("interfaceName");
        errors.push(FieldError::too_long(&at, INTERFACE_LIMIT));
    }
    if network.hardware_address().len() > HARDWARE_LIMIT {
        let at = path.child("hardwareAddress");
        errors.push(FieldError::too_long(&at, HARDWARE_LIMIT));
    }
    let addresses: Vec<&str> = network.ips().iter().collect();
    each_once(
        &addresses,
        ADDRESSES,
        str::to_owned,
        &path.child("ips"),
        errors,
        interface_address,
    );
}

/// An address with the length of its network: `192.0.2.1/24`.
fn interface_address(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(network) = Cidr::parse(text) else {
        return errors.invalid(
            path,
            text,
            "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
        );
    };
    let canonical = format!("{}/{}", network.address(), network.bits());
    if canonical != text {
        let detail = format!("must be in canonical form ({})", Quoted(&canonical));
        errors.invalid(path, text, detail);
    }
}

fn allocation(
    allocation: AllocationResult<'_>,
    requests: &RequestNames<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("devices");
    let results: Vec<_> = allocation.devices().results().into_iter().collect();
    each(
        results.into_iter(),
        RESULTS,
        &at.child("results"),
        errors,
        |item, path, errors| result(item, requests, path, errors),
    );
    let configurations: Vec<_> = allocation.devices().config().into_iter().collect();
    each(
        configurations.into_iter(),
        2 * CONFIGURATIONS,
        &at.child("config"),
        errors,
        |item, path, errors| allocated_configuration(item, requests, path, errors),
    );
    if let Some(selector) = allocation.node_selector() {
        let at = path.child("nodeSelector");
        node_selector::selector(selector, Values::Checked, &at, errors);
    }
}

fn result(
    result: DeviceRequestAllocationResult<'_>,
    requests: &RequestNames<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    requests.reference(result.request(), &path.child("request"), errors);
    names::driver(result.driver(), &path.child("driver"), errors);
    names::pool(result.pool(), &path.child("pool"), errors);
    names::label(result.device(), &path.child("device"), errors);
    binding_conditions(
        result.binding_conditions(),
        result.binding_failure_conditions(),
        path,
        errors,
    );
    tolerations(result.tolerations(), &path.child("tolerations"), errors);
    if let Some(share) = result.share_id() {
        names::uuid(share, &path.child("shareID"), errors);
    }
}

fn allocated_configuration(
    item: DeviceAllocationConfiguration<'_>,
    requests: &RequestNames<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("source");
    match item.source() {
        "" => errors.required(&at, ""),
        "FromClaim" | "FromClass" => {}
        other => errors.not_supported(
            &at,
            BadValue::json_string(other),
            ["FromClaim", "FromClass"],
        ),
    }
    requests.references(item.requests(), &path.child("requests"), errors);
    configuration(item.opaque(), PARAMETERS_LIMIT, path, errors);
}
