//! The verbs of a store, over RocksDB.

mod delete;
mod fixture;
mod list;
mod model;
mod unreadable;
mod watch;
mod write;
