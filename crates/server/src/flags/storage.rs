//! Flags of where objects are kept.

use super::{Section, inert, many, one, switch};

pub(super) const STORAGE: Section = Section {
    title: "Storage",
    flags: &[
        one(
            "storage-backend",
            "",
            "Where objects are kept: rocksdb (embedded, in --data-dir) or etcd3. Default: etcd3 with --etcd-servers, else rocksdb.",
        ),
        many(
            "etcd-servers",
            "",
            "Members of the etcd that keeps the objects, https://host:port; several servers may share one.",
        ),
        many(
            "etcd-servers-overrides",
            "",
            "Resources that another etcd keeps: group/resource#server;server.",
        ),
        one("etcd-cafile", "", "CA bundle of etcd's certificates, PEM."),
        one(
            "etcd-certfile",
            "",
            "Certificate of this server towards etcd, PEM.",
        ),
        one("etcd-keyfile", "", "Private key of --etcd-certfile, PEM."),
        one(
            "etcd-healthcheck-timeout",
            "2s",
            "How long the check `etcd` waits for it.",
        ),
        one(
            "etcd-readycheck-timeout",
            "2s",
            "How long the check `etcd-readiness` waits for it.",
        ),
        one(
            "lease-reuse-duration-seconds",
            "60",
            "Seconds for which values that expire share a lease in etcd.",
        ),
        inert(one(
            "etcd-count-metric-poll-period",
            "1m0s",
            "Time between counts of objects for metrics; they are always up to date.",
        )),
        one(
            "etcd-db-metric-poll-interval",
            "30s",
            "Time between questions to etcd for its size, which metrics tell; 0 is never.",
        ),
        one(
            "etcd-prefix",
            "/registry",
            "Prefix of every key in the store.",
        ),
        one(
            "etcd-compaction-interval",
            "5m0s",
            "Time between compactions; a revision stays readable for one to two of them. 0 is never.",
        ),
        one(
            "encryption-provider-config",
            "",
            "EncryptionConfiguration, YAML or JSON: which resources are encrypted in the store, and how.",
        ),
        switch(
            "encryption-provider-config-automatic-reload",
            "false",
            "Read --encryption-provider-config again when it changes.",
        ),
        one("event-ttl", "1h0m0s", "How long an event is kept."),
        inert(one(
            "storage-media-type",
            "application/vnd.kubernetes.protobuf",
            "Form of built-in objects in the store; only protobuf is written.",
        )),
        inert(one(
            "delete-collection-workers",
            "1",
            "Workers of a deletecollection; deletes of one collection are committed together.",
        )),
        inert(switch(
            "watch-cache",
            "true",
            "Serve reads from memory; always on.",
        )),
    ],
};
