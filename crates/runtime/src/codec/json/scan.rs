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
fn find(
    data: &[u8],
    from: usize,
    marks: impl Fn(u64) -> u64,
    matches: impl Fn(u8) -> bool,
) -> usize {
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
    while at < data.len() && !matches(data[at]) {
        at += 1;
    }
    at
}

/// Where in `data`, from `from` on, a string literal ends, escapes something or is malformed; the
/// length of `data` if nowhere.
#[inline]
pub(super) fn string_end(data: &[u8], from: usize) -> usize {
    find(
        data,
        from,
        |word| is(word, b'"') | is(word, b'\\') | is_control(word),
        |byte| byte == b'"' || byte == b'\\' || byte < 0x20,
    )
}

/// Where in `data`, from `from` on, a byte may need an escape on output.
#[inline]
pub(super) fn escape_needed(data: &[u8], from: usize) -> usize {
    find(
        data,
        from,
        |word| {
            is(word, b'"')
                | is(word, b'\\')
                | is_control(word)
                | is(word, b'<')
                | is(word, b'>')
                | is(word, b'&')
                | is(word, 0xe2)
        },
        |byte| matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2) || byte < 0x20,
    )
}

/// Where in JSON text, from `from` on, a byte stands that compact, escaped text may not have.
#[inline]
pub(super) fn rewrite_needed(data: &[u8], from: usize) -> usize {
    find(
        data,
        from,
        |word| {
            is(word, b' ')
                | is_control(word)
                | is(word, b'<')
                | is(word, b'>')
                | is(word, b'&')
                | is(word, 0xe2)
        },
        |byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2) || byte <= 0x20,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_at_every_offset() {
        for byte in 0..=255u8 {
            for offset in 0..20 {
                let mut data = [b'a'; 24];
                data[offset] = byte;
                let ends = byte == b'"' || byte == b'\\' || byte < 0x20;
                assert_eq!(
                    string_end(&data, 0),
                    if ends { offset } else { 24 },
                    "{byte} at {offset}"
                );
                let escapes = ends || b"<>&\xe2".contains(&byte);
                assert_eq!(
                    escape_needed(&data, 0),
                    if escapes { offset } else { 24 },
                    "{byte} at {offset}"
                );
                let rewrites = byte <= 0x20 || b"<>&\xe2".contains(&byte);
                assert_eq!(
                    rewrite_needed(&data, 0),
                    if rewrites { offset } else { 24 },
                    "{byte} at {offset}"
                );
            }
        }
    }
}
