//! Flags of the audit.

use super::{Section, one, switch};

pub(super) const AUDITING: Section = Section {
    title: "Auditing",
    flags: &[
        one(
            "audit-policy-file",
            "",
            "What is recorded of which request: a Policy of audit.k8s.io/v1. Without it, nothing is.",
        ),
        one(
            "audit-log-path",
            "",
            "File for audit events, one JSON object a line; - is the standard output.",
        ),
        one(
            "audit-log-maxsize",
            "100",
            "Megabytes after which a new log is begun; 0 is never.",
        ),
        one(
            "audit-log-maxage",
            "366",
            "Days after which an old log is deleted; 0 is never.",
        ),
        one(
            "audit-log-maxbackup",
            "100",
            "How many old logs are kept; 0 is all.",
        ),
        switch(
            "audit-log-compress",
            "false",
            "Compress old logs with gzip.",
        ),
        one("audit-log-format", "json", "Format of the log: json."),
        one(
            "audit-log-mode",
            "blocking",
            "When events are written: blocking or blocking-strict, before the answer is sent; batch, a while after it.",
        ),
        one(
            "audit-log-version",
            "audit.k8s.io/v1",
            "Version of the events in the log.",
        ),
        one(
            "audit-log-batch-buffer-size",
            "10000",
            "Events that may wait; more are lost, and counted. For the mode batch.",
        ),
        one(
            "audit-log-batch-max-size",
            "1",
            "Events of one batch. For the mode batch.",
        ),
        one(
            "audit-log-batch-max-wait",
            "0s",
            "How long a batch waits to be full. For the mode batch.",
        ),
        switch(
            "audit-log-batch-throttle-enable",
            "false",
            "Send batches no faster than the next two flags say. For the mode batch.",
        ),
        one(
            "audit-log-batch-throttle-qps",
            "0",
            "Batches a second, on average. For the mode batch.",
        ),
        one(
            "audit-log-batch-throttle-burst",
            "0",
            "Batches at once after a while without any. For the mode batch.",
        ),
        switch(
            "audit-log-truncate-enabled",
            "false",
            "Leave out the objects of events that are too large, and events that are too large even so.",
        ),
        one(
            "audit-log-truncate-max-batch-size",
            "10485760",
            "Bytes of one batch, where it is truncated.",
        ),
        one(
            "audit-log-truncate-max-event-size",
            "102400",
            "Bytes of one event, where it is truncated.",
        ),
        one(
            "audit-webhook-config-file",
            "",
            "Kubeconfig of whoever gets audit events, as lists of JSON.",
        ),
        one(
            "audit-webhook-initial-backoff",
            "10s",
            "Pause before the first failed delivery is tried again.",
        ),
        one(
            "audit-webhook-mode",
            "batch",
            "When events are delivered: batch, a while after the answer; blocking or blocking-strict, before it.",
        ),
        one(
            "audit-webhook-version",
            "audit.k8s.io/v1",
            "Version of the events that are delivered.",
        ),
        one(
            "audit-webhook-batch-buffer-size",
            "10000",
            "Events that may wait; more are lost, and counted. For the mode batch.",
        ),
        one(
            "audit-webhook-batch-max-size",
            "400",
            "Events of one batch. For the mode batch.",
        ),
        one(
            "audit-webhook-batch-max-wait",
            "30s",
            "How long a batch waits to be full. For the mode batch.",
        ),
        switch(
            "audit-webhook-batch-throttle-enable",
            "true",
            "Send batches no faster than the next two flags say. For the mode batch.",
        ),
        one(
            "audit-webhook-batch-throttle-qps",
            "10",
            "Batches a second, on average. For the mode batch.",
        ),
        one(
            "audit-webhook-batch-throttle-burst",
            "15",
            "Batches at once after a while without any. For the mode batch.",
        ),
        switch(
            "audit-webhook-truncate-enabled",
            "false",
            "Leave out the objects of events that are too large, and events that are too large even so.",
        ),
        one(
            "audit-webhook-truncate-max-batch-size",
            "10485760",
            "Bytes of one batch, where it is truncated.",
        ),
        one(
            "audit-webhook-truncate-max-event-size",
            "102400",
            "Bytes of one event, where it is truncated.",
        ),
    ],
};
