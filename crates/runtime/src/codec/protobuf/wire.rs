//! Protobuf's wire format: tags, varints and lengths.

use std::cell::Cell;
use std::ops::Range;

use bytes::Bytes;

use crate::codec::{DecodeError, MAX_MERGED, json};
use crate::text::Text;

pub(super) type Decoded<T = ()> = Result<T, DecodeError>;

/// How the payload of a field is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Bytes,
    StartGroup,
    EndGroup,
    Fixed32,
    Unknown(u8),
}

impl Wire {
    const fn new(bits: u8) -> Self {
        match bits {
            0 => Self::Varint,
            1 => Self::Fixed64,
            2 => Self::Bytes,
            3 => Self::StartGroup,
            4 => Self::EndGroup,
            5 => Self::Fixed32,
            other => Self::Unknown(other),
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Varint => 0,
            Self::Fixed64 => 1,
            Self::Bytes => 2,
            Self::StartGroup => 3,
            Self::EndGroup => 4,
            Self::Fixed32 => 5,
            Self::Unknown(other) => other,
        }
    }
}

/// The tag of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) wire: Wire,
}

impl Tag {
    /// Refuses a field that is not of the wire type its number has in the table.
    pub(super) fn expect(self, wire: Wire, name: &str) -> Decoded {
        if self.wire == wire {
            Ok(())
        } else {
            Err(self.wrong(name))
        }
    }

    pub(super) fn wrong(self, name: &str) -> DecodeError {
        // Go's name of the field, as far as that of JSON or the `.proto` file tells it.
        let mut letters = name.chars();
        let first = letters
            .next()
            .map(|first| first.to_ascii_uppercase())
            .into_iter();
        let name: String = first.chain(letters).collect();
        DecodeError::Syntax(format!(
            "proto: wrong wireType = {} for field {name}",
            self.wire.bits()
        ))
    }
}

/// Reads a part of a body, of which strings and bytes are slices.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    body: &'a Bytes,
    /// How many entries of maps were moved to be merged, in all of the body.
    merged: &'a Cell<usize>,
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a Bytes, merged: &'a Cell<usize>) -> Self {
        Self {
            body,
            merged,
            at: 0,
            end: body.len(),
        }
    }

    /// A reader of a message within.
    pub(super) fn within(&self, range: Range<usize>) -> Self {
        Self {
            body: self.body,
            merged: self.merged,
            at: range.start,
            end: range.end,
        }
    }

    /// The tag of the next field of the message `message`, the last part of which is its name, unless
    /// it ends here.
    #[inline]
    pub(super) fn tag(&mut self, message: &str) -> Decoded<Option<Tag>> {
        if self.at == self.end {
            return Ok(None);
        }
        let bits = self.varint()?;
        let number = (bits >> 3) as i32;
        let wire = Wire::new((bits & 7) as u8);
        if wire == Wire::EndGroup || number <= 0 {
            return Err(no_tag(message, number, wire, bits));
        }
        Ok(Some(Tag {
            number: number as u32,
            wire,
        }))
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Decoded<u64> {
        let mut value = 0u64;
        // Nearly all are of one byte.
        if let Some(&byte @ 0..0x80) = self.body[..self.end].get(self.at) {
            self.at += 1;
            return Ok(u64::from(byte));
        }
        for shift in (0..64).step_by(7) {
            let byte = *self.body[..self.end].get(self.at).ok_or_else(cut_off)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::syntax("proto: integer overflow"))
    }

    pub(super) fn fixed64(&mut self) -> Decoded<u64> {
        let bytes = self.body[..self.end]
            .get(self.at..self.at + 8)
            .ok_or_else(cut_off)?;
        self.at += 8;
        // The slice has eight bytes, so the conversion holds.
        Ok(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    /// Where the content of a length-delimited field stands.
    #[inline]
    pub(super) fn range(&mut self) -> Decoded<Range<usize>> {
        let length = self.varint()?;
        let length = i64::try_from(length)
            .ok()
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(|| {
                DecodeError::syntax("proto: negative length found during unmarshaling")
            })?;
        if length > self.end - self.at {
            return Err(cut_off());
        }
        let start = self.at;
        self.at += length;
        Ok(start..self.at)
    }

    pub(super) fn bytes(&mut self) -> Decoded<Bytes> {
        let range = self.range()?;
        Ok(self.body.slice(range))
    }

    /// A string. Bytes that are not UTF-8 become U+FFFD: Go keeps them until it writes JSON, but here a
    /// string always is one.
    #[inline]
    pub(super) fn text(&mut self) -> Decoded<Text> {
        let range = self.range()?;
        if range.is_empty() {
            return Ok(Text::default());
        }
        let bytes = &self.body[range.clone()];
        Ok(match Text::from_utf8(self.body.slice(range)) {
            Ok(text) => text,
            Err(_) => Text::from(json::lossy(bytes).into_owned()),
        })
    }

    /// Counts entries of a map that are moved because it is given once more.
    pub(super) fn merge(&self, entries: usize) -> Decoded {
        self.merged.set(self.merged.get() + entries);
        if self.merged.get() > MAX_MERGED {
            return Err(DecodeError::syntax("proto: too many duplicate fields"));
        }
        Ok(())
    }

    /// Where in the body it is.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether all was read.
    pub(super) fn is_done(&self) -> bool {
        self.at == self.end
    }

    /// Passes over the payload of a field that nobody knows.
    pub(super) fn skip(&mut self, tag: Tag) -> Decoded {
        let mut wire = tag.wire;
        let mut groups = 0usize;
        loop {
            match wire {
                Wire::Varint => {
                    self.varint()?;
                }
                Wire::Fixed64 => self.pass(8)?,
                Wire::Fixed32 => self.pass(4)?,
                Wire::Bytes => {
                    self.range()?;
                }
                Wire::StartGroup => groups += 1,
                Wire::EndGroup => {
                    groups = groups
                        .checked_sub(1)
                        .ok_or_else(|| DecodeError::syntax("proto: unexpected end of group"))?;
                }
                Wire::Unknown(bits) => {
                    return Err(DecodeError::Syntax(format!(
                        "proto: illegal wireType {bits}"
                    )));
                }
            }
            if groups == 0 {
                return Ok(());
            }
            wire = Wire::new((self.varint()? & 7) as u8);
        }
    }

    fn pass(&mut self, length: usize) -> Decoded {
        if length > self.end - self.at {
            return Err(cut_off());
        }
        self.at += length;
        Ok(())
    }
}

#[cold]
fn no_tag(message: &str, number: i32, wire: Wire, bits: u64) -> DecodeError {
    let message = message.rsplit('.').next().unwrap_or_default();
    DecodeError::Syntax(match wire {
        Wire::EndGroup => format!("proto: {message}: wiretype end group for non-group"),
        _ => format!("proto: {message}: illegal tag {number} (wire type {bits})"),
    })
}

pub(super) fn cut_off() -> DecodeError {
    DecodeError::syntax("unexpected EOF")
}

/// Appends a varint.
#[inline]
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the tag of a field.
#[inline]
pub(super) fn put_tag(number: u32, wire: Wire, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire.bits()), out);
}

/// Appends a field of bytes.
#[inline]
pub(super) fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(number, Wire::Bytes, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Appends a field of a number.
#[inline]
pub(super) fn put_integer(number: u32, integer: i64, out: &mut Vec<u8>) {
    put_tag(number, Wire::Varint, out);
    put_varint(integer as u64, out);
}

/// Appends a field with what `write` appends.
///
/// The length takes one byte at first; where it turns out to take more, the content is moved. That
/// is cheaper than to measure everything beforehand, as most messages are short.
#[inline]
pub(super) fn put_message(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    put_tag(number, Wire::Bytes, out);
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    if length < 0x80 {
        out[at] = length as u8;
        return;
    }
    let width = (64 - (length as u64).leading_zeros() as usize).div_ceil(7);
    out.resize(out.len() + width - 1, 0);
    out.copy_within(at + 1..at + 1 + length, at + width);
    let mut rest = length;
    for byte in &mut out[at..at + width - 1] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[at + width - 1] = rest as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_any_width_is_put_before_its_content() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 70_000] {
            let content = vec![7u8; length];
            let mut nested = vec![1];
            put_message(2, &mut nested, |out| out.extend_from_slice(&content));
            let mut flat = vec![1];
            put_bytes(2, &content, &mut flat);
            assert!(nested == flat, "{length}");
        }
    }
}
