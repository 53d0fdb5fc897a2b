//! The columns with what is said about them.

use std::borrow::Cow;

use pintle_runtime::codec::json;
use pintle_runtime::value::Value;

use super::describe::{Description, describe};
use crate::columns::Column;
use crate::generated::columns::{DEFAULT, KINDS};

/// A column and its description.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Name, type, format and priority.
    pub column: Column,
    /// What the column shows, or nothing.
    pub description: Cow<'static, str>,
}

impl ColumnDefinition {
    /// Appends the definition as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        let fields: [(&[u8], &str); 4] = [
            (br#"{"name":"#, self.column.name),
            (br#","type":"#, self.column.ty),
            (br#","format":"#, self.column.format),
            (br#","description":"#, &self.description),
        ];
        for (start, text) in fields {
            out.extend_from_slice(start);
            json::encode_str(text, out);
        }
        out.extend_from_slice(br#","priority":"#);
        json::encode_value(&Value::Int(self.column.priority.into()), out);
        out.push(b'}');
    }
}

/// The columns of one kind, and the same as JSON.
#[derive(Debug)]
struct Entry {
    columns: Vec<ColumnDefinition>,
    json: Vec<u8>,
}

impl Entry {
    fn new(kind: &str, columns: &[Column], of_field: OfField<'_>) -> Self {
        let columns: Vec<ColumnDefinition> = columns
            .iter()
            .map(|&column| ColumnDefinition {
                column,
                description: description(kind, column, of_field),
            })
            .collect();
        let mut json = vec![b'['];
        for (index, definition) in columns.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            definition.write(&mut json);
        }
        json.push(b']');
        Self { columns, json }
    }
}

fn description(kind: &str, column: Column, of_field: OfField<'_>) -> Cow<'static, str> {
    match describe(kind, column.name) {
        Description::Text(text) => Cow::Borrowed(text),
        Description::Field(definition, field) => {
            Cow::Owned(of_field(definition, field).unwrap_or_default().into_owned())
        }
    }
}

/// What is said about a field: the definition name of its type, and its JSON name.
pub type OfField<'d> = &'d dyn Fn(&str, &str) -> Option<Cow<'d, str>>;

/// The columns of every built-in kind.
///
/// Few columns have descriptions of their own; most take that of the field that is shown, and those
/// texts are not carried here. So whoever has them makes this once and keeps it.
#[derive(Debug)]
pub struct ColumnDefinitions {
    /// In the order of [`KINDS`].
    kinds: Vec<Entry>,
    default: Entry,
}

impl ColumnDefinitions {
    /// Looks up the descriptions of all columns.
    pub fn new(of_field: OfField<'_>) -> Self {
        Self {
            kinds: KINDS
                .iter()
                .map(|&((kind, _), columns)| Entry::new(kind, columns, of_field))
                .collect(),
            default: Entry::new("", &DEFAULT, of_field),
        }
    }

    /// The columns of a kind; `Name` and `Created At` where it has none of its own.
    pub fn of(&self, kind: &str, group: &str) -> &[ColumnDefinition] {
        &self.entry(kind, group).columns
    }

    /// The same as the JSON array that a `Table` has as its `columnDefinitions`.
    pub fn json(&self, kind: &str, group: &str) -> &[u8] {
        &self.entry(kind, group).json
    }

    fn entry(&self, kind: &str, group: &str) -> &Entry {
        KINDS
            .binary_search_by(|(key, _)| key.cmp(&(kind, group)))
            .map_or(&self.default, |at| &self.kinds[at])
    }
}
