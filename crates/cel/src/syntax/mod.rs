//! What is wrong with a text that does not follow the grammar.
//!
//! Clients see the words of the parser generator that upstream uses, so its way of recovering from
//! an error is followed: [`network`] is the grammar as a network of states, [`predict`] chooses
//! between alternatives by looking ahead, [`recover`] reads the text as far as it can be read and
//! reports on the way. A text without fault never comes here.

mod network;
mod predict;
mod recover;
mod token;

use crate::source::Issues;

pub(crate) use recover::explain;
pub(crate) use token::{Token, Word, words};

/// Adds what is wrong at `offset`, as a message about syntax.
fn report(issues: &mut Issues, offset: usize, message: &str) {
    let location = issues.source().location(offset as u32);
    issues.push(location, format!("Syntax error: {message}"));
}

/// Text in quotes, with the blanks in it made visible.
fn quoted(text: &str) -> String {
    let text = text
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("'{text}'")
}
