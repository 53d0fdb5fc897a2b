//! What a row has besides cells of its kind.

use pintle_runtime::codec::json;
use pintle_runtime::meta::ObjectMeta;

use super::Cells;
use super::cell::cells;

/// A condition of a row: `Completed` tells a client that the object is no longer of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCondition {
    /// Such as `Completed`.
    pub ty: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// A word for programs.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: &'static str,
}

impl RowCondition {
    /// Appends the condition as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        let fields: [(&[u8], &str); 4] = [
            (br#"{"type":"#, self.ty),
            (br#","status":"#, self.status),
            (br#","reason":"#, self.reason),
            (br#","message":"#, self.message),
        ];
        for (start, text) in fields {
            out.extend_from_slice(start);
            json::encode_str(text, out);
        }
        out.push(b'}');
    }
}

/// The cells of kinds without a printer: the name, and when the object was made.
pub fn default_cells(meta: ObjectMeta<'_>) -> Cells<'_> {
    let created = meta.creation_timestamp().map_or_else(
        || "0001-01-01T00:00:00Z".to_owned(),
        |time| {
            let mut text = Vec::with_capacity(20);
            time.write_seconds(&mut text);
            String::from_utf8(text).unwrap_or_default()
        },
    );
    cells![meta.name(), created]
}
