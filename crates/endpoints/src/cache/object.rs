//! What is read: an entry in a version.

use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::entry::{Entry, Extra};
use super::forms::Version;

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
    pub fn protobuf(&self) -> Result<Bytes, ApiError> {
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
