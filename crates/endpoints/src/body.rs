//! Bodies: reading a request's within its limit, and sending an answer's.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pintle_runtime::status::ApiError;

use crate::data::Data;
use crate::metrics::RequestSeries;

/// The largest body of a request, in bytes.
pub const LIMIT: usize = 3 * 1024 * 1024;

/// Reads a request's body, which is counted under `series`.
///
/// # Errors
/// 413 if it is longer than `limit`, 400 if it breaks off.
pub async fn read_counted(
    body: Incoming,
    limit: usize,
    series: &RequestSeries,
) -> Result<Bytes, ApiError> {
    let whole = read(body, limit).await?;
    series.body(whole.len());
    Ok(whole)
}

/// Reads a request's body.
///
/// # Errors
/// 413 if it is longer than `limit`, 400 if it breaks off.
pub async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::request_entity_too_large(format_args!("limit is {limit}"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut whole = Bytes::new();
    let mut joined: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| ApiError::bad_request("unexpected EOF").with_source(error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = joined.as_ref().map_or(whole.len(), BytesMut::len) + data.len();
        if length > limit {
            return Err(too_large());
        }
        match &mut joined {
            Some(joined) => joined.extend_from_slice(&data),
            // A body in one frame, as most are, is not copied.
            None if whole.is_empty() => whole = data,
            None => {
                let to_come = usize::try_from(body.size_hint().lower()).unwrap_or_default();
                let mut bytes = BytesMut::with_capacity((length + to_come).min(limit));
                bytes.extend_from_slice(&whole);
                bytes.extend_from_slice(&data);
                joined = Some(bytes);
            }
        }
    }
    Ok(joined.map_or(whole, BytesMut::freeze))
}

/// The body of an answer.
pub struct Body {
    content: Content,
    /// Told how much was sent when the body is gone, be it sent whole or not.
    on_end: Option<Box<dyn OnEnd>>,
    sent: u64,
}

enum Content {
    Empty,
    Whole(Data),
    Stream(Stream),
}

/// A body made while it is sent.
pub type Stream = Pin<Box<dyn HttpBody<Data = Data, Error = Infallible> + Send>>;

/// Told when a body is gone.
pub trait OnEnd: Send {
    /// So many bytes were handed to the connection: all of them, or the client is gone.
    fn ended(&mut self, bytes: u64, whole: bool);
}

/// Two that are told.
struct Both(Box<dyn OnEnd>, Box<dyn OnEnd>);

impl OnEnd for Both {
    fn ended(&mut self, bytes: u64, whole: bool) {
        self.0.ended(bytes, whole);
        self.1.ended(bytes, whole);
    }
}

impl Body {
    /// Nothing.
    pub const fn empty() -> Self {
        Self {
            content: Content::Empty,
            on_end: None,
            sent: 0,
        }
    }

    /// So many bytes.
    pub fn whole(bytes: impl Into<Data>) -> Self {
        let data = bytes.into();
        let content = if data.has_remaining() {
            Content::Whole(data)
        } else {
            Content::Empty
        };
        Self {
            content,
            on_end: None,
            sent: 0,
        }
    }

    /// What is made while it is sent.
    pub fn stream(stream: Stream) -> Self {
        Self {
            content: Content::Stream(stream),
            on_end: None,
            sent: 0,
        }
    }

    /// The number of bytes, if they are all there.
    pub fn known_length(&self) -> Option<u64> {
        match &self.content {
            Content::Empty => Some(0),
            Content::Whole(data) => Some(data.remaining() as u64),
            Content::Stream(_) => None,
        }
    }

    /// Has `on_end` told when the body is gone, after those that are told already.
    #[must_use]
    pub fn with_end(mut self, on_end: Box<dyn OnEnd>) -> Self {
        let on_end = match self.on_end.take() {
            Some(first) => Box::new(Both(first, on_end)),
            None => on_end,
        };
        Self {
            on_end: Some(on_end),
            content: self.content_of(),
            sent: 0,
        }
    }

    /// The same content under another body, such as a compressing one.
    #[must_use]
    pub fn map_stream(self, map: impl FnOnce(Stream) -> Stream) -> Self {
        match self.content_of() {
            Content::Stream(stream) => Self::stream(map(stream)),
            content => Self {
                content,
                on_end: None,
                sent: 0,
            },
        }
    }

    fn content_of(mut self) -> Content {
        mem::replace(&mut self.content, Content::Empty)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(mut on_end) = self.on_end.take() {
            on_end.ended(self.sent, matches!(self.content, Content::Empty));
        }
    }
}

impl HttpBody for Body {
    type Data = Data;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Infallible>>> {
        let frame = match &mut self.content {
            Content::Empty => return Poll::Ready(None),
            Content::Whole(_) => {
                let Content::Whole(data) = mem::replace(&mut self.content, Content::Empty) else {
                    return Poll::Ready(None);
                };
                Some(Ok(Frame::data(data)))
            }
            Content::Stream(stream) => match stream.as_mut().poll_frame(cx) {
                Poll::Ready(None) => {
                    self.content = Content::Empty;
                    return Poll::Ready(None);
                }
                Poll::Ready(frame) => frame,
                Poll::Pending => return Poll::Pending,
            },
        };
        if let Some(Ok(frame)) = &frame {
            self.sent += frame.data_ref().map_or(0, |data| data.remaining() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(data) => SizeHint::with_exact(data.remaining() as u64),
            Content::Stream(stream) => stream.size_hint(),
        }
    }
}
