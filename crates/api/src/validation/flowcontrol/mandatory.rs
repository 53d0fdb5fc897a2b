//! Flow schemas and priority levels that every server has, and that always say the same.

use std::sync::LazyLock;

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::value::Record;
use pintle_runtime::view::View;

use crate::flowcontrol::v1::{FlowSchemaSpec, PriorityLevelConfigurationSpec};

static EXEMPT_SCHEMA: LazyLock<Record> = LazyLock::new(|| {
    spec::<FlowSchemaSpec<'_>>(
        br#"{"priorityLevelConfiguration":{"name":"exempt"},"matchingPrecedence":1,"rules":[{"subjects":[{"kind":"Group","group":{"name":"system:masters"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}"#,
    )
});
static CATCH_ALL_SCHEMA: LazyLock<Record> = LazyLock::new(|| {
    spec::<FlowSchemaSpec<'_>>(
        br#"{"priorityLevelConfiguration":{"name":"catch-all"},"matchingPrecedence":10000,"distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group","group":{"name":"system:unauthenticated"}},{"kind":"Group","group":{"name":"system:authenticated"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}"#,
    )
});
static EXEMPT_LEVEL: LazyLock<Record> = LazyLock::new(|| {
    spec::<PriorityLevelConfigurationSpec<'_>>(
        br#"{"type":"Exempt","exempt":{"nominalConcurrencyShares":0,"lendablePercent":0}}"#,
    )
});
static CATCH_ALL_LEVEL: LazyLock<Record> = LazyLock::new(|| {
    spec::<PriorityLevelConfigurationSpec<'_>>(
        br#"{"type":"Limited","limited":{"nominalConcurrencyShares":5,"lendablePercent":0,"limitResponse":{"type":"Reject"}}}"#,
    )
});

/// The spec of a mandatory flow schema.
pub(super) fn flow_schema(name: &str) -> Option<&'static Record> {
    match name {
        "exempt" => Some(&EXEMPT_SCHEMA),
        "catch-all" => Some(&CATCH_ALL_SCHEMA),
        _ => None,
    }
}

/// The spec of a mandatory priority level.
pub(super) fn priority_level(name: &str) -> Option<&'static Record> {
    match name {
        "exempt" => Some(&EXEMPT_LEVEL),
        "catch-all" => Some(&CATCH_ALL_LEVEL),
        _ => None,
    }
}

fn spec<V: View>(json: &'static [u8]) -> Record {
    let empty = V::new_record();
    let body = Bytes::from_static(json);
    // A test sees to it that each of them decodes.
    json::decode(empty.type_ref(), &body, &mut Problems::ignored()).unwrap_or(empty)
}
