//! What is known of kinds that nothing serves: [`Scheme`].
//!
//! A body may say that it is of another kind than the one that is asked for. Upstream reads it as what it says then, and
//! refuses it for that only afterwards; what it has never heard of it refuses at once.

use pintle_runtime::schema::TypeRef;

/// A kind that a body says it is of.
pub enum Known {
    /// Its table.
    As(TypeRef),
    /// An old version of the kind of the same name in this group, and read as that.
    Was(&'static str),
}

/// Kinds beyond those that are served.
#[derive(Clone, Copy)]
pub struct Scheme {
    /// What the kinds of a group are listed in, as upstream's messages name it.
    pub name: fn(group: &str) -> &'static str,
    /// A kind by its group, version and name.
    pub find: fn(group: &str, version: &str, kind: &str) -> Option<Known>,
}

impl Default for Scheme {
    fn default() -> Self {
        Self {
            name: |_| "scheme",
            find: |_, _, _| None,
        }
    }
}
