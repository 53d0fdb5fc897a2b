//! Points in time and spans of it.

use pintle_runtime::duration as spans;
use pintle_runtime::time::Time;

use super::{Row, int};
use crate::value::{EvalError, Outcome, Val};

type Answer<'a> = Option<Outcome<'a>>;

macro_rules! part {
    ($name:ident, $part:expr) => {
        fn $name<'a>(args: &[Val<'a>]) -> Answer<'a> {
            part(args, $part)
        }
    };
}

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "getFullYear",
        year,
        &[
            ("timestamp_to_year", "timestamp.() int"),
            ("timestamp_to_year_with_tz", "timestamp.(string) int"),
        ],
    ),
    (
        "getMonth",
        month,
        &[
            ("timestamp_to_month", "timestamp.() int"),
            ("timestamp_to_month_with_tz", "timestamp.(string) int"),
        ],
    ),
    (
        "getDayOfYear",
        day_of_year,
        &[
            ("timestamp_to_day_of_year", "timestamp.() int"),
            ("timestamp_to_day_of_year_with_tz", "timestamp.(string) int"),
        ],
    ),
    (
        "getDayOfMonth",
        day_of_month,
        &[
            ("timestamp_to_day_of_month", "timestamp.() int"),
            (
                "timestamp_to_day_of_month_with_tz",
                "timestamp.(string) int",
            ),
        ],
    ),
    (
        "getDate",
        date,
        &[
            ("timestamp_to_day_of_month_1_based", "timestamp.() int"),
            (
                "timestamp_to_day_of_month_1_based_with_tz",
                "timestamp.(string) int",
            ),
        ],
    ),
    (
        "getDayOfWeek",
        day_of_week,
        &[
            ("timestamp_to_day_of_week", "timestamp.() int"),
            ("timestamp_to_day_of_week_with_tz", "timestamp.(string) int"),
        ],
    ),
    (
        "getHours",
        hours,
        &[
            ("timestamp_to_hours", "timestamp.() int"),
            ("timestamp_to_hours_with_tz", "timestamp.(string) int"),
            ("duration_to_hours", "duration.() int"),
        ],
    ),
    (
        "getMinutes",
        minutes,
        &[
            ("timestamp_to_minutes", "timestamp.() int"),
            ("timestamp_to_minutes_with_tz", "timestamp.(string) int"),
            ("duration_to_minutes", "duration.() int"),
        ],
    ),
    (
        "getSeconds",
        seconds,
        &[
            ("timestamp_to_seconds", "timestamp.() int"),
            ("timestamp_to_seconds_tz", "timestamp.(string) int"),
            ("duration_to_seconds", "duration.() int"),
        ],
    ),
    (
        "getMilliseconds",
        milliseconds,
        &[
            ("timestamp_to_milliseconds", "timestamp.() int"),
            (
                "timestamp_to_milliseconds_with_tz",
                "timestamp.(string) int",
            ),
            ("duration_to_milliseconds", "duration.() int"),
        ],
    ),
];

/// What is asked of a point in time, and of a span if that has it.
struct Part {
    of_time: fn(Calendar) -> i64,
    of_nanos: Option<i64>,
}

part!(
    year,
    Part {
        of_time: |c| c.year,
        of_nanos: None
    }
);
part!(
    month,
    Part {
        of_time: |c| c.month - 1,
        of_nanos: None
    }
);
part!(
    day_of_year,
    Part {
        of_time: |c| c.day_of_year,
        of_nanos: None
    }
);
part!(
    day_of_month,
    Part {
        of_time: |c| c.day - 1,
        of_nanos: None
    }
);
part!(
    date,
    Part {
        of_time: |c| c.day,
        of_nanos: None
    }
);
part!(
    day_of_week,
    Part {
        of_time: |c| c.weekday,
        of_nanos: None
    }
);
part!(
    hours,
    Part {
        of_time: |c| c.second / 3600,
        of_nanos: Some(3_600_000_000_000)
    }
);
part!(
    minutes,
    Part {
        of_time: |c| c.second / 60 % 60,
        of_nanos: Some(60_000_000_000)
    }
);
part!(
    seconds,
    Part {
        of_time: |c| c.second % 60,
        of_nanos: Some(1_000_000_000)
    }
);
part!(
    milliseconds,
    Part {
        of_time: |c| c.milliseconds,
        of_nanos: Some(1_000_000)
    }
);

fn part<'a>(args: &[Val<'a>], part: Part) -> Answer<'a> {
    match args {
        [Val::Timestamp(time)] => int((part.of_time)(Calendar::of(*time, 0))),
        [Val::Timestamp(time), Val::String(zone)] => match offset(zone) {
            Ok(offset) => int((part.of_time)(Calendar::of(*time, offset))),
            Err(error) => Some(Err(error)),
        },
        [Val::Duration(nanos)] => int(nanos / part.of_nanos?),
        _ => None,
    }
}

/// A day of the calendar and a time of the day.
struct Calendar {
    year: i64,
    month: i64,
    day: i64,
    /// From 0.
    day_of_year: i64,
    /// From Sunday.
    weekday: i64,
    /// Of the day.
    second: i64,
    milliseconds: i64,
}

impl Calendar {
    fn of(time: Time, offset: i64) -> Self {
        let local = time.plus_seconds(offset);
        let days = local.seconds.div_euclid(86_400);
        let text = local.to_string();
        // Years before the first begin with a sign.
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let mut parts = unsigned
            .split(['-', 'T'])
            .map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        let (year, month, day): (i64, i64, i64) = (next(), next(), next());
        let year = if text.starts_with('-') { -year } else { year };
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let before = before[(month.clamp(1, 12) - 1) as usize];
        Self {
            year,
            month,
            day,
            day_of_year: before + day - 1 + i64::from(is_leap && month > 2),
            weekday: (days + 4).rem_euclid(7),
            second: local.seconds.rem_euclid(86_400),
            milliseconds: i64::from(local.nanos / 1_000_000),
        }
    }
}

/// The seconds that a zone is ahead: UTC, or given as hours and minutes.
fn offset(zone: &str) -> Result<i64, EvalError> {
    let Some((hours, minutes)) = zone.split_once(':') else {
        return match zone {
            "" | "UTC" => Ok(0),
            _ => Err(EvalError::new(format!("unknown time zone {zone}"))),
        };
    };
    let number = |text: &str| {
        text.parse::<i64>().map_err(|_| {
            let text = pintle_runtime::quote::Quoted(text);
            EvalError::new(format!("strconv.Atoi: parsing {text}: invalid syntax"))
        })
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours
        .checked_mul(60)
        .and_then(|all| match zone.starts_with('-') {
            true => all.checked_sub(minutes),
            false => all.checked_add(minutes),
        });
    all.and_then(|all| all.checked_mul(60))
        .ok_or_else(|| EvalError::fixed("timestamp overflow"))
}

/// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The span that a text stands for.
pub(crate) fn duration(text: &str) -> Option<i64> {
    spans::parse(text).ok()
}

/// The point in time that a text stands for.
pub(crate) fn timestamp(text: &str) -> Option<Time> {
    let time = Time::parse(text).ok()?;
    RANGE.contains(&time.seconds).then_some(time)
}

/// So much later, if that can be said.
pub(super) fn shift(time: Time, nanos: i64) -> Option<Time> {
    let all = i64::from(time.nanos) + nanos.rem_euclid(1_000_000_000);
    let seconds = time
        .seconds
        .checked_add(nanos.div_euclid(1_000_000_000))?
        .checked_add(all / 1_000_000_000)?;
    RANGE.contains(&seconds).then_some(Time {
        seconds,
        nanos: (all % 1_000_000_000) as u32,
    })
}

/// With as many digits of a fraction as it takes.
pub(crate) fn show(time: Time) -> String {
    let mut text = time.truncate_to_seconds().to_string();
    if time.nanos > 0 {
        let fraction = format!("{:09}", time.nanos);
        text.truncate(text.len() - 1);
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
        text.push('Z');
    }
    text
}
