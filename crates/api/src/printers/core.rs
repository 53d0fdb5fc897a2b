//! The rest of the core group, events of both groups, and `Status`.

use std::borrow::Cow;

use pintle_runtime::meta::Status;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Cells;
use super::age::{age, age_cell};
use super::cell::cells;
use super::text::{TRUE, append, or};
use crate::core::v1::{
    ComponentStatus, ConfigMap, Event, EventSource, Namespace, ObjectReference, ResourceQuota,
    Secret, ServiceAccount,
};
use crate::events;

pub(super) fn namespace(object: &Record, now: Time) -> Cells<'_> {
    let object = Namespace::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.status().phase(),
        age_cell(meta.creation_timestamp(), now)
    ]
}

pub(super) fn secret(object: &Record, now: Time) -> Cells<'_> {
    let object = Secret::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.type_(),
        object.data().len(),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn config_map(object: &Record, now: Time) -> Cells<'_> {
    let object = ConfigMap::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.data().len() + object.binary_data().len(),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn service_account(object: &Record, now: Time) -> Cells<'_> {
    let meta = ServiceAccount::from_record(object).metadata();
    cells![meta.name(), age_cell(meta.creation_timestamp(), now)]
}

pub(super) fn component_status(object: &Record, _: Time) -> Cells<'_> {
    let object = ComponentStatus::from_record(object);
    let name = object.metadata().name();
    match object
        .conditions()
        .iter()
        .find(|condition| condition.type_() == "Healthy")
    {
        Some(condition) => {
            let status = if condition.status() == TRUE {
                "Healthy"
            } else {
                "Unhealthy"
            };
            cells![name, status, condition.message(), condition.error()]
        }
        None => cells![name, "Unknown", "", ""],
    }
}

/// What is used of what there is, requests apart from limits.
pub(super) fn resource_quota(object: &Record, now: Time) -> Cells<'_> {
    let object = ResourceQuota::from_record(object);
    let (meta, status) = (object.metadata(), object.status());
    let (mut requests, mut limits) = (String::new(), String::new());
    for (resource, hard) in status.hard().iter() {
        let column = if resource.starts_with("limits.") {
            &mut limits
        } else {
            &mut requests
        };
        let comma = if column.is_empty() { "" } else { ", " };
        let used = status.used().get(resource).unwrap_or("0");
        append(column, format_args!("{comma}{resource}: {used}/{hard}"));
    }
    cells![
        meta.name(),
        requests,
        limits,
        age_cell(meta.creation_timestamp(), now)
    ]
}

pub(super) fn event(object: &Record, now: Time) -> Cells<'_> {
    let event = Event::from_record(object);
    Occurrence {
        first: event.first_timestamp().or(event.event_time()),
        last: event.last_timestamp(),
        count: event.count(),
        series: event
            .series()
            .map(|series| (series.count(), series.last_observed_time())),
        ty: event.type_(),
        reason: event.reason(),
        object: event.involved_object(),
        source: event.source(),
        reporter: (event.reporting_component(), event.reporting_instance()),
        message: event.message(),
        name: event.metadata().name(),
    }
    .cells(now)
}

pub(super) fn events_event(object: &Record, now: Time) -> Cells<'_> {
    let event = events::v1::Event::from_record(object);
    Occurrence {
        first: event.deprecated_first_timestamp().or(event.event_time()),
        last: event.deprecated_last_timestamp(),
        count: event.deprecated_count(),
        series: event
            .series()
            .map(|series| (series.count(), series.last_observed_time())),
        ty: event.type_(),
        reason: event.reason(),
        object: event.regarding(),
        source: event.deprecated_source(),
        reporter: (event.reporting_controller(), event.reporting_instance()),
        message: event.note(),
        name: event.metadata().name(),
    }
    .cells(now)
}

/// An event of either group.
struct Occurrence<'a> {
    first: Option<Time>,
    last: Option<Time>,
    count: i32,
    /// How often, and when last.
    series: Option<(i32, Option<Time>)>,
    ty: &'a str,
    reason: &'a str,
    object: ObjectReference<'a>,
    source: EventSource<'a>,
    /// The component and which one of it, where the source does not say.
    reporter: (&'a str, &'a str),
    message: &'a str,
    name: &'a str,
}

impl<'a> Occurrence<'a> {
    fn cells(self, now: Time) -> Cells<'a> {
        let first = age(self.first, now);
        let (count, last) = match self.series {
            Some((count, last)) => (count, age(last, now)),
            // Those that happened once do not always count.
            None => (
                if self.count == 0 { 1 } else { self.count },
                self.last
                    .map_or_else(|| first.clone(), |last| age(Some(last), now)),
            ),
        };
        cells![
            last,
            self.ty,
            self.reason,
            self.target(),
            self.object.field_path(),
            self.source(),
            self.message.trim(),
            first,
            count,
            self.name,
        ]
    }

    fn target(&self) -> String {
        let mut target = self.object.kind().to_lowercase();
        if !self.object.name().is_empty() {
            append(&mut target, format_args!("/{}", self.object.name()));
        }
        target
    }

    fn source(&self) -> Cow<'a, str> {
        let component = or(self.source.component(), self.reporter.0);
        match or(self.source.host(), self.reporter.1) {
            "" => Cow::Borrowed(component),
            instance => Cow::Owned(format!("{component}, {instance}")),
        }
    }
}

pub(super) fn status(object: &Record, _: Time) -> Cells<'_> {
    let object = Status::from_record(object);
    cells![object.status(), object.reason(), object.message()]
}

#[cfg(test)]
mod tests;
