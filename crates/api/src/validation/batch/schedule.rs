//! When a cron job runs: five fields or a word, as the library that upstream uses reads them.

use pintle_runtime::duration;
use pintle_runtime::quote::Quoted;

use super::zones;

/// What a field of a schedule may hold.
struct Field {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const fn field(min: u64, max: u64, names: &'static [&'static str]) -> Field {
    Field { min, max, names }
}

const FIELDS: [Field; 5] = [
    field(0, 59, &[]),
    field(0, 23, &[]),
    field(1, 31, &[]),
    field(
        1,
        12,
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    field(0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Whether `schedule` is one.
///
/// # Errors
/// What is wrong, in the library's words.
pub(super) fn check(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Err("empty spec string".to_owned());
    }
    let mut rest = schedule;
    if let Some(zoned) = schedule
        .strip_prefix("TZ=")
        .or_else(|| schedule.strip_prefix("CRON_TZ="))
    {
        let Some((zone, after)) = zoned.split_once(' ') else {
            return Err(
                "invalid schedule format: runtime error: slice bounds out of range [:-1]"
                    .to_owned(),
            );
        };
        zones::load(zone).map_err(|problem| format!("provided bad location {zone}: {problem}"))?;
        rest = after.trim();
    }
    if rest.starts_with('@') {
        return word(rest);
    }
    let parts: Vec<&str> = rest.split_whitespace().collect();
    if parts.len() != FIELDS.len() {
        return Err(format!(
            "expected exactly 5 fields, found {}: [{}]",
            parts.len(),
            parts.join(" ")
        ));
    }
    let ranges = parts.iter().zip(&FIELDS).flat_map(|(part, field)| {
        let ranges = part.split(',').filter(|range| !range.is_empty());
        ranges.map(move |text| (text, field))
    });
    ranges
        .into_iter()
        .try_for_each(|(text, field)| range(text, field))
}

fn word(text: &str) -> Result<(), String> {
    if let Some(every) = text.strip_prefix("@every ") {
        return match duration::parse(every) {
            Ok(_) => Ok(()),
            Err(problem) => Err(format!("failed to parse duration {text}: {problem}")),
        };
    }
    match text {
        "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly" => {
            Ok(())
        }
        _ => Err(format!("unrecognized descriptor: {text}")),
    }
}

fn range(text: &str, field: &Field) -> Result<(), String> {
    let mut parts = text.split('/');
    let (span, step) = (parts.next().unwrap_or_default(), parts.next());
    let ends: Vec<&str> = span.split('-').collect();
    let (start, mut end) = match ends.as_slice() {
        ["*" | "?", ..] => (field.min, field.max),
        [one] => (value(one, field)?, value(one, field)?),
        [first, last] => (value(first, field)?, value(last, field)?),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    let step = match (step, parts.next()) {
        (None, _) => 1,
        (Some(step), None) => {
            if ends.len() == 1 {
                end = field.max;
            }
            number(step)?
        }
        (Some(_), Some(_)) => return Err(format!("too many slashes: {text}")),
    };
    if start < field.min {
        return Err(format!(
            "beginning of range ({start}) below minimum ({}): {text}",
            field.min
        ));
    }
    if end > field.max {
        return Err(format!(
            "end of range ({end}) above maximum ({}): {text}",
            field.max
        ));
    }
    if start > end {
        return Err(format!(
            "beginning of range ({start}) beyond end of range ({end}): {text}"
        ));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn value(text: &str, field: &Field) -> Result<u64, String> {
    let name = text.to_lowercase();
    match field.names.iter().position(|known| *known == name) {
        Some(at) => Ok(field.min + at as u64),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let is_number = text
        .strip_prefix(['+', '-'])
        .unwrap_or(text)
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number)
            .map_err(|_| format!("negative number ({number}) not allowed: {text}")),
        Err(_) => {
            let problem = if is_number && text.len() > 1 {
                "value out of range"
            } else {
                "invalid syntax"
            };
            Err(format!(
                "failed to parse int from {text}: strconv.Atoi: parsing {}: {problem}",
                Quoted(text)
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check as parse;

    #[track_caller]
    fn check(schedule: &str, expected: &str) {
        let problem = parse(schedule).err().unwrap_or_default();
        assert_eq!(problem, expected, "{schedule}");
    }

    #[test]
    fn schedules_that_are() {
        for schedule in [
            "* * * * *",
            "*/5 0-6/2 1,15 jan-DEC Mon",
            "? ? ? ? ?",
            "@daily",
            "@every 1h30m",
            "CRON_TZ=Europe/Berlin 0 6 * * *",
            "TZ=UTC @hourly",
            "5/10 * * * *",
        ] {
            check(schedule, "");
        }
    }

    #[test]
    fn schedules_that_are_not() {
        check("", "empty spec string");
        check("often", "expected exactly 5 fields, found 1: [often]");
        check("1 2 3", "expected exactly 5 fields, found 3: [1 2 3]");
        check("@often", "unrecognized descriptor: @often");
        check("60 * * * *", "end of range (60) above maximum (59): 60");
        check("* * 0 * *", "beginning of range (0) below minimum (1): 0");
        check(
            "5-3 * * * *",
            "beginning of range (5) beyond end of range (3): 5-3",
        );
        check("1-2-3 * * * *", "too many hyphens: 1-2-3");
        check("1/2/3 * * * *", "too many slashes: 1/2/3");
        check(
            "*/0 * * * *",
            "step of range should be a positive number: */0",
        );
        check(
            "x * * * *",
            "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax",
        );
        check(
            "99999999999999999999 * * * *",
            "failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        );
        check(
            "TZ=Mars/Base 0 0 * * *",
            "provided bad location Mars/Base: unknown time zone Mars/Base",
        );
        check(
            "TZ=UTC",
            "invalid schedule format: runtime error: slice bounds out of range [:-1]",
        );
    }
}
