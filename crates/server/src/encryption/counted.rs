//! What is counted of keys that a key management service keeps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pintle_endpoints::metrics::{Collector, Counter, Family, Gauge, Histogram, Samples};
use pintle_storage::encryption::KmsEvents;

use crate::metrics::hash;

/// The families of key management services. Keys are told by their digests.
pub(crate) struct KmsMetrics {
    server: String,
    operations: Family<Histogram>,
    used: Family<Counter>,
    last_used: Family<Gauge>,
    last_named: Family<Gauge>,
    invalid: Family<Counter>,
    sources: Family<Gauge>,
}

/// From a tenth of a millisecond on, each twice the one before it.
const SECONDS: &[f64] = &[
    0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.0512, 0.1024, 0.2048,
    0.4096, 0.8192, 1.6384, 3.2768, 6.5536, 13.1072, 26.2144, 52.4288,
];

impl KmsMetrics {
    /// Nothing yet, by the server with this identity.
    pub(crate) fn new(server_id: &str) -> Self {
        const USES: &[&str] = &[
            "transformation_type",
            "provider_name",
            "key_id_hash",
            "apiserver_id_hash",
        ];
        Self {
            server: hash(server_id.as_bytes()),
            operations: Family::new(
                "apiserver_envelope_encryption_kms_operations_latency_seconds",
                "[ALPHA] KMS operation duration with gRPC error code status total.",
                &["provider_name", "method_name", "grpc_status_code"],
                || Histogram::new(SECONDS),
            ),
            used: Family::new(
                "apiserver_envelope_encryption_key_id_hash_total",
                "[ALPHA] Number of times a keyID is used split by transformation type, provider, and apiserver identity.",
                USES,
                Counter::default,
            ),
            last_used: Family::new(
                "apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds",
                "[ALPHA] The last time in seconds when a keyID was used.",
                USES,
                Gauge::default,
            ),
            last_named: Family::new(
                "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds",
                "[ALPHA] The last time in seconds when a keyID was returned by the Status RPC call.",
                &["provider_name", "key_id_hash", "apiserver_id_hash"],
                Gauge::default,
            ),
            invalid: Family::new(
                "apiserver_envelope_encryption_invalid_key_id_from_status_total",
                "[ALPHA] Number of times an invalid keyID is returned by the Status RPC call split by error.",
                &["provider_name", "error"],
                Counter::default,
            ),
            sources: Family::new(
                "apiserver_envelope_encryption_dek_source_cache_size",
                "[ALPHA] Number of records in data encryption key (DEK) source cache. On a restart, this value is an approximation of \
                 the number of decrypt RPC calls the server will make to the KMS plugin.",
                &["provider_name"],
                Gauge::default,
            ),
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

impl KmsEvents for KmsMetrics {
    fn asked(&self, provider: &str, method: &str, code: &str, took: Duration) {
        self.operations
            .with(&[provider, method, code])
            .observe(took.as_secs_f64());
    }

    fn used(&self, provider: &str, key_id: &str, is_sealing: bool) {
        let kind = if is_sealing {
            "to_storage"
        } else {
            "from_storage"
        };
        let key = hash(key_id.as_bytes());
        let labels = [kind, provider, &key, &self.server];
        self.used.with(&labels).inc();
        self.last_used.with(&labels).set(now());
    }

    fn named(&self, provider: &str, key_id: &str) {
        let key = hash(key_id.as_bytes());
        self.last_named
            .with(&[provider, &key, &self.server])
            .set(now());
    }

    fn misnamed(&self, provider: &str, fault: &str) {
        self.invalid.with(&[provider, fault]).inc();
    }

    fn knows(&self, provider: &str, sources: usize) {
        let sources = i64::try_from(sources).unwrap_or(i64::MAX);
        self.sources.with(&[provider]).set(sources);
    }
}

impl Collector for KmsMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.sources.collect(samples);
        self.invalid.collect(samples);
        self.last_used.collect(samples);
        self.last_named.collect(samples);
        self.used.collect(samples);
        self.operations.collect(samples);
    }
}
