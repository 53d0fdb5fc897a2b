//! The members of an etcd cluster, and asking one of them.
//!
//! Each member has some connections, because one carries its answers in order of bytes: a page of
//! pods would hold up small answers behind it. Requests go to one member as long as it answers; when
//! it does not, the next one is asked. What may have been written is never sent a second time: only
//! reads are, and requests that did not leave this machine.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use prost::Message;
use tokio::time::Instant;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{
    EtcdOptions,
    messages::{StatusRequest, StatusResponse, WatchRequest, WatchResponse},
};
use crate::{Cause, StorageError};

/// The members, and which of them is asked.
pub(super) struct Cluster {
    members: Vec<Member>,
    asked: AtomicUsize,
}

struct Member {
    connections: [Channel; CONNECTIONS],
    turn: AtomicUsize,
    /// For what arrives on its own account.
    watches: Channel,
}

const CONNECTIONS: usize = 3;
/// As kube-apiserver has etcd's client set.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one member has to answer, which gives up on a proposal after seven seconds itself.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long members are asked in turn before the caller is told.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Whether asking twice is the same as asking once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It is.
    Safe,
    /// It may write twice.
    Unsafe,
}

impl Cluster {
    pub(super) fn new(options: &EtcdOptions) -> Result<Self, StorageError> {
        let wrong = |error: tonic::transport::Error| {
            StorageError::unavailable("understanding etcd's addresses", error)
        };
        let member = |address: &String| {
            let endpoint = endpoint(address, options).map_err(wrong)?;
            Ok(Member {
                connections: std::array::from_fn(|_| endpoint.connect_lazy()),
                turn: AtomicUsize::new(0),
                watches: endpoint.connect_lazy(),
            })
        };
        let members: Vec<Member> = options
            .servers
            .iter()
            .map(member)
            .collect::<Result<_, StorageError>>()?;
        if members.is_empty() {
            return Err(StorageError::unavailable(
                "understanding etcd's addresses",
                "there are none",
            ));
        }
        // Servers of one cluster begin with different members.
        let first = std::process::id() as usize % members.len();
        Ok(Self {
            members,
            asked: AtomicUsize::new(first),
        })
    }

    /// Asks a member, and others if that one can not be reached.
    pub(super) async fn ask<Q, A>(
        &self,
        path: &'static str,
        request: Q,
        repeat: Repeat,
    ) -> Result<A, Status>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let begin = Instant::now();
        let mut failures = 0;
        loop {
            let asked = self.asked.load(Ordering::Relaxed);
            let channel = self.members[asked % self.members.len()].connection();
            let status = match attempt(channel, path, request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            if !is_outage(&status) {
                return Err(status);
            }
            self.turn_from(asked);
            failures += 1;
            let may_repeat = repeat == Repeat::Safe || was_not_sent(&status);
            if !may_repeat || begin.elapsed() > PATIENCE {
                return Err(status);
            }
            if failures >= self.members.len() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Has the next member be asked, unless somebody else has seen to that.
    fn turn_from(&self, asked: usize) {
        let _ = self.asked.compare_exchange(
            asked,
            asked.wrapping_add(1),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// The member that is asked at the moment, as a number that changes when another is.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Opens a stream of watches at the member that is asked. Who finds it broken opens another, at the next member.
    pub(super) async fn watch(
        &self,
        asks: tokio::sync::mpsc::Receiver<WatchRequest>,
    ) -> Result<Streaming<WatchResponse>, Status> {
        let asked = self.asked.load(Ordering::Relaxed);
        let mut grpc = client(self.members[asked % self.members.len()].watches.clone());
        let open = async {
            grpc.ready().await.map_err(not_ready)?;
            let asks = futures_util::stream::unfold(asks, |mut asks| async {
                asks.recv().await.map(|ask| (ask, asks))
            });
            let mut request = Request::new(asks);
            // A member that is cut off from the others says so instead of telling nothing.
            request.metadata_mut().insert(
                "hasleader",
                tonic::metadata::MetadataValue::from_static("true"),
            );
            let path = PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
            grpc.streaming(request, path, ProstCodec::default()).await
        };
        let opened = match tokio::time::timeout(ATTEMPT, open).await {
            Ok(opened) => opened.map(tonic::Response::into_inner),
            Err(_) => Err(too_late()),
        };
        if opened.is_err() {
            self.turn_from(asked);
        }
        opened
    }

    /// Goes on to the next member: a stream from the present one broke.
    pub(super) fn turn(&self) {
        self.turn_from(self.asked.load(Ordering::Relaxed));
    }

    /// What every member says of itself.
    pub(super) async fn statuses(&self) -> Vec<Result<StatusResponse, Status>> {
        let ask = |member: &Member| {
            let path = "/etcdserverpb.Maintenance/Status";
            attempt(member.connection(), path, StatusRequest {})
        };
        futures_util::future::join_all(self.members.iter().map(ask)).await
    }
}

impl Member {
    fn connection(&self) -> Channel {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.connections[turn % CONNECTIONS].clone()
    }
}

fn endpoint(address: &str, options: &EtcdOptions) -> Result<Endpoint, tonic::transport::Error> {
    let address = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let endpoint = Endpoint::from_shared(address.clone())?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20);
    if !address.starts_with("https://") {
        return Ok(endpoint);
    }
    let host = endpoint.uri().host().unwrap_or_default();
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    endpoint.tls_config(options.tls.clone().domain_name(host))
}

fn client(channel: Channel) -> Grpc<Channel> {
    Grpc::new(channel)
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX)
}

async fn attempt<Q, A>(channel: Channel, path: &'static str, request: Q) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut grpc = client(channel);
    let ask = async {
        grpc.ready().await.map_err(not_ready)?;
        let path = PathAndQuery::from_static(path);
        grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default())
            .await
    };
    match tokio::time::timeout(ATTEMPT, ask).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(too_late()),
    }
}

fn not_ready(error: tonic::transport::Error) -> Status {
    Status::from_error(Box::new(error))
}

/// Upstream's client says it like this.
fn too_late() -> Status {
    Status::deadline_exceeded("context deadline exceeded")
}

/// Whether another member may do better.
fn is_outage(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => true,
        // A connection that broke; what etcd itself says has no cause on this side.
        Code::Unknown | Code::Internal => std::error::Error::source(status).is_some(),
        _ => false,
    }
}

/// Whether the request never reached a member.
fn was_not_sent(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A failure in this crate's words; what etcd says is kept word by word.
pub(super) fn failure(doing: &'static str, status: &Status) -> StorageError {
    let said = status.message();
    let said = if said.starts_with("etcdserver: ") || said == "context deadline exceeded" {
        said.to_owned()
    } else {
        format!("rpc error: code = {:?} desc = {said}", status.code())
    };
    StorageError::Remote {
        doing,
        said: Cause::new(said),
    }
}
