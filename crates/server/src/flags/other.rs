//! Flags that command lines of kube-apiserver have, for what is not here or not to be chosen.

use super::{Section, inert, many, one, switch};

/// Accepted, and told of in the log when they are given.
pub(super) const OTHER: Section = Section {
    title: "Accepted as kube-apiserver's",
    flags: &[
        inert(one(
            "proxy-client-cert-file",
            "",
            "Certificate to show to aggregated servers and admission webhooks.",
        )),
        inert(one(
            "proxy-client-key-file",
            "",
            "Private key of --proxy-client-cert-file.",
        )),
        inert(switch(
            "aggregator-reject-forwarding-redirects",
            "true",
            "Pass no redirects of aggregated servers on.",
        )),
        inert(one(
            "egress-selector-config-file",
            "",
            "By which way other networks are reached.",
        )),
        inert(one("tracing-config-file", "", "Where traces are sent to.")),
        inert(one("peer-ca-file", "", "CA of other API servers.")),
        inert(one(
            "peer-advertise-ip",
            "",
            "Where other API servers reach this one.",
        )),
        inert(one(
            "peer-advertise-port",
            "",
            "The port where other API servers reach this one.",
        )),
        inert(one("apiserver-count", "1", "Number of API servers.")),
        inert(one(
            "endpoint-reconciler-type",
            "lease",
            "How the servers behind the Service kubernetes are told; only by leases.",
        )),
        inert(one(
            "kubernetes-service-node-port",
            "0",
            "Node port of the Service kubernetes.",
        )),
        inert(many(
            "watch-cache-sizes",
            "",
            "Events to remember per resource; memory is bounded by bytes.",
        )),
        inert(one(
            "default-watch-cache-size",
            "100",
            "Events to remember; memory is bounded by bytes.",
        )),
        inert(one(
            "storage-initialization-timeout",
            "1m0s",
            "How long readiness waits for the store; it waits until everything is read.",
        )),
        inert(switch(
            "enable-garbage-collector",
            "true",
            "Delete in the way that a garbage collector needs; always so.",
        )),
        inert(switch("enable-logs-handler", "false", "Serve /logs.")),
        inert(switch(
            "contention-profiling",
            "false",
            "Profile waiting for locks.",
        )),
        inert(one(
            "debug-socket-path",
            "",
            "Socket on which profiles are served.",
        )),
        inert(many(
            "allow-metric-labels",
            "",
            "Values of labels that metrics may have.",
        )),
        inert(one(
            "allow-metric-labels-manifest",
            "",
            "File with the values of labels that metrics may have.",
        )),
        inert(many("disabled-metrics", "", "Metrics that are not told.")),
        inert(one(
            "show-hidden-metrics-for-version",
            "",
            "Release whose hidden metrics are told; none are hidden.",
        )),
        inert(one(
            "log-flush-frequency",
            "5s",
            "Time between flushes of the log; it is not held back.",
        )),
        inert(one(
            "log-json-info-buffer-size",
            "0",
            "Bytes of the log in JSON that are held back.",
        )),
        inert(switch(
            "log-json-split-stream",
            "false",
            "Errors of the log in JSON to another stream.",
        )),
        inert(one(
            "log-text-info-buffer-size",
            "0",
            "Bytes of the log that are held back.",
        )),
        inert(switch(
            "log-text-split-stream",
            "false",
            "Errors of the log to another stream.",
        )),
        inert(one(
            "kubelet-port",
            "10250",
            "Port of kubelets; nodes say it.",
        )),
        inert(one(
            "kubelet-read-only-port",
            "10255",
            "Port of kubelets without authentication; never used.",
        )),
        inert(one("kubelet-timeout", "5s", "How long kubelets may take.")),
        inert(switch(
            "permit-address-sharing",
            "false",
            "Listen with SO_REUSEADDR.",
        )),
        inert(switch(
            "permit-port-sharing",
            "false",
            "Listen with SO_REUSEPORT.",
        )),
        inert(switch(
            "send-retry-after-while-not-ready-once",
            "false",
            "Ask clients to come later until the server is ready.",
        )),
        inert(switch(
            "shutdown-send-retry-after",
            "false",
            "Ask clients to come later while the server ends.",
        )),
        inert(one(
            "shutdown-watch-termination-grace-period",
            "0s",
            "How long watches may take to end.",
        )),
        inert(one(
            "coordinated-leadership-lease-duration",
            "15s",
            "Duration of leases of coordinated elections.",
        )),
        inert(one(
            "coordinated-leadership-renew-deadline",
            "10s",
            "How long a leader of coordinated elections tries to stay.",
        )),
        inert(one(
            "coordinated-leadership-retry-period",
            "2s",
            "Between attempts of coordinated elections.",
        )),
    ],
};
