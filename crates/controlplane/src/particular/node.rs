//! `node`.

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(_resource: &str) -> Option<&'static dyn Particular> {
    None
}
