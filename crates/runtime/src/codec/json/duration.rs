//! Durations as Go's `time.Duration` reads and writes them.

use crate::quote::Quoted;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The nanoseconds of `text`, such as `1h30m`, `-1.5s` or `100ms`.
///
/// # Errors
/// Go's: `time: invalid duration "x"`, `time: missing unit in duration "1"`,
/// `time: unknown unit "d" in duration "1d"`.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", Quoted(text));
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, whole_length) = digits(rest).ok_or_else(invalid)?;
        rest = &rest[whole_length..];
        let (mut fraction, mut scale, mut fraction_length) = (0, 1.0, 0);
        if let Some(after) = rest.strip_prefix(b".") {
            (fraction, scale, fraction_length) = fraction_digits(after);
            rest = &after[fraction_length..];
        }
        if whole_length == 0 && fraction_length == 0 {
            return Err(invalid());
        }
        let length = rest
            .iter()
            .position(|byte| byte.is_ascii_digit() || *byte == b'.')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        rest = after;
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", Quoted(text)));
        }
        let Some(unit) = unit(name) else {
            let name = super::text::lossy(name);
            return Err(format!(
                "time: unknown unit {} in duration {}",
                Quoted(&name),
                Quoted(text)
            ));
        };
        let mut part = whole
            .checked_mul(unit)
            .filter(|&part| part <= 1 << 63)
            .ok_or_else(invalid)?;
        if fraction > 0 {
            part += (fraction as f64 * (unit as f64 / scale)) as u64;
        }
        total = total
            .checked_add(part)
            .filter(|&total| total <= 1 << 63)
            .ok_or_else(invalid)?;
    }
    if negative {
        Ok((total as i64).wrapping_neg())
    } else {
        i64::try_from(total).map_err(|_| invalid())
    }
}

/// The number at the start of `text`, unless it is too large, and how many digits it has.
fn digits(text: &[u8]) -> Option<(u64, usize)> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut value: u64 = 0;
    for byte in &text[..length] {
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(byte - b'0'))
            .filter(|&value| value <= 1 << 63)?;
    }
    Some((value, length))
}

/// The fraction at the start of `text`: its digits as a number, what to divide that by, and how many
/// digits there are. Digits that make no difference are dropped.
fn fraction_digits(text: &[u8]) -> (u64, f64, usize) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut value, mut scale): (u64, f64) = (0, 1.0);
    for byte in &text[..length] {
        match value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(byte - b'0')))
        {
            Some(longer) if longer <= 1 << 63 => {
                value = longer;
                scale *= 10.0;
            }
            _ => break,
        }
    }
    (value, scale, length)
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => SECOND,
        b"m" => MINUTE,
        b"h" => HOUR,
        _ => return None,
    })
}

/// Appends a duration of `nanos`, such as `1h30m0s`, `1.5s`, `100ms` or `0s`.
pub(super) fn write(nanos: i64, out: &mut Vec<u8>) {
    if nanos < 0 {
        out.push(b'-');
    }
    let nanos = nanos.unsigned_abs();
    match nanos {
        0 => out.extend_from_slice(b"0s"),
        1..1_000 => with_fraction(nanos, 1, "ns", out),
        1_000..1_000_000 => with_fraction(nanos, 1_000, "µs", out),
        1_000_000..SECOND => with_fraction(nanos, 1_000_000, "ms", out),
        _ => {
            if nanos >= HOUR {
                whole(nanos / HOUR, out);
                out.push(b'h');
            }
            if nanos >= MINUTE {
                whole(nanos / MINUTE % 60, out);
                out.push(b'm');
            }
            with_fraction(nanos % MINUTE, SECOND, "s", out);
        }
    }
}

fn with_fraction(nanos: u64, unit: u64, name: &str, out: &mut Vec<u8>) {
    whole(nanos / unit, out);
    let mut fraction = nanos % unit;
    let mut place = unit;
    if fraction > 0 {
        out.push(b'.');
    }
    while fraction > 0 {
        place /= 10;
        out.push(b'0' + (fraction / place) as u8);
        fraction %= place;
    }
    out.extend_from_slice(name.as_bytes());
}

fn whole(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nanos: i64, written: &str) {
        assert_eq!(parse(text), Ok(nanos), "{text}");
        let mut out = Vec::new();
        write(nanos, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), written);
    }

    #[test]
    fn durations_are_read_and_written() {
        check("0", 0, "0s");
        check("1h30m", 5_400_000_000_000, "1h30m0s");
        check("90s", 90_000_000_000, "1m30s");
        check("-1.5s", -1_500_000_000, "-1.5s");
        check("100ms", 100_000_000, "100ms");
        check("1.5us", 1_500, "1.5µs");
        check("+7ns", 7, "7ns");
        check(".5h", 1_800_000_000_000, "30m0s");
        check("1m0.001s", 60_001_000_000, "1m0.001s");
        check(
            "2562047h47m16.854775807s",
            i64::MAX,
            "2562047h47m16.854775807s",
        );
        check(
            "-2562047h47m16.854775808s",
            i64::MIN,
            "-2562047h47m16.854775808s",
        );
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(parse(text), Err(expected.to_owned()));
    }

    #[test]
    fn what_is_no_duration_is_refused_in_gos_words() {
        check_error("", r#"time: invalid duration """#);
        check_error("x", r#"time: invalid duration "x""#);
        check_error("-", r#"time: invalid duration "-""#);
        check_error(".s", r#"time: invalid duration ".s""#);
        check_error("1", r#"time: missing unit in duration "1""#);
        check_error("1d", r#"time: unknown unit "d" in duration "1d""#);
        check_error(
            "2562047h47m16.854775808s",
            r#"time: invalid duration "2562047h47m16.854775808s""#,
        );
        check_error(
            "99999999999999999999h",
            r#"time: invalid duration "99999999999999999999h""#,
        );
    }
}
