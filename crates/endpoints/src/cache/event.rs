//! A change of one object, shared by all who watch it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pintle_runtime::codec::protobuf::frame;
use pintle_runtime::status::ApiError;
use pintle_storage::Revision;

use super::entry::{Entry, made_once};
use super::forms::Version;
use super::object::Object;
use super::unreadable::{Decoded, Unreadable};
use crate::data::Gather;

/// What an event says has happened, to the selection of who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// An object is there, or begins to be selected.
    Added,
    /// A selected object changed.
    Modified,
    /// An object is gone, or no longer selected.
    Deleted,
    /// What is stored of an object that may be selected can not be read. Watches end with it.
    Error,
}

impl EventType {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Error => "ERROR",
        }
    }

    /// What comes before the object in a line of JSON.
    const fn line_start(self) -> &'static [u8] {
        match self {
            Self::Added => br#"{"type":"ADDED","object":"#,
            Self::Modified => br#"{"type":"MODIFIED","object":"#,
            Self::Deleted => br#"{"type":"DELETED","object":"#,
            Self::Error => br#"{"type":"ERROR","object":"#,
        }
    }
}

/// A write to one object: before and after. At least one of both is there, unless what was there could not
/// be read.
///
/// In JSON the bytes of the object are those of its [`Entry`]. In protobuf it is encoded at first use and then kept, once per
/// type of event and version, so that five hundred watchers cost one encoding.
pub struct Event {
    revision: Revision,
    new: Option<Arc<Entry>>,
    old: Option<Arc<Entry>>,
    /// What is there after the write, where that can not be read.
    unreadable: Option<Arc<Unreadable>>,
    /// `old` with this event's revision: what those see for whom the object is gone.
    gone: OnceLock<Arc<Entry>>,
    /// By type of event and version.
    protobuf: [OnceLock<Box<[OnceLock<Bytes>]>>; 4],
}

impl Event {
    pub(crate) fn new(
        revision: Revision,
        new: Option<Arc<Entry>>,
        old: Option<Arc<Entry>>,
    ) -> Self {
        Self {
            revision,
            new,
            old,
            unreadable: None,
            gone: OnceLock::new(),
            protobuf: Default::default(),
        }
    }

    /// A write of `old` to what a record of the storage turned out to be.
    pub(crate) fn of(revision: Revision, decoded: Decoded, old: Option<Arc<Entry>>) -> Self {
        match decoded {
            Ok(new) => Self::new(revision, Some(new), old),
            Err(unreadable) => Self {
                unreadable: Some(unreadable),
                ..Self::new(revision, None, old)
            },
        }
    }

    /// The revision of the write.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What is there after the write, where that can not be read.
    pub(crate) fn unreadable(&self) -> Option<&Arc<Unreadable>> {
        self.unreadable.as_ref()
    }

    /// Whether it says of which object it is. What could not be read, and is gone, is in no event by name.
    pub(crate) fn is_plain(&self) -> bool {
        self.new.is_some() || self.old.is_some() || self.unreadable.is_some()
    }

    /// The object after the write, unless it is gone.
    pub fn new_entry(&self) -> Option<&Arc<Entry>> {
        self.new.as_ref()
    }

    /// The object before the write, if it was there.
    pub fn old_entry(&self) -> Option<&Arc<Entry>> {
        self.old.as_ref()
    }

    /// The key of the object.
    pub fn key(&self) -> &str {
        self.new
            .as_ref()
            .or(self.old.as_ref())
            .map_or("", |entry| entry.key())
    }

    /// The object that an event of this type carries.
    pub(crate) fn object(&self, what: EventType) -> Option<&Arc<Entry>> {
        match what {
            EventType::Added | EventType::Modified => self.new.as_ref(),
            EventType::Error => None,
            EventType::Deleted => {
                let old = self.old.as_ref()?;
                Some(self.gone.get_or_init(|| Arc::new(old.at(self.revision))))
            }
        }
    }

    /// The bytes of memory that it keeps from being freed, roughly.
    pub(crate) fn size(&self) -> usize {
        // The new state is there anyhow, for as long as it is the newest, but for what its writer lends.
        let old = self.old.as_ref().map_or(0, |old| old.cost().total());
        let lent = self.new.as_ref().map_or(0, |new| new.lent());
        size_of::<Self>() + old + lent
    }

    fn protobuf(&self, what: EventType, version: Version, versions: usize) -> &OnceLock<Bytes> {
        let all = self.protobuf[what as usize]
            .get_or_init(|| (0..versions).map(|_| OnceLock::new()).collect());
        &all[version.index()]
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} -> {:?}", self.revision, self.old, self.new)
    }
}

/// One event as one watcher gets it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WatchEvent {
    what: EventType,
    version: Version,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A change: its encodings are shared.
    Change(Arc<Event>),
    /// An object that was there when the watch began.
    Initial(Arc<Entry>),
}

impl WatchEvent {
    pub(crate) fn change(what: EventType, event: Arc<Event>, version: Version) -> Self {
        Self {
            what,
            version,
            source: Source::Change(event),
        }
    }

    pub(crate) fn initial(entry: Arc<Entry>, version: Version) -> Self {
        Self {
            what: EventType::Added,
            version,
            source: Source::Initial(entry),
        }
    }

    /// What has happened.
    pub fn event_type(&self) -> EventType {
        self.what
    }

    /// The revision of the event: the `resourceVersion` of its object.
    pub fn revision(&self) -> Revision {
        match &self.source {
            Source::Change(event) => event.revision(),
            Source::Initial(entry) => entry.revision(),
        }
    }

    /// The object: its new state, or for a deletion its last state with the deletion's revision.
    ///
    /// # Errors
    /// None that can happen; an event without an object is not made.
    pub fn object(&self) -> Result<Object, ApiError> {
        self.entry()
            .map(|entry| Object::new(Arc::clone(entry), self.version))
    }

    fn entry(&self) -> Result<&Arc<Entry>, ApiError> {
        match &self.source {
            Source::Change(event) => event
                .object(self.what)
                .ok_or_else(|| ApiError::internal("an event without an object")),
            Source::Initial(entry) => Ok(entry),
        }
    }

    /// The event as a line of JSON, with its newline.
    ///
    /// # Errors
    /// Where the object can not be said in the watcher's version.
    pub fn json(&self) -> Result<Bytes, ApiError> {
        let mut line = Vec::new();
        self.write_json(&mut line)?;
        Ok(line.into())
    }

    /// The event as a length-delimited frame of protobuf.
    ///
    /// # Errors
    /// Where the object can not be said in the watcher's version.
    pub fn protobuf(&self) -> Result<Bytes, ApiError> {
        let make = || {
            let mut frame = Vec::new();
            self.write_protobuf(&mut frame)?;
            Ok(frame.into_boxed_slice().into())
        };
        match &self.source {
            Source::Change(event) => {
                let versions = self.entry()?.forms().versions();
                made_once(event.protobuf(self.what, self.version, versions), make).cloned()
            }
            // Nobody else is likely to ask for it.
            Source::Initial(_) => make(),
        }
    }

    /// Appends the line of JSON to `out`.
    ///
    /// # Errors
    /// As [`WatchEvent::json`].
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let object = self.entry()?.json(self.version)?;
        out.reserve(object.len() + 40);
        out.extend_from_slice(self.what.line_start());
        out.extend_from_slice(object);
        out.extend_from_slice(LINE_END);
        Ok(())
    }

    /// Appends the event as it is sent, and says how long it is. What is kept is passed on and not copied.
    ///
    /// # Errors
    /// As [`WatchEvent::json`] and [`WatchEvent::protobuf`].
    pub(crate) fn gather(&self, protobuf: bool, out: &mut Gather) -> Result<usize, ApiError> {
        let before = out.len();
        match &self.source {
            Source::Initial(_) if protobuf => self.write_protobuf(out.tail())?,
            Source::Change(_) if protobuf => out.shared(self.protobuf()?),
            _ => {
                let start = self.what.line_start();
                self.entry()?.gather_json(self.version, start, 0, out)?;
                out.fixed(LINE_END);
            }
        }
        Ok(out.len() - before)
    }

    /// Appends the frame of protobuf to `out`.
    ///
    /// # Errors
    /// As [`WatchEvent::protobuf`].
    pub fn write_protobuf(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        frame::event(
            self.what.as_str(),
            &self.entry()?.protobuf(self.version)?,
            out,
        );
        Ok(())
    }
}

/// What follows the object in a line of JSON.
const LINE_END: &[u8] = b"}\n";
