//! Go's `time.Parse` for the two layouts that Kubernetes reads.

use std::fmt::Write;

use super::{Time, days};

/// Why a text is no time, in the words of Go's `time.ParseError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseTimeError(Box<str>);

/// `metav1.Time`.
pub(super) fn seconds(text: &str) -> Result<Time, ParseTimeError> {
    match strict(text.as_bytes()) {
        Some(time) => Ok(time),
        None => Parser::new(text, "2006-01-02T15:04:05Z07:00").run(Fraction::Any),
    }
}

/// `metav1.MicroTime`.
pub(super) fn micros(text: &str) -> Result<Time, ParseTimeError> {
    Parser::new(text, "2006-01-02T15:04:05.000000Z07:00").run(Fraction::Micros)
}

/// The form in which nearly every time arrives: `2006-01-02T15:04:05Z`.
fn strict(text: &[u8]) -> Option<Time> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        mo1,
        mo2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        mi1,
        mi2,
        b':',
        s1,
        s2,
        b'Z',
    ] = text
    else {
        return None;
    };
    let two = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit())
            .then(|| u32::from(a - b'0') * 10 + u32::from(b - b'0'))
    };
    let date = Date {
        year: two(y1, y2)? * 100 + two(y3, y4)?,
        month: two(mo1, mo2)?,
        day: two(d1, d2)?,
    };
    let (hour, minute, second) = (two(h1, h2)?, two(mi1, mi2)?, two(s1, s2)?);
    if !(1..=12).contains(&date.month)
        || !date.is_in_its_month()
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    Some(Time::from_seconds(
        date.start() + i64::from(hour * 3600 + minute * 60 + second),
    ))
}

struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    fn is_in_its_month(&self) -> bool {
        let leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let length = match self.month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (1..=length).contains(&self.day)
    }

    /// Seconds since 1970 at midnight.
    fn start(&self) -> i64 {
        days(i64::from(self.year), self.month, self.day) * 86_400
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fraction {
    /// Any number of digits, or none, after a point or comma.
    Any,
    /// Six digits, no less; a seventh is not part of it.
    Micros,
}

/// What is wrong with an element.
enum Fault {
    /// It does not look like one.
    Bad,
    /// It does, but the number is too large.
    Range(&'static str),
}

struct Parser<'a> {
    text: &'a str,
    layout: &'static str,
    /// What is still to be read.
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, layout: &'static str) -> Self {
        Self {
            text,
            layout,
            rest: text.as_bytes(),
        }
    }

    fn run(mut self, fraction: Fraction) -> Result<Time, ParseTimeError> {
        let year = self.element("2006", Self::year)?;
        self.literal("-")?;
        let month = self.element("01", |p| p.number(true, 1..=12, "month"))?;
        self.literal("-")?;
        let day = self.element("02", |p| p.number(true, 0..=99, "day"))?;
        self.literal("T")?;
        let hour = self.element("15", |p| p.number(false, 0..=23, "hour"))?;
        self.literal(":")?;
        let minute = self.element("04", |p| p.number(true, 0..=59, "minute"))?;
        self.literal(":")?;
        let second = self.element("05", |p| p.number(true, 0..=59, "second"))?;
        let nanos = match fraction {
            Fraction::Any => self.element("05", Self::any_fraction)?,
            Fraction::Micros => self.element(".000000", Self::micros)?,
        };
        let offset = self.element("Z07:00", Self::offset)?;
        if !self.rest.is_empty() {
            let extra = format!(": extra text: {}", quote(self.rest));
            return Err(self.fail(&extra));
        }
        let date = Date { year, month, day };
        if !date.is_in_its_month() {
            return Err(self.fail(": day out of range"));
        }
        let seconds = date.start() + i64::from(hour * 3600 + minute * 60 + second) - offset;
        Ok(Time { seconds, nanos })
    }

    fn literal(&mut self, expected: &'static str) -> Result<(), ParseTimeError> {
        match self.rest.strip_prefix(expected.as_bytes()) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.mismatch(self.rest, expected)),
        }
    }

    fn element<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, ParseTimeError> {
        let held = self.rest;
        read(self).map_err(|fault| match fault {
            Fault::Bad => self.mismatch(held, name),
            Fault::Range(what) => self.fail(&format!(": {what} out of range")),
        })
    }

    fn year(&mut self) -> Result<u32, Fault> {
        let Some((digits, rest)) = self.rest.split_at_checked(4) else {
            return Err(Fault::Bad);
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(Fault::Bad);
        }
        self.rest = rest;
        Ok(digits
            .iter()
            .fold(0, |year, digit| year * 10 + u32::from(digit - b'0')))
    }

    fn number(
        &mut self,
        two_digits: bool,
        range: std::ops::RangeInclusive<u32>,
        what: &'static str,
    ) -> Result<u32, Fault> {
        let (number, length) = leading_number(self.rest, two_digits).ok_or(Fault::Bad)?;
        self.rest = &self.rest[length..];
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(Fault::Range(what))
        }
    }

    /// A fraction that the layout does not mention.
    fn any_fraction(&mut self) -> Result<u32, Fault> {
        let [b'.' | b',', digits @ ..] = self.rest else {
            return Ok(0);
        };
        let length = digits
            .iter()
            .take_while(|digit| digit.is_ascii_digit())
            .count();
        if length == 0 {
            return Ok(0);
        }
        let (fraction, rest) = digits.split_at(length);
        let padded = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
        let nanos = padded.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
        self.rest = rest;
        Ok(nanos)
    }

    fn micros(&mut self) -> Result<u32, Fault> {
        let Some(([point, digits @ ..], rest)) = self.rest.split_at_checked(7) else {
            return Err(Fault::Bad);
        };
        // Go reads the six characters as a number, which may have a sign.
        let (negative, digits) = match digits {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        if !matches!(point, b'.' | b',') || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Fault::Bad);
        }
        let micros = digits
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        if negative && micros > 0 {
            return Err(Fault::Range("fractional second"));
        }
        self.rest = rest;
        Ok(micros * 1000)
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Result<i64, Fault> {
        if let [b'Z', rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(0);
        }
        let [sign, h1, h2, b':', m1, m2, rest @ ..] = self.rest else {
            return Err(Fault::Bad);
        };
        self.rest = rest;
        let hours = leading_number(&[*h1, *h2], true).ok_or(Fault::Bad)?.0;
        if hours > 24 {
            return Err(Fault::Range("time zone offset hour"));
        }
        let minutes = leading_number(&[*m1, *m2], true).ok_or(Fault::Bad)?.0;
        if minutes > 60 {
            return Err(Fault::Range("time zone offset minute"));
        }
        let seconds = i64::from(hours * 3600 + minutes * 60);
        match sign {
            b'+' => Ok(seconds),
            b'-' => Ok(-seconds),
            _ => Err(Fault::Bad),
        }
    }

    fn mismatch(&self, found: &[u8], element: &str) -> ParseTimeError {
        let layout = format!(
            " as \"{}\": cannot parse {} as \"{element}\"",
            self.layout,
            quote(found)
        );
        self.fail(&layout)
    }

    fn fail(&self, what: &str) -> ParseTimeError {
        ParseTimeError(format!("parsing time {}{what}", quote(self.text.as_bytes())).into())
    }
}

/// A number of two digits, or of one where that is allowed, and how long it is.
fn leading_number(text: &[u8], two_digits: bool) -> Option<(u32, usize)> {
    match text {
        [a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit() => {
            Some((u32::from(a - b'0') * 10 + u32::from(b - b'0'), 2))
        }
        [a, ..] if a.is_ascii_digit() && !two_digits => Some((u32::from(a - b'0'), 1)),
        _ => None,
    }
}

/// The `time` package's own quoting: bytes outside printable ASCII in hex.
pub(crate) fn quote(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=0x7f => quoted.push(char::from(byte)),
            _ => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\x{byte:02x}");
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match Time::parse(text) {
            Ok(time) => format!("{time} {}", time.nanos),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_micro(text: &str, expected: &str) {
        let found = match Time::parse_micro(text) {
            Ok(time) => format!("{time} {}", time.nanos),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn any_offset_and_fraction_is_read() {
        check("2024-02-29T12:34:56Z", "2024-02-29T12:34:56Z 0");
        check("2024-02-29T12:34:56.5Z", "2024-02-29T12:34:56Z 500000000");
        check(
            "2024-02-29T12:34:56,1234567899Z",
            "2024-02-29T12:34:56Z 123456789",
        );
        check("2024-02-29T00:34:56+02:00", "2024-02-28T22:34:56Z 0");
        check(
            "2024-02-29T12:34:56.000000001-07:30",
            "2024-02-29T20:04:56Z 1",
        );
        check("2024-02-29T12:34:56+24:60", "2024-02-28T11:34:56Z 0");
        check("2024-02-29T1:34:56Z", "2024-02-29T01:34:56Z 0");
        check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z 0");
    }

    #[test]
    fn what_does_not_look_like_a_time_is_refused_in_gos_words() {
        let layout = "2006-01-02T15:04:05Z07:00";
        let cannot = |text: &str, found: &str, element: &str| {
            check(
                text,
                &format!(
                    "parsing time {text:?} as \"{layout}\": cannot parse {found:?} as {element:?}"
                ),
            );
        };
        cannot("", "", "2006");
        cannot("yesterday", "yesterday", "2006");
        cannot("20a4-02-29", "20a4-02-29", "2006");
        cannot("2024", "", "-");
        cannot("2024/02/29", "/02/29", "-");
        cannot("2024-2-29", "2-29", "01");
        cannot("2024-02-29", "", "T");
        cannot("2024-02-29t12:34:56Z", "t12:34:56Z", "T");
        cannot("2024-02-29T12:34:56", "", "Z07:00");
        cannot("2024-02-29T12:34:56.Z", ".Z", "Z07:00");
        cannot("2024-02-29T12:34:56z", "z", "Z07:00");
        cannot("2024-02-29T12:34:56+0200", "+0200", "Z07:00");
        check(
            "2024-02-29T12:34:56Zé",
            "parsing time \"2024-02-29T12:34:56Z\\xc3\\xa9\": extra text: \"\\xc3\\xa9\"",
        );
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        check(
            "2024-13-01T00:00:00Z",
            "parsing time \"2024-13-01T00:00:00Z\": month out of range",
        );
        check(
            "2023-02-29T00:00:00Z",
            "parsing time \"2023-02-29T00:00:00Z\": day out of range",
        );
        check(
            "2023-02-00T00:00:00Z",
            "parsing time \"2023-02-00T00:00:00Z\": day out of range",
        );
        check(
            "2024-02-29T24:00:00Z",
            "parsing time \"2024-02-29T24:00:00Z\": hour out of range",
        );
        check(
            "2024-02-29T23:60:00Z",
            "parsing time \"2024-02-29T23:60:00Z\": minute out of range",
        );
        check(
            "2024-02-29T23:59:60Z",
            "parsing time \"2024-02-29T23:59:60Z\": second out of range",
        );
        check(
            "2024-02-29T12:34:56+25:00",
            "parsing time \"2024-02-29T12:34:56+25:00\": time zone offset hour out of range",
        );
    }

    #[test]
    fn a_micro_time_has_exactly_six_digits() {
        check_micro(
            "2024-02-29T12:34:56.123456Z",
            "2024-02-29T12:34:56Z 123456000",
        );
        check_micro(
            "2024-02-29T12:34:56.123456+01:00",
            "2024-02-29T11:34:56Z 123456000",
        );
        let layout = "2006-01-02T15:04:05.000000Z07:00";
        let cannot = |text: &str, found: &str, element: &str| {
            check_micro(
                text,
                &format!(
                    "parsing time {text:?} as \"{layout}\": cannot parse {found:?} as {element:?}"
                ),
            );
        };
        cannot("2024-02-29T12:34:56Z", "Z", ".000000");
        cannot("2024-02-29T12:34:56.123Z", ".123Z", ".000000");
        cannot("2024-02-29T12:34:56.123456789Z", "789Z", "Z07:00");
    }
}
