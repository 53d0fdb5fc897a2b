//! One connection.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pintle_authn::Peer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::stall::Stall;
use super::{ConnectionLimits, Draining, Service, Tls, tls};
use crate::body::Body;
use crate::context::{Random, SystemRandom};
use crate::metrics::Metrics;

/// What requests of one connection have in common.
#[derive(Debug)]
pub struct Connection {
    /// The other end.
    pub address: SocketAddr,
    /// The certificates that it showed.
    pub peer: Option<Peer>,
    close: Notify,
}

impl Connection {
    /// Has the connection closed once the requests under way are answered.
    pub fn close(&self) {
        self.close.notify_one();
    }
}

type Failure = Box<dyn Error + Send + Sync>;

/// Shakes hands and answers requests until either side has enough.
pub(super) async fn drive<S: Service>(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    limits: &ConnectionLimits,
    metrics: &Metrics,
    service: Arc<S>,
    mut drain: Draining,
) -> Result<(), Failure> {
    let local = stream.local_addr().map(|local| local.ip().to_canonical());
    let stream = Stall::new(stream, limits.stall);
    let Some(tls) = tls else {
        let connection = Arc::new(Connection {
            address,
            peer: None,
            close: Notify::new(),
        });
        return http1(stream, limits, connection, service, drain).await;
    };
    let acceptor = tls.acceptor(local.ok());
    let handshake = tokio::time::timeout(limits.handshake, acceptor.accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = drain.begun() => return Ok(()),
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            metrics.requests.tls_handshake_errors.inc();
            return Err(error.into());
        }
        Err(elapsed) => {
            metrics.requests.tls_handshake_errors.inc();
            return Err(elapsed.into());
        }
    };
    let session = stream.get_ref().1;
    let peer = session.peer_certificates().and_then(Peer::new);
    let is_http2 = session.alpn_protocol() == Some(tls::H2);
    let connection = Arc::new(Connection {
        address,
        peer,
        close: Notify::new(),
    });
    if is_http2 {
        http2(stream, limits, connection, service, drain).await
    } else {
        http1(stream, limits, connection, service, drain).await
    }
}

/// What is to be done for one request. It is large, and it has a place of its own for as long as it takes: a connection, or
/// a stream, would keep room for it until its end, and watches have no end.
fn answer<S: Service>(
    service: &Arc<S>,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>> {
    let (service, connection) = (Arc::clone(service), Arc::clone(connection));
    Box::pin(async move { Ok(service.answer(connection, request).await) })
}

async fn http1<S: Service>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    limits: &ConnectionLimits,
    connection: Arc<Connection>,
    service: Arc<S>,
    drain: Draining,
) -> Result<(), Failure> {
    let shared = Arc::clone(&connection);
    let service = service_fn(move |request| answer(&service, &shared, request));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(READ_BUFFER);
    let driven = builder
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut driven = pin!(driven);
    stop_when_told(&connection, drain, driven.as_mut(), |driven| {
        driven.graceful_shutdown();
    })
    .await
}

async fn http2<S: Service>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    limits: &ConnectionLimits,
    connection: Arc<Connection>,
    service: Arc<S>,
    drain: Draining,
) -> Result<(), Failure> {
    let shared = Arc::clone(&connection);
    let chance = limits.goaway_chance;
    let service = service_fn(move |request| {
        if chance > 0.0 && SystemRandom.fraction() < chance {
            shared.close();
        }
        answer(&service, &shared, request)
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW * limits.http2_streams.clamp(1, 16))
        .max_frame_size(WINDOW)
        .max_header_list_size(limits.header_bytes)
        .max_send_buf_size(WINDOW as usize)
        .keep_alive_interval(Some(limits.headers))
        .keep_alive_timeout(limits.handshake * 2);
    let mut driven = pin!(builder.serve_connection(TokioIo::new(stream), service));
    stop_when_told(&connection, drain, driven.as_mut(), |driven| {
        driven.graceful_shutdown();
    })
    .await
}

/// Drives a connection to its end; `stop` has it end early when the server drains or a request wants
/// it closed.
async fn stop_when_told<C: Future<Output = Result<(), hyper::Error>>>(
    connection: &Connection,
    mut drain: Draining,
    mut driven: std::pin::Pin<&mut C>,
    stop: impl Fn(std::pin::Pin<&mut C>),
) -> Result<(), Failure> {
    tokio::select! {
        ended = driven.as_mut() => return ended.map_err(Failure::from),
        () = drain.begun() => {}
        () = connection.close.notified() => {}
    }
    stop(driven.as_mut());
    driven.await.map_err(Failure::from)
}

/// Of an HTTP/1.1 connection, in bytes: headers have to fit, bodies pass through.
const READ_BUFFER: usize = 256 * 1024;
/// Of an HTTP/2 stream, in bytes; upstream's, too.
const WINDOW: u32 = 256 * 1024;
