//! Watch: events, sent as they come.
//!
//! All events that are there when the connection takes more go out in one frame. A lone event goes
//! out as the very bytes that every other watcher of it gets.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use pintle_runtime::codec::protobuf::frame;
use pintle_runtime::status::ApiError;

use super::Call;
use crate::body::Body;
use crate::context::RequestContext;
use crate::list_options::ListOptions;
use crate::metrics::WatchSeries;
use crate::negotiate::{Format, MetaVersion, Offers, Transform, representation};
use crate::partial;
use crate::respond;
use crate::store::Store;
use crate::watch::{Watch, WatchItem};

/// Answers with what happens to the selected objects.
pub(super) async fn watch(call: &Call<'_>, store: &Store, cx: &RequestContext) -> Result<Response<Body>, ApiError> {
    let representation = representation(call.headers, call.query, Offers::Stream)?;
    let pairs = call.pairs();
    let named = call.info.shape.prefixed && call.info.shape.named;
    let selector = format!("metadata.name={}", call.target.name);
    // The old path of a watch of one object says what a field selector says elsewhere.
    let name = named.then_some(("fieldSelector", selector.as_str()));
    let pairs = name.into_iter().chain(pairs.iter().map(|(key, value)| (&**key, &**value)));
    let options = ListOptions::parse(pairs, true)?;
    let watch = store.watch(&call.permit, cx, &options, call.server.min_request_timeout).await?;
    let metadata = match representation.transform {
        Transform::Metadata(version) | Transform::MetadataList(version) => Some(version),
        Transform::None => None,
    };
    let row = store.row();
    let mut draining = call.server.draining.clone();
    let body = WatchBody {
        watch,
        format: representation.format,
        metadata,
        series: call.server.metrics.watches.of(&row.group, &row.version, &row.name),
        items: Vec::new(),
        stop: Box::pin(async move { draining.begun().await }),
        ended: false,
    };
    let content_type = HeaderValue::from_static(representation.format.stream_type());
    Ok(respond::with_body(StatusCode::OK, content_type, Body::stream(Box::pin(body))))
}

struct WatchBody {
    watch: Watch,
    format: Format,
    metadata: Option<MetaVersion>,
    series: WatchSeries,
    items: Vec<WatchItem>,
    /// Ready when the server stops.
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    ended: bool,
}

impl HttpBody for WatchBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.ended || this.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        loop {
            this.items.clear();
            match this.watch.poll_next(cx, &mut this.items) {
                Poll::Ready(more) => this.ended = !more,
                Poll::Pending => return Poll::Pending,
            }
            let bytes = this.encode();
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.ended {
                return Poll::Ready(None);
            }
        }
    }
}

impl WatchBody {
    /// The items as they go out; empty if there are none.
    fn encode(&mut self) -> Bytes {
        if let [item] = &self.items[..]
            && let Some(bytes) = self.shared(item)
        {
            self.series.sent(bytes.len());
            return bytes;
        }
        let mut out = Vec::new();
        for item in &self.items {
            let before = out.len();
            if let Err(error) = self.write(item, &mut out) {
                // An object that cannot be said ends the watch, so that nothing is missed in silence.
                out.truncate(before);
                self.write_error(&error, &mut out);
                self.ended = true;
            }
            self.series.sent(out.len() - before);
            if self.ended && matches!(item, WatchItem::Error(_)) {
                break;
            }
        }
        out.into()
    }

    /// The bytes of an item that others get, too.
    fn shared(&self, item: &WatchItem) -> Option<Bytes> {
        let WatchItem::Event(event) = item else { return None };
        if self.metadata.is_some() || !event.is_shared() {
            return None;
        }
        if self.format == Format::Protobuf { event.protobuf().ok() } else { event.json().ok() }
    }

    fn write(&self, item: &WatchItem, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let protobuf = self.format == Format::Protobuf;
        match item {
            WatchItem::Event(event) => match self.metadata {
                Some(version) if protobuf => {
                    frame::event(event.event_type().as_str(), &partial::protobuf(&event.object()?, version)?, out);
                }
                Some(version) => write_json(event.event_type().as_str(), &partial::json(&event.object()?, version)?, out),
                None if event.is_shared() && protobuf => out.extend_from_slice(&event.protobuf()?),
                None if event.is_shared() => out.extend_from_slice(&event.json()?),
                None if protobuf => event.write_protobuf(out)?,
                None => event.write_json(out)?,
            },
            WatchItem::Bookmark(bookmark) if protobuf => out.extend_from_slice(&bookmark.protobuf()),
            WatchItem::Bookmark(bookmark) => out.extend_from_slice(&bookmark.json()),
            WatchItem::Error(error) => self.write_error(error, out),
        }
        Ok(())
    }

    fn write_error(&self, error: &ApiError, out: &mut Vec<u8>) {
        let status = error.to_status();
        if self.format == Format::Protobuf {
            frame::event("ERROR", &respond::status_protobuf(&status), out);
        } else {
            write_json("ERROR", &status.to_json(), out);
        }
    }
}

fn write_json(what: &str, object: &[u8], out: &mut Vec<u8>) {
    out.reserve(object.len() + what.len() + 24);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(what.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
}
