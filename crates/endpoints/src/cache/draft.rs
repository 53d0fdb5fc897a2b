//! An object of the cache that is being written.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use pintle_runtime::codec::json::{self, Gap};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};
use pintle_storage::Revision;

use super::entry::{Entry, Recent, short};
use super::forms::Forms;
use super::packed::Packed;

/// An object that is encoded, but has no revision yet.
pub struct Draft {
    forms: Arc<Forms>,
    key: Arc<str>,
    name_at: u32,
    labels: Packed,
    facts: Packed,
    json: Vec<u8>,
    gap: Gap,
    written: Option<Box<Bytes>>,
    recent: Recent,
}

impl Draft {
    /// Encodes an object in the hub form. Its `resourceVersion` must be absent.
    ///
    /// # Errors
    /// Where the object has no metadata.
    pub fn new(forms: &Arc<Forms>, hub: &Record) -> Result<Self, ApiError> {
        let metadata = crate::metadata::Metadata::of(hub);
        let (namespace, name) = (metadata.namespace(), metadata.name());
        let (key, name_at) = key(forms.namespaced().then_some(namespace), name);
        let labels = Packed::new(metadata.labels().flat_map(|(key, value)| [key, value]));
        let values = forms.values(hub);
        let facts =
            Packed::new(std::iter::once(metadata.uid()).chain(values.iter().map(String::as_str)));
        let mut json = Vec::with_capacity(1024);
        let gap = json::encode_with_gap(hub, &mut json)
            .ok_or_else(|| ApiError::internal("an object without metadata can not be kept"))?;
        Ok(Self {
            forms: Arc::clone(forms),
            key,
            name_at,
            labels,
            facts,
            json,
            gap,
            written: spaced(hub),
            recent: Recent::default(),
        })
    }

    /// Keeps the stored bytes at hand for those who will ask for protobuf.
    #[must_use]
    pub fn with_stored(mut self, stored: Bytes) -> Self {
        self.recent.stored = Some(stored);
        self
    }

    /// Keeps the object that was encoded at hand for those who follow the writes.
    #[must_use]
    pub fn with_record(mut self, hub: Record) -> Self {
        self.recent.record = Some(Arc::new(hub));
        self
    }

    /// `namespace/name`, or `name`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether `entry` is this object already, apart from its revision.
    pub fn is_same_as(&self, entry: &Entry) -> bool {
        let mut buffer = itoa::Buffer::new();
        let revision = buffer.format(entry.revision.0);
        self.key == entry.key && self.gap.is_filled(&self.json, revision, &entry.json)
    }

    /// The object at the revision that it got.
    pub fn at(&self, revision: Revision) -> Entry {
        let (json, digits) = self.completed(revision);
        let mut recent = self.recent.clone();
        if !self.forms.stores_protobuf_of_hub() {
            recent.stored = None;
        }
        self.entry(revision, json, digits, recent)
    }

    /// The object without any revision: what a dry run answers with.
    pub fn unwritten(&self) -> Entry {
        self.entry(
            Revision::ZERO,
            Bytes::copy_from_slice(&self.json),
            0..0,
            Recent::default(),
        )
    }

    /// The JSON with a revision, and where that is.
    fn completed(&self, revision: Revision) -> (Bytes, Range<usize>) {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(revision.0);
        let mut json = Vec::with_capacity(self.json.len() + digits.len() + 24);
        self.gap.fill(&self.json, digits, &mut json);
        let start = self.gap.text_start();
        (json.into_boxed_slice().into(), start..start + digits.len())
    }

    fn entry(
        &self,
        revision: Revision,
        json: Bytes,
        digits: Range<usize>,
        recent: Recent,
    ) -> Entry {
        let metadata = self.gap.metadata(&self.json, json.len());
        Entry {
            forms: Arc::clone(&self.forms),
            revision,
            key: Arc::clone(&self.key),
            name_at: self.name_at,
            labels: self.labels.clone(),
            facts: self.facts.clone(),
            json,
            digits: short(digits),
            metadata: short(metadata),
            written: self.written.clone(),
            recent: Mutex::new(recent),
            protobuf: OnceLock::new(),
            others: OnceLock::new(),
            extras: OnceLock::new(),
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// The JSON in a field of an object, if the object's own JSON says it in other bytes.
fn spaced(hub: &Record) -> Option<Box<Bytes>> {
    hub.iter().find_map(|(_, _, value)| match value {
        Value::Raw(raw) if !json::is_compact(raw) => Some(Box::new(raw.clone())),
        _ => None,
    })
}

/// `namespace/name`, or `name`, and where the name begins.
pub(crate) fn key(namespace: Option<&str>, name: &str) -> (Arc<str>, u32) {
    match namespace {
        Some(namespace) => {
            let mut key = String::with_capacity(namespace.len() + 1 + name.len());
            key.push_str(namespace);
            key.push('/');
            key.push_str(name);
            (key.into(), namespace.len() as u32 + 1)
        }
        None => (name.into(), 0),
    }
}
