//! Text made before the commit that gives it its resource version.

use std::ops::Range;

use super::encode::{each_written, member, name};
use crate::schema::{FieldType, Type};
use crate::value::{Record, Value};

/// The place of `metadata.resourceVersion` in an object's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    at: usize,
    comma_before: bool,
    comma_after: bool,
    /// Where the metadata begins and ends.
    metadata: (usize, usize),
}

impl Gap {
    /// Appends `json`, which [`encode_with_gap`](super::encode_with_gap) wrote, to `out` with
    /// `resource_version` in its place.
    pub fn fill(&self, json: &[u8], resource_version: &str, out: &mut Vec<u8>) {
        out.reserve(json.len() + resource_version.len() + 22);
        out.extend_from_slice(&json[..self.at]);
        if self.comma_before {
            out.push(b',');
        }
        out.extend_from_slice(b"\"resourceVersion\":");
        super::string::write(resource_version, out);
        if self.comma_after {
            out.push(b',');
        }
        out.extend_from_slice(&json[self.at..]);
    }

    /// Whether [`fill`](Self::fill) would make `filled` of `json`.
    pub fn is_filled(&self, json: &[u8], resource_version: &str, filled: &[u8]) -> bool {
        let start = self.text_start();
        let quoted = filled
            .get(start..)
            .and_then(|rest| rest.strip_prefix(resource_version.as_bytes()));
        let rest = quoted
            .and_then(|rest| rest.strip_prefix(if self.comma_after { &b"\","[..] } else { b"\"" }));
        rest == Some(&json[self.at..]) && filled.starts_with(&json[..self.at])
    }

    /// Where the resource version's own text begins in what [`fill`](Self::fill) appends.
    pub fn text_start(&self) -> usize {
        self.at + usize::from(self.comma_before) + "\"resourceVersion\":\"".len()
    }

    /// Where the metadata stand in what [`fill`](Self::fill) makes of `json`, which is `filled` bytes long.
    pub fn metadata(&self, json: &[u8], filled: usize) -> Range<usize> {
        let (start, end) = self.metadata;
        start..end + (filled - json.len())
    }
}

/// Appends `record` without its resource version; see [`encode_with_gap`](super::encode_with_gap).
pub(super) fn encode(record: &Record, out: &mut Vec<u8>) -> Option<Gap> {
    let start = out.len();
    let mut gap = None;
    out.push(b'{');
    let empty = out.len();
    each_written(record.ty(), record.entries(), |_, field, present| {
        let FieldType::Object(ty) = &field.ty else {
            return member(field, present, empty, out);
        };
        let Some(index) = ty
            .field_index("resourceVersion")
            .filter(|_| field.name == "metadata")
        else {
            return member(field, present, empty, out);
        };
        name(field, empty, out);
        let entries = present
            .and_then(Value::as_record)
            .map_or(&[][..], Record::entries);
        gap = Some(metadata(ty, entries, index, out));
    });
    out.push(b'}');
    gap.map(|gap| Gap {
        at: gap.at - start,
        metadata: (gap.metadata.0 - start, gap.metadata.1 - start),
        ..gap
    })
}

/// Appends the metadata, leaving the field at `gap_index` out.
fn metadata(ty: &Type, entries: &[(u16, Value)], gap_index: usize, out: &mut Vec<u8>) -> Gap {
    let mut gap = None;
    let start = out.len();
    out.push(b'{');
    let empty = out.len();
    each_written(ty, entries, |index, field, present| {
        if index == gap_index {
            return;
        }
        if index > gap_index && gap.is_none() {
            // Before this member, and behind the comma that it will bring.
            let at = out.len() + usize::from(out.len() > empty);
            gap = Some((at, false, true));
        }
        member(field, present, empty, out);
    });
    let last = (out.len(), out.len() > empty, false);
    out.push(b'}');
    let (at, comma_before, comma_after) = gap.unwrap_or(last);
    Gap {
        at,
        comma_before,
        comma_after,
        metadata: (start, out.len()),
    }
}
