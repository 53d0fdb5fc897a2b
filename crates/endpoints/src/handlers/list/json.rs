//! Lists in JSON, of objects, metadata or rows.

use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;

use super::{Items, ListKind, Meta, Source};
use crate::cache::{Object, Version};
use crate::data::Gather;
use crate::partial;
use crate::store::List;

/// Objects that are taken out of the list at once.
const CHUNK: usize = 64;

/// Where objects come from: those of the form that is always there are taken as they are sent, the
/// others are made first, so that what cannot be made is an error and not a broken answer.
pub(super) enum Objects {
    Lazy(Box<List>),
    Made(std::vec::IntoIter<Object>),
}

impl Objects {
    pub(super) fn of(list: List) -> Result<Self, ApiError> {
        if list.version() == Version::HUB {
            return Ok(Self::Lazy(Box::new(list)));
        }
        let objects = list.into_objects();
        for object in &objects {
            object.json()?;
        }
        Ok(Self::Made(objects.into_iter()))
    }

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
pub(super) struct Json {
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
    pub(super) fn new(kind: ListKind, row: &Resource, meta: &Meta, objects: Objects) -> Self {
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

impl Source for Json {
    fn fill(&mut self, out: &mut Gather, enough: usize) -> bool {
        if self.phase == Phase::Head {
            out.tail().extend_from_slice(&self.head);
            self.phase = Phase::First;
        }
        while self.phase != Phase::Done {
            if out.len() >= enough {
                return true;
            }
            let Some(object) = self.next() else {
                out.fixed(b"]}\n");
                self.phase = Phase::Done;
                break;
            };
            // What cannot be made was found out before, see `Objects`.
            if write(&self.kind, &object, self.phase == Phase::Items, out).is_ok() {
                self.phase = Phase::Items;
            }
        }
        false
    }
}

/// Appends an item, which follows another one or not; nothing if it cannot be made.
fn write(
    kind: &ListKind,
    object: &Object,
    follows: bool,
    out: &mut Gather,
) -> Result<(), ApiError> {
    if let Items::Objects = kind.items {
        let (entry, version) = (object.entry(), object.version());
        // Items of typed lists say neither kind nor version.
        let (start, from) = if entry.begins_with(version, &kind.item_head)? {
            (&b",{"[..], kind.item_head.len())
        } else {
            (&b","[..], 0)
        };
        let start = &start[usize::from(!follows)..];
        return entry.gather_json(version, start, from, out);
    }
    let tail = out.tail();
    let before = tail.len();
    if follows {
        tail.push(b',');
    }
    let written = match &kind.items {
        Items::Rows(table) => table.write_row(object, tail),
        Items::Metadata(version) => partial::write_json(object, *version, tail),
        Items::Objects => Ok(()),
    };
    if written.is_err() {
        tail.truncate(before);
    }
    written
}
