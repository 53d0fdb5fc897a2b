//! `Event`, as `v1` and as `events.k8s.io/v1`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::{dns1123_subdomain, label_key};
use pintle_runtime::value::Record;

use crate::core::v1::Event;
use crate::validation::Rules;
use crate::validation::immutable::{Micros, Seconds, immutable, is_same};

pub(super) const RULES: Rules = Rules {
    create: |new, errors| always(new, "reportingComponent", errors),
    update: |new, _old, errors| always(new, "reportingComponent", errors),
    subresources: &[],
};

/// How many bytes an event's action, reason and reporting instance may have, and its message.
const WORD_LIMIT: usize = 128;
const MESSAGE_LIMIT: usize = 1024;

/// What holds for every event, whichever API it came by; `controller` is what that API calls the
/// reporter.
fn always(new: &Record, controller: &str, errors: &mut ErrorList) {
    let event = Event::from_record(new);
    let namespace = event.metadata().namespace();
    let involved = event.involved_object().namespace();
    let named = event.event_time().is_some();
    let fits = match (named, involved) {
        (false, "") => matches!(namespace, "" | "default"),
        (false, involved) => namespace == involved,
        (true, "") => matches!(namespace, "default" | "kube-system"),
        (true, _) => true,
    };
    if !fits {
        errors.invalid(
            &Path::new("involvedObject.namespace"),
            involved,
            "does not match event.namespace",
        );
    }
    if named {
        names(event, controller, errors);
    }
    errors.invalid_each(
        &Path::new("namespace"),
        namespace,
        dns1123_subdomain(namespace),
    );
}

/// What a new-style event has besides: it says who reports what.
fn names(event: Event<'_>, field: &str, errors: &mut ErrorList) {
    let controller = event.reporting_component();
    let path = Path::new(field);
    if controller.is_empty() {
        errors.required(&path, "");
    }
    errors.invalid_each(&path, controller, label_key(controller));
    let words = [
        ("reportingInstance", event.reporting_instance()),
        ("action", event.action()),
        ("reason", event.reason()),
    ];
    for (field, word) in words {
        let path = Path::new(field);
        if word.is_empty() {
            errors.required(&path, "");
        }
        short(word, WORD_LIMIT, &path, errors);
    }
    short(
        event.message(),
        MESSAGE_LIMIT,
        &Path::new("message"),
        errors,
    );
}

fn short(text: &str, limit: usize, path: &Path<'_>, errors: &mut ErrorList) {
    if text.len() > limit {
        errors.invalid(path, "", format!("can have at most {limit} characters"));
    }
}

/// What `events.k8s.io/v1` asks of a new event.
pub(in crate::validation) fn strict_create(new: &Record, errors: &mut ErrorList) {
    always(new, "reportingController", errors);
    let event = Event::from_record(new);
    let name = event.metadata().name();
    errors.invalid_each(&Path::new("metadata.name"), name, dns1123_subdomain(name));
    series(event, errors);
    if event.event_time().is_none() {
        errors.required(&Path::new("eventTime"), "");
    }
    if !matches!(event.type_(), "Normal" | "Warning") {
        errors.invalid(
            &Path::new("type"),
            "",
            format!("has invalid value: {}", event.type_()),
        );
    }
    let source = event.source();
    let unset = [
        ("firstTimestamp", event.first_timestamp().is_none()),
        ("lastTimestamp", event.last_timestamp().is_none()),
        ("count", event.count() == 0),
        (
            "source",
            source.component().is_empty() && source.host().is_empty(),
        ),
    ];
    for (field, unset) in unset {
        if !unset {
            errors.invalid(&Path::new(field), "", "needs to be unset");
        }
    }
}

/// What `events.k8s.io/v1` asks of a change: only the series goes on.
pub(in crate::validation) fn strict_update(new: &Record, old: &Record, errors: &mut ErrorList) {
    always(new, "reportingController", errors);
    let (now, before) = (Event::from_record(new), Event::from_record(old));
    let went_on = match (now.series(), before.series()) {
        (Some(now), Some(before)) => !is_same(now.record(), before.record()),
        (None, None) => false,
        _ => true,
    };
    if went_on {
        series(now, errors);
    }
    macro_rules! same {
        ($($field:literal $now:expr, $before:expr;)*) => {$(
            immutable($now, $before, &Path::new($field), errors);
        )*};
    }
    same! {
        "involvedObject" now.involved_object().record(), before.involved_object().record();
        "reason" now.reason(), before.reason();
        "message" now.message(), before.message();
        "source" now.source().record(), before.source().record();
        "firstTimestamp" Seconds(now.first_timestamp()), Seconds(before.first_timestamp());
        "lastTimestamp" Seconds(now.last_timestamp()), Seconds(before.last_timestamp());
        "count" now.count(), before.count();
        "reason" now.reason(), before.reason();
        "type" now.type_(), before.type_();
        "eventTime" Micros(now.event_time()), Micros(before.event_time());
        "action" now.action(), before.action();
        "related" now.related().map(|it| it.record()), before.related().map(|it| it.record());
        "reportingController" now.reporting_component(), before.reporting_component();
        "reportingInstance" now.reporting_instance(), before.reporting_instance();
    }
}

fn series(event: Event<'_>, errors: &mut ErrorList) {
    let Some(series) = event.series() else { return };
    if series.count() < 2 {
        errors.invalid(&Path::new("series.count"), "", "should be at least 2");
    }
    if series.last_observed_time().is_none() {
        errors.required(&Path::new("series.lastObservedTime"), "");
    }
}
