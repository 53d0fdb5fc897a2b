//! From values to YAML text, laid out as goyaml.v2 does: blocks of two spaces, lists not indented
//! under their key, long lines folded at a blank.

use super::resolve::{Scalar, is_base_60, resolve};
use super::style::{Analysis, is_break, is_printable};
use crate::value::{Map, Value};

/// Where a line of text may be folded.
const WIDTH: usize = 80;

/// Appends `value` as a document.
pub(super) fn document(value: &Value, out: &mut Vec<u8>) {
    let mut emitter = Emitter {
        out,
        column: 0,
        indent: -1,
        after_space: true,
        at_indent: true,
    };
    emitter.node(value, Place::Root);
    emitter.indent = -1;
    emitter.new_line();
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Item,
    Member,
}

struct Emitter<'o> {
    out: &'o mut Vec<u8>,
    /// Characters since the line began.
    column: usize,
    /// Columns that the present block is indented by; -1 outside of any.
    indent: isize,
    /// What was written last was a space.
    after_space: bool,
    /// Nothing but indentation and indicators was written in this line.
    at_indent: bool,
}

impl Emitter<'_> {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Map(entries) if entries.is_empty() => self.empty("{", "}"),
            Value::Map(entries) => self.mapping(entries),
            Value::List(items) if items.is_empty() => self.empty("[", "]"),
            Value::List(items) => self.sequence(items, place),
            Value::Null => self.word("null"),
            Value::Bool(truth) => self.word(if *truth { "true" } else { "false" }),
            Value::Int(integer) => self.word(itoa::Buffer::new().format(*integer)),
            Value::Float(float) => {
                let mut json = Vec::new();
                crate::codec::json::encode_value(value, &mut json);
                self.word(&number(*float, &String::from_utf8_lossy(&json)));
            }
            Value::String(text) => self.string(text, false),
            // Values read from JSON text have none of these.
            Value::Bytes(_) | Value::Time(_) | Value::Raw(_) | Value::Record(_) => {
                self.word("null");
            }
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true, true, false);
        self.indicator(close, false, false, false);
    }

    fn sequence(&mut self, items: &[Value], place: Place) {
        let outer = self.indent;
        if self.indent < 0 {
            self.indent = 0;
        } else if place != Place::Member || self.at_indent {
            self.indent += 2;
        }
        for item in items {
            self.new_line();
            self.indicator("-", true, false, true);
            self.node(item, Place::Item);
        }
        self.indent = outer;
    }

    fn mapping(&mut self, entries: &Map) {
        let outer = self.indent;
        self.indent = if self.indent < 0 { 0 } else { self.indent + 2 };
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by(|(a, _), (b, _)| super::order::compare(a, b));
        for (key, value) in entries {
            self.new_line();
            if key.len() <= 128 && !key.chars().any(is_break) {
                self.string(key, true);
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.string(key, false);
                self.new_line();
                self.indicator(":", true, false, true);
            }
            self.node(value, Place::Member);
        }
        self.indent = outer;
    }

    /// A scalar that is no string.
    fn word(&mut self, word: &str) {
        self.plain(word, false);
    }

    fn string(&mut self, text: &str, is_key: bool) {
        let analysis = Analysis::of(text);
        let outer = self.indent;
        self.indent = if self.indent < 0 { 2 } else { self.indent + 2 };
        let may_be_plain = resolve(text) == Scalar::String && !is_base_60(text);
        if text.contains('\n') && !is_key && analysis.block_allowed {
            self.literal(text);
        } else if text.contains('\n') || !may_be_plain {
            self.double_quoted(text, !is_key);
        } else if analysis.plain_allowed {
            self.plain(text, !is_key);
        } else if analysis.single_quoted_allowed {
            self.single_quoted(text, !is_key);
        } else {
            self.double_quoted(text, !is_key);
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str, may_fold: bool) {
        if !self.after_space {
            self.put(' ');
        }
        let mut spaces = false;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let is_space = letter == ' ';
            if is_space
                && may_fold
                && !spaces
                && self.column > WIDTH
                && letters.peek() != Some(&' ')
            {
                self.new_line();
            } else {
                self.put(letter);
            }
            spaces = is_space;
        }
        self.after_space = false;
        self.at_indent = false;
    }

    fn single_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("'", true, false, false);
        let (mut spaces, mut breaks) = (false, false);
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if letter == ' ' {
                let next_is_space = letters.peek().is_some_and(|(_, next)| *next == ' ');
                let inner = at > 0 && at < text.len() - 1;
                if may_fold && !spaces && self.column > WIDTH && inner && !next_is_space {
                    self.new_line();
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else if is_break(letter) {
                if !breaks && letter == '\n' {
                    self.put_break('\n');
                }
                self.put_break(letter);
                self.at_indent = true;
                breaks = true;
            } else {
                if breaks {
                    self.new_line();
                }
                if letter == '\'' {
                    self.put('\'');
                }
                self.put(letter);
                self.at_indent = false;
                (spaces, breaks) = (false, false);
            }
        }
        self.indicator("'", false, false, false);
        self.after_space = false;
        self.at_indent = false;
    }

    fn double_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let is_space = letter == ' ';
            if !is_printable(letter)
                || is_break(letter)
                || matches!(letter, '"' | '\\' | '\u{feff}')
            {
                self.escape(letter);
            } else if is_space
                && may_fold
                && !spaces
                && self.column > WIDTH
                && at > 0
                && at < text.len() - 1
            {
                self.new_line();
                if letters.peek().is_some_and(|(_, next)| *next == ' ') {
                    self.put('\\');
                }
            } else {
                self.put(letter);
            }
            spaces = is_space;
        }
        self.indicator("\"", false, false, false);
        self.after_space = false;
        self.at_indent = false;
    }

    fn escape(&mut self, letter: char) {
        let escaped = match letter {
            '\0' => "\\0".to_owned(),
            '\u{7}' => "\\a".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{b}' => "\\v".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\u{1b}' => "\\e".to_owned(),
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{85}' => "\\N".to_owned(),
            '\u{a0}' => "\\_".to_owned(),
            '\u{2028}' => "\\L".to_owned(),
            '\u{2029}' => "\\P".to_owned(),
            '\0'..='\u{ff}' => format!("\\x{:02X}", u32::from(letter)),
            '\0'..='\u{ffff}' => format!("\\u{:04X}", u32::from(letter)),
            _ => format!("\\U{:08X}", u32::from(letter)),
        };
        for letter in escaped.chars() {
            self.put(letter);
        }
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|first| first == ' ' || is_break(first)) {
            self.indicator("2", false, false, false);
        }
        let mut backwards = text.chars().rev();
        let (last, before) = (backwards.next(), backwards.next());
        if !last.is_some_and(is_break) {
            self.indicator("-", false, false, false);
        } else if before.is_none_or(is_break) {
            self.indicator("+", false, false, false);
        }
        self.put_break('\n');
        self.at_indent = true;
        self.after_space = true;
        let mut breaks = true;
        for letter in text.chars() {
            if is_break(letter) {
                self.put_break(letter);
                self.at_indent = true;
                breaks = true;
            } else {
                if breaks {
                    self.new_line();
                }
                self.put(letter);
                self.at_indent = false;
                breaks = false;
            }
        }
    }

    fn indicator(&mut self, indicator: &str, needs_space: bool, is_space: bool, is_indent: bool) {
        if needs_space && !self.after_space {
            self.put(' ');
        }
        for letter in indicator.chars() {
            self.put(letter);
        }
        self.after_space = is_space;
        self.at_indent = self.at_indent && is_indent;
    }

    /// To the indentation of the present block, in a new line unless this one is fresh.
    fn new_line(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.at_indent || self.column > indent || (self.column == indent && !self.after_space) {
            self.put_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.after_space = true;
        self.at_indent = true;
    }

    fn put(&mut self, letter: char) {
        self.out
            .extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        self.column += 1;
    }

    fn put_break(&mut self, letter: char) {
        self.out
            .extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        self.column = 0;
    }
}

/// A number, `json` in JSON, as goyaml writes it: it reads the JSON first, so what is written there
/// without point and exponent is an integer, if it is none too large.
fn number(number: f64, json: &str) -> String {
    let is_integer = json.parse::<i64>().is_ok() || json.parse::<u64>().is_ok();
    if is_integer {
        json.to_owned()
    } else {
        general(&format!("{number:e}"))
    }
}

/// The shortest digits `scientific` (`1.5e-7`) in Go's `'g'` format: with an exponent if that is below
/// -4 or above 5.
pub(super) fn general(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    // In this range the standard library writes no exponent.
    scientific
        .parse::<f64>()
        .map_or_else(|_| scientific.to_owned(), |number| number.to_string())
}
