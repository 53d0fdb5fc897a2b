//! The pintle binary: flags, configuration, zero-config start.
