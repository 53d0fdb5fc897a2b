//! What is wrong with a document, in libyaml's words.

use saphyr_parser::ScanError;

use crate::codec::DecodeError;

/// An error of goyaml: `yaml: ` and the text.
pub(super) fn fault(text: impl std::fmt::Display) -> DecodeError {
    DecodeError::Syntax(format!("yaml: {text}"))
}

/// Which part of libyaml finds the fault. It tells lines differently.
#[derive(Clone, Copy, PartialEq)]
enum Finder {
    Scanner,
    Parser,
}

/// The parser's error as libyaml would have told it, as far as it finds the same fault.
pub(super) fn from_parser(error: &ScanError, text: &str) -> DecodeError {
    if error.info() == "while parsing node, found unknown anchor" {
        let name = anchor_name(error.marker().index(), text);
        return fault(format_args!("unknown anchor '{name}' referenced"));
    }
    let (finder, problem) = translate(error.info());
    // Lines are counted from 0; a fault found by the parser is told by that number, as if from 1.
    let mut line = error.marker().line().saturating_sub(1);
    let at_end = error.marker().index() >= text.chars().count();
    // Before its parser sees the end, libyaml begins a line, unless it is at the beginning of one.
    if at_end && finder == Finder::Parser && error.marker().col() > 0 {
        line += 1;
    }
    match line {
        0 => fault(problem),
        line => fault(format_args!(
            "line {}: {problem}",
            line + usize::from(finder == Finder::Scanner)
        )),
    }
}

/// The name of the alias that begins at the character `at`.
pub(super) fn anchor_name(at: usize, text: &str) -> String {
    let rest = text.chars().skip(at).skip_while(|&letter| letter == '*');
    rest.take_while(|&letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
        .collect()
}

fn translate(info: &str) -> (Finder, &str) {
    use Finder::{Parser, Scanner};
    // What stands before the comma is the context, which goyaml leaves out.
    let problem = match info.split_once(", ") {
        Some((context, problem)) if context.starts_with("while ") => problem,
        _ => info,
    };
    match problem {
        "simple key expect ':'" | "simple key expected" | "illegal placement of ':' indicator" => {
            (Scanner, "could not find expected ':'")
        }
        "tabs disallowed within this context (block indentation)"
        | "tabs disallowed in this context"
        | "tab cannot be used as indentation"
        | "found a tab" => (Scanner, "found character that cannot start any token"),
        _ if problem.starts_with("unexpected character: `") => {
            (Scanner, "found character that cannot start any token")
        }
        "plain scalar cannot start with '-' followed by ,[]{}" => (
            Scanner,
            "block sequence entries are not allowed in this context",
        ),
        "did not find expected hexadecimal number" => {
            (Scanner, "did not find expected hexdecimal number")
        }
        "recursion limit exceeded" => (Scanner, "exceeded max depth of 10000"),
        "expected ',' or ']'" => (Parser, "did not find expected ',' or ']'"),
        "duplicate version directive" => (Parser, "found duplicate %YAML directive"),
        "the handle wasn't declared" => (Parser, "found undefined tag handle"),
        "unexpected eof" | "misplaced bracket" => (Parser, "did not find expected node content"),
        "did not find expected node content"
        | "did not find expected key"
        | "did not find expected ',' or '}'"
        | "did not find expected '-' indicator"
        | "did not find expected <document start>"
        | "did not find expected <stream-start>" => (Parser, problem),
        _ => (Scanner, problem),
    }
}

/// The body as text without a byte order mark.
///
/// # Errors
/// libyaml's, if it is not UTF-8 or has control characters.
pub(super) fn text(body: &[u8]) -> Result<&str, DecodeError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| {
        let first = body.get(error.valid_up_to()).copied().unwrap_or_default();
        fault(match (first, error.error_len()) {
            (0x80..0xc2 | 0xf5.., _) => "invalid leading UTF-8 octet",
            (_, None) => "incomplete UTF-8 octet sequence",
            _ => "invalid trailing UTF-8 octet",
        })
    })?;
    let allowed = |letter: char| {
        matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
            && letter != '\u{feff}'
    };
    if text.chars().all(allowed) {
        Ok(text)
    } else {
        Err(fault("control characters are not allowed"))
    }
}
