//! What a plain scalar stands for, by the rules of YAML 1.1 as goyaml.v2 has them.

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 63 bits.
    Large(u64),
    Float(f64),
    /// Looks like a date. It is read as a string, but a string that looks like it is written in quotes.
    Timestamp,
    /// `<<`
    Merge,
    String,
}

/// What `text` without quotes and tag is.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => text.parse().map_or(Scalar::String, Scalar::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => number(text),
        b'<' if text == "<<" => Scalar::Merge,
        _ => Scalar::String,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::String,
    }
}

fn number(text: &str) -> Scalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ if is_timestamp(text) => return Scalar::Timestamp,
        _ => {}
    }
    let plain = text.replace('_', "");
    if let Some(integer) = integer(&plain) {
        return integer;
    }
    if is_float(plain.as_bytes())
        && let Some(float) = plain.parse().ok().filter(|float: &f64| float.is_finite())
    {
        return Scalar::Float(float);
    }
    Scalar::String
}

/// Go's `ParseInt` and `ParseUint` with base 0: a prefix says which base, and a zero in front is octal.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    // A second sign is one too many.
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match i64::try_from(magnitude) {
        Ok(integer) => Some(Scalar::Int(if negative { -integer } else { integer })),
        Err(_) if negative && magnitude == 1 << 63 => Some(Scalar::Int(i64::MIN)),
        Err(_) if !signed => Some(Scalar::Large(magnitude)),
        Err(_) => None,
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text
        .strip_prefix(b"-")
        .or_else(|| text.strip_prefix(b"+"))
        .unwrap_or(text);
    let whole = digits(rest);
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if whole == 0 && length == 0 {
            return false;
        }
        rest = &fraction[length..];
    } else if whole == 0 {
        return false;
    }
    match rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent
                .strip_prefix(b"-")
                .or_else(|| exponent.strip_prefix(b"+"))
                .unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

/// A date, or a date and a time of day, in one of the forms that goyaml tells by.
fn is_timestamp(text: &str) -> bool {
    parse_timestamp(text.as_bytes()).is_some()
}

fn parse_timestamp(text: &[u8]) -> Option<()> {
    let (year, rest) = (text.get(..4)?, text.get(4..)?.strip_prefix(b"-")?);
    if !year.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let year = year
        .iter()
        .fold(0, |year, digit| year * 10 + u32::from(digit - b'0'));
    let (month, rest) = one_or_two(rest)?;
    let (day, rest) = one_or_two(rest.strip_prefix(b"-")?)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    match rest.split_first() {
        None => Some(()),
        Some((b'T' | b't', rest)) => zone(time_of_day(rest)?),
        Some((b' ', rest)) => time_of_day(rest)?.is_empty().then_some(()),
        _ => None,
    }
}

/// Takes hours, minutes, seconds and a fraction; gives back what follows.
fn time_of_day(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = one_or_two(text)?;
    let (minute, rest) = one_or_two(rest.strip_prefix(b":")?)?;
    let (second, rest) = one_or_two(rest.strip_prefix(b":")?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
        Some(fraction) => fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count(),
        None => 0,
    };
    Some(if fraction > 0 {
        &rest[fraction + 1..]
    } else {
        rest
    })
}

fn zone(text: &[u8]) -> Option<()> {
    let two = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| (a - b'0') * 10 + b - b'0')
    };
    match *text {
        [b'Z'] => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            (two(h1, h2)? <= 24 && two(m1, m2)? <= 60).then_some(())
        }
        _ => None,
    }
}

fn one_or_two(text: &[u8]) -> Option<(u32, &[u8])> {
    match *text {
        [a, b, ref rest @ ..] if a.is_ascii_digit() && b.is_ascii_digit() => {
            Some((u32::from(a - b'0') * 10 + u32::from(b - b'0'), rest))
        }
        [a, ref rest @ ..] if a.is_ascii_digit() => Some((u32::from(a - b'0'), rest)),
        _ => None,
    }
}

/// Whether `text` is a number in base 60, which YAML 1.1 knows: it is read as a string but written in
/// quotes, for others' sake. `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`
pub(super) fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (groups, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = groups.split(':');
    let first = groups.next().unwrap_or_default();
    let is_group = |group: &str| match *group.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(&tens) && ones.is_ascii_digit(),
        _ => false,
    };
    let mut count = 0;
    first.starts_with(|first: char| first.is_ascii_digit())
        && first
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
        && groups.inspect(|_| count += 1).all(is_group)
        && count > 0
        && fraction
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Scalar) {
        assert_eq!(resolve(text), expected, "{text}");
    }

    #[test]
    fn words_have_meanings() {
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, Scalar::Null);
        }
        for text in ["y", "Yes", "on", "TRUE"] {
            check(text, Scalar::Bool(true));
        }
        for text in ["n", "NO", "Off", "false"] {
            check(text, Scalar::Bool(false));
        }
        check("<<", Scalar::Merge);
        for text in [
            "nUll", "yEs", "a", "true ", "-", "+", ".", "..", "-x", "1a", "0x", "1e", "--1", "+-1",
            "0x-1",
        ] {
            check(text, Scalar::String);
        }
    }

    #[test]
    fn numbers_have_bases() {
        check("0", Scalar::Int(0));
        check("-12", Scalar::Int(-12));
        check("+1_000", Scalar::Int(1000));
        check("0x1F", Scalar::Int(31));
        check("0b101", Scalar::Int(5));
        check("-0b101", Scalar::Int(-5));
        check("0o17", Scalar::Int(15));
        check("0777", Scalar::Int(511));
        check("08", Scalar::Float(8.0));
        check("9223372036854775808", Scalar::Large(1 << 63));
        check("-9223372036854775808", Scalar::Int(i64::MIN));
        check(
            "18446744073709551616",
            Scalar::Float(18_446_744_073_709_551_616.0),
        );
        check("1.", Scalar::Float(1.0));
        check(".5", Scalar::Float(0.5));
        check("1e3", Scalar::Float(1000.0));
        check("-.inf", Scalar::Float(f64::NEG_INFINITY));
        check("1e400", Scalar::String);
    }

    #[test]
    fn dates_are_told() {
        for text in [
            "2001-01-01",
            "2001-1-1",
            "2026-11-22T21:39:28Z",
            "2026-11-22t1:2:3.5+01:00",
            "2001-12-14 21:59:43.10",
        ] {
            check(text, Scalar::Timestamp);
        }
        for text in [
            "2001-13-01",
            "2001-02-30",
            "2001-01-01T",
            "2001-01-01T1:2:3",
            "2001-12-14 21:59:43 -5",
        ] {
            check(text, Scalar::String);
        }
    }

    #[test]
    fn numbers_in_base_60_are_told() {
        for text in ["1:20", "-190:20:30.15", "1_0:59"] {
            assert!(is_base_60(text), "{text}");
        }
        for text in ["1", "1:60", "a:1", ":1", "1:2:", "1.5"] {
            assert!(!is_base_60(text), "{text}");
        }
    }
}
