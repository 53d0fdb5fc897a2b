//! Somebody on a unix socket who answers gRPC as a test says.

use std::convert::Infallible;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::UnixListener;

/// Answers a method, such as `Status`, and its message with a message, or with a code and a text.
pub type Answering = dyn Fn(&str, Bytes) -> Result<Vec<u8>, (u8, &'static str)> + Send + Sync;

/// Answers at `socket` for as long as the test runs.
///
/// # Panics
///
/// If there is something at the socket already.
pub fn serve(
    socket: &Path,
    answering: impl Fn(&str, Bytes) -> Result<Vec<u8>, (u8, &'static str)> + Send + Sync + 'static,
) {
    let listener = UnixListener::bind(socket).expect("the socket is free");
    let answering: Arc<Answering> = Arc::new(answering);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answering = Arc::clone(&answering);
            let service = service_fn(move |request| answer(Arc::clone(&answering), request));
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
}

async fn answer(
    answering: Arc<Answering>,
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let method = path.rsplit('/').next().unwrap_or_default();
    let mut message = request.into_body().collect().await?.to_bytes();
    // A flag and a length come first.
    message.advance(5);
    let mut trailers = HeaderMap::new();
    let body = match answering(method, message) {
        Ok(message) => {
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            let length = u32::try_from(message.len()).expect("it is short");
            Bytes::from([&[0][..], &length.to_be_bytes(), &message].concat())
        }
        Err((code, why)) => {
            trailers.insert("grpc-status", HeaderValue::from(u16::from(code)));
            trailers.insert("grpc-message", HeaderValue::from_static(why));
            Bytes::new()
        }
    };
    let body = Full::new(body).with_trailers(ready(Some(Ok(trailers))));
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response.body(body).expect("the header is well"))
}
