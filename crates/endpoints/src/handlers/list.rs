//! List: many objects, put together while they are sent.
//!
//! Each object is encoded already, so a list is a head, a copy of each object's bytes and a tail.
//! It is made frame by frame as the connection takes it, and never as a whole.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use pintle_runtime::codec::json;
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_storage::Revision;

use super::Call;
use super::reply::Reply;
use crate::body::{Body, Stream};
use crate::cache::{Object, Version};
use crate::context::RequestContext;
use crate::gzip;
use crate::list_options::ListOptions;
use crate::negotiate::{Format, MetaVersion, Offers, Transform};
use crate::partial::{self, varint, varint_length};
use crate::respond::{self, Compression};
use crate::store::{List, Store};
use crate::table::TableForm;

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
        let mut json = Vec::new();
        Json::new(kind, row, &Meta::of(&list), objects).fill(&mut json, usize::MAX);
        recording.response(&json.into());
    }
    let kind = ListKind::new(row, representation.transform, table)?;
    if representation.format == Format::Protobuf {
        return protobuf(&kind, list, representation.format, compression);
    }
    let meta = Meta::of(&list);
    let mut source = Json::new(kind, row, &meta, list_source(list)?);
    // Small lists go out whole, as most are; what is made anew has to be whole.
    let whole = representation.format == Format::Yaml || representation.pretty;
    let mut first = Vec::with_capacity(if whole { FRAME } else { 4096 });
    let more = source.fill(&mut first, if whole { usize::MAX } else { FRAME });
    if whole {
        first.pop();
        let bytes = respond::json_bytes(&first.into(), representation);
        return Ok(respond::whole(
            StatusCode::OK,
            representation.format,
            compression,
            bytes,
        ));
    }
    if !more {
        return Ok(respond::whole(
            StatusCode::OK,
            representation.format,
            compression,
            first.into(),
        ));
    }
    Ok(streamed(
        representation.format,
        compression,
        ListBody {
            first: Some(first.into()),
            source: Source::Json(source),
        },
    ))
}

/// Bytes that are worth a frame.
const FRAME: usize = 128 * 1024;
/// Objects that are taken out of the list at once.
const CHUNK: usize = 64;

fn streamed(format: Format, compression: Compression, body: ListBody) -> Response<Body> {
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
                let item_head = format!(r#"{{"kind":"{}","apiVersion":"{api_version}","#, row.kind)
                    .into_bytes();
                Self {
                    kind: format!("{}List", row.kind),
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

    /// Appends an item.
    fn write_json(&self, object: &Object, out: &mut Vec<u8>) -> Result<(), ApiError> {
        match &self.items {
            Items::Rows(table) => return table.write_row(object, out),
            Items::Metadata(version) => return partial::write_json(object, *version, out),
            Items::Objects => {
                let json = object.json()?;
                // Items of typed lists say neither kind nor version.
                match json.strip_prefix(&self.item_head[..]) {
                    Some(rest) => {
                        out.reserve(rest.len() + 2);
                        out.push(b'{');
                        out.extend_from_slice(rest);
                    }
                    None => out.extend_from_slice(json),
                }
            }
        }
        Ok(())
    }

    fn protobuf(&self, object: &Object) -> Result<Bytes, ApiError> {
        match &self.items {
            Items::Metadata(version) => partial::protobuf(object, *version),
            Items::Objects | Items::Rows(_) => object.protobuf().cloned(),
        }
    }
}

/// Where objects come from: those of the form that is always there are taken as they are sent, the
/// others are made first, so that what cannot be made is an error and not a broken answer.
enum Objects {
    Lazy(Box<List>),
    Made(std::vec::IntoIter<Object>),
}

fn list_source(list: List) -> Result<Objects, ApiError> {
    if list.version() == Version::HUB {
        return Ok(Objects::Lazy(Box::new(list)));
    }
    let objects = list.into_objects();
    for object in &objects {
        object.json()?;
    }
    Ok(Objects::Made(objects.into_iter()))
}

impl Objects {
    fn next_chunk(&mut self, into: &mut Vec<Object>) -> bool {
        match self {
            Self::Lazy(list) => list.next_chunk(CHUNK, into),
            Self::Made(objects) => {
                let before = into.len();
                into.extend(objects.take(CHUNK));
                into.len() > before
            }
        }
    }
}

/// A list in JSON.
struct Json {
    kind: ListKind,
    objects: Objects,
    chunk: std::vec::IntoIter<Object>,
    /// What comes before the first item.
    head: Vec<u8>,
    phase: Phase,
}

#[derive(PartialEq, Eq)]
enum Phase {
    Head,
    First,
    Items,
    Done,
}

impl Json {
    fn new(kind: ListKind, row: &Resource, meta: &Meta, objects: Objects) -> Self {
        let mut head = Vec::with_capacity(256);
        if let Items::Rows(table) = &kind.items {
            table.write_head(Some(row), |out| meta.write_json(out), &mut head);
            return Self {
                kind,
                objects,
                chunk: Vec::new().into_iter(),
                head,
                phase: Phase::Head,
            };
        }
        head.extend_from_slice(b"{\"kind\":\"");
        head.extend_from_slice(kind.kind.as_bytes());
        head.extend_from_slice(b"\",\"apiVersion\":\"");
        head.extend_from_slice(kind.api_version.as_bytes());
        head.extend_from_slice(b"\",\"metadata\":");
        meta.write_json(&mut head);
        head.extend_from_slice(b",\"items\":[");
        Self {
            kind,
            objects,
            chunk: Vec::new().into_iter(),
            head,
            phase: Phase::Head,
        }
    }

    /// Appends to `out` until it holds `enough` bytes; `false` when the list is complete.
    fn fill(&mut self, out: &mut Vec<u8>, enough: usize) -> bool {
        if self.phase == Phase::Head {
            out.extend_from_slice(&self.head);
            self.phase = Phase::First;
        }
        while self.phase != Phase::Done {
            if out.len() >= enough {
                return true;
            }
            let Some(object) = self.next() else {
                out.extend_from_slice(b"]}\n");
                self.phase = Phase::Done;
                break;
            };
            let before = out.len();
            if self.phase == Phase::Items {
                out.push(b',');
            }
            // What cannot be made was found out before, see `Objects`.
            if self.kind.write_json(&object, out).is_err() {
                out.truncate(before);
                continue;
            }
            self.phase = Phase::Items;
        }
        false
    }

    fn next(&mut self) -> Option<Object> {
        if let Some(object) = self.chunk.next() {
            return Some(object);
        }
        let mut chunk = Vec::with_capacity(CHUNK);
        self.objects.next_chunk(&mut chunk);
        self.chunk = chunk.into_iter();
        self.chunk.next()
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
            json::encode_str(&self.continue_token, out);
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

/// A list in protobuf: lengths come first, so all objects are looked at before the first is sent.
fn protobuf(
    kind: &ListKind,
    list: List,
    format: Format,
    compression: Compression,
) -> Result<Response<Body>, ApiError> {
    let mut meta = Vec::with_capacity(64);
    Meta::of(&list).write_protobuf(&mut meta);
    let mut items = Vec::new();
    let mut length = 1 + varint_length(meta.len()) + meta.len();
    for object in list.into_objects() {
        let item = kind.protobuf(&object)?;
        let raw = partial::message(&item)
            .ok_or_else(|| ApiError::internal("an object without an envelope"))?;
        length += 1 + varint_length(raw.len()) + raw.len();
        items.push(item.slice_ref(raw));
    }
    // The envelope around a message of that length, of which only the metadata is there yet.
    let mut head = Vec::with_capacity(meta.len() + 128);
    envelope::wrap(&kind.api_version, &kind.kind, b"", &mut head);
    // `wrap` ends with the empty message (two bytes), encoding and type (two bytes each).
    head.truncate(head.len() - 6);
    head.push(0x12);
    varint(length, &mut head);
    head.push(0x0a);
    varint(meta.len(), &mut head);
    head.extend_from_slice(&meta);
    let mut source = Protobuf {
        head,
        items: items.into_iter(),
        done: false,
    };
    let mut first = Vec::with_capacity(FRAME.min(length + 128));
    if source.fill(&mut first, FRAME) {
        let body = ListBody {
            first: Some(first.into()),
            source: Source::Protobuf(source),
        };
        return Ok(streamed(format, compression, body));
    }
    Ok(respond::whole(
        StatusCode::OK,
        format,
        compression,
        first.into(),
    ))
}

struct Protobuf {
    head: Vec<u8>,
    /// Bare messages.
    items: std::vec::IntoIter<Bytes>,
    done: bool,
}

impl Protobuf {
    fn fill(&mut self, out: &mut Vec<u8>, enough: usize) -> bool {
        out.append(&mut self.head);
        while !self.done {
            if out.len() >= enough {
                return true;
            }
            match self.items.next() {
                Some(item) => {
                    out.reserve(item.len() + 8);
                    out.push(0x12);
                    varint(item.len(), out);
                    out.extend_from_slice(&item);
                }
                None => {
                    out.extend_from_slice(&[0x1a, 0, 0x22, 0]);
                    self.done = true;
                }
            }
        }
        false
    }
}

struct ListBody {
    first: Option<Bytes>,
    source: Source,
}

enum Source {
    Json(Json),
    Protobuf(Protobuf),
}

impl HttpBody for ListBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        // An object may reach beyond what is enough.
        let mut frame = Vec::with_capacity(FRAME + FRAME / 8);
        match &mut self.source {
            Source::Json(source) => source.fill(&mut frame, FRAME),
            Source::Protobuf(source) => source.fill(&mut frame, FRAME),
        };
        Poll::Ready((!frame.is_empty()).then(|| Ok(Frame::data(frame.into()))))
    }
}
