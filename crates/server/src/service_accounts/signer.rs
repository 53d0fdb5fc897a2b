//! Somebody who signs the tokens of service accounts on this machine: `ExternalJWTSigner` v1, gRPC on a unix socket.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pintle_authn::service_account::ExternalSigner;
use pintle_authn::service_account::external::{
    Answered, Fetched, FetchedKey, Signed, SignerService,
};
use pintle_endpoints::metrics::{Collector, Counter, Family, Gauge, Histogram, Samples};
use prost::Message;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tracing::error;

/// What the signer has for anything but the first question.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What it has to say how long tokens may live.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
/// After keys could not be had.
const AGAIN: Duration = Duration::from_secs(10);
/// While nobody listens at the socket.
const KNOCK: Duration = Duration::from_millis(50);
/// Tokens live so long at least.
const SHORTEST: i64 = 600;

#[derive(Clone, PartialEq, Message)]
struct SignRequest {
    #[prost(string, tag = "1")]
    claims: String,
}

#[derive(Clone, PartialEq, Message)]
struct SignResponse {
    #[prost(string, tag = "1")]
    header: String,
    #[prost(string, tag = "2")]
    signature: String,
}

#[derive(Clone, PartialEq, Message)]
struct Nothing {}

#[derive(Clone, PartialEq, Message)]
struct FetchKeysResponse {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<Key>,
    #[prost(message, optional, tag = "2")]
    data_timestamp: Option<Timestamp>,
    #[prost(int64, tag = "3")]
    refresh_hint_seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Key {
    #[prost(string, tag = "1")]
    key_id: String,
    #[prost(bytes = "vec", tag = "2")]
    key: Vec<u8>,
    #[prost(bool, tag = "3")]
    exclude_from_oidc_discovery: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct MetadataResponse {
    #[prost(int64, tag = "1")]
    max_token_expiration_seconds: i64,
}

/// A signer that was found, and for how long its tokens may live at most.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) signer: Arc<ExternalSigner>,
    pub(super) longest: Duration,
}

/// Finds the signer at `socket`, has its keys, and asks for them again whenever it said to as long as the signer is used.
///
/// # Errors
/// In words, if it does not answer in time or what it says makes no sense.
pub(super) async fn find(socket: &str, counted: &Arc<SignerMetrics>) -> Result<Found, String> {
    let client = Client::new(socket, Arc::clone(counted))?;
    let signer = Arc::new(ExternalSigner::new(Arc::new(client.clone())));
    signer
        .fetch()
        .await
        .map_err(|why| format!("while initially filling key cache: {why}"))?;
    let metadata: MetadataResponse = client
        .ask("Metadata", Nothing {}, METADATA_TIMEOUT)
        .await
        .map_err(|status| shown(&status))?;
    let seconds = metadata.max_token_expiration_seconds;
    if seconds < SHORTEST {
        return Err(format!(
            "max token life supported by external-jwt-signer ({seconds}s) is less than acceptable (min {SHORTEST}s)"
        ));
    }
    let watched = Arc::downgrade(&signer);
    tokio::spawn(async move {
        let mut next = Instant::now();
        while let Some(signer) = watched.upgrade() {
            next = next.max(signer.stale_at());
            drop(signer);
            tokio::time::sleep_until(next.into()).await;
            let Some(signer) = watched.upgrade() else {
                return;
            };
            if let Err(why) = signer.fetch().await {
                error!(
                    why,
                    "the keys of the external signer cannot be had; the old ones stay"
                );
                next = Instant::now() + AGAIN;
            }
        }
    });
    Ok(Found {
        signer,
        longest: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
    })
}

/// Takes requests to the socket.
#[derive(Clone)]
struct Client {
    channel: Channel,
    counted: Arc<SignerMetrics>,
}

impl Client {
    fn new(socket: &str, counted: Arc<SignerMetrics>) -> Result<Self, String> {
        // `@name` is a socket without a file.
        let path = socket.strip_prefix("unix://").unwrap_or(socket);
        let channel = Endpoint::from_shared(format!("unix://{path}"))
            .map_err(|error| format!("while dialing grpc socket at {socket:?}: {error}"))?
            .connect_lazy();
        Ok(Self { channel, counted })
    }

    /// Asks, and waits until somebody listens at the socket if nobody does.
    async fn ask<Q, A>(
        &self,
        method: &'static str,
        request: Q,
        timeout: Duration,
    ) -> Result<A, Status>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let began = Instant::now();
        let path = format!("/v1.ExternalJWTSigner/{method}");
        let asking = async {
            loop {
                let answer = self.ask_once(&path, request.clone()).await;
                match answer {
                    // Nobody was reached who could have said so.
                    Err(status) if status.code() != Code::Ok && status.source().is_some() => {
                        tokio::time::sleep(KNOCK).await;
                    }
                    answer => return answer,
                }
            }
        };
        let answer = tokio::time::timeout(timeout, asking)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("context deadline exceeded")));
        self.counted
            .asked(method, answer.as_ref().err(), began.elapsed());
        answer
    }

    async fn ask_once<Q, A>(&self, path: &str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let path =
            PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))?;
        let codec = ProstCodec::<Q, A>::default();
        let answer = grpc.unary(tonic::Request::new(request), path, codec).await;
        answer.map(tonic::Response::into_inner)
    }
}

fn shown(status: &Status) -> String {
    format!(
        "rpc error: code = {:?} desc = {}",
        status.code(),
        status.message()
    )
}

impl SignerService for Client {
    fn sign<'a>(&'a self, payload: &'a str) -> Answered<'a, Signed> {
        Box::pin(async move {
            let request = SignRequest {
                claims: payload.to_owned(),
            };
            let answer = self.ask::<_, SignResponse>("Sign", request, TIMEOUT).await;
            self.counted.signed(answer.as_ref().err());
            answer
                .map(|SignResponse { header, signature }| Signed { header, signature })
                .map_err(|status| shown(&status))
        })
    }

    fn fetch_keys(&self) -> Answered<'_, Fetched> {
        Box::pin(async move {
            let asking = self.ask::<_, FetchKeysResponse>("FetchKeys", Nothing {}, TIMEOUT);
            let answer = asking.await;
            self.counted.fetched(answer.as_ref());
            let answer = answer.map_err(|status| shown(&status))?;
            if answer.data_timestamp.is_none() {
                return Err("invalid data timestamp: invalid nil Timestamp".to_owned());
            }
            let keys = answer.keys.into_iter().map(|key| FetchedKey {
                id: key.key_id,
                spki: key.key,
                is_hidden: key.exclude_from_oidc_discovery,
            });
            Ok(Fetched {
                keys: keys.collect(),
                refresh_seconds: answer.refresh_hint_seconds,
            })
        })
    }
}

/// What is counted of a signer.
pub(crate) struct SignerMetrics {
    fetched_at: Family<Gauge>,
    data_of: Family<Gauge>,
    fetches: Family<Counter>,
    signatures: Family<Counter>,
    durations: Family<Histogram>,
}

const BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0,
];

impl Default for SignerMetrics {
    fn default() -> Self {
        const CODE: &[&str] = &["code"];
        Self {
            fetched_at: Family::new(
                "apiserver_externaljwt_fetch_keys_success_timestamp",
                "[BETA] Unix Timestamp in seconds of the last successful FetchKeys request",
                &[],
                Gauge::default,
            ),
            data_of: Family::new(
                "apiserver_externaljwt_fetch_keys_data_timestamp",
                "[BETA] Unix Timestamp in seconds of the last successful FetchKeys data_timestamp value returned by the external signer",
                &[],
                Gauge::default,
            ),
            fetches: Family::new(
                "apiserver_externaljwt_fetch_keys_request_total",
                "[BETA] Total attempts at syncing supported JWKs",
                CODE,
                Counter::default,
            ),
            signatures: Family::new(
                "apiserver_externaljwt_sign_request_total",
                "[BETA] Total attempts at signing JWT",
                CODE,
                Counter::default,
            ),
            durations: Family::new(
                "apiserver_externaljwt_request_duration_seconds",
                "[BETA] Request duration and time for calls to external-jwt-signer",
                &["method", "code"],
                || Histogram::new(BUCKETS),
            ),
        }
    }
}

/// The name of a code, as Go has it.
fn code(failure: Option<&Status>) -> String {
    failure.map_or_else(|| "OK".to_owned(), |status| format!("{:?}", status.code()))
}

impl SignerMetrics {
    fn asked(&self, method: &str, failure: Option<&Status>, elapsed: Duration) {
        let labels = [method, &code(failure)];
        self.durations.with(&labels).observe(elapsed.as_secs_f64());
    }

    fn signed(&self, failure: Option<&Status>) {
        self.signatures.with(&[&code(failure)]).inc();
    }

    fn fetched(&self, answer: Result<&FetchKeysResponse, &Status>) {
        self.fetches.with(&[&code(answer.err())]).inc();
        if let Ok(answer) = answer {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            self.fetched_at.with(&[]).set(now);
            let data = answer.data_timestamp.as_ref();
            self.data_of
                .with(&[])
                .set(data.map_or(0, |time| time.seconds));
        }
    }
}

impl Collector for SignerMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.fetched_at.collect(samples);
        self.data_of.collect(samples);
        self.fetches.collect(samples);
        self.signatures.collect(samples);
        self.durations.collect(samples);
    }
}

/// What a thread of its own waits for.
pub(super) fn wait<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(what)
}
