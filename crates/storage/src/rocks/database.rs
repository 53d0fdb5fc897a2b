//! An open RocksDB, and the questions this crate asks it.

use std::{
    path::Path,
    sync::{PoisonError, RwLock},
};

use bytes::Bytes;
use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBRawIterator, ErrorKind, ReadOptions,
    WriteBatch, WriteOptions,
};

use super::{
    encoding::{self, COMPACTED, Kind, LogEntry},
    options::{self, BLOCK_CACHE, Durability, MIB},
};
use crate::{Cause, Event, Key, KeyRange, Listing, Record, Revision, StorageError, Write};

const VERSIONS: &str = "versions";
const LOG: &str = "log";

/// The database and its columns.
pub(super) struct Database {
    db: DB,
    durable: WriteOptions,
}

/// A lease that has run out.
pub(super) struct DueLease {
    /// Its name in the index.
    pub(super) name: Vec<u8>,
    pub(super) key: Key,
    /// The write that it was given with. A later write has a lease of its own, or none.
    pub(super) mod_revision: Revision,
}

impl Database {
    pub(super) fn open(directory: &Path, durability: Durability) -> Result<Self, StorageError> {
        let cache = Cache::new_lru_cache(BLOCK_CACHE);
        let column = |name, write_buffer| {
            ColumnFamilyDescriptor::new(name, options::column(&cache, write_buffer))
        };
        let columns = [
            column(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, MIB / 2),
            column(VERSIONS, 4 * MIB),
            column(LOG, MIB),
        ];
        let db = DB::open_cf_descriptors(&options::database(), directory, columns)
            .map_err(failed("opening the database"))?;
        let mut durable = WriteOptions::default();
        durable.set_sync(durability == Durability::Synced);
        Ok(Self { db, durable })
    }

    fn column(&self, name: &str) -> Result<&ColumnFamily, StorageError> {
        self.db
            .cf_handle(name)
            .ok_or_else(|| encoding::corrupt("a column is missing", name.as_bytes()))
    }

    /// Writes a batch so that it lasts.
    pub(super) fn write(&self, batch: Batch<'_>) -> Result<(), StorageError> {
        self.db
            .write_opt(batch.batch, &self.durable)
            .map_err(failed("writing"))
    }

    /// Writes a batch that may be lost with the machine, but not before one written earlier.
    pub(super) fn write_lazily(&self, batch: Batch<'_>) -> Result<(), StorageError> {
        self.db.write(batch.batch).map_err(failed("writing"))
    }

    /// Puts everything in place, so that the next start has nothing to replay.
    pub(super) fn flush(&self) -> Result<(), StorageError> {
        for name in [rocksdb::DEFAULT_COLUMN_FAMILY_NAME, VERSIONS, LOG] {
            self.db
                .flush_cf(self.column(name)?)
                .map_err(failed("flushing"))?;
        }
        Ok(())
    }

    /// The revision of the last write.
    pub(super) fn current(&self) -> Result<Revision, StorageError> {
        let mut log = self.db.raw_iterator_cf(self.column(LOG)?);
        log.seek_to_last();
        let last = match log.key() {
            Some(raw) => encoding::parse_revision(raw, raw)?,
            None => Revision::FIRST,
        };
        log.status().map_err(failed("reading the log"))?;
        // Compaction empties the log, but never goes beyond the last write.
        Ok(last.max(self.number(COMPACTED)?))
    }

    /// A revision kept under a name of its own; `ZERO` if it never was.
    pub(super) fn number(&self, name: &[u8]) -> Result<Revision, StorageError> {
        match self
            .db
            .get_pinned(name)
            .map_err(failed("reading metadata"))?
        {
            Some(raw) => encoding::parse_revision(name, &raw),
            None => Ok(Revision::ZERO),
        }
    }

    /// What `key` held at `revision`.
    pub(super) fn record(
        &self,
        key: &Key,
        revision: Revision,
    ) -> Result<Option<Record>, StorageError> {
        let (mut seek, mut end) = (Vec::new(), Vec::new());
        encoding::version_key(&mut seek, key.as_bytes(), revision);
        encoding::after_versions(&mut end, key.as_bytes());
        // The bound matters: beyond it may lie thousands of deleted versions that cost a step each.
        let mut versions = self.versions(ReadOptions::default(), Some(end))?;
        versions.seek(&seek);
        let Some((raw, value)) = versions.item() else {
            versions.status().map_err(failed("reading a key"))?;
            return Ok(None);
        };
        let (found, mod_revision) = encoding::parse_version_key(raw)?;
        if found != key.as_bytes() {
            return Ok(None);
        }
        Ok(match encoding::parse_version_value(raw, value)? {
            (Kind::Delete, _) => None,
            (Kind::Put, value) => Some(Record {
                key: key.clone(),
                value: Bytes::copy_from_slice(value),
                mod_revision,
            }),
        })
    }

    /// The first `limit` records of `range`, from `from` on, as they were at `revision`.
    pub(super) fn records(
        &self,
        range: &KeyRange,
        from: Option<&Key>,
        limit: Option<usize>,
        revision: Revision,
    ) -> Result<Listing, StorageError> {
        let start = from.map_or(&*range.start, |from| from.as_bytes().max(&range.start));
        let end = range.end.as_deref().map(bound);
        let mut listing = Listing::default();
        if range.end.as_ref().is_some_and(|end| **end <= *start) {
            return Ok(listing);
        }
        // Who lists keys does it once, and would only drive out what is read often.
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        let mut versions = self.versions(options, end)?;
        let mut seek = bound(start);
        versions.seek(&seek);
        while let Some((raw, value)) = versions.item() {
            let (key, mod_revision) = encoding::parse_version_key(raw)?;
            if mod_revision > revision {
                encoding::version_key(&mut seek, key, revision);
                versions.seek(&seek);
                continue;
            }
            if let (Kind::Put, value) = encoding::parse_version_value(raw, value)? {
                if limit == Some(listing.records.len()) {
                    listing.more = true;
                    break;
                }
                let (key, value) = (Key::from(key), Bytes::copy_from_slice(value));
                listing.records.push(Record {
                    key,
                    value,
                    mod_revision,
                });
            }
            // A step would do if there were no older versions, but with them, or with what
            // compaction left of them, it can cost as much as a hundred seeks.
            encoding::after_versions(&mut seek, key);
            versions.seek(&seek);
        }
        versions.status().map_err(failed("listing keys"))?;
        Ok(listing)
    }

    fn versions(
        &self,
        mut options: ReadOptions,
        end: Option<Vec<u8>>,
    ) -> Result<DBRawIterator<'_>, StorageError> {
        if let Some(end) = end {
            options.set_iterate_upper_bound(end);
        }
        Ok(self.db.raw_iterator_cf_opt(self.column(VERSIONS)?, options))
    }

    /// Calls `each` with what the log has after one revision and up to another, until it says no.
    pub(super) fn log(
        &self,
        after: Revision,
        up_to: Revision,
        mut each: impl FnMut(Revision, LogEntry<'_>) -> Result<bool, StorageError>,
    ) -> Result<(), StorageError> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(encoding::revision(up_to.next()));
        let mut log = self.db.raw_iterator_cf_opt(self.column(LOG)?, options);
        log.seek(encoding::revision(after.next()));
        while let Some((raw, entry)) = log.item() {
            if !each(
                encoding::parse_revision(raw, raw)?,
                LogEntry::parse(raw, entry)?,
            )? {
                break;
            }
            log.next();
        }
        log.status().map_err(failed("reading the log"))
    }

    /// The event of a log entry, with its values.
    pub(super) fn event(
        &self,
        revision: Revision,
        entry: LogEntry<'_>,
    ) -> Result<Event, StorageError> {
        let key = Key::from(entry.key);
        let value = match entry.kind {
            Kind::Put => Some(self.version(&key, revision)?),
            Kind::Delete => None,
        };
        let previous = match entry.previous {
            Some(mod_revision) => Some(Record {
                value: self.version(&key, mod_revision)?,
                key: key.clone(),
                mod_revision,
            }),
            None => None,
        };
        Ok(Event {
            key,
            value,
            previous,
            revision,
        })
    }

    fn version(&self, key: &Key, revision: Revision) -> Result<Bytes, StorageError> {
        let mut name = Vec::new();
        encoding::version_key(&mut name, key.as_bytes(), revision);
        let found = self
            .db
            .get_pinned_cf(self.column(VERSIONS)?, &name)
            .map_err(failed("reading a version"))?;
        match found
            .as_deref()
            .map(|raw| encoding::parse_version_value(&name, raw))
            .transpose()?
        {
            Some((Kind::Put, value)) => Ok(Bytes::copy_from_slice(value)),
            _ => Err(encoding::corrupt("a version of the log is missing", &name)),
        }
    }

    /// At most `limit` leases that end at `now` or before, and when the next one after them does.
    /// There must be none that ends before `from`.
    pub(super) fn due_leases(
        &self,
        from: u64,
        now: u64,
        limit: usize,
    ) -> Result<(Vec<DueLease>, Option<u64>), StorageError> {
        let mut leases = self.db.raw_iterator();
        leases.seek(encoding::lease(from, b""));
        let mut due = Vec::new();
        while let Some((name, value)) = leases.item() {
            let Some((deadline, key)) = encoding::parse_lease(name) else {
                break;
            };
            if deadline > now || due.len() == limit {
                return Ok((due, Some(deadline)));
            }
            let mod_revision = encoding::parse_revision(name, value)?;
            due.push(DueLease {
                name: name.to_vec(),
                key: Key::from(key),
                mod_revision,
            });
            leases.next();
        }
        leases.status().map_err(failed("reading leases"))?;
        Ok((due, None))
    }

    /// An empty batch.
    pub(super) fn batch(&self) -> Result<Batch<'_>, StorageError> {
        Ok(Batch {
            batch: WriteBatch::default(),
            versions: self.column(VERSIONS)?,
            log: self.column(LOG)?,
            name: Vec::new(),
        })
    }

    /// Damages a version.
    #[cfg(test)]
    pub(super) fn overwrite(&self, key: &Key, revision: Revision, raw: &[u8]) {
        let mut name = Vec::new();
        encoding::version_key(&mut name, key.as_bytes(), revision);
        let versions = self.column(VERSIONS).expect("the column exists");
        self.db
            .put_cf(versions, name, raw)
            .expect("it can be written");
    }

    #[cfg(test)]
    pub(super) fn count(&self, column: &str) -> usize {
        let column = self.column(column).expect("the column exists");
        self.db
            .iterator_cf(column, rocksdb::IteratorMode::Start)
            .count()
    }
}

/// Writes that become visible together or not at all.
pub(super) struct Batch<'a> {
    batch: WriteBatch,
    versions: &'a ColumnFamily,
    log: &'a ColumnFamily,
    name: Vec<u8>,
}

impl Batch<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// A new version, and its entry in the log.
    pub(super) fn add_version(&mut self, write: &Write, previous: Option<Revision>) {
        let (kind, value) = match &write.value {
            Some(value) => (Kind::Put, &value[..]),
            None => (Kind::Delete, &[][..]),
        };
        let key = write.key.as_bytes();
        encoding::version_key(&mut self.name, key, write.revision);
        self.batch.put_cf(
            self.versions,
            &self.name,
            encoding::version_value(kind, value),
        );
        let entry = LogEntry {
            kind,
            previous,
            key,
        };
        self.batch
            .put_cf(self.log, encoding::revision(write.revision), entry.encode());
    }

    pub(super) fn delete_version(&mut self, key: &[u8], revision: Revision) {
        encoding::version_key(&mut self.name, key, revision);
        self.batch.delete_cf(self.versions, &self.name);
    }

    /// Cuts the log off up to, and with, `revision`.
    pub(super) fn cut_log(&mut self, revision: Revision) {
        let (from, to) = (
            encoding::revision(Revision::ZERO),
            encoding::revision(revision.next()),
        );
        self.batch.delete_range_cf(self.log, from, to);
    }

    pub(super) fn set_number(&mut self, name: &[u8], revision: Revision) {
        self.batch.put(name, encoding::revision(revision));
    }

    pub(super) fn add_lease(&mut self, deadline: u64, key: &Key, revision: Revision) {
        self.batch.put(
            encoding::lease(deadline, key.as_bytes()),
            encoding::revision(revision),
        );
    }

    pub(super) fn delete_lease(&mut self, name: &[u8]) {
        self.batch.delete(name);
    }
}

/// Where in the versions the keys from `key` on begin. What a NUL and more behind a key mean to a
/// range, no stored key can tell from "after that key".
fn bound(key: &[u8]) -> Vec<u8> {
    match key.iter().position(|&byte| byte == 0) {
        Some(end) => {
            let mut raw = Vec::new();
            encoding::after_versions(&mut raw, &key[..end]);
            raw
        }
        None => key.to_vec(),
    }
}

/// RocksDB's error in our words.
fn failed(doing: &'static str) -> impl FnOnce(rocksdb::Error) -> StorageError {
    move |error| match error.kind() {
        ErrorKind::Corruption => StorageError::Corrupt {
            what: format!("noticed when {doing}"),
            source: Some(Cause::new(error)),
        },
        _ => StorageError::unavailable(doing, error),
    }
}

/// A database that can be taken away: to close it, or to open it again after a failure.
pub(super) struct Slot(RwLock<Option<Database>>);

impl Slot {
    pub(super) fn new(database: Database) -> Self {
        Self(RwLock::new(Some(database)))
    }

    /// Looks at the database, which stays open as long as that takes. Must not be nested.
    pub(super) fn with<T>(
        &self,
        look: impl FnOnce(&Database) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => look(database),
            None => Err(StorageError::unavailable(
                "using the store",
                "its database is not open",
            )),
        }
    }

    /// Closes the database as soon as nobody looks at it, and opens another in its place.
    pub(super) fn replace(
        &self,
        open: impl FnOnce() -> Result<Database, StorageError>,
    ) -> Result<(), StorageError> {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // First the one and then the other: they would not share the directory.
        *slot = None;
        *slot = Some(open()?);
        Ok(())
    }

    /// Closes the database for good.
    pub(super) fn close(&self) {
        let database = self
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(database) = database
            && let Err(error) = database.flush()
        {
            // Nothing is lost: it is in the write-ahead log.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the store closes without a flush"
            );
        }
    }
}
