//! How long ago something was, for people: `5m30s`, `2d4h`.

use std::borrow::Cow;

use pintle_runtime::time::Time;

use super::Cell;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// What stands for a time that is not known.
const UNKNOWN: &str = "<unknown>";

/// How long ago `time` was, to two or three digits; `<unknown>` if it is not set.
///
/// The `Age` of built-in kinds, and of `date` columns of custom resources.
pub fn age(time: Option<Time>, now: Time) -> Cow<'static, str> {
    time.map_or(Cow::Borrowed(UNKNOWN), |time| {
        human_duration(between(time, now))
    })
}

/// The same as a cell.
pub(super) fn age_cell(time: Option<Time>, now: Time) -> Cell<'static> {
    Cell::Text(age(time, now))
}

/// The time from `start` to `end`, in nanoseconds; the longest there is (292 years) if it is longer.
pub(super) fn between(start: Time, end: Time) -> i64 {
    let nanos = end.nanos_since(start);
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// A duration of `nanos` nanoseconds to two or three digits, such as `99s`, `9m59s`, `7h59m`,
/// `7d23h`, `729d` or `3y20d`.
///
/// Clocks differ, so up to a second in the future is `0s`; more is `<invalid>`.
pub fn human_duration(nanos: i64) -> Cow<'static, str> {
    let seconds = nanos / SECOND;
    if seconds < -1 {
        return Cow::Borrowed("<invalid>");
    }
    let seconds = seconds.max(0);
    let (minutes, hours) = (seconds / MINUTE, seconds / HOUR);
    let days = hours / 24;
    Cow::Owned(if seconds < 2 * MINUTE {
        format!("{seconds}s")
    } else if minutes < 10 {
        two(minutes, 'm', seconds % MINUTE, 's')
    } else if minutes < 3 * 60 {
        format!("{minutes}m")
    } else if hours < 8 {
        two(hours, 'h', minutes % 60, 'm')
    } else if hours < 2 * 24 {
        format!("{hours}h")
    } else if days < 8 {
        two(days, 'd', hours % 24, 'h')
    } else if days < 2 * 365 {
        format!("{days}d")
    } else if days < 8 * 365 {
        two(days / 365, 'y', days % 365, 'd')
    } else {
        format!("{}y", days / 365)
    })
}

/// Two units, the second one only if there is something of it.
fn two(large: i64, unit: char, small: i64, rest: char) -> String {
    if small == 0 {
        format!("{large}{unit}")
    } else {
        format!("{large}{unit}{small}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: i64, expected: &str) {
        assert_eq!(human_duration(seconds * SECOND), expected, "{seconds}s");
    }

    #[test]
    fn a_duration_has_two_or_three_digits() {
        check(0, "0s");
        check(119, "119s");
        check(120, "2m");
        check(125, "2m5s");
        check(599, "9m59s");
        check(600, "10m");
        check(3 * HOUR - 1, "179m");
        check(3 * HOUR, "3h");
        check(3 * HOUR + 60, "3h1m");
        check(8 * HOUR - 1, "7h59m");
        check(8 * HOUR, "8h");
        check(48 * HOUR - 1, "47h");
        check(48 * HOUR, "2d");
        check(49 * HOUR, "2d1h");
        check(8 * 24 * HOUR - 1, "7d23h");
        check(8 * 24 * HOUR, "8d");
        check(2 * 365 * 24 * HOUR - 1, "729d");
        check(2 * 365 * 24 * HOUR, "2y");
        check((2 * 365 + 20) * 24 * HOUR, "2y20d");
        check(8 * 365 * 24 * HOUR - 1, "7y364d");
        check(8 * 365 * 24 * HOUR, "8y");
        check(200 * 365 * 24 * HOUR, "200y");
    }

    #[test]
    fn a_clock_may_be_a_second_ahead() {
        assert_eq!(human_duration(-SECOND - SECOND / 2), "0s");
        check(-1, "0s");
        check(-2, "<invalid>");
    }

    #[test]
    fn a_time_that_is_not_set_is_unknown() {
        let now = Time::from_seconds(1_000_000);
        assert_eq!(age(None, now), "<unknown>");
        assert_eq!(age(Some(Time::from_seconds(999_700)), now), "5m");
        assert_eq!(age(Some(Time::ZERO), now), "292y");
    }
}
