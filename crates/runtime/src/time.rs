//! Points in time as Kubernetes writes them.
//!
//! Reading accepts what Go's `time.Parse` accepts and refuses the rest in its words, because
//! clients see them: `metav1.Time` takes any fraction of a second or none, `metav1.MicroTime`
//! exactly six digits.

mod parse;

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

pub use parse::ParseTimeError;
pub(crate) use parse::quote;

/// A point in time: seconds since 1970 and nanoseconds within the second, always in UTC.
///
/// `metav1.Time` is written to whole seconds, `metav1.MicroTime` to microseconds; both read any
/// RFC 3339 offset and fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    pub seconds: i64,
    /// Nanoseconds within the second, 0..1_000_000_000.
    pub nanos: u32,
}

impl Time {
    /// Go's zero time, the start of year 1. It is written as `null`.
    pub const ZERO: Self = Self {
        seconds: -62_135_596_800,
        nanos: 0,
    };

    /// Whole seconds since 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// Whether it is [`Time::ZERO`].
    #[inline]
    pub const fn is_zero(&self) -> bool {
        self.seconds == Self::ZERO.seconds && self.nanos == 0
    }

    /// Reads a `metav1.Time`: RFC 3339 with any offset and any fraction.
    ///
    /// # Errors
    /// Go's, such as `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
    pub fn parse(text: &str) -> Result<Self, ParseTimeError> {
        parse::seconds(text)
    }

    /// Reads a `metav1.MicroTime`: RFC 3339 with any offset and a fraction of exactly six digits.
    ///
    /// # Errors
    /// Go's, as of [`Time::parse`].
    pub fn parse_micro(text: &str) -> Result<Self, ParseTimeError> {
        parse::micros(text)
    }

    /// The same without the fraction, as `metav1.Time` is written.
    pub const fn truncate_to_seconds(self) -> Self {
        Self {
            seconds: self.seconds,
            nanos: 0,
        }
    }

    /// The same without what is below a microsecond, as `metav1.MicroTime` is written.
    pub const fn truncate_to_micros(self) -> Self {
        Self {
            seconds: self.seconds,
            nanos: self.nanos / 1000 * 1000,
        }
    }

    /// Appends `2006-01-02T15:04:05Z`, without quotes, dropping the fraction.
    pub fn write_seconds(&self, out: &mut Vec<u8>) {
        self.write_to_the_second(out);
        out.push(b'Z');
    }

    /// Appends `2006-01-02T15:04:05.000000Z`, without quotes, dropping what is below a microsecond.
    pub fn write_micros(&self, out: &mut Vec<u8>) {
        self.write_to_the_second(out);
        out.push(b'.');
        let micros = self.nanos / 1000;
        push_two(out, micros / 10_000);
        push_two(out, micros / 100 % 100);
        push_two(out, micros % 100);
        out.push(b'Z');
    }

    /// This many seconds later, or earlier; stays at the end of what can be said.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self {
            seconds: self.seconds.saturating_add(seconds),
            nanos: self.nanos,
        }
    }

    /// Nanoseconds from `earlier` to here, negative if it is later.
    pub fn nanos_since(self, earlier: Self) -> i128 {
        (i128::from(self.seconds) - i128::from(earlier.seconds)) * 1_000_000_000
            + i128::from(self.nanos)
            - i128::from(earlier.nanos)
    }

    fn write_to_the_second(&self, out: &mut Vec<u8>) {
        let (year, month, day) = civil(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400) as u32;
        if year < 0 {
            out.push(b'-');
        }
        match year.unsigned_abs() {
            year @ 0..10_000 => {
                push_two(out, year as u32 / 100);
                push_two(out, year as u32 % 100);
            }
            year => out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes()),
        }
        out.push(b'-');
        push_two(out, month);
        out.push(b'-');
        push_two(out, day);
        out.push(b'T');
        push_two(out, second / 3600);
        out.push(b':');
        push_two(out, second / 60 % 60);
        out.push(b':');
        push_two(out, second % 60);
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self {
                seconds: since.as_secs() as i64,
                nanos: since.subsec_nanos(),
            },
            Err(before) => {
                let until = before.duration();
                let seconds = -(until.as_secs() as i64);
                match until.subsec_nanos() {
                    0 => Self { seconds, nanos: 0 },
                    nanos => Self {
                        seconds: seconds - 1,
                        nanos: 1_000_000_000 - nanos,
                    },
                }
            }
        }
    }
}

/// To whole seconds, as `metav1.Time` is written in JSON.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(20);
        self.write_seconds(&mut text);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Where the present comes from, so that a test can say what time it is.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        SystemTime::now().into()
    }
}

#[inline]
fn push_two(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
}

/// The days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;
/// Days from the first of March of year 0 to 1970-01-01. Years that begin in March have their leap
/// day at the end, where it moves no other.
const EPOCH: i64 = 719_468;

/// Year, month and day of the day that is `days` after 1970-01-01.
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + EPOCH;
    let era = days.div_euclid(ERA);
    let day_of_era = days.rem_euclid(ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * march_month + 2) / 5 + 1) as u32;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a day of the calendar.
fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = i64::from((month + 9) % 12);
    let day_of_year = (153 * march_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA + day_of_era - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: Time, seconds: &str, micros: &str) {
        let mut out = Vec::new();
        time.write_seconds(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), seconds);
        out.clear();
        time.write_micros(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), micros);
    }

    #[test]
    fn a_time_is_written_to_seconds_and_to_microseconds() {
        check(
            Time::from_seconds(0),
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00.000000Z",
        );
        let leap = Time {
            seconds: 1_709_210_096,
            nanos: 123_456_789,
        };
        check(leap, "2024-02-29T12:34:56Z", "2024-02-29T12:34:56.123456Z");
        check(
            Time {
                seconds: -1,
                nanos: 1,
            },
            "1969-12-31T23:59:59Z",
            "1969-12-31T23:59:59.000000Z",
        );
        check(
            Time::ZERO,
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00.000000Z",
        );
    }

    #[test]
    fn years_beyond_four_digits_are_written_out() {
        check(
            Time::from_seconds(253_402_300_800),
            "10000-01-01T00:00:00Z",
            "10000-01-01T00:00:00.000000Z",
        );
        check(
            Time::from_seconds(-62_198_755_200),
            "-0001-01-01T00:00:00Z",
            "-0001-01-01T00:00:00.000000Z",
        );
        let mut out = Vec::new();
        Time::from_seconds(i64::MAX).write_seconds(&mut out);
        Time::from_seconds(i64::MIN).write_micros(&mut out);
    }

    #[test]
    fn days_and_calendar_agree() {
        for day in (-800_000..3_000_000).step_by(13) {
            let (year, month, of_month) = civil(day);
            assert_eq!(
                days(year, month, of_month),
                day,
                "{year}-{month}-{of_month}"
            );
        }
    }

    #[test]
    fn the_machines_clock_may_stand_before_1970() {
        let before = UNIX_EPOCH - std::time::Duration::from_millis(1500);
        assert_eq!(
            Time::from(before),
            Time {
                seconds: -2,
                nanos: 500_000_000
            }
        );
    }

    #[test]
    fn truncation_drops_and_never_rounds() {
        let time = Time {
            seconds: 1,
            nanos: 999_999_999,
        };
        assert_eq!(time.truncate_to_micros().nanos, 999_999_000);
        assert_eq!(time.truncate_to_seconds(), Time::from_seconds(1));
        assert_eq!(time.nanos_since(Time::from_seconds(3)), -1_000_000_001);
    }
}
