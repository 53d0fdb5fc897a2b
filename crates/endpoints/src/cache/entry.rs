//! One object of the cache, in the forms in which it is read.
//!
//! The hub's JSON is made with the write and is always there. Everything else is made when someone
//! asks, by whoever asks first, and then kept; two who ask at once may both make it, and one result
//! is kept. Nothing here waits.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use pintle_runtime::codec::json;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};
use pintle_storage::Revision;

use super::forms::{Forms, Version};
use super::packed::Packed;
use super::protobuf::Protobuf;
use crate::data::{Encoding, Gather, Keeper};

/// What a writer has in hand, and lends to others while the write is recent.
#[derive(Clone, Default)]
pub(super) struct Recent {
    /// The bytes that were stored: protobuf is made from them cheaply.
    pub(super) stored: Option<Bytes>,
    /// The object, without its revision.
    pub(super) record: Option<Arc<Record>>,
}

/// An object as of one revision. It never changes; a write makes a new one.
pub struct Entry {
    pub(super) forms: Arc<Forms>,
    pub(super) revision: Revision,
    /// Below the resource's prefix: `namespace/name`, or `name`.
    pub(super) key: Arc<str>,
    pub(super) name_at: u32,
    /// Keys and values of the labels, alternating.
    pub(super) labels: Packed,
    /// The uid, and then the values of the selectable fields.
    pub(super) facts: Packed,
    pub(super) json: Bytes,
    /// Where the revision stands in the JSON.
    pub(super) digits: Range<u32>,
    /// Where the metadata stand in it.
    pub(super) metadata: Range<u32>,
    /// The JSON that the object holds in a field, as its writer wrote it, if that was with white space: some objects
    /// may not change even in that.
    pub(super) written: Option<Box<Bytes>>,
    pub(super) recent: Mutex<Recent>,
    pub(super) protobuf: OnceLock<Protobuf>,
    pub(super) others: OnceLock<Box<[Other]>>,
    pub(super) extras: OnceLock<Box<[Extras]>>,
}

/// The forms of a version other than the hub.
#[derive(Default)]
pub(super) struct Other {
    json: OnceLock<Bytes>,
    protobuf: OnceLock<Protobuf>,
}

impl Other {
    fn size(&self) -> usize {
        let (json, protobuf) = (self.json.get(), self.protobuf.get());
        size_of::<Self>() + json.map_or(0, Bytes::len) + protobuf.map_or(0, Protobuf::size)
    }
}

/// What an entry takes of memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// For every entry, whatever is in it.
    pub fixed: usize,
    /// The key, the labels and what fields may be selected by.
    pub texts: usize,
    /// The JSON.
    pub json: usize,
    /// The protobuf, as far as it is not in the JSON.
    pub protobuf: usize,
    /// Versions that it is also served in.
    pub others: usize,
    /// What else was made of it, such as its row in a table.
    pub extras: usize,
}

impl Cost {
    /// All of it.
    pub fn total(&self) -> usize {
        let Self {
            fixed,
            texts,
            json,
            protobuf,
            others,
            extras,
        } = self;
        fixed + texts + json + protobuf + others + extras
    }
}

#[derive(Default)]
pub(super) struct Extras([OnceLock<Bytes>; Extra::COUNT]);

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

    /// The bytes of memory that this entry takes at least, roughly.
    pub fn size(&self) -> usize {
        let texts = self.key.len() + self.labels.size() + self.facts.size();
        size_of::<Self>() + texts + self.json.len()
    }

    /// The bytes of memory that its writer lends.
    pub(super) fn lent(&self) -> usize {
        self.recent().stored.as_ref().map_or(0, Bytes::len)
    }

    /// The bytes of memory that this entry takes now, by part.
    pub fn cost(&self) -> Cost {
        let extras = self.extras.get().into_iter().flatten();
        let extras = extras.flat_map(|extras| &extras.0);
        let others = self.others.get().into_iter().flatten();
        Cost {
            fixed: size_of::<Self>(),
            texts: self.key.len() + self.labels.size() + self.facts.size(),
            json: self.json.len(),
            protobuf: self.protobuf.get().map_or(0, Protobuf::size),
            others: others.map(Other::size).sum(),
            extras: extras.filter_map(OnceLock::get).map(Bytes::len).sum(),
        }
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
        let mut record = self.forms.decode_hub(&self.json)?;
        if let Some(written) = &self.written {
            for (_, value) in record.iter_mut() {
                if let Value::Raw(raw) = value {
                    raw.clone_from(written);
                }
            }
        }
        Ok(record)
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

    /// What the object says beside its metadata, to look at: much of most objects is metadata, which take as long to
    /// read as the rest. They may be there all the same.
    ///
    /// # Errors
    /// Those of [`Entry::record`].
    pub fn glance_at_contents(&self) -> Result<Arc<Record>, ApiError> {
        let recent = self.recent().record.clone();
        if recent.is_some() || self.forms.stored_as_json() {
            return recent.map_or_else(|| self.glance(), Ok);
        }
        // Of a built-in kind all of it comes behind the metadata.
        let rest = &self.json[self.metadata.end as usize..];
        let contents = [b"{", rest.strip_prefix(b",").unwrap_or(rest)].concat();
        self.forms.decode_hub(&contents.into()).map(Arc::new)
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

    /// Whether its JSON begins with `head`, which ends before the metadata.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    pub(crate) fn begins_with(&self, version: Version, head: &[u8]) -> Result<bool, ApiError> {
        const METADATA: &[u8] = b"\"metadata\":";
        if version != Version::HUB || self.forms.stored_as_json() {
            return Ok(self.json(version)?.starts_with(head));
        }
        // Kind and version are all that comes before a built-in kind's metadata. To look at the JSON would cost more than
        // all else that is done for an item of a list: it is not in the processor's cache.
        let begins = self.metadata.start as usize == head.len() + METADATA.len();
        debug_assert_eq!(begins, self.json.starts_with(head));
        Ok(begins)
    }

    /// Appends `before` and its JSON from an offset on. What is kept is passed on and not copied.
    ///
    /// # Errors
    /// Where the object can not be said in that version; then nothing is appended.
    pub(crate) fn gather_json(
        self: &Arc<Self>,
        version: Version,
        before: &'static [u8],
        from: usize,
        out: &mut Gather,
    ) -> Result<(), ApiError> {
        if version == Version::HUB {
            out.fixed(before);
            out.kept(self, Encoding::Json, from..self.json.len());
        } else {
            let json = self.json(version)?.slice(from..);
            out.fixed(before);
            out.shared(json);
        }
        Ok(())
    }

    /// The part of the hub's JSON that is the object's metadata.
    pub(crate) fn metadata_json(&self) -> &[u8] {
        &self.json[long(&self.metadata)]
    }

    /// The object's protobuf in a served form: complete, in its envelope.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    pub fn protobuf(&self, version: Version) -> Result<Bytes, ApiError> {
        Ok(self.kept_protobuf(version)?.whole(&self.json))
    }

    /// How long its protobuf is as an item of a list, with tag and length.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    pub(crate) fn protobuf_item(&self, version: Version) -> Result<usize, ApiError> {
        let item = self.kept_protobuf(version)?.item();
        item.map(|item| item.len()).ok_or_else(without_envelope)
    }

    /// Appends its protobuf as an item of a list. What is kept is passed on and not copied.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    pub(crate) fn gather_protobuf_item(
        self: &Arc<Self>,
        version: Version,
        out: &mut Gather,
    ) -> Result<(), ApiError> {
        let kept = self.kept_protobuf(version)?;
        let item = kept.item().ok_or_else(without_envelope)?;
        if version != Version::HUB {
            out.shared(kept.whole(&self.json).slice(item));
            return Ok(());
        }
        for (encoding, range) in kept.parts(item) {
            out.kept(self, encoding, range);
        }
        Ok(())
    }

    fn kept_protobuf(&self, version: Version) -> Result<&Protobuf, ApiError> {
        if version != Version::HUB {
            let slot = &self.other(version).protobuf;
            return made_once(slot, || {
                let converted = self.converted(version)?;
                let whole = self.forms.encode_protobuf(&converted, version);
                Ok(Protobuf::new(whole, &self.json))
            });
        }
        made_once(&self.protobuf, || {
            let stored = self.take_stored();
            let completed =
                stored.and_then(|stored| self.forms.complete_stored(&stored, self.revision.0));
            let whole = match completed {
                Some(whole) => whole,
                None => self.forms.encode_protobuf(&self.record()?, Version::HUB),
            };
            Ok(Protobuf::new(whole, &self.json))
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
            key: Arc::clone(&self.key),
            name_at: self.name_at,
            labels: self.labels.clone(),
            facts: self.facts.clone(),
            json,
            digits: short(digits),
            metadata: short(metadata),
            written: self.written.clone(),
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

    pub(super) fn converted(&self, version: Version) -> Result<Record, ApiError> {
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

impl Keeper for Entry {
    fn bytes(&self, encoding: Encoding) -> &[u8] {
        match encoding {
            Encoding::Json => &self.json,
            Encoding::Protobuf => self.protobuf.get().map_or(&[], |kept| kept.own()),
        }
    }
}

/// The content of `slot`; `make` makes it if it is not there yet.
pub(crate) fn made_once<T>(
    slot: &OnceLock<T>,
    make: impl FnOnce() -> Result<T, ApiError>,
) -> Result<&T, ApiError> {
    if let Some(made) = slot.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(slot.get_or_init(|| made))
}

fn without_envelope() -> ApiError {
    ApiError::internal("an object without an envelope")
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
pub(super) fn short(range: Range<usize>) -> Range<u32> {
    range.start as u32..range.end as u32
}

fn long(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.revision)
    }
}
