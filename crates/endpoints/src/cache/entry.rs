//! One object of the cache, in the forms in which it is read.
//!
//! The hub's JSON is made with the write and is always there. Everything else is made when someone
//! asks, by whoever asks first, and then kept; two who ask at once may both make it, and one result
//! is kept. Nothing here waits.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use pintle_runtime::codec::json::{self, Gap};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_storage::Revision;

use super::forms::{Forms, Version};
use super::packed::Packed;

/// An object that is encoded, but has no revision yet.
pub struct Draft {
    forms: Arc<Forms>,
    key: Box<str>,
    name_at: u32,
    labels: Packed,
    facts: Packed,
    json: Vec<u8>,
    gap: Gap,
    recent: Recent,
}

/// What a writer has in hand, and lends to others while the write is recent.
#[derive(Clone, Default)]
struct Recent {
    /// The bytes that were stored: protobuf is made from them cheaply.
    stored: Option<Bytes>,
    /// The object, without its revision.
    record: Option<Arc<Record>>,
}

/// An object as of one revision. It never changes; a write makes a new one.
pub struct Entry {
    forms: Arc<Forms>,
    revision: Revision,
    /// Below the resource's prefix: `namespace/name`, or `name`.
    key: Box<str>,
    name_at: u32,
    /// Keys and values of the labels, alternating.
    labels: Packed,
    /// The uid, and then the values of the selectable fields.
    facts: Packed,
    json: Bytes,
    /// Where the revision stands in the JSON.
    digits: Range<u32>,
    /// Where the metadata stand in it.
    metadata: Range<u32>,
    recent: Mutex<Recent>,
    protobuf: OnceLock<Bytes>,
    others: OnceLock<Box<[Other]>>,
    extras: OnceLock<Box<[Extras]>>,
}

/// The forms of a version other than the hub.
#[derive(Default)]
struct Other {
    json: OnceLock<Bytes>,
    protobuf: OnceLock<Bytes>,
}

#[derive(Default)]
struct Extras([OnceLock<Bytes>; Extra::COUNT]);

/// What can be made of an object beside its own JSON and protobuf, and is kept with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// The object's row in a `Table`.
    TableRow,
    /// Its `PartialObjectMetadata` in JSON.
    Metadata,
    /// Its `PartialObjectMetadata` in protobuf.
    MetadataProtobuf,
}

impl Extra {
    const COUNT: usize = 3;
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
            key: self.key.clone(),
            name_at: self.name_at,
            labels: self.labels.clone(),
            facts: self.facts.clone(),
            json,
            digits: short(digits),
            metadata: short(metadata),
            recent: Mutex::new(recent),
            protobuf: OnceLock::new(),
            others: OnceLock::new(),
            extras: OnceLock::new(),
        }
    }
}

impl Entry {
    /// The revision of the object's last change: its `resourceVersion`.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// `namespace/name`, or `name` where there is no namespace.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.key[self.name_at as usize..]
    }

    /// The object's namespace, empty if it has none.
    pub fn namespace(&self) -> &str {
        &self.key[..(self.name_at as usize).saturating_sub(1)]
    }

    /// The object's uid.
    pub fn uid(&self) -> &str {
        self.facts.get(0).unwrap_or_default()
    }

    /// The object's labels.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.labels.iter();
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// The value of the label `key`.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    }

    /// The value of a selectable field, by its canonical label. Empty if the kind has no such field.
    pub fn field(&self, label: &str) -> &str {
        match label {
            "metadata.name" => self.name(),
            "metadata.namespace" => self.namespace(),
            _ => self.forms.selectable(label).map_or("", |at| self.value(at)),
        }
    }

    /// The value of the selectable field at a position of [`Forms::selectable`].
    pub(crate) fn value(&self, at: usize) -> &str {
        self.facts.get(at + 1).unwrap_or_default()
    }

    /// What is known of its kind.
    pub(crate) fn forms(&self) -> &Arc<Forms> {
        &self.forms
    }

    /// The bytes of memory that this entry takes, roughly.
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + self.key.len()
            + self.labels.size()
            + self.facts.size()
            + self.json.len()
    }

    /// Whether its JSON has `text` in it, which costs far less than to decode it. What has not the name of a field has
    /// not the field.
    pub fn mentions(&self, text: &str) -> bool {
        memchr::memmem::find(&self.json, text.as_bytes()).is_some()
    }

    /// The object in the hub form, to compute a new one from. Its texts are slices of the JSON.
    ///
    /// # Errors
    /// Where the JSON can not be read, which would be a fault of this server.
    pub fn record(&self) -> Result<Record, ApiError> {
        self.forms.decode_hub(&self.json)
    }

    /// The object in the hub form, to look at and not to write from: it may lack its revision. Costs nothing while the
    /// write is recent.
    ///
    /// # Errors
    /// Those of [`Entry::record`].
    pub fn glance(&self) -> Result<Arc<Record>, ApiError> {
        let recent = self.recent().record.clone();
        recent.map_or_else(|| self.record().map(Arc::new), Ok)
    }

    /// The object's JSON in a served form: complete, compact, without a final newline.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    pub fn json(&self, version: Version) -> Result<&Bytes, ApiError> {
        if version == Version::HUB {
            return Ok(&self.json);
        }
        let slot = &self.other(version).json;
        made_once(slot, || {
            let mut out = Vec::with_capacity(self.json.len() + 64);
            json::encode(&self.converted(version)?, &mut out);
            Ok(Bytes::from(out.into_boxed_slice()))
        })
    }

    /// The part of the hub's JSON that is the object's metadata.
    pub(crate) fn metadata_json(&self) -> &[u8] {
        &self.json[long(&self.metadata)]
    }

    /// The object's protobuf in a served form: complete, in its envelope.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    pub fn protobuf(&self, version: Version) -> Result<&Bytes, ApiError> {
        if version != Version::HUB {
            let slot = &self.other(version).protobuf;
            return made_once(slot, || {
                Ok(self
                    .forms
                    .encode_protobuf(&self.converted(version)?, version))
            });
        }
        made_once(&self.protobuf, || {
            if let Some(whole) = self
                .take_stored()
                .and_then(|stored| self.forms.complete_stored(&stored, self.revision.0))
            {
                return Ok(whole);
            }
            Ok(self.forms.encode_protobuf(&self.record()?, Version::HUB))
        })
    }

    /// Something made of the object that is worth keeping; `make` makes it the first time.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn extra(
        &self,
        version: Version,
        extra: Extra,
        make: impl FnOnce() -> Result<Bytes, ApiError>,
    ) -> Result<&Bytes, ApiError> {
        let versions = self.extras.get_or_init(|| {
            (0..self.forms.versions())
                .map(|_| Extras::default())
                .collect()
        });
        made_once(&versions[version.index()].0[extra as usize], make)
    }

    /// The same object with another revision: how a delete is told.
    pub(crate) fn at(&self, revision: Revision) -> Self {
        let (json, digits) = replace(&self.json, &long(&self.digits), revision.0);
        let metadata = long(&self.metadata);
        let metadata = metadata.start..metadata.end + json.len() - self.json.len();
        Self {
            forms: Arc::clone(&self.forms),
            revision,
            key: self.key.clone(),
            name_at: self.name_at,
            labels: self.labels.clone(),
            facts: self.facts.clone(),
            json,
            digits: short(digits),
            metadata: short(metadata),
            recent: Mutex::default(),
            protobuf: OnceLock::new(),
            others: OnceLock::new(),
            extras: OnceLock::new(),
        }
    }

    /// Lets go of what the writer had in hand, when few will ask for protobuf that have not.
    pub(crate) fn settle(&self) {
        let _ = std::mem::take(&mut *self.recent());
    }

    /// Lets go of the record, when those who follow the writes have seen it.
    pub(crate) fn let_go_of_record(&self) {
        let _ = self.recent().record.take();
    }

    fn take_stored(&self) -> Option<Bytes> {
        self.recent().stored.take()
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn converted(&self, version: Version) -> Result<Record, ApiError> {
        self.forms.from_hub(self.record()?, version)
    }

    fn other(&self, version: Version) -> &Other {
        let others = self.others.get_or_init(|| {
            (1..self.forms.versions())
                .map(|_| Other::default())
                .collect()
        });
        &others[version.index() - 1]
    }
}

/// The content of `slot`; `make` makes it if it is not there yet.
pub(crate) fn made_once(
    slot: &OnceLock<Bytes>,
    make: impl FnOnce() -> Result<Bytes, ApiError>,
) -> Result<&Bytes, ApiError> {
    if let Some(made) = slot.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(slot.get_or_init(|| made))
}

/// `whole` with another revision at `digits`, and where the new digits are.
fn replace(whole: &[u8], digits: &Range<usize>, revision: u64) -> (Bytes, Range<usize>) {
    let mut buffer = itoa::Buffer::new();
    let new = buffer.format(revision).as_bytes();
    let mut json = Vec::with_capacity(whole.len() - digits.len() + new.len());
    json.extend_from_slice(&whole[..digits.start]);
    json.extend_from_slice(new);
    json.extend_from_slice(&whole[digits.end..]);
    (json.into(), digits.start..digits.start + new.len())
}

/// A place in an object's JSON, as entries keep it: objects are of some megabytes at most.
fn short(range: Range<usize>) -> Range<u32> {
    range.start as u32..range.end as u32
}

fn long(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// `namespace/name`, or `name`, and where the name begins.
pub(crate) fn key(namespace: Option<&str>, name: &str) -> (Box<str>, u32) {
    match namespace {
        Some(namespace) => {
            let mut key = String::with_capacity(namespace.len() + 1 + name.len());
            key.push_str(namespace);
            key.push('/');
            key.push_str(name);
            (key.into_boxed_str(), namespace.len() as u32 + 1)
        }
        None => (name.into(), 0),
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.revision)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// An entry in one of its served forms: what a `Store` answers with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Object {
    entry: Arc<Entry>,
    version: Version,
}

impl Object {
    /// `entry` in the form `version`.
    pub fn new(entry: Arc<Entry>, version: Version) -> Self {
        Self { entry, version }
    }

    /// The entry, with key, labels, revision.
    pub fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// The version in which it is served.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its JSON: complete, compact, without a final newline.
    ///
    /// # Errors
    /// Where the object can not be said in this version.
    pub fn json(&self) -> Result<&Bytes, ApiError> {
        self.entry.json(self.version)
    }

    /// Its protobuf: complete, in its envelope.
    ///
    /// # Errors
    /// Where the object can not be said in this version.
    pub fn protobuf(&self) -> Result<&Bytes, ApiError> {
        self.entry.protobuf(self.version)
    }

    /// It as a record in this version.
    ///
    /// # Errors
    /// Where the object can not be said in this version.
    pub fn record(&self) -> Result<Record, ApiError> {
        if self.version == Version::HUB {
            self.entry.record()
        } else {
            self.entry.converted(self.version)
        }
    }

    /// Something made of it that is worth keeping; `make` makes it the first time.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn extra(
        &self,
        extra: Extra,
        make: impl FnOnce(&Self) -> Result<Bytes, ApiError>,
    ) -> Result<&Bytes, ApiError> {
        self.entry.extra(self.version, extra, || make(self))
    }
}
