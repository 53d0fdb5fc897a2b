//! List: many objects, put together while they are sent.
//!
//! Each object is encoded already, so a list is a head, each object's bytes and a tail. It is made frame by frame as the
//! connection takes it, and never as a whole; large objects are passed on and not copied.

mod json;
mod protobuf;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use pintle_runtime::codec::json as text;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_storage::Revision;

use super::Call;
use super::reply::Reply;
use crate::body::{Body, Stream};
use crate::context::RequestContext;
use crate::data::{Data, Gather};
use crate::gzip;
use crate::list_options::ListOptions;
use crate::negotiate::{Format, MetaVersion, Offers, Transform};
use crate::partial::{self, varint};
use crate::respond::{self, Compression};
use crate::store::{List, Store};
use crate::table::TableForm;
use json::{Json, Objects};
use protobuf::Protobuf;

/// Answers with the selected objects of the collection that the path names.
pub(super) async fn list(
    call: &Call<'_>,
    store: &Store,
    cx: &RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate_compressed(call, cx, Offers::List)?;
    let pairs = call.pairs();
    let options = ListOptions::parse(pairs.iter().map(|(key, value)| (&**key, &**value)), false)?;
    let list = store.list(&call.permit, cx, &options).await?;
    answer(store.row(), list, reply)
}

/// A list as the answer.
///
/// # Errors
/// Where an object cannot be said in the version, or is asked for as what it is not.
pub(super) fn answer(
    row: &Resource,
    mut list: List,
    reply: Reply,
) -> Result<Response<Body>, ApiError> {
    let Reply {
        representation,
        compression,
        table,
        recording,
    } = reply;
    if let Some(recording) = recording.filter(|recording| recording.wants_response()) {
        let objects;
        (list, objects) = list.doubled();
        let kind = ListKind::new(row, representation.transform, table.clone())?;
        let objects = Objects::Made(objects.into_iter());
        let mut whole = Gather::default();
        Json::new(kind, row, &Meta::of(&list), objects).fill(&mut whole, usize::MAX);
        recording.response(&whole.finish().into_bytes());
    }
    let kind = ListKind::new(row, representation.transform, table)?;
    let format = representation.format;
    if format == Format::Protobuf {
        return Ok(sent(Protobuf::new(&kind, list)?, format, compression));
    }
    let meta = Meta::of(&list);
    let mut source = Json::new(kind, row, &meta, Objects::of(list)?);
    if format != Format::Yaml && !representation.pretty {
        return Ok(sent(source, format, compression));
    }
    // What is made anew has to be whole.
    let mut whole = Gather::default();
    source.fill(&mut whole, usize::MAX);
    let whole = whole.finish().into_bytes();
    let line = whole.slice(..whole.len() - 1);
    let bytes = respond::json_bytes(&line, representation);
    Ok(respond::whole(StatusCode::OK, format, compression, bytes))
}

/// A list on its way: whole if it is small, as most are.
fn sent(mut source: impl Source, format: Format, compression: Compression) -> Response<Body> {
    let mut first = Gather::default();
    if !source.fill(&mut first, FRAME) {
        return respond::whole(StatusCode::OK, format, compression, first.finish());
    }
    let body = ListBody {
        first: Some(first.finish()),
        source,
    };
    streamed(format, compression, body)
}

/// What a list is made by.
trait Source: Unpin + Send + 'static {
    /// Appends to `out` until it holds `enough` bytes; `false` when the list is complete.
    fn fill(&mut self, out: &mut Gather, enough: usize) -> bool;
}

/// Bytes that are worth a frame.
const FRAME: usize = 128 * 1024;
fn streamed(
    format: Format,
    compression: Compression,
    body: ListBody<impl Source>,
) -> Response<Body> {
    let stream: Stream = Box::pin(body);
    if compression == Compression::None {
        return respond::with_body(
            StatusCode::OK,
            respond::media_type(format),
            Body::stream(stream),
        );
    }
    let body = Body::stream(gzip::compressed(stream));
    let mut response = respond::with_body(StatusCode::OK, respond::media_type(format), body);
    respond::mark_gzip(&mut response);
    response
}

/// What a list calls itself, and what its items are.
struct ListKind {
    kind: String,
    api_version: String,
    /// How an item begins that is cut off in a list, such as `{"kind":"Pod","apiVersion":"v1",`.
    item_head: Vec<u8>,
    items: Items,
}

/// What the items of a list are made of.
enum Items {
    /// The objects.
    Objects,
    /// Their metadata.
    Metadata(MetaVersion),
    /// Their rows.
    Rows(TableForm),
}

impl ListKind {
    fn new(
        row: &Resource,
        transform: Transform,
        table: Option<TableForm>,
    ) -> Result<Self, ApiError> {
        if let Some(table) = table {
            table.check()?;
            return Ok(Self {
                kind: String::new(),
                api_version: String::new(),
                item_head: Vec::new(),
                items: Items::Rows(table),
            });
        }
        Ok(match transform {
            Transform::None => {
                let api_version = row.api_version();
                let head = [
                    "{\"kind\":\"",
                    &*row.kind,
                    "\",\"apiVersion\":\"",
                    &*api_version,
                    "\",",
                ];
                let item_head = head.concat().into_bytes();
                Self {
                    kind: [&*row.kind, "List"].concat(),
                    api_version,
                    item_head,
                    items: Items::Objects,
                }
            }
            Transform::Metadata(_) | Transform::Table(_) => {
                return Err(partial::not_acceptable(
                    "Metadata",
                    "the requested object is a list",
                    row,
                    "List",
                ));
            }
            Transform::MetadataList(version) => Self {
                kind: "PartialObjectMetadataList".to_owned(),
                api_version: version.api_version().to_owned(),
                item_head: Vec::new(),
                items: Items::Metadata(version),
            },
        })
    }
}

/// A list's metadata.
struct Meta {
    /// Empty where the list is of none.
    revision: String,
    continue_token: String,
    remaining: Option<u64>,
}

impl Meta {
    fn of(list: &List) -> Self {
        Self {
            revision: match list.revision {
                Revision::ZERO => String::new(),
                revision => revision.to_string(),
            },
            continue_token: list.continue_token.clone().unwrap_or_default(),
            remaining: list.remaining,
        }
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        if self.revision.is_empty() {
            return out.extend_from_slice(b"{}");
        }
        out.extend_from_slice(b"{\"resourceVersion\":\"");
        out.extend_from_slice(self.revision.as_bytes());
        out.push(b'"');
        if !self.continue_token.is_empty() {
            out.extend_from_slice(b",\"continue\":");
            text::encode_str(&self.continue_token, out);
        }
        if let Some(remaining) = self.remaining {
            out.extend_from_slice(b",\"remainingItemCount\":");
            out.extend_from_slice(itoa::Buffer::new().format(remaining).as_bytes());
        }
        out.push(b'}');
    }

    /// As the message `ListMeta`, whose first three fields Go always writes.
    fn write_protobuf(&self, out: &mut Vec<u8>) {
        for (tag, text) in [
            (0x0a, ""),
            (0x12, self.revision.as_str()),
            (0x1a, self.continue_token.as_str()),
        ] {
            out.push(tag);
            varint(text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        if let Some(remaining) = self.remaining {
            out.push(0x20);
            varint(usize::try_from(remaining).unwrap_or(usize::MAX), out);
        }
    }
}

struct ListBody<S> {
    first: Option<Data>,
    source: S,
}

impl<S: Source> HttpBody for ListBody<S> {
    type Data = Data;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let mut frame = Gather::default();
        self.source.fill(&mut frame, FRAME);
        Poll::Ready((frame.len() > 0).then(|| Ok(Frame::data(frame.finish()))))
    }
}
