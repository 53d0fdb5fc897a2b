//! Watches over WebSocket: the handshake, and a connection on which only the server speaks.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{
    AsHeaderName, CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderValue, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::body::Body;

/// A token among the subprotocols begins with this; browsers can send no other header.
const BEARER: &str = "base64url.bearer.authorization.k8s.io.";

/// Whether a request asks for a WebSocket.
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    let upgrades = words(headers, CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"));
    upgrades && words(headers, UPGRADE).any(|word| word.eq_ignore_ascii_case("websocket"))
}

/// The token among the subprotocols of a request for a WebSocket.
///
/// # Errors
/// Where there are several, it does not decode, or no other subprotocol is there to be agreed on.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let mut tokens =
        words(headers, SEC_WEBSOCKET_PROTOCOL).filter_map(|word| word.strip_prefix(BEARER));
    let Some(token) = tokens.next() else {
        return Ok(None);
    };
    if tokens.next().is_some() {
        return Err("multiple base64.bearer.authorization tokens specified");
    }
    let token = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| "invalid base64.bearer.authorization token encoding")?;
    let token =
        String::from_utf8(token).map_err(|_| "invalid base64.bearer.authorization token")?;
    if !token.is_empty() && protocol(headers).is_none() {
        return Err("missing additional subprotocol");
    }
    Ok(Some(token).filter(|token| !token.is_empty()))
}

/// The answer that agrees to a WebSocket; `None` if the request lacks its key.
pub(crate) fn agree(headers: &HeaderMap) -> Option<Response<Body>> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(
        SEC_WEBSOCKET_ACCEPT,
        HeaderValue::from_str(&accept(key.as_bytes())).ok()?,
    );
    if let Some(protocol) =
        protocol(headers).and_then(|protocol| HeaderValue::from_str(protocol).ok())
    {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Some(response)
}

/// The first subprotocol that is no token.
fn protocol(headers: &HeaderMap) -> Option<&str> {
    protocols(headers).next()
}

/// The subprotocols that are no tokens.
pub(crate) fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    words(headers, SEC_WEBSOCKET_PROTOCOL)
        .filter(|word| !word.starts_with(BEARER) && !word.is_empty())
}

fn words(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn accept(key: &[u8]) -> String {
    const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, MAGIC].concat()))
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
    Pong = 10,
}

/// Appends a whole message, unmasked as a server sends it.
pub(crate) fn write_message(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(payload.len() + 10);
    out.push(0x80 | opcode as u8);
    match payload.len() {
        length @ 0..126 => out.push(length as u8),
        length @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Sends what `next` gives until it gives nothing or the client goes. What the client says is passed
/// over, but for pings and its farewell.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn speak(
    connection: impl AsyncRead + AsyncWrite,
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Vec<u8>>>,
) -> io::Result<()> {
    let (mut read, mut write) = tokio::io::split(connection);
    let mut heard = Heard::default();
    let mut chunk = [0; 1024];
    loop {
        tokio::select! {
            messages = poll_fn(&mut next) => {
                let Some(messages) = messages else { break };
                write.write_all(&messages).await?;
            }
            length = read.read(&mut chunk) => {
                let answer = heard.take(&chunk[..length?]);
                write.write_all(&answer.bytes).await?;
                if answer.is_last {
                    return write.shutdown().await;
                }
            }
        }
        write.flush().await?;
    }
    let mut farewell = Vec::new();
    // 1000: all is said.
    write_message(Opcode::Close, &1000_u16.to_be_bytes(), &mut farewell);
    write.write_all(&farewell).await?;
    write.shutdown().await
}

/// What a client has said of a frame that is not complete.
#[derive(Default)]
struct Heard(Vec<u8>);

/// What to say to what was heard.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    bytes: Vec<u8>,
    /// It is the last word.
    is_last: bool,
}

/// A client has nothing to say that is longer, in bytes.
const LONGEST: usize = 64 * 1024;

impl Heard {
    fn take(&mut self, bytes: &[u8]) -> Answer {
        let mut answer = Answer {
            bytes: Vec::new(),
            is_last: bytes.is_empty(),
        };
        self.0.extend_from_slice(bytes);
        while !answer.is_last
            && let Some((opcode, payload, length)) = frame(&self.0)
        {
            match opcode {
                8 => {
                    write_message(
                        Opcode::Close,
                        &payload[..payload.len().min(2)],
                        &mut answer.bytes,
                    );
                    answer.is_last = true;
                }
                9 => write_message(Opcode::Pong, &payload, &mut answer.bytes),
                _ => {}
            }
            self.0.drain(..length);
        }
        answer.is_last |= self.0.len() > LONGEST;
        answer
    }
}

/// Opcode, payload and length of the frame at the beginning of `bytes`, if it is complete.
fn frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second & 0x7f {
        126 => rest
            .split_first_chunk()
            .map(|(length, rest)| (u64::from(u16::from_be_bytes(*length)), rest))?,
        127 => rest
            .split_first_chunk()
            .map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (length.into(), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 {
        ([0; 4], rest)
    } else {
        rest.split_first_chunk().map(|(mask, rest)| (*mask, rest))?
    };
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    let total = bytes.len() - rest.len() + payload.len();
    let payload = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    Some((first & 0x0f, payload, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_handshake_is_that_of_the_standard() {
        assert_eq!(
            accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert!(is_asked_for(&headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket")
        ])));
        assert!(!is_asked_for(&headers(&[
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1")
        ])));
    }

    #[test]
    fn a_token_may_ride_in_a_subprotocol() {
        let token = |value| bearer_token(&headers(&[("sec-websocket-protocol", value)]));
        assert_eq!(
            token("base64url.bearer.authorization.k8s.io.YWJj, v4"),
            Ok(Some("abc".to_owned()))
        );
        assert_eq!(
            token("base64url.bearer.authorization.k8s.io.YWJj"),
            Err("missing additional subprotocol")
        );
        assert_eq!(token("v4"), Ok(None));
        assert!(token("base64url.bearer.authorization.k8s.io.%, v4").is_err());
    }

    #[test]
    fn a_ping_is_answered_and_a_farewell_is_the_last_word() {
        let mut heard = Heard::default();
        // Masked, in two pieces.
        assert_eq!(
            heard.take(&[0x89, 0x82, 1, 2, 3, 4, b'h' ^ 1]),
            Answer::default()
        );
        assert_eq!(
            heard.take(&[b'i' ^ 2]),
            Answer {
                bytes: vec![0x8a, 2, b'h', b'i'],
                is_last: false
            }
        );
        assert_eq!(heard.take(&[0x81, 0x80, 0, 0, 0, 0]), Answer::default());
        assert_eq!(
            heard.take(&[0x88, 0x80, 0, 0, 0, 0]),
            Answer {
                bytes: vec![0x88, 0],
                is_last: true
            }
        );
        assert!(heard.take(&[]).is_last);
    }

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        for (length, head) in [(125, 2), (126, 4), (65_536, 10)] {
            let mut out = Vec::new();
            write_message(Opcode::Text, &vec![b'x'; length], &mut out);
            assert_eq!(out.len(), head + length);
            assert_eq!(
                frame(&out).map(|(opcode, payload, total)| (opcode, payload.len(), total)),
                Some((1, length, out.len()))
            );
        }
    }
}
