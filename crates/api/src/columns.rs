//! Columns of the `Table` representation.

use crate::generated::columns::{CUSTOM, KINDS};

/// A column of a `Table`; its description is that of the printer, not a fact of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Header, such as `Ready`.
    pub name: &'static str,
    /// OpenAPI type, such as `string`.
    pub ty: &'static str,
    /// OpenAPI format, often empty; `name` for the primary name.
    pub format: &'static str,
    /// 0 is always shown, more only with `-o wide`.
    pub priority: i32,
}

pub(crate) const fn column(
    name: &'static str,
    ty: &'static str,
    format: &'static str,
    priority: i32,
) -> Column {
    Column {
        name,
        ty,
        format,
        priority,
    }
}

/// The columns of a kind, or `None` where it is not printed.
pub fn columns(kind: &str, group: &str) -> Option<&'static [Column]> {
    let at = KINDS
        .binary_search_by(|(key, _)| key.cmp(&(kind, group)))
        .ok()?;
    Some(KINDS[at].1)
}

/// What the columns of a custom resource begin with.
pub fn custom_columns() -> &'static [Column] {
    &CUSTOM
}
