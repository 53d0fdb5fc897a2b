//! What is stored and can not be decoded.
//!
//! Nobody can say what such an object is, but everybody can say where: so it is an error for who asks
//! for it, and for each list and watch that it could be in, because those would otherwise tell less than
//! there is. All others never notice.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pintle_runtime::status::ApiError;
use pintle_storage::Revision;

use super::entry::Entry;
use super::selection::Selection;
use super::snapshot::Interval;

/// A value that can not be decoded, and why.
pub(crate) struct Unreadable {
    /// Below the resource's prefix.
    key: Box<str>,
    revision: Revision,
    why: String,
}

/// What a record of the storage turned out to be.
pub(crate) type Decoded = Result<Arc<Entry>, Arc<Unreadable>>;

impl Unreadable {
    /// A value at `key`, below the prefix.
    pub(crate) fn new(key: &str, revision: Revision, why: String) -> Self {
        Self {
            key: key.into(),
            revision,
            why,
        }
    }

    /// `namespace/name`, or `name`.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The revision of the write that put it there.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// 500, with the key and the reason.
    pub(crate) fn error(&self) -> ApiError {
        ApiError::internal(&self.why)
    }
}

impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// All of a resource, by key. Cheap to clone; nearly always there is none.
#[derive(Clone, Default)]
pub(crate) struct AllUnreadable(Option<Arc<BTreeMap<Box<str>, Arc<Unreadable>>>>);

impl AllUnreadable {
    /// The one at `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Arc<Unreadable>> {
        self.0.as_ref()?.get(key)
    }

    /// All of them, in the order of keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Unreadable>> {
        self.0.iter().flat_map(|all| all.values())
    }

    /// Adds one.
    pub(crate) fn note(&mut self, found: &Arc<Unreadable>) {
        let all = Arc::make_mut(self.0.get_or_insert_default());
        all.insert(found.key.clone(), Arc::clone(found));
    }

    /// What is at `key` was written anew, or is gone.
    pub(crate) fn forget(&mut self, key: &str) {
        let Some(all) = self.0.as_mut().filter(|all| all.contains_key(key)) else {
            return;
        };
        Arc::make_mut(all).remove(key);
        if all.is_empty() {
            self.0 = None;
        }
    }

    /// Whether all that could be selected in an interval of keys can be read.
    ///
    /// # Errors
    /// 500, with the first key that can not be read and the reason.
    pub(crate) fn check(
        &self,
        interval: &Interval,
        selection: Option<&Selection>,
    ) -> Result<(), ApiError> {
        let found = self
            .iter()
            .filter(|found| interval.contains(&found.key))
            .find(|found| selection.is_none_or(|selection| selection.may_select(&found.key)));
        found.map_or(Ok(()), |found| Err(found.error()))
    }
}
