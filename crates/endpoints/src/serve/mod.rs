//! From a listening socket to requests.
//!
//! One task accepts; one task per connection does the handshake and drives hyper, HTTP/1.1 or
//! HTTP/2 as the handshake agreed. A [`Drain`] tells all of them when to stop: nothing new is
//! accepted, requests finish, watches end, and what is left after the time for that is cut off.

#[cfg(target_arch = "x86_64")]
mod aes;
mod connection;
mod drain;
mod stall;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::body::Body;
use crate::metrics::Metrics;

pub use connection::Connection;
pub use drain::{Drain, Draining, Starter};
pub use tls::{Certificate, Tls, TlsError, TlsOptions, cipher_suites};

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// The answer to one request. It is not polled any more when the client is gone.
    fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// How connections are kept.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Concurrent streams of an HTTP/2 connection.
    pub http2_streams: u32,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for the headers of a request, which is also how long a connection may be idle.
    pub headers: Duration,
    /// Size of the headers of a request, in bytes.
    pub header_bytes: u32,
    /// How long a client may leave an answer unread before it is cut off.
    pub stall: Duration,
    /// The share of HTTP/2 requests after which the connection is closed, so that clients spread over
    /// the servers behind one address; at most a few hundredths.
    pub goaway_chance: f64,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            http2_streams: 100,
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(90),
            header_bytes: 1024 * 1024,
            stall: Duration::from_secs(60),
            goaway_chance: 0.0,
        }
    }
}

/// Serves connections until `drain` says to stop accepting; then lets those that are open finish,
/// for at most `grace`.
pub async fn serve<S: Service>(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    service: Arc<S>,
    drain: &mut Drain,
    grace: Duration,
) {
    let limits = Arc::new(limits);
    let mut stopping = drain.told();
    loop {
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = stopping.begun() => break,
        };
        // Small answers go out at once.
        let _ = stream.set_nodelay(true);
        let (tls, limits, metrics, service) = (
            tls.clone(),
            Arc::clone(&limits),
            Arc::clone(&metrics),
            Arc::clone(&service),
        );
        let open = drain.draining();
        tokio::spawn(async move {
            if let Err(error) =
                connection::drive(stream, address, tls, &limits, &metrics, service, open).await
            {
                tracing::debug!(%address, %error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(grace, drain.finished()).await.is_err() {
        tracing::warn!(
            seconds = grace.as_secs(),
            "connections were still open after the time to finish"
        );
    }
}

/// An address that nothing is sent to tells nothing; what matters is not to spin when the process
/// is out of file descriptors.
async fn pause_after(error: &std::io::Error) {
    use std::io::ErrorKind;
    if !matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::Interrupted
    ) {
        tracing::warn!(%error, "accepting a connection failed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Who is at the other end.
pub type Address = SocketAddr;
