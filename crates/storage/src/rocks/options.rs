//! What an operator or a test may choose about a store, and how RocksDB is set up for it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, LogLevel, Options as Tuning};

/// How to open a [`RocksStore`](super::RocksStore).
#[derive(Clone, Debug)]
pub struct Options {
    /// The most bytes that a key and its value may have together. etcd's limit by default.
    pub max_size: usize,
    /// When a write counts as done.
    pub durability: Durability,
    /// What leases are measured against.
    pub clock: Clock,
}

/// When a write counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk: it survives a loss of power.
    Synced,
    /// When the operating system has it: it survives the end of this process, however violent,
    /// but not that of the machine. For tests and what can be made again.
    Buffered,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_size: 1536 * 1024,
            durability: Durability::Synced,
            clock: Clock::system(),
        }
    }
}

/// The time of day, which leases need because they outlive the process.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The machine's own.
    pub fn system() -> Self {
        Self::new(SystemTime::now)
    }

    /// Another one. The store looks at it before each write and when it expects a lease to end.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        millis((self.0)().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// In whole milliseconds, as long as anyone will wait.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The whole database: little memory, few files, few threads, and no chatter.
pub(super) fn database() -> Tuning {
    let mut tuning = Tuning::default();
    tuning.create_if_missing(true);
    tuning.create_missing_column_families(true);
    tuning.set_max_background_jobs(2);
    tuning.set_max_open_files(128);
    tuning.set_max_file_opening_threads(1);
    // Also bounds how much a start after a crash has to replay.
    tuning.set_max_total_wal_size(24 * MIB as u64);
    tuning.set_max_manifest_file_size(MIB);
    tuning.set_manifest_preallocation_size(64 * 1024);
    tuning.set_log_level(LogLevel::Warn);
    tuning.set_max_log_file_size(MIB);
    tuning.set_keep_log_file_num(2);
    tuning.set_stats_dump_period_sec(0);
    tuning.set_stats_persist_period_sec(0);
    // Write smoothly while flushing, or one sync of a commit waits for all of it.
    tuning.set_bytes_per_sync(MIB as u64);
    tuning
}

/// One column, with a share of the common block cache and this much unflushed data.
pub(super) fn column(cache: &Cache, write_buffer: usize) -> Tuning {
    let mut tuning = Tuning::default();
    tuning.set_write_buffer_size(write_buffer);
    tuning.set_max_write_buffer_number(3);
    // What was written lately is soon merged or compacted away: only what stays is worth the time.
    const LEVELS: usize = 7;
    let mut compression = [DBCompressionType::Lz4; LEVELS];
    compression[..2].fill(DBCompressionType::None);
    tuning.set_compression_per_level(&compression);
    tuning.set_target_file_size_base(16 * MIB as u64);
    tuning.set_max_bytes_for_level_base(64 * MIB as u64);
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Objects have some kilobytes: smaller blocks would only make for a larger index.
    blocks.set_block_size(16 * 1024);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    tuning.set_block_based_table_factory(&blocks);
    tuning
}

/// Readers find objects in memory of their own; what is read here is old, and seldom read twice.
pub(super) const BLOCK_CACHE: usize = 4 * MIB;
pub(super) const MIB: usize = 1024 * 1024;
