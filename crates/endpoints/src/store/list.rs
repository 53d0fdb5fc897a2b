//! Lists, whole and by pages.

use std::ops::Bound;
use std::sync::Arc;

use pintle_runtime::status::ApiError;
use pintle_storage::{Key, KeyRange, Page, Revision, StorageError};

use super::Store;
use crate::cache::snapshot::Interval;
use crate::cache::{Entry, Object, Selection, Snapshot, Source, Tally, Version};
use crate::context::RequestContext;
use crate::continue_token::{ContinueAt, ContinueToken};
use crate::list_options::{ListOptions, ReadAt};
use crate::permit::Permit;

/// Objects as of one revision, in the order of their keys. Nothing is copied until it is asked for.
pub struct List {
    /// What the list is of: its `resourceVersion`; zero if it is of none.
    pub revision: Revision,
    /// Where the next page begins; `None` on the last.
    pub continue_token: Option<String>,
    /// How many objects follow this page, where that is known.
    pub remaining: Option<u64>,
    version: Version,
    items: Items,
    /// What it costs, where that is counted.
    tally: Option<Tally>,
}

enum Items {
    /// A part of a snapshot, to be searched as it is read.
    Lazy {
        snapshot: Arc<Snapshot>,
        selection: Box<Selection>,
        rest: Option<Interval>,
    },
    /// These.
    Found(std::vec::IntoIter<Arc<Entry>>),
}

impl List {
    /// Objects that were made up for the list, which is of no revision.
    pub(crate) fn made(version: Version, entries: Vec<Arc<Entry>>) -> Self {
        Self::found(Revision::ZERO, version, entries)
    }

    /// The version in which it serves them.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn found(revision: Revision, version: Version, entries: Vec<Arc<Entry>>) -> Self {
        Self {
            revision,
            continue_token: None,
            remaining: None,
            version,
            items: Items::Found(entries.into_iter()),
            tally: None,
        }
    }

    /// Appends at most `most` of the next objects to `into`; `false` when there were none.
    pub fn next_chunk(&mut self, most: usize, into: &mut Vec<Object>) -> bool {
        let before = into.len();
        match &mut self.items {
            Items::Found(entries) => {
                into.extend(
                    entries
                        .take(most)
                        .map(|entry| Object::new(entry, self.version)),
                );
            }
            Items::Lazy {
                snapshot,
                selection,
                rest,
            } => {
                let Some(interval) = rest.take() else {
                    return false;
                };
                let version = self.version;
                let seen = selection.visit(snapshot, &interval, |entry| {
                    into.push(Object::new(Arc::clone(entry), version));
                    into.len() - before < most
                });
                if let Some(tally) = &mut self.tally {
                    tally.fetched += seen;
                    tally.returned += (into.len() - before) as u64;
                }
                if into.len() - before == most
                    && let Some(last) = into.last()
                {
                    *rest = Some(interval.from(Bound::Excluded(last.entry().key().into())));
                }
            }
        }
        into.len() > before
    }

    /// The objects that were not taken yet, twice: as a list and for somebody else.
    pub(crate) fn doubled(self) -> (Self, Vec<Object>) {
        let Self {
            revision,
            remaining,
            version,
            ..
        } = self;
        let continue_token = self.continue_token.clone();
        let objects = self.into_objects();
        let entries = objects.iter().map(|object| Arc::clone(object.entry()));
        let list = Self {
            continue_token,
            remaining,
            ..Self::found(revision, version, entries.collect())
        };
        (list, objects)
    }

    /// All objects that were not taken yet.
    pub fn into_objects(mut self) -> Vec<Object> {
        let mut objects = Vec::new();
        while self.next_chunk(1024, &mut objects) {}
        objects
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "List at {}", self.revision)
    }
}

/// Records per read of the storage.
const PAGE: usize = 500;
const LIST_EXPIRED: &str = "The resourceVersion for the provided list is too old.";
const CONTINUE_EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can \
     start a new list without the continue parameter, or use the continue token in this response to retrieve the \
     remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were \
     created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

impl Store {
    /// The selected objects, or a page of them.
    ///
    /// # Errors
    /// 400 for what can not be read, 410 for a revision that is gone, 504 for one that does not come.
    pub async fn list(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        options: &ListOptions,
    ) -> Result<List, ApiError> {
        let selection = self.selection(cx, options)?;
        // A read of whatever is at hand takes no limit, as upstream's watch cache takes none.
        let limit = |limit: i64| usize::try_from(limit).ok().filter(|limit| *limit > 0);
        match options.read_at()? {
            ReadAt::Any => self.list_newest(selection, None),
            ReadAt::Newest => {
                self.be_newest().await?;
                self.list_newest(selection, limit(options.limit))
            }
            ReadAt::NotOlderThan(revision) => {
                self.cache.progress().reach(Revision(revision)).await?;
                self.list_newest(selection, limit(options.limit))
            }
            ReadAt::Exact(revision) => {
                let interval = selection.interval();
                let expired = || ApiError::expired(LIST_EXPIRED);
                self.list_at(
                    selection,
                    interval,
                    Revision(revision),
                    limit(options.limit),
                    expired,
                )
                .await
            }
            ReadAt::Continue(token) => self.list_rest(selection, token, limit(options.limit)).await,
        }
    }

    fn list_newest(&self, selection: Selection, limit: Option<usize>) -> Result<List, ApiError> {
        let (snapshot, revision) = self.cache.newest();
        let interval = selection.interval();
        self.list_snapshot(snapshot, revision, selection, interval, limit)
    }

    async fn list_rest(
        &self,
        selection: Selection,
        token: ContinueToken,
        limit: Option<usize>,
    ) -> Result<List, ApiError> {
        let base = selection
            .namespace()
            .map_or_else(String::new, |namespace| format!("{namespace}/"));
        let interval = selection
            .interval()
            .from(Bound::Included(format!("{base}{}", token.start).into()));
        match token.at {
            ContinueAt::Newest => {
                self.be_newest().await?;
                let (snapshot, revision) = self.cache.newest();
                self.list_snapshot(snapshot, revision, selection, interval, limit)
            }
            ContinueAt::Revision(revision) => {
                let expired = || {
                    let token = ContinueToken {
                        at: ContinueAt::Newest,
                        start: token.start.clone(),
                    };
                    ApiError::expired(CONTINUE_EXPIRED).with_continue_token(token.encode())
                };
                self.list_at(selection, interval, Revision(revision), limit, expired)
                    .await
            }
        }
    }

    async fn list_at(
        &self,
        selection: Selection,
        interval: Interval,
        revision: Revision,
        limit: Option<usize>,
        expired: impl Fn() -> ApiError + Send + Sync,
    ) -> Result<List, ApiError> {
        self.cache.progress().reach(revision).await?;
        if let Some(snapshot) = self.cache.at(revision) {
            return self.list_snapshot(snapshot, revision, selection, interval, limit);
        }
        let failed = |error| match error {
            StorageError::Compacted { .. } => expired(),
            error => self.storage_error(error),
        };
        self.list_storage(&selection, &interval, revision, limit, &failed)
            .await
    }

    fn list_snapshot(
        &self,
        snapshot: Arc<Snapshot>,
        revision: Revision,
        selection: Selection,
        interval: Interval,
        limit: Option<usize>,
    ) -> Result<List, ApiError> {
        let source = match selection.indexed() {
            Some(_) => Source::Index,
            None => Source::Cache,
        };
        let mut tally = Tally::begin(&self.cache, source);
        let Some(limit) = limit else {
            snapshot.check_readable(&interval, Some(&selection))?;
            let items = Items::Lazy {
                snapshot,
                selection: Box::new(selection),
                rest: Some(interval),
            };
            return Ok(List {
                revision,
                continue_token: None,
                remaining: None,
                version: self.version,
                items,
                tally: Some(tally),
            });
        };
        let mut entries = Vec::with_capacity(limit.min(PAGE));
        tally.fetched = selection.visit(&snapshot, &interval, |entry| {
            entries.push(Arc::clone(entry));
            entries.len() < limit
        });
        tally.returned = entries.len() as u64;
        let last = entries.last().filter(|_| entries.len() == limit);
        // What comes after a page is an error of the pages after it.
        let page = last.map(|last| interval.up_to(last.key()));
        snapshot.check_readable(page.as_ref().unwrap_or(&interval), Some(&selection))?;
        let rest = last;
        let rest = rest.map(|last| interval.from(Bound::Excluded(last.key().into())));
        // Whether there is more is a question of keys: the rest may turn out not to be selected.
        let more = rest
            .as_ref()
            .is_some_and(|rest| snapshot.range(rest).next().is_some());
        let remaining = rest
            .filter(|_| more && !selection.is_selective())
            .map(|rest| snapshot.range(&rest).count());
        let mut list = List::found(revision, self.version, entries);
        list.remaining = remaining.map(|count| count as u64);
        if more {
            list.continue_token = list
                .last_key()
                .map(|last| next_token(&selection, last, revision));
        }
        Ok(list)
    }

    /// The same from the storage, for revisions that the cache has forgotten.
    async fn list_storage(
        &self,
        selection: &Selection,
        interval: &Interval,
        revision: Revision,
        limit: Option<usize>,
        failed: &(impl Fn(StorageError) -> ApiError + Sync),
    ) -> Result<List, ApiError> {
        let range = self.storage_range(interval);
        let mut page = Page {
            limit: Some(PAGE),
            from: None,
            at: Some(revision),
        };
        let mut tally = Tally::begin(&self.cache, Source::Storage);
        let mut entries = Vec::new();
        let mut after_last = None;
        'pages: loop {
            let listing = self.storage.list(&range, page.clone()).await;
            let listing = listing.map_err(failed)?.value;
            for (at, record) in listing.records.iter().enumerate() {
                tally.fetched += 1;
                let decoded = self
                    .cache
                    .decoded(&record.key, &record.value, record.mod_revision);
                match decoded {
                    Some(Ok(entry)) if selection.matches(&entry) => entries.push(entry),
                    Some(Err(unreadable)) if selection.may_select(unreadable.key()) => {
                        return Err(unreadable.error());
                    }
                    _ => continue,
                }
                if Some(entries.len()) == limit {
                    let more = listing.more || at + 1 < listing.records.len();
                    after_last = more.then(|| record.key.next());
                    break 'pages;
                }
            }
            page.from = listing.records.last().map(|last| last.key.next());
            if !listing.more {
                break;
            }
        }
        tally.returned = entries.len() as u64;
        let mut list = List::found(revision, self.version, entries);
        if let Some(next) = after_last {
            list.continue_token = list
                .last_key()
                .map(|last| next_token(selection, last, revision));
            if !selection.is_selective() {
                let rest = KeyRange {
                    start: next.into(),
                    end: range.end,
                };
                let count = pintle_storage::count(&*self.storage, &rest, Some(revision)).await;
                list.remaining = Some(count.map_err(failed)?.value as u64);
            }
        }
        Ok(list)
    }

    fn storage_range(&self, interval: &Interval) -> KeyRange {
        let whole = self.cache.range();
        let key = |key: &str| self.cache.storage_key(key);
        KeyRange {
            start: match &interval.start {
                Bound::Unbounded => whole.start,
                Bound::Included(start) => key(start).into(),
                Bound::Excluded(start) => key(start).next().into(),
            },
            end: match &interval.end {
                Bound::Unbounded => whole.end,
                Bound::Excluded(end) => Some(key(end).into()),
                Bound::Included(end) => Some(Key::next(&key(end)).into()),
            },
        }
    }
}

impl List {
    fn last_key(&self) -> Option<&str> {
        match &self.items {
            Items::Found(entries) => entries.as_slice().last().map(|entry| entry.key()),
            Items::Lazy { .. } => None,
        }
    }
}

fn next_token(selection: &Selection, last: &str, revision: Revision) -> String {
    let relative = match selection.namespace() {
        Some(namespace) => &last[(namespace.len() + 1).min(last.len())..],
        None => last,
    };
    ContinueToken {
        at: ContinueAt::Revision(revision.0),
        start: format!("{relative}\0"),
    }
    .encode()
}
