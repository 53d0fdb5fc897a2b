//! The columns with what is said about them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

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
struct Entry {
    columns: Vec<ColumnDefinition>,
    json: Vec<u8>,
}

impl Entry {
    fn new(kind: &str, columns: &[Column], of_field: &dyn Fn(&str, &str) -> String) -> Self {
        let columns: Vec<ColumnDefinition> = columns
            .iter()
            .map(|&column| ColumnDefinition {
                column,
                description: match describe(kind, column.name) {
                    Description::Text(text) => Cow::Borrowed(text),
                    Description::Field(definition, field) => Cow::Owned(of_field(definition, field)),
                },
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

struct Definitions {
    kinds: HashMap<(&'static str, &'static str), Entry>,
    default: Entry,
}

/// Made with the first table: the descriptions have to be decompressed, and few of them are kept.
static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
    let descriptions = crate::descriptions();
    let of_field = |definition: &str, field: &str| {
        descriptions.of_field(definition, field).unwrap_or_default().to_owned()
    };
    Definitions {
        kinds: KINDS.iter().map(|&(key, columns)| (key, Entry::new(key.0, columns, &of_field))).collect(),
        default: Entry::new("", &DEFAULT, &of_field),
    }
});

fn entry(kind: &str, group: &str) -> &'static Entry {
    DEFINITIONS.kinds.get(&(kind, group)).unwrap_or(&DEFINITIONS.default)
}

/// The columns of a built-in kind; `Name` and `Created At` where it has none of its own.
///
/// The first call takes some milliseconds.
pub fn column_definitions(kind: &str, group: &str) -> &'static [ColumnDefinition] {
    &entry(kind, group).columns
}

/// The same as the JSON array that a `Table` has as its `columnDefinitions`.
pub fn column_definitions_json(kind: &str, group: &str) -> &'static [u8] {
    &entry(kind, group).json
}
