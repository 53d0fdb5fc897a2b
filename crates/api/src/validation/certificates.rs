//! `certificates`.

use super::Rules;

/// The rules of a kind of this group.
pub(super) fn rules(_kind: &str) -> Option<Rules> {
    None
}
