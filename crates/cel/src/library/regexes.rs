//! Patterns.

use regex::Regex;

use super::{Row, fail, truth};
use crate::value::{EvalError, Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "matches",
        matches,
        &[
            ("matches", "(string, string) bool"),
            ("matches_string", "string.(string) bool"),
        ],
    ),
    (
        "find",
        find,
        &[("string_find_string", "string.(string) string")],
    ),
    (
        "findAll",
        find_all,
        &[
            ("string_find_all_string", "string.(string) list(string)"),
            (
                "string_find_all_string_int",
                "string.(string, int) list(string)",
            ),
        ],
    ),
];

/// A pattern, if it is one.
///
/// # Errors
/// Why it is none.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    // What Go's patterns have beyond this crate's is the quoting of everything between.
    Regex::new(&unquoted(text)).map_err(|_| explain(text))
}

/// With what stands between `\Q` and `\E` escaped, which only Go knows.
fn unquoted(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("\\Q") {
        return text.into();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, quoted)) = rest.split_once("\\Q") {
        out.push_str(before);
        let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        out.push_str(&regex::escape(literal));
        rest = after;
    }
    out.push_str(rest);
    out.into()
}

/// Go's words for the faults that people make.
fn explain(text: &str) -> String {
    let mut depth = 0_i32;
    let mut characters = text.char_indices().peekable();
    let mut previous: Option<char> = None;
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' if characters.next().is_none() => {
                return "error parsing regexp: trailing backslash at end of expression: ``"
                    .to_owned();
            }
            '\\' => {}
            '[' => {
                let rest = &text[at..];
                let from = if rest.starts_with("[^]") {
                    3
                } else if rest.starts_with("[]") {
                    2
                } else {
                    1
                };
                match rest[from..].find(']') {
                    Some(end) => {
                        let until = at + from + end;
                        while characters.next_if(|(next, _)| *next <= until).is_some() {}
                    }
                    None => return format!("error parsing regexp: missing closing ]: `{rest}`"),
                }
            }
            '(' => depth += 1,
            ')' if depth == 0 => {
                return format!("error parsing regexp: unexpected ): `{text}`");
            }
            ')' => depth -= 1,
            '*' | '+' | '?' if matches!(previous, None | Some('(' | '|')) => {
                return format!(
                    "error parsing regexp: missing argument to repetition operator: `{c}`"
                );
            }
            _ => {}
        }
        previous = Some(c);
    }
    match depth {
        0 => format!("error parsing regexp: invalid or unsupported Perl syntax: `{text}`"),
        _ => format!("error parsing regexp: missing closing ): `{text}`"),
    }
}

fn matches<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [Val::String(text), Val::String(regex)] => match pattern(regex) {
            Ok(regex) => truth(regex.is_match(text)),
            Err(message) => Some(fail(message)),
        },
        [Val::String(_), _] => Some(Err(EvalError::NO_OVERLOAD)),
        _ => None,
    }
}

/// A text and a pattern, or why that is none.
fn illegal<'a>(message: &str) -> Answer<'a> {
    Some(fail(format!("Illegal regex: {message}")))
}

fn find<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text), Val::String(regex)] = args else {
        return None;
    };
    match pattern(regex) {
        Ok(regex) => {
            let found = regex.find(text).map_or("", |found| found.as_str());
            Some(Ok(match found {
                "" => Val::string(""),
                found => Val::String(text.slice_of(found)),
            }))
        }
        Err(message) => illegal(&message),
    }
}

fn find_all<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (text, regex, most) = match args {
        [Val::String(text), Val::String(regex)] => (text, regex, -1),
        [Val::String(text), Val::String(regex), Val::Int(most)] => (text, regex, *most),
        _ => return None,
    };
    let regex = match pattern(regex) {
        Ok(regex) => regex,
        Err(message) => return illegal(&message),
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = regex.find_iter(text).take(most);
    let found = found.map(|found| Val::String(text.slice_of(found.as_str())));
    Some(Ok(Val::list(found.collect())))
}
