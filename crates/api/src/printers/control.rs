//! Priorities, scheduling groups, storage versions and aggregated APIs.

use std::borrow::Cow;
use std::cmp::Ordering;

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::age::age_cell;
use super::cell::cells;
use super::text::{NONE, TRUE, UNSET, first_of, or_unset};
use super::{Cell, Cells};
use crate::apiregistration::v1::APIService;
use crate::apiserverinternal::v1alpha1::StorageVersion;
use crate::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use crate::scheduling::v1::PriorityClass;
use crate::scheduling::v1alpha2::{PodGroup, Workload};
use crate::storagemigration::v1beta1::StorageVersionMigration;

/// How many storage versions are shown.
const SHOWN: usize = 3;

pub(super) fn priority_class(object: &Record, now: Time) -> Cells<'_> {
    let object = PriorityClass::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.value(),
        object.global_default(),
        age_cell(meta.creation_timestamp(), now),
        object.preemption_policy().unwrap_or_default(),
    ]
}

pub(super) fn flow_schema(object: &Record, now: Time) -> Cells<'_> {
    let object = FlowSchema::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let conditions = object.status().conditions();
    let dangling = conditions
        .iter()
        .find(|condition| condition.type_() == "Dangling");
    cells![
        meta.name(),
        spec.priority_level_configuration().name(),
        spec.matching_precedence(),
        spec.distinguisher_method()
            .map_or(NONE, |method| method.type_()),
        age_cell(meta.creation_timestamp(), now),
        dangling.map_or("?", |condition| condition.status()),
    ]
}

/// Those that match first come first; of equal ones the name decides.
pub(super) fn flow_schema_order(a: &Record, b: &Record) -> Ordering {
    let (a, b) = (FlowSchema::from_record(a), FlowSchema::from_record(b));
    let precedence = |schema: FlowSchema<'_>| schema.spec().matching_precedence();
    precedence(a)
        .cmp(&precedence(b))
        .then_with(|| a.metadata().name().cmp(b.metadata().name()))
}

pub(super) fn priority_level(object: &Record, now: Time) -> Cells<'_> {
    let object = PriorityLevelConfiguration::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let limited = spec.limited();
    let queuing = limited.and_then(|limited| limited.limit_response().queuing());
    let or_none = |number: Option<i32>| number.map_or_else(|| NONE.into(), Cell::from);
    cells![
        meta.name(),
        spec.type_(),
        or_none(limited.map(|limited| limited.nominal_concurrency_shares().unwrap_or(0))),
        or_none(queuing.map(|queuing| queuing.queues())),
        or_none(queuing.map(|queuing| queuing.hand_size())),
        or_none(queuing.map(|queuing| queuing.queue_length_limit())),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn workload(object: &Record, now: Time) -> Cells<'_> {
    let meta = Workload::from_record(object).metadata();
    cells![meta.name(), age_cell(meta.creation_timestamp(), now)]
}

pub(super) fn pod_group(object: &Record, now: Time) -> Cells<'_> {
    let object = PodGroup::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    let conditions = object.status().conditions();
    let last = |ty: &str| {
        conditions
            .iter()
            .rev()
            .find(|condition| condition.type_() == ty)
    };
    let status = match (last("DisruptionTarget"), last("PodGroupScheduled")) {
        (Some(disruption), _) => disruption.reason(),
        (None, Some(scheduled)) if scheduled.status() == TRUE => "Scheduled",
        (None, Some(_)) => "Unschedulable",
        (None, None) => "Pending",
    };
    let workload = spec.pod_group_template_ref().map_or(NONE, |template| {
        template
            .workload()
            .map_or("", |workload| workload.workload_name())
    });
    cells![
        meta.name(),
        if spec.scheduling_policy().gang().is_some() {
            "Gang"
        } else {
            "Basic"
        },
        workload,
        status,
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn storage_version(object: &Record, now: Time) -> Cells<'_> {
    let object = StorageVersion::from_record(object);
    let (meta, status) = (object.metadata(), object.status());
    let versions = status.storage_versions().into_iter();
    let versions = versions
        .map(|version| format!("{}={}", version.api_server_id(), version.encoding_version()));
    cells![
        meta.name(),
        status.common_encoding_version().unwrap_or(UNSET),
        or_unset(first_of(versions, SHOWN, ",")),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn storage_version_migration(object: &Record, _: Time) -> Cells<'_> {
    let object = StorageVersionMigration::from_record(object);
    let resource = object.spec().resource();
    let name: Cow<'_, str> = match (resource.resource(), resource.group()) {
        (resource, "") => resource.into(),
        (resource, group) => format!("{resource}.{group}").into(),
    };
    let status = object
        .status()
        .conditions()
        .iter()
        .rev()
        .find_map(|condition| {
            Some(condition.type_()).filter(|ty| {
                condition.status() == TRUE && matches!(*ty, "Running" | "Failed" | "Succeeded")
            })
        });
    cells![object.metadata().name(), name, status.unwrap_or("Unknown")]
}

pub(super) fn api_service(object: &Record, now: Time) -> Cells<'_> {
    let object = APIService::from_record(object);
    let meta = object.metadata();
    let service = object
        .spec()
        .service()
        .map_or(Cow::Borrowed("Local"), |service| {
            Cow::Owned(format!("{}/{}", service.namespace(), service.name()))
        });
    let conditions = object.status().conditions();
    let available = conditions
        .iter()
        .find(|condition| condition.type_() == "Available");
    let available = available.map_or(Cow::Borrowed("Unknown"), |condition| {
        match (condition.status(), condition.reason()) {
            (status @ TRUE, _) | (status, "") => Cow::Borrowed(status),
            (status, reason) => Cow::Owned(format!("{status} ({reason})")),
        }
    });
    cells![
        meta.name(),
        service,
        available,
        age_cell(meta.creation_timestamp(), now)
    ]
}

#[cfg(test)]
mod tests;
