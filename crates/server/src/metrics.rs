//! What is counted of configuration that is read again, and of those who are asked whether a request is allowed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use http::StatusCode;
use pintle_authn::service_account::TokenUses;
use pintle_authz::webhook::Matching;
use pintle_endpoints::audit::AuditMetrics;
use pintle_endpoints::client::CallError;
use pintle_endpoints::metrics::{Collector, Counter, Family, Gauge, Histogram, Kind, Samples};

use crate::encryption::KmsMetrics;

/// Reloads of one configuration file.
pub(crate) struct Reloads {
    server: String,
    total: Family<Counter>,
    last: Family<Gauge>,
    info: Family<Gauge>,
}

/// Names and help texts of [`Reloads`].
pub(crate) struct ReloadNames {
    total: [&'static str; 2],
    last: [&'static str; 2],
    info: [&'static str; 2],
}

/// Of `--authentication-config`.
pub(crate) const AUTHENTICATION: ReloadNames = ReloadNames {
    total: [
        "apiserver_authentication_config_controller_automatic_reloads_total",
        "[BETA] Total number of automatic reloads of authentication configuration split by status and apiserver identity.",
    ],
    last: [
        "apiserver_authentication_config_controller_automatic_reload_last_timestamp_seconds",
        "[BETA] Timestamp of the last automatic reload of authentication configuration split by status and apiserver identity.",
    ],
    info: [
        "apiserver_authentication_config_controller_last_config_info",
        "[ALPHA] Information about the last applied authentication configuration with hash as label, split by apiserver identity.",
    ],
};

/// Of `--encryption-provider-config`.
pub(crate) const ENCRYPTION: ReloadNames = ReloadNames {
    total: [
        "apiserver_encryption_config_controller_automatic_reloads_total",
        "[ALPHA] Total number of reload successes and failures of encryption configuration split by apiserver identity.",
    ],
    last: [
        "apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds",
        "[ALPHA] Timestamp of the last successful or failed automatic reload of encryption configuration split by apiserver identity.",
    ],
    info: [
        "apiserver_encryption_config_controller_last_config_info",
        "[ALPHA] Information about the last applied encryption configuration with hash as label, split by apiserver identity.",
    ],
};

/// Of `--authorization-config`.
pub(crate) const AUTHORIZATION: ReloadNames = ReloadNames {
    total: [
        "apiserver_authorization_config_controller_automatic_reloads_total",
        "[BETA] Total number of automatic reloads of authorization configuration split by status and apiserver identity.",
    ],
    last: [
        "apiserver_authorization_config_controller_automatic_reload_last_timestamp_seconds",
        "[BETA] Timestamp of the last automatic reload of authorization configuration split by status and apiserver identity.",
    ],
    info: [
        "apiserver_authorization_config_controller_last_config_info",
        "[ALPHA] Information about the last applied authorization configuration with hash as label, split by apiserver identity.",
    ],
};

impl Reloads {
    /// Of the server with this identity.
    pub(crate) fn new(names: &ReloadNames, server_id: &str) -> Self {
        const STATUS: &[&str] = &["status", "apiserver_id_hash"];
        const HASHES: &[&str] = &["apiserver_id_hash", "hash"];
        Self {
            server: hash(server_id.as_bytes()),
            total: Family::new(names.total[0], names.total[1], STATUS, Counter::default),
            last: Family::new(names.last[0], names.last[1], STATUS, Gauge::default),
            info: Family::new(names.info[0], names.info[1], HASHES, Gauge::default),
        }
    }

    /// The file was read for the first time.
    pub(crate) fn first(&self, file: &Path) {
        self.tell_of(file);
    }

    /// The file was read again.
    pub(crate) fn done(&self, file: &Path, is_used: bool) {
        let status = if is_used { "success" } else { "failure" };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.total.with(&[status, &self.server]).inc();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.last.with(&[status, &self.server]).set(now);
        if is_used {
            self.tell_of(file);
        }
    }

    fn tell_of(&self, file: &Path) {
        let content = fs::read(file).unwrap_or_default();
        self.info.clear();
        self.info.with(&[&self.server, &hash(&content)]).set(1);
    }
}

impl Collector for Reloads {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.total.collect(samples);
        self.last.collect(samples);
        self.info.collect(samples);
    }
}

/// `sha256:` and the digest of it; nothing of nothing.
pub(crate) fn hash(data: &[u8]) -> String {
    if data.is_empty() {
        return String::new();
    }
    let digest = digest(&SHA256, data);
    let hex: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// Authorization webhooks.
pub(crate) struct AccessReviews {
    evaluations: Family<Counter>,
    durations: Family<Histogram>,
    failed_open: Family<Counter>,
    match_durations: Family<Histogram>,
    match_errors: Family<Counter>,
    exclusions: Family<Counter>,
}

const BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

const MATCH_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];

impl Default for AccessReviews {
    fn default() -> Self {
        const LABELS: &[&str] = &["name", "result"];
        const MATCH: &[&str] = &["type", "name"];
        Self {
            evaluations: Family::new(
                "apiserver_authorization_webhook_evaluations_total",
                "[ALPHA] Round-trips to authorization webhooks.",
                LABELS,
                Counter::default,
            ),
            durations: Family::new(
                "apiserver_authorization_webhook_duration_seconds",
                "[ALPHA] Request latency in seconds.",
                LABELS,
                || Histogram::new(BUCKETS),
            ),
            failed_open: Family::new(
                "apiserver_authorization_webhook_evaluations_fail_open_total",
                "[ALPHA] NoOpinion results due to webhook timeout or error.",
                LABELS,
                Counter::default,
            ),
            match_durations: Family::new(
                "apiserver_authorization_match_condition_evaluation_seconds",
                "[ALPHA] Authorization match condition evaluation time in seconds, split by authorizer type and name.",
                MATCH,
                || Histogram::new(MATCH_BUCKETS),
            ),
            match_errors: Family::new(
                "apiserver_authorization_match_condition_evaluation_errors_total",
                "[ALPHA] Total number of errors when an authorization webhook encounters a match condition error split by authorizer type and name.",
                MATCH,
                Counter::default,
            ),
            exclusions: Family::new(
                "apiserver_authorization_match_condition_exclusions_total",
                "[ALPHA] Total number of exclusions when an authorization webhook is skipped because match conditions exclude it.",
                MATCH,
                Counter::default,
            ),
        }
    }
}

impl AccessReviews {
    /// A webhook was asked once. Says in a word how that ended.
    pub(crate) fn asked(
        &self,
        name: &str,
        elapsed: Duration,
        outcome: Result<StatusCode, &CallError>,
    ) -> &'static str {
        let result = match outcome {
            Ok(status) if status.is_success() => "success",
            Ok(StatusCode::GATEWAY_TIMEOUT) | Err(CallError::Timeout(_)) => "timeout",
            _ => "error",
        };
        self.evaluations.with(&[name, result]).inc();
        self.durations
            .with(&[name, result])
            .observe(elapsed.as_secs_f64());
        result
    }

    /// It was found out whether a webhook is to be asked.
    pub(crate) fn matched(&self, name: &str, matching: Matching) {
        let labels = &["Webhook", name];
        let elapsed = matching.elapsed.as_secs_f64();
        self.match_durations.with(labels).observe(elapsed);
        if matching.has_failed {
            self.match_errors.with(labels).inc();
        }
        if matching.is_excluded {
            self.exclusions.with(labels).inc();
        }
    }

    /// Others decided, as a webhook could not be asked.
    pub(crate) fn failed_open(&self, name: &str, result: &str) {
        self.failed_open.with(&[name, result]).inc();
    }
}

impl Collector for AccessReviews {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.evaluations.collect(samples);
        self.durations.collect(samples);
        self.failed_open.collect(samples);
        self.match_durations.collect(samples);
        self.match_errors.collect(samples);
        self.exclusions.collect(samples);
    }
}

/// All of it.
pub(crate) struct Counted {
    /// Of `--authentication-config`.
    pub(crate) authentication: Arc<Reloads>,
    /// Of `--authorization-config`.
    pub(crate) authorization: Arc<Reloads>,
    /// Of `--encryption-provider-config`.
    pub(crate) encryption: Arc<Reloads>,
    /// Of key management services.
    pub(crate) services: Arc<KmsMetrics>,
    /// Of authorization webhooks.
    pub(crate) reviews: Arc<AccessReviews>,
    /// Of the audit.
    pub(crate) audit: Arc<AuditMetrics>,
}

impl Counted {
    /// Nothing yet, by the server with this identity.
    pub(crate) fn new(server_id: &str) -> Self {
        Self {
            authentication: Arc::new(Reloads::new(&AUTHENTICATION, server_id)),
            authorization: Arc::new(Reloads::new(&AUTHORIZATION, server_id)),
            encryption: Arc::new(Reloads::new(&ENCRYPTION, server_id)),
            services: Arc::new(KmsMetrics::new(server_id)),
            reviews: Arc::default(),
            audit: Arc::default(),
        }
    }
}

/// How often tokens of service accounts were accepted.
pub(crate) fn token_uses(uses: Arc<TokenUses>) -> impl Fn(&mut Samples<'_>) + Send + Sync {
    move |samples| {
        for (name, help, count) in [
            (
                "serviceaccount_legacy_tokens_total",
                "[ALPHA] Cumulative legacy service account tokens used",
                &uses.legacy,
            ),
            (
                "serviceaccount_stale_tokens_total",
                "[ALPHA] Cumulative stale projected service account tokens used",
                &uses.stale,
            ),
            (
                "serviceaccount_valid_tokens_total",
                "[ALPHA] Cumulative valid projected service account tokens used",
                &uses.valid,
            ),
        ] {
            let count = count.load(Ordering::Relaxed);
            samples.single(name, help, Kind::Counter, count as f64);
        }
    }
}
