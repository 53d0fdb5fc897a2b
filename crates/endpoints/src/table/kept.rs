//! Cells that are kept with their object.
//!
//! Most rows depend on the time in one cell only, the object's age. Whether a row does is found out
//! by making it twice, as of now and as of much later: if nothing but the age differs, the row is
//! kept with a gap in its place. Other rows are made anew each time.

use bytes::Bytes;
use pintle_runtime::codec::json;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Tables;
use crate::cache::{Extra, Object};
use crate::metadata::Metadata;

/// Appends the cells of an object, and its conditions if it has any, as members of a row.
pub(super) fn write(
    object: &Object,
    tables: &dyn Tables,
    now: Time,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let kept = object.extra(Extra::TableRow, |object| {
        Ok(Row::make(&object.record()?, tables, now))
    })?;
    match Row::read(kept) {
        Some(row) => row.write(tables, now, out),
        None => write_anew(&object.record()?, tables, now, out),
    }
    Ok(())
}

pub(super) fn write_anew(object: &Record, tables: &dyn Tables, now: Time, out: &mut Vec<u8>) {
    tables.write_cells(object, now, out);
    let before = out.len();
    out.extend_from_slice(b",\"conditions\":");
    let start = out.len();
    tables.write_conditions(object, out);
    if out.len() == start {
        out.truncate(before);
    }
}

/// A row with a gap for the age.
struct Row<'a> {
    before: &'a [u8],
    /// Since when, and what follows the age.
    age: Option<(Time, &'a [u8])>,
}

/// Long enough for every age to read differently.
const MUCH_LATER: i64 = 400 * 86_400 + 3_661;
/// There is no gap. What is kept begins with where the gap is and since when the age counts, in
/// four and eight bytes.
const NO_GAP: u32 = u32::MAX;

impl<'a> Row<'a> {
    /// The row as it is kept; empty if it cannot be.
    fn make(object: &Record, tables: &dyn Tables, now: Time) -> Bytes {
        let row_at = |time| {
            let mut out = Vec::with_capacity(256);
            write_anew(object, tables, time, &mut out);
            out
        };
        let later = Time {
            seconds: now.seconds.saturating_add(MUCH_LATER),
            ..now
        };
        let (row, row_later) = (row_at(now), row_at(later));
        let kept = |gap: u32, seconds: i64, parts: [&[u8]; 2]| {
            Bytes::from(
                [
                    &gap.to_le_bytes()[..],
                    &seconds.to_le_bytes(),
                    parts[0],
                    parts[1],
                ]
                .concat(),
            )
        };
        if row == row_later {
            return kept(NO_GAP, 0, [&row, b""]);
        }
        let Some(since) = Metadata::of(object).creation_timestamp() else {
            return Bytes::new();
        };
        let quoted = |time| {
            let mut out = Vec::new();
            json::encode_str(&tables.age(since, time), &mut out);
            out
        };
        let (age, age_later) = (quoted(now), quoted(later));
        let gap = (0..row.len()).find(|&at| {
            let rest = row[at..].strip_prefix(&age[..]);
            let rest_later = row_later
                .get(at..)
                .and_then(|rest| rest.strip_prefix(&age_later[..]));
            rest.is_some() && rest == rest_later && row[..at] == row_later[..at]
        });
        match gap.and_then(|at| u32::try_from(at).ok().map(|gap| (at, gap))) {
            Some((at, gap)) => kept(gap, since.seconds, [&row[..at], &row[at + age.len()..]]),
            None => Bytes::new(),
        }
    }

    fn read(kept: &'a [u8]) -> Option<Self> {
        let (gap, rest) = kept.split_first_chunk::<4>()?;
        let (seconds, row) = rest.split_first_chunk::<8>()?;
        let gap = u32::from_le_bytes(*gap);
        if gap == NO_GAP {
            return Some(Self {
                before: row,
                age: None,
            });
        }
        let (before, after) = row.split_at_checked(gap as usize)?;
        let since = Time {
            seconds: i64::from_le_bytes(*seconds),
            nanos: 0,
        };
        Some(Self {
            before,
            age: Some((since, after)),
        })
    }

    fn write(&self, tables: &dyn Tables, now: Time, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before);
        if let Some((since, after)) = self.age {
            json::encode_str(&tables.age(since, now), out);
            out.extend_from_slice(after);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use pintle_runtime::codec::Problems;
    use pintle_runtime::meta::tables::PARTIAL_OBJECT_METADATA;
    use pintle_runtime::resource::Resource;
    use pintle_runtime::schema::Ref;

    use super::*;

    /// Cells are the name and what `cells` says at a time.
    struct Says(fn(i64) -> String);

    impl Tables for Says {
        fn write_columns(&self, _: &Resource, _: &mut Vec<u8>) {}

        fn write_cells(&self, object: &Record, now: Time, out: &mut Vec<u8>) {
            let name = Metadata::of(object).name();
            out.extend_from_slice(format!("[\"{name}\",{},0]", (self.0)(now.seconds)).as_bytes());
        }

        fn write_conditions(&self, _: &Record, out: &mut Vec<u8>) {
            out.extend_from_slice(b"[]");
        }

        fn age(&self, since: Time, now: Time) -> Cow<'static, str> {
            format!("{}s", now.seconds - since.seconds).into()
        }
    }

    /// Makes a row at second 1000 of something created at second 0, and reads it at second 1007.
    #[track_caller]
    fn check(cells: fn(i64) -> String, expected: Option<&str>) {
        let body = br#"{"metadata":{"name":"a","creationTimestamp":"1970-01-01T00:00:00Z"}}"#;
        let ty = Ref::Static(&PARTIAL_OBJECT_METADATA);
        let object = json::decode(&ty, &Bytes::from_static(body), &mut Problems::ignored())
            .expect("an object");
        let at = |seconds| Time { seconds, nanos: 0 };
        let kept = Row::make(&object, &Says(cells), at(1000));
        let found = Row::read(&kept).map(|row| {
            let mut out = Vec::new();
            row.write(&Says(cells), at(1007), &mut out);
            String::from_utf8(out).expect("text")
        });
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn a_row_is_kept_if_only_its_age_changes() {
        check(
            |now| format!("\"{now}s\""),
            Some(r#"["a","1007s",0],"conditions":[]"#),
        );
        check(
            |_| "\"never\"".to_owned(),
            Some(r#"["a","never",0],"conditions":[]"#),
        );
        check(
            |_| "\"1000s\"".to_owned(),
            Some(r#"["a","1000s",0],"conditions":[]"#),
        );
    }

    #[test]
    fn a_row_that_changes_otherwise_is_not_kept() {
        check(|now| format!("\"3 ({now}s ago)\""), None);
        check(|now| format!("\"{now}s\",\"{now}s\""), None);
    }
}
