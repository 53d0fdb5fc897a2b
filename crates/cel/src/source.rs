//! The text of an expression, and what is wrong with it.

use std::fmt;

/// The text of an expression; places in it count characters, not bytes.
#[derive(Debug, Clone)]
pub struct Source {
    text: String,
    /// The offset of the first character of each line.
    lines: Vec<u32>,
}

/// A place in a [`Source`]: line from 1, column from 0; line -1 is nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The line, from 1.
    pub line: i32,
    /// The column in characters, from 0.
    pub column: i32,
}

impl Location {
    /// Nowhere.
    pub const NONE: Self = Self {
        line: -1,
        column: -1,
    };
}

impl Source {
    /// The text of an expression.
    pub fn new(text: &str) -> Self {
        let breaks = text.chars().zip(1..).filter(|(c, _)| *c == '\n');
        let lines = std::iter::once(0)
            .chain(breaks.map(|(_, next)| next))
            .collect();
        Self {
            text: text.to_owned(),
            lines,
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of the character at `offset`.
    pub fn location(&self, offset: u32) -> Location {
        let line = self.lines.partition_point(|first| *first <= offset);
        Location {
            line: line as i32,
            column: (offset - self.lines[line - 1]) as i32,
        }
    }

    fn line(&self, line: i32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.text.split('\n').nth(index)
    }
}

/// Something wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Where.
    pub location: Location,
    /// What.
    pub message: String,
}

/// All that is wrong with an expression; shown as clients see it, each with the line it is in.
#[derive(Debug, Clone)]
pub struct Issues {
    source: Source,
    found: Vec<Issue>,
    count: usize,
}

/// So many issues are told one by one.
const MOST: usize = 100;
/// Longer lines are not shown.
const LONGEST_LINE: usize = 16_384;

impl Issues {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            found: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    pub(crate) fn push(&mut self, location: Location, message: impl Into<String>) {
        self.count += 1;
        if self.count <= MOST {
            self.found.push(Issue {
                location,
                message: message.into(),
            });
        }
    }

    /// One after the other, in the order in which they stand in the text.
    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.found.iter()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn sort(&mut self) {
        self.found.sort_by_key(|issue| issue.location);
    }

    fn write_one(&self, issue: &Issue, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { line, column } = issue.location;
        write!(f, "ERROR: <input>:{line}:{}: {}", column + 1, issue.message)?;
        let Some(text) = self.source.line(line).filter(|l| l.len() <= LONGEST_LINE) else {
            return Ok(());
        };
        let text = text.replace('\t', " ");
        write!(f, "\n | {text}\n | ")?;
        let mut characters = text.chars();
        let wide = |c: char| c.len_utf8() > 1;
        for c in characters.by_ref().take(column.max(0) as usize) {
            f.write_str(if wide(c) { "\u{ff0e}" } else { "." })?;
        }
        f.write_str(match characters.next() {
            Some(c) if wide(c) => "\u{ff3e}",
            _ => "^",
        })
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.found.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            self.write_one(issue, f)?;
        }
        if self.count > MOST {
            write!(f, "\n{} more errors were truncated", self.count - MOST)?;
        }
        Ok(())
    }
}

impl std::error::Error for Issues {}
