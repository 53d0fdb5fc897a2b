//! Who set what, kept with every write: `metadata.managedFields`.

use std::sync::OnceLock;

use bytes::Bytes;
use pintle_runtime::fields::{FieldManager, Set, Versions};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_storage::StorageError;

use super::{Duty, Store, metadata};
use crate::cache::Version;
use crate::context::RequestContext;

impl Store {
    /// Brings the managed fields of `new` up to date: the request's manager made it of `old` (absent for a
    /// create). Both are in the version of this store.
    pub(super) fn manage_fields(
        &self,
        cx: &RequestContext,
        new: &mut Record,
        old: Option<&Record>,
    ) {
        // What a version can only say in annotations is there once the object has been through the hub.
        if self.version != Version::HUB
            && let Ok(hub) = self.forms().to_hub(new.clone(), self.version)
            && let Ok(shown) = self.forms().from_hub(hub, self.version)
        {
            *new = shown;
        }
        self.field_manager(cx).update(old, new, &cx.field_manager);
    }

    /// Who keeps the books of writes through this store.
    pub fn field_manager(&self, cx: &RequestContext) -> FieldManager<'_> {
        FieldManager {
            versions: self,
            version: self.forms().form(self.version).api_version.clone(),
            subresource: self.subresource.clone(),
            now: cx.now(),
        }
    }

    /// The object in `stored` without its managed fields, if it was too large to be written with them and whoever
    /// writes it does not care for them.
    ///
    /// # Errors
    /// `error` otherwise.
    pub(super) fn smaller(
        &self,
        stored: &Bytes,
        books: Duty,
        error: StorageError,
    ) -> Result<Record, ApiError> {
        if books == Duty::Store && matches!(error, StorageError::TooLarge { .. }) {
            let mut hub = self.forms().decode_stored(stored)?;
            if metadata::of(&mut hub)?.take_managed_fields() {
                return Ok(hub);
            }
        }
        Err(self.storage_error(error))
    }

    fn version_called(&self, api_version: &str) -> Option<Version> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.forms().version(group, version)
    }
}

impl Versions for Store {
    fn convert(&self, record: &Record, version: &str) -> Option<Record> {
        let to = self.version_called(version)?;
        let hub = self
            .forms()
            .to_hub(record.clone(), self.version_of(record)?)
            .ok()?;
        self.forms().from_hub(hub, to).ok()
    }

    fn reset_fields(&self, _version: &str) -> &Set {
        static NONE: OnceLock<Set> = OnceLock::new();
        let paths = self.strategy.reset_fields();
        if paths.is_empty() {
            NONE.get_or_init(Set::new)
        } else {
            self.reset.get_or_init(|| Set::of_fields(paths))
        }
    }
}

impl Store {
    /// The version that an object says it is of.
    fn version_of(&self, record: &Record) -> Option<Version> {
        let said = record.get_by_name("apiVersion")?.as_str()?;
        self.version_called(said)
    }
}
