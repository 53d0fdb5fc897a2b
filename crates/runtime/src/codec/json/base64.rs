//! Bytes as base64, with Go's `base64.StdEncoding`.

use ::base64::Engine;
use ::base64::alphabet::STANDARD;
use ::base64::engine::general_purpose::{GeneralPurpose, PAD};

use crate::codec::DecodeError;

/// As Go: padding has to be there, bits that are left over need not be zero.
const ENGINE: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, PAD.with_decode_allow_trailing_bits(true));

/// The bytes that `text` stands for. Line breaks within are nothing.
///
/// # Errors
/// Go's: `illegal base64 data at input byte 4`.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    match ENGINE.decode(text) {
        Ok(bytes) => Ok(bytes),
        Err(_) => decode_leniently(text)
            .map_err(|at| DecodeError::Mismatch(format!("illegal base64 data at input byte {at}"))),
    }
}

/// Appends the base64 of `bytes`.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // The room is exactly what it takes.
    let _ = ENGINE.encode_slice(bytes, &mut out[start..]);
}

/// Steps over line breaks, and finds where Go says the fault is.
fn decode_leniently(text: &[u8]) -> Result<Vec<u8>, usize> {
    let is_break = |at: usize| matches!(text.get(at), Some(b'\r' | b'\n'));
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    loop {
        let mut quantum = [0u8; 4];
        let mut filled = 0;
        while filled < 4 {
            let Some(&byte) = text.get(at) else {
                return if filled == 0 {
                    Ok(out)
                } else {
                    Err(at - filled)
                };
            };
            at += 1;
            match value(byte) {
                Some(six) => {
                    quantum[filled] = six;
                    filled += 1;
                }
                None if matches!(byte, b'\r' | b'\n') => {}
                None if byte != b'=' || filled < 2 => return Err(at - 1),
                None => {
                    if filled == 2 {
                        while is_break(at) {
                            at += 1;
                        }
                        match text.get(at) {
                            None => return Err(text.len()),
                            Some(b'=') => at += 1,
                            Some(_) => return Err(at - 1),
                        }
                    }
                    while is_break(at) {
                        at += 1;
                    }
                    if at < text.len() {
                        return Err(at);
                    }
                    push(&mut out, quantum, filled - 1);
                    return Ok(out);
                }
            }
        }
        push(&mut out, quantum, 3);
    }
}

fn push(out: &mut Vec<u8>, [a, b, c, d]: [u8; 4], count: usize) {
    let bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    out.extend_from_slice(&bytes[..count]);
}

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, usize>) {
        let found = decode(text.as_bytes()).map_err(|error| error.to_string());
        let expected = expected
            .map(|text| text.as_bytes().to_vec())
            .map_err(|at| format!("illegal base64 data at input byte {at}"));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn bytes_come_out() {
        check("", Ok(""));
        check("YQ==", Ok("a"));
        check("YWI=", Ok("ab"));
        check("YWJj", Ok("abc"));
        check("YR==", Ok("a")); // Left-over bits are no matter.
        check("YW\r\nJj\nYQ=\n=\n", Ok("abca"));
    }

    #[test]
    fn faults_are_where_go_sees_them() {
        check("a-b=", Err(1));
        check("YWI", Err(0));
        check("YWJjY", Err(4));
        check("YQ=", Err(3));
        check("YQ=x", Err(2));
        check("=", Err(0));
        check("YWI=YWI=", Err(4));
        check("YWJj!", Err(4));
    }

    #[test]
    fn what_is_encoded_is_padded() {
        for (bytes, expected) in [
            ("", ""),
            ("a", "YQ=="),
            ("ab", "YWI="),
            ("abc", "YWJj"),
            ("\u{ff}\u{fe}", "w7/Dvg=="),
        ] {
            let mut out = b">".to_vec();
            encode(bytes.as_bytes(), &mut out);
            assert_eq!(out, format!(">{expected}").into_bytes());
        }
    }
}
