//! A cell of a row, and how it is written.

use std::borrow::Cow;

use pintle_runtime::codec::json;
use pintle_runtime::text::Text;
use pintle_runtime::value::Value;

/// One cell of a row: a JSON string, number or boolean, of the object where it can be.
///
/// The type is upstream's, which is not always that of the column: a `string` column such as `Data`
/// of ConfigMaps holds a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// An integer.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
}

/// The cells of a row, in order of the columns.
pub type Cells<'a> = Vec<Cell<'a>>;

impl Cell<'_> {
    /// The cell without the object that it is of.
    pub(crate) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Self::Integer(number) => Cell::Integer(number),
            Self::Boolean(truth) => Cell::Boolean(truth),
        }
    }

    /// Appends the cell as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => json::encode_str(text, out),
            Self::Integer(number) => json::encode_value(&Value::Int(*number), out),
            Self::Boolean(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        }
    }
}

/// Appends `cells` as a JSON array.
pub fn write_cells(cells: &[Cell<'_>], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        cell.write(out);
    }
    out.push(b']');
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Cell<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Cell<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// A count; there are never more things than fit.
impl From<usize> for Cell<'_> {
    fn from(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Cell<'_> {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Text(Cow::Borrowed(text)) => Self::String(Text::from(text.to_owned())),
            Cell::Text(Cow::Owned(text)) => Self::String(Text::from(text)),
            Cell::Integer(number) => Self::Int(number),
            Cell::Boolean(truth) => Self::Bool(truth),
        }
    }
}

/// The cells of a row from what they are made of: `cells![name, ready, age]`.
macro_rules! cells {
    ($($cell:expr),+ $(,)?) => {
        vec![$($crate::printers::Cell::from($cell)),+]
    };
}
pub(crate) use cells;
