//! An object's protobuf, as far as it is not in its JSON.
//!
//! A third of a typical object says who has set which field. That is JSON in protobuf, too, so it is kept once: what is
//! kept here has gaps, and knows which bytes of the JSON belong into them.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

use crate::data::Encoding;
use crate::partial;

/// An object's protobuf in its envelope, with gaps that the object's JSON fills.
#[derive(Debug)]
pub(crate) struct Protobuf {
    own: Bytes,
    gaps: Box<[Gap]>,
    /// With the gaps filled.
    length: usize,
}

/// What is not kept.
#[derive(Debug)]
struct Gap {
    /// Where among what is kept it belongs.
    at: u32,
    /// Where it begins in the JSON.
    from: u32,
    length: u32,
}

/// Shorter than this, a gap saves less than it costs.
const WORTH_A_GAP: usize = 128;

impl Protobuf {
    /// Keeps of `whole`, an object in its envelope, what the object's JSON has not.
    pub(crate) fn new(whole: Bytes, json: &[u8]) -> Self {
        let length = whole.len();
        let (mut gaps, mut cuts) = (Vec::new(), Vec::new());
        let (mut saved, mut searched) = (0, 0);
        for raw in managed_fields(&whole).filter(|raw| raw.len() >= WORTH_A_GAP) {
            // They come in the same order in both.
            let Some(from) = find_set(json, searched, &whole[raw.clone()]) else {
                continue;
            };
            gaps.push(Gap {
                at: (raw.start - saved) as u32,
                from: from as u32,
                length: raw.len() as u32,
            });
            searched = from + raw.len();
            saved += raw.len();
            cuts.push(raw);
        }
        if gaps.is_empty() {
            return Self {
                own: whole,
                gaps: Box::default(),
                length,
            };
        }
        // Room for that and no more: an allocator need not take back the half of what it gave.
        let mut own = Vec::with_capacity(length - saved);
        let mut done = 0;
        for cut in cuts {
            own.extend_from_slice(&whole[done..cut.start]);
            done = cut.end;
        }
        own.extend_from_slice(&whole[done..]);
        Self {
            own: own.into(),
            gaps: gaps.into(),
            length,
        }
    }

    /// The bytes of memory that it takes beyond itself.
    pub(crate) fn size(&self) -> usize {
        self.own.len() + size_of_val(&*self.gaps)
    }

    /// All of it side by side; `json` is the object's.
    pub(crate) fn whole(&self, json: &Bytes) -> Bytes {
        if self.gaps.is_empty() {
            return self.own.clone();
        }
        let mut whole = Vec::with_capacity(self.length);
        for (encoding, range) in self.pieces() {
            let from = if encoding == Encoding::Json {
                json
            } else {
                &self.own
            };
            whole.extend_from_slice(&from[range]);
        }
        whole.into_boxed_slice().into()
    }

    /// Where the message is in it, with its tag and its length: that of an item of a list, too.
    pub(crate) fn item(&self) -> Option<Range<usize>> {
        let start = partial::message_start(&self.own)?;
        let mut at = start;
        let (_, length) = (varint(&self.own, &mut at)?, varint(&self.own, &mut at)?);
        let end = at.checked_add(length)?;
        (end <= self.length).then_some(start..end)
    }

    /// What is kept.
    pub(crate) fn own(&self) -> &Bytes {
        &self.own
    }

    /// Where the bytes of a part of it are, in order.
    pub(crate) fn parts(
        &self,
        part: Range<usize>,
    ) -> impl Iterator<Item = (Encoding, Range<usize>)> {
        let mut at = 0;
        self.pieces().filter_map(move |(encoding, range)| {
            let piece = at..at + range.len();
            at = piece.end;
            let (start, end) = (piece.start.max(part.start), piece.end.min(part.end));
            let place = |at: usize| range.start + at - piece.start;
            (start < end).then(|| (encoding, place(start)..place(end)))
        })
    }

    fn pieces(&self) -> impl Iterator<Item = (Encoding, Range<usize>)> {
        let starts = std::iter::once(0).chain(self.gaps.iter().map(|gap| gap.at as usize));
        let ends = self.gaps.iter().map(Some).chain(std::iter::once(None));
        starts.zip(ends).flat_map(|(start, gap)| {
            let end = gap.map_or(self.own.len(), |gap| gap.at as usize);
            let borrowed = gap.map(|gap| {
                let from = gap.from as usize;
                (Encoding::Json, from..from + gap.length as usize)
            });
            std::iter::once((Encoding::Protobuf, start..end)).chain(borrowed)
        })
    }
}

/// Where a set of managed fields is in an object's JSON, from `start` on.
fn find_set(json: &[u8], start: usize, set: &[u8]) -> Option<usize> {
    const KEY: &[u8] = b"\"fieldsV1\":";
    let keys = memmem::find_iter(json.get(start..)?, KEY);
    keys.map(|at| start + at + KEY.len())
        .find(|&at| json[at..].starts_with(set))
}

/// Tags of the fields with a length that lead there: `metadata.managedFields[*].fieldsV1.raw`.
const METADATA: usize = 1 << 3 | 2;
const MANAGED_FIELDS: usize = 17 << 3 | 2;
const FIELDS_V1: usize = 7 << 3 | 2;
const RAW: usize = 1 << 3 | 2;

/// Where the sets of managed fields are in an object in its envelope.
fn managed_fields(whole: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let message = partial::message_start(whole)
        .and_then(|start| fields(whole, start..whole.len()).next())
        .map(|(_, message)| message);
    let metadata = message.and_then(|message| {
        fields(whole, message)
            .next()
            .filter(|(tag, _)| *tag == METADATA)
    });
    let inside = move |range, wanted| {
        fields(whole, range).filter_map(move |(tag, range)| (tag == wanted).then_some(range))
    };
    metadata
        .into_iter()
        .flat_map(move |(_, metadata)| inside(metadata, MANAGED_FIELDS))
        .flat_map(move |entry| inside(entry, FIELDS_V1))
        .flat_map(move |set| inside(set, RAW))
}

/// The fields of the message that is in `range`: tags, and where the contents are. Ends where it is no message.
fn fields(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let (mut at, end) = (range.start, range.end);
    std::iter::from_fn(move || {
        let bytes = bytes.get(..end)?;
        let tag = varint(bytes, &mut at)?;
        let start;
        let length = match tag & 7 {
            0 => {
                start = at;
                varint(bytes, &mut at)?;
                return Some((tag, start..at));
            }
            1 => 8,
            2 => varint(bytes, &mut at)?,
            5 => 4,
            _ => return None,
        };
        start = at;
        at = at.checked_add(length).filter(|after| *after <= end)?;
        Some((tag, start..at))
    })
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use pintle_runtime::codec::protobuf::envelope;

    use super::*;

    fn field(tag: usize, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        partial::varint(tag, &mut out);
        partial::varint(content.len(), &mut out);
        out.extend_from_slice(content);
        out
    }

    /// An object with these sets of managed fields, in its envelope.
    fn object(sets: &[&str]) -> Bytes {
        let mut metadata = field(1 << 3 | 2, b"name");
        // A number between the texts, as the generation is.
        metadata.extend_from_slice(&[7 << 3, 3]);
        for set in sets {
            let fields = field(FIELDS_V1, &field(RAW, set.as_bytes()));
            let entry = [field(1 << 3 | 2, b"manager"), fields].concat();
            metadata.extend_from_slice(&field(MANAGED_FIELDS, &entry));
        }
        let message = [field(METADATA, &metadata), field(2 << 3 | 2, b"spec")].concat();
        let mut whole = Vec::new();
        envelope::wrap("v1", "Pod", &message, &mut whole);
        whole.into()
    }

    /// Keeps an object beside a JSON that has these sets; says how many gaps that makes.
    #[track_caller]
    fn check(sets: &[&str], in_json: &[&str], gaps: usize) {
        let entry = |set: &&str| format!("{{\"manager\":\"m\",\"fieldsV1\":{set}}}");
        let json: Vec<String> = in_json.iter().map(entry).collect();
        let (whole, json) = (object(sets), Bytes::from(json.join(",")));
        let kept = Protobuf::new(whole.clone(), &json);
        assert_eq!(kept.gaps.len(), gaps);
        assert_eq!(kept.whole(&json), whole);
        let item = kept.item().expect("a message");
        assert_eq!(
            Some(&whole[item.clone()]),
            partial::message_field(&whole),
            "the item"
        );
        for part in [item, 0..whole.len(), 3..5, 20..whole.len() - 9] {
            let mut found = Vec::new();
            for (encoding, range) in kept.parts(part.clone()) {
                let from = if encoding == Encoding::Json {
                    &json
                } else {
                    kept.own()
                };
                found.extend_from_slice(&from[range]);
            }
            assert_eq!(found, whole[part]);
        }
    }

    #[test]
    fn what_the_json_has_is_not_kept_twice() {
        let (one, two) = ("{\"f:a\":1}".repeat(20), "{\"f:b\":2}".repeat(300));
        check(&[], &[], 0);
        check(&[&one], &[&one], 1);
        check(&[&one, &two], &[&one, &two], 2);
        check(&[&one, &one], &[&one, &one], 2);
    }

    #[test]
    fn what_the_json_says_otherwise_is_kept() {
        let (one, two) = ("{\"f:a\":1}".repeat(20), "{\"f:b\":2}".repeat(30));
        check(&["{\"short\":1}"], &["{\"short\":1}"], 0);
        check(&[&one, &two], &[&two, &one], 1);
        check(&[&one], &[&two], 0);
    }
}
