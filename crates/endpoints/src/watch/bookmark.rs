//! Bookmarks: up to which revision a watcher has been told everything.

use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::codec::json;
use pintle_runtime::codec::protobuf::frame;
use pintle_runtime::value::Record;
use pintle_storage::Revision;

use crate::cache::{Forms, Version};
use crate::metadata::MetadataMut;

/// Says that a watcher has been told everything up to a revision.
#[derive(Clone)]
pub struct Bookmark {
    forms: Arc<Forms>,
    version: Version,
    revision: Revision,
    ends_initial_events: bool,
}

/// The annotation of the bookmark after the objects that were there when the watch began.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

impl Bookmark {
    pub(crate) fn new(forms: &Arc<Forms>, version: Version, revision: Revision) -> Self {
        Self {
            forms: Arc::clone(forms),
            version,
            revision,
            ends_initial_events: false,
        }
    }

    pub(crate) fn initial_events_end(
        forms: &Arc<Forms>,
        version: Version,
        revision: Revision,
    ) -> Self {
        Self {
            ends_initial_events: true,
            ..Self::new(forms, version, revision)
        }
    }

    /// Everything up to here has been told.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// All objects that were there when the watch began have been told.
    pub fn ends_initial_events(&self) -> bool {
        self.ends_initial_events
    }

    /// The object that carries it: of the watched kind, with nothing but the revision.
    pub fn object(&self) -> Record {
        let form = self.forms.form(self.version);
        let mut object = Record::new(form.ty.clone());
        form.name(&mut object);
        if let Some(mut metadata) = MetadataMut::of(&mut object) {
            metadata.set_resource_version(self.revision.to_string());
            if self.ends_initial_events {
                metadata.set_annotation(INITIAL_EVENTS_END, "true");
            }
        }
        object
    }

    /// The event as a line of JSON, with its newline.
    pub fn json(&self) -> Bytes {
        let mut line = br#"{"type":"BOOKMARK","object":"#.to_vec();
        json::encode(&self.object(), &mut line);
        line.extend_from_slice(b"}\n");
        line.into()
    }

    /// The event as a length-delimited frame of protobuf.
    pub fn protobuf(&self) -> Bytes {
        let object = self.forms.encode_protobuf(&self.object(), self.version);
        let mut out = Vec::with_capacity(object.len() + 32);
        frame::event("BOOKMARK", &object, &mut out);
        out.into()
    }
}

impl std::fmt::Debug for Bookmark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bookmark at {}", self.revision)
    }
}
