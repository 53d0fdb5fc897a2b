//! Spans of time as Go writes them: `1h30m0s`.
//!
//! `metav1.Duration` is such a text in JSON and nanoseconds in protobuf; a record keeps the
//! nanoseconds.

use crate::time::quote;

/// Why a text is no duration, in the words of Go's `time.ParseDuration`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseDurationError(String);

const MICROSECOND: u64 = 1000;
const MILLISECOND: u64 = 1000 * MICROSECOND;
const SECOND: u64 = 1000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Reads a duration, such as `300ms`, `-1.5h` or `2h45m`, to nanoseconds.
///
/// # Errors
/// Go's, such as `time: invalid duration "soon"`.
pub fn parse(text: &str) -> Result<i64, ParseDurationError> {
    let invalid =
        || ParseDurationError(format!("time: invalid duration {}", quote(text.as_bytes())));
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if unsigned == b"0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut rest = unsigned;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, after) = leading_number(rest).ok_or_else(invalid)?;
        let mut digits = rest.len() - after.len();
        rest = after;
        let mut fraction = Fraction::default();
        if let [b'.', after @ ..] = rest {
            let (read, after_digits) = Fraction::read(after);
            digits += after.len() - after_digits.len();
            fraction = read;
            rest = after_digits;
        }
        if digits == 0 {
            return Err(invalid());
        }
        let end = rest
            .iter()
            .position(|byte| *byte == b'.' || byte.is_ascii_digit())
            .unwrap_or(rest.len());
        let (unit, after) = rest.split_at(end);
        rest = after;
        let scale = scale(unit).ok_or_else(|| unknown_unit(unit, text))?;
        total = whole
            .checked_mul(scale)
            .and_then(|nanos| nanos.checked_add(fraction.of(scale)))
            .and_then(|nanos| total.checked_add(nanos))
            .filter(|total| *total <= 1 << 63)
            .ok_or_else(invalid)?;
    }
    match (negative, i64::try_from(total)) {
        (false, nanos) => nanos.map_err(|_| invalid()),
        (true, Ok(nanos)) => Ok(-nanos),
        (true, Err(_)) => Ok(i64::MIN),
    }
}

/// The text of a duration, such as `1h30m0s`, `1.5s` or `300ms`.
pub fn format(nanos: i64) -> String {
    let mut text = Vec::new();
    write(nanos, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Appends the text of a duration.
pub fn write(nanos: i64, out: &mut Vec<u8>) {
    if nanos < 0 {
        out.push(b'-');
    }
    let nanos = nanos.unsigned_abs();
    match nanos {
        0 => out.extend_from_slice(b"0s"),
        1..MICROSECOND => write_decimal(nanos, 1, "ns", out),
        MICROSECOND..MILLISECOND => write_decimal(nanos, MICROSECOND, "µs", out),
        MILLISECOND..SECOND => write_decimal(nanos, MILLISECOND, "ms", out),
        _ => {
            if nanos >= HOUR {
                write_decimal(nanos / HOUR, 1, "h", out);
            }
            if nanos >= MINUTE {
                write_decimal(nanos / MINUTE % 60, 1, "m", out);
            }
            write_decimal(nanos % MINUTE, SECOND, "s", out);
        }
    }
}

/// `number` / `scale` with as many decimals as it takes, and the unit.
fn write_decimal(number: u64, scale: u64, unit: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number / scale).as_bytes());
    let mut below = number % scale;
    let mut place = scale / 10;
    if below > 0 {
        out.push(b'.');
    }
    while below > 0 {
        out.push(b'0' + (below / place) as u8);
        below %= place;
        place /= 10;
    }
    out.extend_from_slice(unit.as_bytes());
}

/// Digits after the point: `value` × 1/`scale`.
struct Fraction {
    value: u64,
    scale: f64,
}

impl Default for Fraction {
    fn default() -> Self {
        Self {
            value: 0,
            scale: 1.0,
        }
    }
}

impl Fraction {
    /// Digits that are too many for 63 bits are skipped.
    fn read(text: &[u8]) -> (Self, &[u8]) {
        let mut fraction = Self::default();
        let mut full = false;
        let end = text
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(text.len());
        for digit in &text[..end] {
            let next = fraction
                .value
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
            match next {
                Some(value) if !full && value <= 1 << 63 => {
                    fraction.value = value;
                    fraction.scale *= 10.0;
                }
                _ => full = true,
            }
        }
        (fraction, &text[end..])
    }

    /// The part of a unit of `nanos` nanoseconds, reckoned in floating point as Go does.
    fn of(&self, nanos: u64) -> u64 {
        if self.value == 0 {
            0
        } else {
            (self.value as f64 * (nanos as f64 / self.scale)) as u64
        }
    }
}

/// A number, which may be missing, and what follows; `None` if it needs more than 63 bits.
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // What does not begin with a digit or a point is no number at all.
    if digits.is_empty() && rest.first() != Some(&b'.') {
        return None;
    }
    let mut number = 0_u64;
    for digit in digits {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))
            .filter(|number| *number <= 1 << 63)?;
    }
    Some((number, rest))
}

fn scale(unit: &[u8]) -> Option<u64> {
    // There are two characters for a micro.
    const MICRO_SIGN: &[u8] = "µs".as_bytes();
    const GREEK_MU: &[u8] = "μs".as_bytes();
    match unit {
        b"ns" => Some(1),
        b"us" | MICRO_SIGN | GREEK_MU => Some(MICROSECOND),
        b"ms" => Some(MILLISECOND),
        b"s" => Some(SECOND),
        b"m" => Some(MINUTE),
        b"h" => Some(HOUR),
        _ => None,
    }
}

fn unknown_unit(unit: &[u8], text: &str) -> ParseDurationError {
    let text = quote(text.as_bytes());
    ParseDurationError(if unit.is_empty() {
        format!("time: missing unit in duration {text}")
    } else {
        format!("time: unknown unit {} in duration {text}", quote(unit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Ok(nanos) => format(nanos),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn durations_are_shown_as_go_does() {
        check("0", "0s");
        check("-0", "0s");
        check("90m", "1h30m0s");
        check("1h30m", "1h30m0s");
        check("2m30.5s", "2m30.5s");
        check("1500ms", "1.5s");
        check("300ms", "300ms");
        check("1.5us", "1.5µs");
        check("1µs", "1µs");
        check("1μs", "1µs");
        check("12ns", "12ns");
        check("-1.5h", "-1h30m0s");
        check("+5s", "5s");
        check("1.s", "1s");
        check(".5s", "500ms");
        check("100h", "100h0m0s");
        check("0.3333333333333333333h", "20m0s");
        check("9223372036854775807ns", "2562047h47m16.854775807s");
        check("-9223372036854775808ns", "-2562047h47m16.854775808s");
        check("1s1s", "2s");
    }

    #[test]
    fn what_is_no_duration_is_refused_in_gos_words() {
        for text in [
            "",
            "-",
            "soon",
            ".",
            "s",
            ".s",
            "-.s",
            "+",
            "9223372036854775808ns",
            "1e3s1",
            "99999999999999999999s",
        ] {
            match text {
                "1e3s1" => check(text, "time: unknown unit \"e\" in duration \"1e3s1\""),
                _ => check(text, &format!("time: invalid duration \"{text}\"")),
            }
        }
        check("3", "time: missing unit in duration \"3\"");
        check("3x", "time: unknown unit \"x\" in duration \"3x\"");
        check(
            "3é",
            "time: unknown unit \"\\xc3\\xa9\" in duration \"3\\xc3\\xa9\"",
        );
        check("1d", "time: unknown unit \"d\" in duration \"1d\"");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back_the_same(nanos in any::<i64>(), shift in 0..63) {
            let nanos = nanos >> shift;
            prop_assert_eq!(parse(&format(nanos)), Ok(nanos));
        }

        #[test]
        fn no_text_panics(text in "[-+]?[0-9.hmsnuµ]{0,20}|\\PC{0,10}") {
            let _ = parse(&text);
        }
    }
}
