//! Looking through text eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// The top bit of every byte of `word` that is `byte`; of the bits set, the lowest is right.
#[inline]
const fn is(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference & TOPS
}

/// The top bit of every byte of `word` below 0x20; of the bits set, the lowest is right.
#[inline]
const fn is_control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & TOPS
}

#[inline]
fn find(data: &[u8], from: usize, marks: impl Fn(u64) -> u64) -> usize {
    let mut at = from;
    while let Some(chunk) = data.get(at..at + 8) {
        // The slice has eight bytes, so the conversion holds.
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let found = marks(word);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    // What is left is looked at as if something harmless followed it.
    let rest = data.get(at..).unwrap_or_default();
    let mut padded = [b'_'; 8];
    padded[..rest.len()].copy_from_slice(rest);
    match marks(u64::from_le_bytes(padded)) {
        0 => at + rest.len(),
        found => at + (found.trailing_zeros() / 8) as usize,
    }
}

/// Where in `data`, from `from` on, a string literal ends, escapes something or is malformed; the
/// length of `data` if nowhere.
#[inline]
pub(crate) fn string_end(data: &[u8], from: usize) -> usize {
    find(data, from, |word| {
        is(word, b'"') | is(word, b'\\') | is_control(word)
    })
}

/// Where in `data`, from `from` on, a byte may need an escape on output.
#[inline]
pub(super) fn escape_needed(data: &[u8], from: usize) -> usize {
    find(data, from, |word| {
        is(word, b'"')
            | is(word, b'\\')
            | is_control(word)
            | is(word, b'<')
            | is(word, b'>')
            | is(word, b'&')
            | is(word, 0xe2)
    })
}

/// Where in JSON text, from `from` on, a byte stands that compact, escaped text may not have.
#[inline]
pub(super) fn rewrite_needed(data: &[u8], from: usize) -> usize {
    find(data, from, |word| {
        is(word, b' ')
            | is_control(word)
            | is(word, b'<')
            | is(word, b'>')
            | is(word, b'&')
            | is(word, 0xe2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(find: fn(&[u8], usize) -> usize, stops: impl Fn(u8) -> bool) {
        for byte in 0..=255u8 {
            for length in 1..20 {
                for offset in 0..length {
                    let mut data = vec![b'a'; length];
                    data[offset] = byte;
                    let expected = if stops(byte) { offset } else { length };
                    assert_eq!(find(&data, 0), expected, "{byte} at {offset} of {length}");
                }
            }
        }
        assert_eq!(find(b"", 0), 0);
    }

    #[test]
    fn every_byte_is_found_at_every_offset() {
        let ends = |byte| byte == b'"' || byte == b'\\' || byte < 0x20;
        let odd = |byte| b"<>&\xe2".contains(&byte);
        check(string_end, ends);
        check(escape_needed, |byte| ends(byte) || odd(byte));
        check(rewrite_needed, |byte| byte <= 0x20 || odd(byte));
    }
}
