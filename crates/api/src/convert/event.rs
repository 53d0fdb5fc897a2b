//! Events of the core group and of `events.k8s.io`: one object under two sets of names.

use pintle_runtime::schema::TypeRef;
use pintle_runtime::value::Record;

/// Names in the core group and in `events.k8s.io`, where they differ.
const NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

pub(super) fn to_events(object: Record, to: &TypeRef) -> Record {
    renamed(object, to, |name| {
        NAMES
            .iter()
            .find(|(core, _)| *core == name)
            .map(|(_, events)| *events)
    })
}

pub(super) fn to_core(object: Record, to: &TypeRef) -> Record {
    renamed(object, to, |name| {
        NAMES
            .iter()
            .find(|(_, events)| *events == name)
            .map(|(core, _)| *core)
    })
}

fn renamed(object: Record, to: &TypeRef, rename: impl Fn(&str) -> Option<&'static str>) -> Record {
    let from = object.type_ref().clone();
    let mut out = Record::new(to.clone());
    for (index, mut value) in object.into_entries() {
        let name = from.fields[index].name.as_ref();
        let Some(at) = to.field_index(rename(name).unwrap_or(name)) else {
            continue;
        };
        // The series have types of their own with the same fields.
        if let (pintle_runtime::value::Value::Record(inner), Some(ty)) =
            (&mut value, super::path::struct_of(&to.fields[at].ty))
            && *inner.type_ref() != ty
        {
            *inner = inner.clone().with_type(ty);
        }
        out.set(at, value);
    }
    out
}
