//! Indexes of pods as text: `1,3-5,7`.

use pintle_runtime::quote::Quoted;

/// How many indexes `text` names, which all are below `completions`; they only grow.
///
/// # Errors
/// What is wrong, in upstream's words.
pub(super) fn count(text: &str, completions: i32) -> Result<i32, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let mut last = None;
    let mut total = 0_i32;
    for part in text.split(',') {
        let (first, end) = interval(part, completions)?;
        if let Some(last) = last
            && last >= first
        {
            return Err(not_increasing(last, first));
        }
        total = total.saturating_add(end - first + 1);
        last = Some(end);
    }
    Ok(total)
}

/// An index that is in both lists. What does not parse is passed over: it is reported by itself.
pub(super) fn overlap(completed: &str, failed: &str, completions: i32) -> Option<i32> {
    if completed.is_empty() || failed.is_empty() {
        return None;
    }
    let intervals = |text: &str| -> Vec<(i32, i32)> {
        let parts = text.split(',');
        parts
            .filter_map(|part| interval(part, completions).ok())
            .collect()
    };
    let (completed, failed) = (intervals(completed), intervals(failed));
    let (mut c, mut f) = (completed.iter(), failed.iter());
    let (mut left, mut right) = (c.next(), f.next());
    while let (Some(&(cx, cy)), Some(&(fx, fy))) = (left, right) {
        if cx <= fy && fx <= cy {
            return Some(cx.max(fx));
        }
        if cx <= fx {
            left = c.next();
        } else {
            right = f.next();
        }
    }
    None
}

fn interval(text: &str, completions: i32) -> Result<(i32, i32), String> {
    let parts: Vec<&str> = text.split('-').collect();
    if parts.len() > 2 {
        return Err(format!(
            "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
            Quoted(text)
        ));
    }
    let first = index(parts[0], completions)?;
    let Some(end) = parts.get(1) else {
        return Ok((first, first));
    };
    let end = index(end, completions)?;
    if first >= end {
        return Err(not_increasing(first, end));
    }
    Ok((first, end))
}

fn index(text: &str, completions: i32) -> Result<i32, String> {
    let Ok(number) = text.parse::<i64>() else {
        return Err(format!(
            "cannot convert string to integer for index: {}",
            Quoted(text)
        ));
    };
    i32::try_from(number)
        .ok()
        .filter(|number| *number < completions)
        .ok_or_else(|| format!("too large index: {}", Quoted(text)))
}

fn not_increasing(previous: i32, current: i32) -> String {
    format!("non-increasing order, previous: {previous}, current: {current}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i32, &str>) {
        assert_eq!(
            count(text, 10).as_ref().copied().map_err(String::as_str),
            expected
        );
    }

    #[test]
    fn indexes_are_counted_or_refused() {
        check("", Ok(0));
        check("1,3-5,7", Ok(5));
        check(
            "1-2-3",
            Err(
                "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'",
            ),
        );
        check(
            "x",
            Err("cannot convert string to integer for index: \"x\""),
        );
        check("10", Err("too large index: \"10\""));
        check("0-10", Err("too large index: \"10\""));
        check("3-3", Err("non-increasing order, previous: 3, current: 3"));
        check("3,2", Err("non-increasing order, previous: 3, current: 2"));
    }

    #[test]
    fn an_index_in_both_lists_is_found() {
        assert_eq!(overlap("0-2,5", "3,4", 10), None);
        assert_eq!(overlap("0-2,5", "3,5-6", 10), Some(5));
        assert_eq!(overlap("x,4", "2-9", 10), Some(4));
        assert_eq!(overlap("", "2", 10), None);
    }
}
