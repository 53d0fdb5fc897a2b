//! Watch: events, sent as they come.
//!
//! All events that are there when the connection takes more go out in one frame. An event that others
//! get too goes out as the very bytes that they get.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Buf as _;
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use pintle_runtime::codec::protobuf::frame;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Clock;

use super::Call;
use super::reply::Reply;
use crate::body::Body;
use crate::context::RequestContext;
use crate::data::{Data, Gather};
use crate::list_options::ListOptions;
use crate::metrics::{Histogram, WatchSeries};
use crate::negotiate::{Format, MetaVersion, Offers, Transform};
use crate::partial;
use crate::respond;
use crate::store::Store;
use crate::table::TableForm;
use crate::watch::{Bookmark, Watch, WatchItem};
use crate::websocket::{self, Opcode};

/// Answers with what happens to the selected objects.
pub(super) async fn watch(
    call: &Call<'_>,
    store: &Store,
    cx: &RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate(call, cx, Offers::Stream)?;
    let pairs = call.pairs();
    let named = call.info.shape.prefixed && call.info.shape.named;
    let selector = format!("metadata.name={}", call.target.name);
    // The old path of a watch of one object says what a field selector says elsewhere.
    let name = named.then_some(("fieldSelector", selector.as_str()));
    let pairs = name
        .into_iter()
        .chain(pairs.iter().map(|(key, value)| (&**key, &**value)));
    let options = ListOptions::parse(pairs, true)?;
    let watch = store
        .watch(&call.permit, cx, &options, call.server.min_request_timeout)
        .await?;
    let format = reply.representation.format;
    let row = store.row();
    let form = match (reply.representation.transform, reply.table) {
        (_, Some(table)) => {
            table.check()?;
            Form::Table {
                table,
                columns: Some(Box::new(row.clone())),
            }
        }
        (Transform::Metadata(version), None) => Form::Metadata(version),
        (Transform::MetadataList(_), None) => Form::Unsayable,
        (Transform::None | Transform::Table(_), None) => Form::Object,
    };
    let mut draining = call.server.draining.clone();
    let body = WatchBody {
        watch,
        format,
        form,
        series: call
            .server
            .metrics
            .watches
            .of(&row.group, &row.version, &row.name),
        lists: (options.send_initial_events == Some(true)).then(|| {
            let scope = count_scope(call);
            let lists = call.server.metrics.watches.lists(row, scope);
            (call.received, lists)
        }),
        items: Vec::new(),
        clock: Arc::clone(&cx.environment.clock),
        stop: Box::pin(async move { draining.begun().await }),
        ended: false,
    };
    if let (Some(upgrade), true) = (&call.upgrade, websocket::is_asked_for(call.headers)) {
        let agreed = websocket::agree(call.headers)
            .ok_or_else(|| ApiError::bad_request("not websocket protocol"))?;
        tokio::spawn(speak(upgrade.clone(), body));
        return Ok(agreed);
    }
    let content_type = HeaderValue::from_static(format.stream_type());
    Ok(respond::with_body(
        StatusCode::OK,
        content_type,
        Body::stream(Box::pin(body)),
    ))
}

/// What upstream calls the scope of a request.
fn count_scope(call: &Call<'_>) -> &'static str {
    match &call.info.shape {
        shape if shape.named => "resource",
        shape if shape.in_namespace => "namespace",
        _ => "cluster",
    }
}

/// Sends events as messages, each of them one.
async fn speak(upgrade: OnUpgrade, mut body: WatchBody) {
    let spoken = match upgrade.await {
        Ok(connection) => {
            websocket::speak(TokioIo::new(connection), |cx| body.poll_messages(cx)).await
        }
        Err(error) => Err(std::io::Error::other(error)),
    };
    if let Err(error) = spoken {
        tracing::debug!(%error, "a watch over WebSocket ended");
    }
}

/// What events carry.
enum Form {
    /// The object.
    Object,
    /// Its metadata.
    Metadata(MetaVersion),
    /// A list, which no single object can be: upstream agrees to it, and ends the watch in silence at the first event.
    Unsayable,
    /// A table of its row; the columns are told once.
    Table {
        table: TableForm,
        columns: Option<Box<Resource>>,
    },
}

struct WatchBody {
    watch: Watch,
    format: Format,
    form: Form,
    series: WatchSeries,
    /// When the request came, and where it is noted that all objects have been told.
    lists: Option<(Instant, Arc<Histogram>)>,
    items: Vec<WatchItem>,
    /// For the ages in tables.
    clock: Arc<dyn Clock>,
    /// Ready when the server stops.
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    ended: bool,
}

impl HttpBody for WatchBody {
    type Data = Data;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Infallible>>> {
        let this = self.get_mut();
        loop {
            let data = this.encode();
            if data.has_remaining() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if !ready!(this.poll_items(cx)) {
                return Poll::Ready(None);
            }
        }
    }
}

impl WatchBody {
    /// Waits for items; `false` when there will be no more.
    fn poll_items(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.ended || self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(false);
        }
        self.items.clear();
        self.ended = !ready!(self.watch.poll_next(cx, &mut self.items));
        Poll::Ready(true)
    }

    /// Waits for items, and gives each as a WebSocket message; `None` when there will be no more.
    fn poll_messages(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if !ready!(self.poll_items(cx)) {
            return Poll::Ready(None);
        }
        let (mut messages, mut event) = (Vec::new(), Vec::new());
        let items = std::mem::take(&mut self.items);
        for item in &items {
            event.clear();
            let goes_on = self.write_or_end(item, &mut event);
            if event.is_empty() {
                break;
            }
            // A message has a length of its own.
            let (opcode, payload) = match self.format {
                Format::Protobuf => (Opcode::Binary, event.get(4..).unwrap_or_default()),
                Format::Json | Format::Yaml => (Opcode::Text, &event[..]),
            };
            websocket::write_message(opcode, payload, &mut messages);
            if !goes_on {
                break;
            }
        }
        self.items = items;
        Poll::Ready(Some(messages))
    }

    /// All items, which are told by that.
    fn encode(&mut self) -> Data {
        let mut items = std::mem::take(&mut self.items);
        let mut out = Gather::default();
        for item in items.drain(..) {
            if let (WatchItem::Event(event), Form::Object) = (&item, &self.form)
                && let Ok(length) = event.gather(self.format == Format::Protobuf, &mut out)
            {
                self.series.sent(length);
            } else if !self.write_or_end(&item, out.tail()) {
                break;
            }
        }
        self.items = items;
        out.finish()
    }

    /// Appends an item; `false` if it is the last one. An object that cannot be said ends the watch,
    /// so that nothing is missed in silence.
    fn write_or_end(&mut self, item: &WatchItem, out: &mut Vec<u8>) -> bool {
        if matches!(self.form, Form::Unsayable) && !matches!(item, WatchItem::Error(_)) {
            self.ended = true;
            return false;
        }
        let before = out.len();
        let written = self.write(item, out);
        if let Err(error) = &written {
            out.truncate(before);
            self.write_error(error, out);
            self.ended = true;
        }
        self.series.sent(out.len() - before);
        written.is_ok()
    }

    fn write(&mut self, item: &WatchItem, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let protobuf = self.format == Format::Protobuf;
        match item {
            WatchItem::Event(event) => {
                let what = event.event_type().as_str();
                match &mut self.form {
                    Form::Table { table, columns } => {
                        table.set_now(self.clock.now());
                        let object = table.one(columns.as_deref(), &event.object()?)?;
                        *columns = None;
                        write_json(what, &object, out);
                    }
                    Form::Metadata(version) if protobuf => {
                        frame::event(what, &partial::protobuf(&event.object()?, *version)?, out);
                    }
                    Form::Metadata(version) => {
                        write_json(what, &partial::json(&event.object()?, *version)?, out);
                    }
                    Form::Object if protobuf => event.write_protobuf(out)?,
                    Form::Object => event.write_json(out)?,
                    Form::Unsayable => {}
                }
            }
            WatchItem::Bookmark(bookmark) => {
                self.note_list();
                self.write_bookmark(bookmark, out);
            }
            WatchItem::Error(error) => self.write_error(error, out),
        }
        Ok(())
    }

    /// The first bookmark of a watch that began with all objects says that they have been told.
    fn note_list(&mut self) {
        if let Some((received, lists)) = self.lists.take() {
            lists.observe(received.elapsed().as_secs_f64());
        }
    }

    /// A bookmark is an object like others, and takes the form that they have.
    fn write_bookmark(&mut self, bookmark: &Bookmark, out: &mut Vec<u8>) {
        const WHAT: &str = "BOOKMARK";
        let protobuf = self.format == Format::Protobuf;
        match &mut self.form {
            Form::Table { table, columns } => {
                table.set_now(self.clock.now());
                write_json(WHAT, &table.bookmark(columns.as_deref(), bookmark), out);
                *columns = None;
            }
            Form::Metadata(version) if protobuf => {
                let object = partial::record_protobuf(&bookmark.object(), *version);
                frame::event(WHAT, &object, out);
            }
            Form::Metadata(version) => {
                let mut object = Vec::new();
                partial::write_record_json(&bookmark.object(), *version, &mut object);
                write_json(WHAT, &object, out);
            }
            Form::Object if protobuf => out.extend_from_slice(&bookmark.protobuf()),
            Form::Object => out.extend_from_slice(&bookmark.json()),
            Form::Unsayable => {}
        }
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
