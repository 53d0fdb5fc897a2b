//! What the cross-crate suites share: a server of their own, clients to talk to it, and the golden replay.

#![allow(clippy::print_stdout, reason = "suites report to whoever started them")]

pub mod golden;
pub mod http;
pub mod server;
