//! Passing a request on, and its answer back.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, LOCATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use pintle_endpoints::body::Body;
use pintle_endpoints::connect::Passed;
use pintle_endpoints::data::Data;
use pintle_runtime::status::ApiError;
use tokio_rustls::TlsConnector;

use super::dial::Peer;
use super::place::unreachable_because;

/// Headers that are for one connection alone.
const OF_A_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-connection"),
];

/// Where a request goes on to.
pub(super) struct Way<'a> {
    pub(super) peer: Peer,
    pub(super) connector: &'a TlsConnector,
    /// Path there, percent-decoded.
    pub(super) path: String,
    /// Query there.
    pub(super) query: String,
    /// Nothing but another protocol makes sense there.
    pub(super) only_upgrades: bool,
}

/// Passes a request on.
///
/// # Errors
/// 400 where another protocol is needed and not asked for, 503 where nobody answers, and 500 where nobody does who should
/// speak another protocol.
pub(super) async fn pass(way: Way<'_>, request: Passed) -> Result<Response<Body>, ApiError> {
    if asks_for_upgrade(&request.headers) {
        return upgrade(&way, request).await;
    }
    if way.only_upgrades {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    if way.path.is_empty() {
        return Ok(to_the_root(&request));
    }
    let mut head = head(&way, &request)?;
    let forwarded = escaped(&request.path);
    for name in OF_A_CONNECTION {
        head.remove(name);
    }
    for (name, value) in [
        ("x-forwarded-uri", forwarded),
        ("x-forwarded-host", way.peer.authority()),
        ("x-forwarded-proto", way.peer.scheme().to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            head.insert(name, value);
        }
    }
    let onward = onward(&way, request.method.clone(), head)?;
    let onward = onward.map(|()| request.body);
    let answer = way.peer.send(way.connector, onward).await;
    Ok(relayed(answer.map_err(|why| unreachable_because(&why))?))
}

/// Whether another protocol is asked for, whichever.
fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONNECTION).iter();
    values.any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.to_ascii_lowercase().contains("upgrade"))
    })
}

/// Asks for another protocol; once that is agreed on, what either side sends goes to the other.
async fn upgrade(way: &Way<'_>, request: Passed) -> Result<Response<Body>, ApiError> {
    let head = head(way, &request)?;
    let onward = onward(way, request.method.clone(), head)?;
    let mut answer = way
        .peer
        .send(way.connector, onward.map(|()| Empty::<Bytes>::new()))
        .await
        .map_err(|why| ApiError::unknown(format!("error dialing backend: {why}")))?;
    let Some(client) = request
        .upgrade
        .filter(|_| answer.status() == StatusCode::SWITCHING_PROTOCOLS)
    else {
        return Ok(relayed(answer));
    };
    let backend = hyper::upgrade::on(&mut answer);
    tokio::spawn(couple(client, backend));
    let (parts, _) = answer.into_parts();
    Ok(Response::from_parts(parts, Body::empty()))
}

/// Carries bytes both ways until both sides have ended.
async fn couple(client: OnUpgrade, backend: OnUpgrade) {
    let both = async {
        let io = |upgraded: Upgraded| TokioIo::new(upgraded);
        let (mut client, mut backend) = (io(client.await?), io(backend.await?));
        tokio::io::copy_bidirectional(&mut client, &mut backend).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    if let Err(error) = both.await {
        tracing::debug!(%error, "a stream through this server broke off");
    }
}

/// The request's headers, with the host that the client named.
fn head(way: &Way<'_>, request: &Passed) -> Result<HeaderMap, ApiError> {
    let mut head = request.headers.clone();
    if !head.contains_key(HOST) {
        let host = HeaderValue::from_str(&way.peer.authority());
        head.insert(HOST, host.map_err(ApiError::internal)?);
    }
    Ok(head)
}

/// The request as it goes on, without a body.
fn onward(way: &Way<'_>, method: Method, head: HeaderMap) -> Result<Request<()>, ApiError> {
    let mut uri = escaped(&way.path);
    if !way.query.is_empty() {
        uri.push('?');
        uri.push_str(&way.query);
    }
    let mut onward = Request::builder()
        .method(method)
        .uri(uri)
        .body(())
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    *onward.headers_mut() = head;
    Ok(onward)
}

/// A backend's root has a slash; who left it out is told.
fn to_the_root(request: &Passed) -> Response<Body> {
    let mut to = format!("{}/", escaped(&request.path));
    if !request.query.is_empty() {
        to.push('?');
        to.push_str(&request.query);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(to) = HeaderValue::from_str(&to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

/// A backend's answer as it came, but for what is said of its connection.
pub(super) fn relayed(answer: Response<Incoming>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    for name in OF_A_CONNECTION {
        parts.headers.remove(name);
    }
    parts.version = http::Version::default();
    Response::from_parts(parts, Body::stream(Box::pin(Relayed(body))))
}

/// A log: text, whatever the kubelet calls it.
pub(super) fn text(answer: Response<Incoming>) -> Response<Body> {
    let mut response = Response::new(Body::stream(Box::pin(Relayed(answer.into_body()))));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// A backend's body. One that breaks off ends here, as there is no other way to say so.
struct Relayed(Incoming);

impl HttpBody for Relayed {
    type Data = Data;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Infallible>>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
            Some(Ok(frame)) => Some(Ok(frame.map_data(Data::from))),
            Some(Err(error)) => {
                tracing::debug!(%error, "the body of an answer from a backend broke off");
                None
            }
            None => None,
        })
    }
}

/// A path as Go writes it in a URL.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'='
            | b'@' => out.push(char::from(byte)),
            other => {
                let digit = |four: u8| char::from(b"0123456789ABCDEF"[usize::from(four)]);
                out.extend(['%', digit(other >> 4), digit(other & 15)]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_in_urls() {
        assert_eq!(escaped("/a b/ä;x=1?"), "/a%20b/%C3%A4;x=1%3F");
    }

    #[test]
    fn another_protocol_is_asked_for_in_one_header() {
        let mut headers = HeaderMap::new();
        assert!(!asks_for_upgrade(&headers));
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        assert!(asks_for_upgrade(&headers));
    }
}
