//! Since when, and until when, a kind is served.

use crate::generated::types::LIFECYCLES;

/// The releases in which a kind came and goes; each is `major.minor`, or empty if not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifecycle {
    /// First release that serves it.
    pub introduced: &'static str,
    /// First release that warns of its use.
    pub deprecated: &'static str,
    /// First release that does not serve it.
    pub removed: &'static str,
    /// What to use in its place.
    pub replacement: Option<Replacement>,
}

/// The kind to use in place of a deprecated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replacement {
    /// API group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
}

/// The lifecycle of a kind, or `None` where nothing is said of it.
pub fn lifecycle(group: &str, version: &str, kind: &str) -> Option<&'static Lifecycle> {
    let at = LIFECYCLES
        .binary_search_by(|(key, _)| key.cmp(&(group, version, kind)))
        .ok()?;
    Some(&LIFECYCLES[at].1)
}
