//! A part of a body: bytes that need not lie side by side.
//!
//! Objects are kept encoded, so a large list is put together from pieces that are there already. They go to the
//! connection as they are, and are copied for the first time when they are encrypted.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};

/// Bytes on their way to a client.
#[derive(Debug)]
pub struct Data(Content);

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    /// Never with an empty piece.
    Pieces {
        pieces: VecDeque<Piece>,
        length: usize,
    },
}

enum Piece {
    Bytes(Bytes),
    Kept {
        by: Arc<dyn Keeper>,
        encoding: Encoding,
        range: Range<usize>,
    },
}

/// Keeps what is sent. To hold it costs less than to hold its bytes, as they need not be looked at for that.
pub(crate) trait Keeper: Send + Sync {
    /// The bytes of an encoding, always the same.
    fn bytes(&self, encoding: Encoding) -> &[u8];
}

/// What a [`Keeper`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Protobuf,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Kept {
                by,
                encoding,
                range,
            } => by.bytes(*encoding).get(range.clone()).unwrap_or(&[]),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::Kept { range, .. } => range.start += count,
        }
    }
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes().len())
    }
}

impl Data {
    /// All of it side by side: copied, unless it is so already.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Whole(bytes) => bytes,
            Content::Pieces { pieces, length } => {
                let mut whole = Vec::with_capacity(length);
                let pieces = pieces.iter().map(Piece::bytes);
                pieces.for_each(|piece| whole.extend_from_slice(piece));
                whole.into()
            }
        }
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let (whole, pieces) = match &self.0 {
            Content::Whole(bytes) => (Some(&bytes[..]), None),
            Content::Pieces { pieces, .. } => (None, Some(pieces)),
        };
        let pieces = pieces.into_iter().flatten().map(Piece::bytes);
        whole.into_iter().chain(pieces)
    }
}

impl<T: Into<Bytes>> From<T> for Data {
    fn from(bytes: T) -> Self {
        Self(Content::Whole(bytes.into()))
    }
}

impl Buf for Data {
    fn remaining(&self) -> usize {
        match &self.0 {
            Content::Whole(bytes) => bytes.len(),
            Content::Pieces { length, .. } => *length,
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.0 {
            Content::Whole(bytes) => bytes,
            Content::Pieces { pieces, .. } => pieces.front().map_or(&[], Piece::bytes),
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(self.pieces()) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        match &mut self.0 {
            Content::Whole(bytes) => bytes.advance(count),
            Content::Pieces { pieces, length } => {
                *length -= count;
                while count > 0
                    && let Some(first) = pieces.front_mut()
                {
                    let ready = first.bytes().len();
                    if count < ready {
                        return first.advance(count);
                    }
                    count -= ready;
                    pieces.pop_front();
                }
            }
        }
    }
}

/// Puts [`Data`] together from what is there already and what is written for it.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    pieces: VecDeque<Piece>,
    /// How long the pieces are together.
    length: usize,
    /// What was written since the last piece.
    tail: Vec<u8>,
}

/// Shorter than this, a piece costs more than its copy.
const WORTH_SHARING: usize = 512;

impl Gather {
    /// How much there is already.
    pub(crate) fn len(&self) -> usize {
        self.length + self.tail.len()
    }

    /// The end, to be written at.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Appends what is always the same.
    pub(crate) fn fixed(&mut self, bytes: &'static [u8]) {
        if self.tail.is_empty() {
            self.push(Piece::Bytes(Bytes::from_static(bytes)));
        } else {
            self.tail.extend_from_slice(bytes);
        }
    }

    /// Appends a part of what is kept elsewhere.
    pub(crate) fn shared(&mut self, bytes: Bytes) {
        if bytes.len() < WORTH_SHARING {
            return self.tail.extend_from_slice(&bytes);
        }
        self.push_tail();
        self.push(Piece::Bytes(bytes));
    }

    /// Appends a part of what `by` keeps.
    pub(crate) fn kept(
        &mut self,
        by: &Arc<impl Keeper + 'static>,
        encoding: Encoding,
        range: Range<usize>,
    ) {
        if range.len() < WORTH_SHARING {
            let part = by.bytes(encoding).get(range).unwrap_or(&[]);
            // What follows is short, too, such as the end of a line.
            self.tail.reserve(part.len() + 8);
            return self.tail.extend_from_slice(part);
        }
        self.push_tail();
        self.length += range.len();
        let by = Arc::clone(by) as Arc<dyn Keeper>;
        self.pieces.push_back(Piece::Kept {
            by,
            encoding,
            range,
        });
    }

    fn push_tail(&mut self) {
        let tail = std::mem::take(&mut self.tail);
        self.push(Piece::Bytes(tail.into()));
    }

    fn push(&mut self, piece: Piece) {
        let length = piece.bytes().len();
        if length > 0 {
            self.length += length;
            self.pieces.push_back(piece);
        }
    }

    /// All of it.
    pub(crate) fn finish(mut self) -> Data {
        if self.pieces.is_empty() {
            return self.tail.into();
        }
        self.push_tail();
        Data(Content::Pieces {
            pieces: self.pieces,
            length: self.length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps letters.
    struct Letters(Vec<u8>);

    impl Keeper for Letters {
        fn bytes(&self, _: Encoding) -> &[u8] {
            &self.0
        }
    }

    fn gathered() -> Data {
        let letters = Arc::new(Letters(vec![b'b'; WORTH_SHARING + 2]));
        let mut gather = Gather::default();
        gather.tail().extend_from_slice(b"[");
        gather.shared(Bytes::from(vec![b'a'; WORTH_SHARING]));
        gather.fixed(b",");
        gather.shared(Bytes::from_static(b"short"));
        gather.fixed(b",");
        gather.kept(&letters, Encoding::Json, 1..WORTH_SHARING + 1);
        gather.kept(&letters, Encoding::Json, 0..2);
        gather.tail().push(b']');
        assert_eq!(gather.len(), 2 * WORTH_SHARING + 11);
        gather.finish()
    }

    #[test]
    fn pieces_come_in_the_order_in_which_they_were_put() {
        let expected = [
            b"[".to_vec(),
            vec![b'a'; WORTH_SHARING],
            b",short,".to_vec(),
            vec![b'b'; WORTH_SHARING],
            b"bb]".to_vec(),
        ];
        assert_eq!(gathered().into_bytes(), expected.concat());
        let lengths: Vec<usize> = gathered().pieces().map(<[u8]>::len).collect();
        assert_eq!(lengths, [1, WORTH_SHARING, 1, 6, WORTH_SHARING, 3]);
    }

    #[test]
    fn any_part_of_it_can_be_taken_first() {
        let whole = gathered().into_bytes();
        for step in [1, 7, WORTH_SHARING, WORTH_SHARING + 5, whole.len()] {
            let (mut data, mut taken) = (gathered(), Vec::new());
            while data.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 3];
                let count = data.chunks_vectored(&mut slices);
                let ready = slices[..count]
                    .iter()
                    .flat_map(|slice| slice.iter().copied());
                let part: Vec<u8> = ready.take(step).collect();
                assert_eq!(part[0], data.chunk()[0]);
                data.advance(part.len());
                taken.extend(part);
                assert_eq!(data.remaining(), whole.len() - taken.len());
            }
            assert_eq!(taken, whole, "in steps of {step}");
        }
    }

    #[test]
    fn what_was_only_written_is_one_piece() {
        let mut gather = Gather::default();
        gather.tail().extend_from_slice(b"{}");
        gather.fixed(b"\n");
        assert_eq!(gather.finish().pieces().count(), 1);
    }
}
