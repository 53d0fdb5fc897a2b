//! Lists in protobuf, of objects or metadata.

use bytes::Bytes;
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::status::ApiError;

use super::{Items, ListKind, Meta, Source};
use crate::cache::Object;
use crate::data::Gather;
use crate::partial::{self, varint, varint_length};
use crate::store::List;

/// A list of which all objects were looked at: lengths come first.
pub(super) struct Protobuf {
    head: Vec<u8>,
    items: std::vec::IntoIter<Item>,
    done: bool,
}

enum Item {
    /// As it is kept.
    Kept(Object),
    /// Made for this list, with tag and length.
    Made(Bytes),
}

impl Item {
    /// It and its length; everything that can fail is done by that.
    fn new(kind: &ListKind, object: Object) -> Result<(Self, usize), ApiError> {
        let Items::Metadata(version) = &kind.items else {
            let length = object.entry().protobuf_item(object.version())?;
            return Ok((Self::Kept(object), length));
        };
        let item = partial::protobuf(&object, *version)?;
        // The envelope has its message in field 2, and every list its items.
        let field = partial::message_field(&item)
            .ok_or_else(|| ApiError::internal("an object without an envelope"))?;
        let length = field.len();
        Ok((Self::Made(item.slice_ref(field)), length))
    }
}

impl Protobuf {
    pub(super) fn new(kind: &ListKind, list: List) -> Result<Self, ApiError> {
        let mut meta = Vec::with_capacity(64);
        Meta::of(&list).write_protobuf(&mut meta);
        let mut items = Vec::new();
        let mut length = 1 + varint_length(meta.len()) + meta.len();
        for object in list.into_objects() {
            let (item, item_length) = Item::new(kind, object)?;
            length += item_length;
            items.push(item);
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
        Ok(Self {
            head,
            items: items.into_iter(),
            done: false,
        })
    }
}

impl Source for Protobuf {
    fn fill(&mut self, out: &mut Gather, enough: usize) -> bool {
        out.tail().append(&mut self.head);
        while !self.done {
            if out.len() >= enough {
                return true;
            }
            match self.items.next() {
                Some(Item::Made(item)) => out.shared(item),
                Some(Item::Kept(object)) => {
                    let gathered = object.entry().gather_protobuf_item(object.version(), out);
                    debug_assert!(gathered.is_ok(), "it was found out before");
                }
                None => {
                    out.fixed(&[0x1a, 0, 0x22, 0]);
                    self.done = true;
                }
            }
        }
        false
    }
}
