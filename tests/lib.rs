//! What the cross-crate suites share: a server of their own, clients to talk to it, and the golden replay.

#![allow(clippy::print_stdout, reason = "suites report to whoever started them")]

use std::path::PathBuf;

pub mod chance;
pub mod golden;
pub mod grpc;
pub mod http;
pub mod peer;
pub mod server;

/// The folder of these suites. Cargo says where it is each time they run: with a shared target directory, the
/// clone that they were compiled in may be gone.
#[must_use]
pub fn folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}
