//! What is counted of requests to others, whoever in this process makes them.

use std::sync::LazyLock;
use std::time::Duration;

use http::StatusCode;

use crate::metrics::{Collector, Counter, Family, Histogram, Samples};

/// The families of requests to others.
#[derive(Debug)]
pub(crate) struct ClientMetrics {
    durations: Family<Histogram>,
    request_sizes: Family<Histogram>,
    answers: Family<Counter>,
    answer_sizes: Family<Histogram>,
}

/// Those of this process.
pub(crate) static CLIENT: LazyLock<ClientMetrics> = LazyLock::new(ClientMetrics::new);

const SECONDS: &[f64] = &[
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0,
];
/// From 64 bytes to 16 MB.
const BYTES: &[f64] = &[
    64.0,
    256.0,
    512.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

impl ClientMetrics {
    fn new() -> Self {
        const BY_VERB: &[&str] = &["host", "verb"];
        Self {
            durations: Family::new(
                "rest_client_request_duration_seconds",
                "[ALPHA] Request latency in seconds. Broken down by verb, and host.",
                BY_VERB,
                || Histogram::new(SECONDS),
            ),
            request_sizes: Family::new(
                "rest_client_request_size_bytes",
                "[ALPHA] Request size in bytes. Broken down by verb and host.",
                BY_VERB,
                || Histogram::new(BYTES),
            ),
            answers: Family::new(
                "rest_client_requests_total",
                "[ALPHA] Number of HTTP requests, partitioned by status code, method, and host.",
                &["code", "host", "method"],
                Counter::default,
            ),
            answer_sizes: Family::new(
                "rest_client_response_size_bytes",
                "[ALPHA] Response size in bytes. Broken down by verb and host.",
                BY_VERB,
                || Histogram::new(BYTES),
            ),
        }
    }

    /// A body of so many bytes was posted to a host: how long it took, and what was answered, if anything was, with
    /// how many bytes.
    pub(crate) fn posted(
        &self,
        host: &str,
        bytes: usize,
        took: Duration,
        answer: Option<(StatusCode, usize)>,
    ) {
        const VERB: &str = "POST";
        self.durations
            .with(&[host, VERB])
            .observe(took.as_secs_f64());
        self.request_sizes.with(&[host, VERB]).observe(bytes as f64);
        let code = answer.as_ref().map_or("<error>", |(code, _)| code.as_str());
        self.answers.with(&[code, host, VERB]).inc();
        if let Some((_, bytes)) = answer {
            self.answer_sizes.with(&[host, VERB]).observe(bytes as f64);
        }
    }
}

impl Collector for ClientMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.durations.collect(samples);
        self.request_sizes.collect(samples);
        self.answers.collect(samples);
        self.answer_sizes.collect(samples);
    }
}
