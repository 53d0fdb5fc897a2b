//! The symbols of a template and the texts that each stands for.

use std::collections::BTreeSet;

/// What a symbol such as `${UID1}` can stand for.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) kind: &'static str,
    alternatives: &'static [&'static [Part]],
}

#[derive(Debug)]
enum Part {
    /// `h` a lower-case hexadecimal digit, `d` a digit, `g` a letter of generated names; else itself.
    Shape(&'static str),
    /// One or more characters of a class.
    Many(fn(char) -> bool),
    /// One of several words.
    Word(&'static [&'static str]),
    /// A sequence, any number of times, perhaps none.
    Any(&'static [Part]),
    /// Any text at all.
    Everything,
}

use Part::{Any, Everything, Many, Shape, Word};

const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

const AGE: &[Part] = &[Many(digit), Word(&["s", "m", "h", "d", "y"])];
const REVISION: &[&[Part]] = &[
    &[
        Word(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        Many(digit),
    ],
    &[Word(&["1", "2", "3", "4", "5", "6", "7", "8", "9"])],
];

const PATTERNS: &[Pattern] = &[
    Pattern {
        kind: "UID",
        alternatives: &[&[Shape("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")]],
    },
    Pattern {
        kind: "RV",
        alternatives: REVISION,
    },
    Pattern {
        kind: "LRV",
        alternatives: REVISION,
    },
    Pattern {
        kind: "TIME",
        alternatives: &[&[Shape("dddd-dd-ddTdd:dd:ddZ")]],
    },
    Pattern {
        kind: "MICROTIME",
        alternatives: &[&[Shape("dddd-dd-ddTdd:dd:dd.ddddddZ")]],
    },
    Pattern {
        kind: "GEN",
        alternatives: &[&[Shape("ggggg")]],
    },
    Pattern {
        kind: "IP",
        alternatives: &[&[Many(|c| c.is_ascii_hexdigit() || c == '.' || c == ':')]],
    },
    Pattern {
        kind: "PORT",
        alternatives: &[&[Many(digit)]],
    },
    Pattern {
        kind: "JWT",
        alternatives: &[&[
            Many(word),
            Word(&["."]),
            Many(word),
            Word(&["."]),
            Many(word),
        ]],
    },
    Pattern {
        kind: "CONTINUE",
        alternatives: &[&[Many(|c| word(c) || c == '=')]],
    },
    Pattern {
        kind: "HASH",
        alternatives: &[&[Many(|c| c.is_ascii_hexdigit())]],
    },
    Pattern {
        kind: "AGE",
        alternatives: &[
            &[Many(digit), Word(&["s", "m", "h", "d", "y"]), Any(AGE)],
            &[Word(&["<invalid>"])],
        ],
    },
    Pattern {
        kind: "DURATION",
        alternatives: &[&[
            Many(|c| digit(c) || c == '.'),
            Word(&["ns", "µs", "ms", "s", "m", "h"]),
            Any(&[Many(|c| digit(c) || c == '.'), Word(&["ms", "s", "m"])]),
        ]],
    },
    Pattern {
        kind: "ANY",
        alternatives: &[&[Everything]],
    },
];

impl Pattern {
    /// The pattern of symbols that begin with `kind`.
    pub(super) fn of(kind: &str) -> Option<&'static Self> {
        PATTERNS.iter().find(|pattern| pattern.kind == kind)
    }

    /// Where a text that begins at `start` may end, the longest first.
    pub(super) fn ends(&self, text: &str, start: usize) -> Vec<usize> {
        let mut ends = BTreeSet::new();
        for sequence in self.alternatives {
            ends.append(&mut after(sequence, text, BTreeSet::from([start])));
        }
        ends.into_iter().rev().collect()
    }
}

/// Where `sequence` may end if it begins at one of `starts`.
fn after(sequence: &[Part], text: &str, starts: BTreeSet<usize>) -> BTreeSet<usize> {
    sequence.iter().fold(starts, |starts, part| {
        starts
            .iter()
            .flat_map(|&start| after_one(part, text, start))
            .collect()
    })
}

fn after_one(part: &Part, text: &str, start: usize) -> BTreeSet<usize> {
    let rest = &text[start..];
    match part {
        Shape(shape) => fits(shape, rest)
            .then(|| start + shape.len())
            .into_iter()
            .collect(),
        Many(class) => {
            let matching = rest.char_indices().take_while(|&(_, c)| class(c));
            matching.map(|(at, c)| start + at + c.len_utf8()).collect()
        }
        Word(words) => words
            .iter()
            .filter(|word| rest.starts_with(**word))
            .map(|word| start + word.len())
            .collect(),
        Any(sequence) => {
            let mut ends = BTreeSet::from([start]);
            let mut last = ends.clone();
            while !last.is_empty() {
                last = after(sequence, text, last)
                    .difference(&ends)
                    .copied()
                    .collect();
                ends.extend(&last);
            }
            ends
        }
        Everything => rest
            .char_indices()
            .map(|(at, _)| start + at)
            .chain([text.len()])
            .collect(),
    }
}

fn fits(shape: &str, text: &str) -> bool {
    text.len() >= shape.len()
        && shape
            .chars()
            .zip(text.chars())
            .all(|(wanted, c)| match wanted {
                'h' => matches!(c, '0'..='9' | 'a'..='f'),
                'd' => c.is_ascii_digit(),
                'g' => GENERATED.contains(c),
                literal => c == literal,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, text: &str, expected: bool) {
        let whole = Pattern::of(kind).unwrap().ends(text, 0).first() == Some(&text.len());
        assert_eq!(whole, expected, "{kind} {text}");
    }

    #[test]
    fn each_symbol_stands_for_its_texts_alone() {
        check("UID", "0b6f2d1e-98a1-4b8e-a5d7-0123456789ab", true);
        check("UID", "0B6F2D1E-98a1-4b8e-a5d7-0123456789ab", false);
        check("RV", "7", true);
        check("RV", "10", true);
        check("RV", "0", false);
        check("TIME", "2026-01-31T23:59:59Z", true);
        check("TIME", "2026-01-31T23:59:59.000000Z", false);
        check("MICROTIME", "2026-01-31T23:59:59.000000Z", true);
        check("GEN", "x4k2z", true);
        check("GEN", "x4k2a", false);
        check("IP", "10.0.0.1", true);
        check("IP", "fd00::1", true);
        check("PORT", "31000", true);
        check("JWT", "eyJh.eyJi._-c", true);
        check("JWT", "eyJh.eyJi", false);
        check("CONTINUE", "eyJ2IjoibWV0YS5rOHMu=", true);
        check("HASH", "0123ABCDEF", true);
        check("AGE", "3m20s", true);
        check("AGE", "<invalid>", true);
        check("AGE", "3m20", false);
        check("DURATION", "1.5ms", true);
        check("DURATION", "1m0.5s", true);
        check("ANY", "", true);
        check("ANY", "two\nlines", true);
    }

    #[test]
    fn the_longest_end_comes_first() {
        assert_eq!(Pattern::of("PORT").unwrap().ends("p 123", 2), [5, 4, 3]);
    }
}
