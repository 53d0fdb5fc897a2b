//! Differences of texts, line by line, as messages show them.
//!
//! Which lines are taken for the same is a matter of taste; this follows Python's `difflib` with its
//! notion of lines too popular to match by, because upstream's messages are made by a port of it.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

/// How many lines around a change are shown.
const CONTEXT: usize = 3;
/// From how many lines on those are passed over that are there again and again.
const LONG: usize = 200;

/// A run of lines that are the same (`a` and `b` equally long) or not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    same: bool,
    a: Range<usize>,
    b: Range<usize>,
}

/// What became of `old`, with three lines of context, without a heading; empty if they are the same.
pub(crate) fn unified(old: &str, new: &str) -> String {
    let a: Vec<&str> = old.split('\n').collect();
    let b: Vec<&str> = new.split('\n').collect();
    let mut out = String::new();
    for group in groups(steps(&a, &b)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let (from, to) = (
            span(first.a.start..last.a.end),
            span(first.b.start..last.b.end),
        );
        let _ = writeln!(out, "@@ -{from} +{to} @@");
        for step in &group {
            let mut lines = |mark: char, lines: &[&str]| {
                for line in lines {
                    let _ = writeln!(out, "{mark}{line}");
                }
            };
            if step.same {
                lines(' ', &a[step.a.clone()]);
            } else {
                lines('-', &a[step.a.clone()]);
                lines('+', &b[step.b.clone()]);
            }
        }
    }
    out
}

/// A range of lines in the heading of a group.
fn span(range: Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        length => format!("{},{length}", range.start + 1),
    }
}

/// Changes with their context; those whose contexts meet stand together.
fn groups(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    if let Some(first) = steps.first_mut()
        && first.same
    {
        *first = tail(first, CONTEXT);
    }
    if let Some(last) = steps.last_mut()
        && last.same
    {
        *last = head(last, CONTEXT);
    }
    let mut groups = Vec::new();
    let mut group: Vec<Step> = Vec::new();
    for mut step in steps {
        if step.same && step.a.len() > 2 * CONTEXT {
            group.push(head(&step, CONTEXT));
            groups.push(std::mem::take(&mut group));
            step = tail(&step, CONTEXT);
        }
        group.push(step);
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|step| !step.same));
    groups
}

fn head(step: &Step, lines: usize) -> Step {
    Step {
        same: step.same,
        a: step.a.start..step.a.end.min(step.a.start + lines),
        b: step.b.start..step.b.end.min(step.b.start + lines),
    }
}

fn tail(step: &Step, lines: usize) -> Step {
    Step {
        same: step.same,
        a: step.a.start.max(step.a.end.saturating_sub(lines))..step.a.end,
        b: step.b.start.max(step.b.end.saturating_sub(lines))..step.b.end,
    }
}

/// Turns the runs that match into a full account of both texts.
fn steps(a: &[&str], b: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (ai, bj, size) in matches(a, b).into_iter().chain([(a.len(), b.len(), 0)]) {
        if i < ai || j < bj {
            steps.push(Step {
                same: false,
                a: i..ai,
                b: j..bj,
            });
        }
        (i, j) = (ai + size, bj + size);
        if size > 0 {
            steps.push(Step {
                same: true,
                a: ai..i,
                b: bj..j,
            });
        }
    }
    steps
}

/// The runs that match, in order, those that touch joined: `(in a, in b, length)`.
fn matches(a: &[&str], b: &[&str]) -> Vec<(usize, usize, usize)> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in b.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if b.len() >= LONG {
        let most = b.len() / 100 + 1;
        places.retain(|_, at| at.len() <= most);
    }
    let mut found = Vec::new();
    let mut open = vec![(0..a.len(), 0..b.len())];
    while let Some((in_a, in_b)) = open.pop() {
        let (i, j, size) = longest(a, b, &places, &in_a, &in_b);
        if size == 0 {
            continue;
        }
        found.push((i, j, size));
        open.push((in_a.start..i, in_b.start..j));
        open.push((i + size..in_a.end, j + size..in_b.end));
    }
    found.sort_unstable();
    let mut joined: Vec<(usize, usize, usize)> = Vec::new();
    for (i, j, size) in found {
        match joined.last_mut() {
            Some(last) if last.0 + last.2 == i && last.1 + last.2 == j => last.2 += size,
            _ => joined.push((i, j, size)),
        }
    }
    joined
}

/// The longest run that matches, the first of several; popular lines count only at its ends.
fn longest(
    a: &[&str],
    b: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    in_a: &Range<usize>,
    in_b: &Range<usize>,
) -> (usize, usize, usize) {
    let (mut i, mut j, mut size) = (in_a.start, in_b.start, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for at in in_a.clone() {
        let mut next = HashMap::new();
        for &place in places.get(a[at]).map_or(&[][..], Vec::as_slice) {
            if !in_b.contains(&place) {
                continue;
            }
            let before = place.checked_sub(1).and_then(|before| lengths.get(&before));
            let length = before.copied().unwrap_or(0) + 1;
            next.insert(place, length);
            if length > size {
                (i, j, size) = (at + 1 - length, place + 1 - length, length);
            }
        }
        lengths = next;
    }
    while i > in_a.start && j > in_b.start && a[i - 1] == b[j - 1] {
        (i, j, size) = (i - 1, j - 1, size + 1);
    }
    while i + size < in_a.end && j + size < in_b.end && a[i + size] == b[j + size] {
        size += 1;
    }
    (i, j, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        assert_eq!(unified(old, new), expected);
    }

    #[test]
    fn a_change_is_shown_with_three_lines_around_it() {
        check(
            "a\nb\nc\nd\ne\nf\ng\nh\ni",
            "a\nb\nc\nd\nX\nf\ng\nh\ni",
            "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n",
        );
    }

    #[test]
    fn what_is_the_same_has_no_difference() {
        check("a\nb", "a\nb", "");
    }

    #[test]
    fn changes_far_apart_stand_alone() {
        let lines: Vec<String> = (0..20).map(|line| line.to_string()).collect();
        let mut new = lines.clone();
        new[0] = "x".to_owned();
        new[19] = "y".to_owned();
        check(
            &lines.join("\n"),
            &new.join("\n"),
            "@@ -1,4 +1,4 @@\n-0\n+x\n 1\n 2\n 3\n@@ -17,4 +17,4 @@\n 16\n 17\n 18\n-19\n+y\n",
        );
    }

    #[test]
    fn lines_are_added_and_taken_away() {
        check("a\nb", "a\nn\nb", "@@ -1,2 +1,3 @@\n a\n+n\n b\n");
        check("a\nb\nc", "a\nc", "@@ -1,3 +1,2 @@\n a\n-b\n c\n");
    }
}
