//! Text.

use pintle_runtime::text::Text;

use super::{Row, fail, int, lists, truth};
use crate::value::{EvalError, Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "contains",
        contains,
        &[("contains_string", "string.(string) bool")],
    ),
    (
        "endsWith",
        ends_with,
        &[("ends_with_string", "string.(string) bool")],
    ),
    (
        "startsWith",
        starts_with,
        &[("starts_with_string", "string.(string) bool")],
    ),
    (
        "charAt",
        char_at,
        &[("string_char_at_int", "string.(int) string")],
    ),
    (
        "indexOf",
        index_of,
        &[
            ("string_index_of_string", "string.(string) int"),
            ("string_index_of_string_int", "string.(string, int) int"),
            ("list_a_index_of_int", "list(A).(A) int"),
        ],
    ),
    (
        "lastIndexOf",
        last_index_of,
        &[
            ("string_last_index_of_string", "string.(string) int"),
            (
                "string_last_index_of_string_int",
                "string.(string, int) int",
            ),
            ("list_a_last_index_of_int", "list(A).(A) int"),
        ],
    ),
    (
        "join",
        join,
        &[
            ("list_join", "list(string).() string"),
            ("list_join_string", "list(string).(string) string"),
        ],
    ),
    (
        "lowerAscii",
        lower,
        &[("string_lower_ascii", "string.() string")],
    ),
    (
        "upperAscii",
        upper,
        &[("string_upper_ascii", "string.() string")],
    ),
    (
        "replace",
        replace,
        &[
            (
                "string_replace_string_string",
                "string.(string, string) string",
            ),
            (
                "string_replace_string_string_int",
                "string.(string, string, int) string",
            ),
        ],
    ),
    (
        "split",
        split,
        &[
            ("string_split_string", "string.(string) list(string)"),
            (
                "string_split_string_int",
                "string.(string, int) list(string)",
            ),
        ],
    ),
    (
        "substring",
        substring,
        &[
            ("string_substring_int", "string.(int) string"),
            ("string_substring_int_int", "string.(int, int) string"),
        ],
    ),
    ("trim", trim, &[("string_trim", "string.() string")]),
    (
        "strings.quote",
        quote,
        &[("strings_quote", "(string) string")],
    ),
];

fn pair<'a>(args: Args<'_, 'a>, holds: fn(&str, &str) -> bool) -> Answer<'a> {
    match args {
        [Val::String(text), Val::String(part)] => truth(holds(text, part)),
        _ => Some(Err(EvalError::NO_OVERLOAD)),
    }
}

fn contains<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    pair(args, |text, part| text.contains(part))
}

fn ends_with<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    pair(args, |text, part| text.ends_with(part))
}

fn starts_with<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    pair(args, |text, part| text.starts_with(part))
}

fn out_of_range<'a>(index: i64) -> Outcome<'a> {
    fail(format!("index out of range: {index}"))
}

/// Characters `from..to` of a text.
fn slice(text: &Text, from: usize, to: usize) -> Text {
    let byte = |index: usize| {
        let mut starts = text.char_indices().map(|(at, _)| at);
        starts.nth(index).unwrap_or(text.len())
    };
    text.slice_of(&text.as_str()[byte(from)..byte(to)])
}

fn length(text: &str) -> i64 {
    text.chars().count() as i64
}

fn char_at<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text), Val::Int(index)] = args else {
        return None;
    };
    Some(match usize::try_from(*index) {
        Ok(at) if *index <= length(text) => Ok(Val::String(slice(text, at, at + 1))),
        _ => out_of_range(*index),
    })
}

fn index_of<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (text, part, offset) = match args {
        [Val::String(text), Val::String(part)] => (text, part, 0),
        [Val::String(text), Val::String(part), Val::Int(offset)] => (text, part, *offset),
        [Val::List(list), item] => return lists::index_of(list, item),
        _ => return None,
    };
    if part.is_empty() {
        return int(offset);
    }
    let Ok(from) = usize::try_from(offset) else {
        return Some(out_of_range(offset));
    };
    let Some((start, _)) = text.char_indices().nth(from) else {
        return int(-1);
    };
    match text[start..].find(part.as_str()) {
        Some(at) => int(offset + length(&text[start..start + at])),
        None => int(-1),
    }
}

fn last_index_of<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (text, part, offset) = match args {
        [Val::String(text), Val::String(part)] if part.is_empty() => return int(length(text)),
        [Val::String(text), Val::String(part)] if text.len() < part.len() => return int(-1),
        [Val::String(text), Val::String(part)] => (text, part, length(text) - 1),
        [Val::String(text), Val::String(part), Val::Int(offset)] => (text, part, *offset),
        [Val::List(list), item] => return lists::last_index_of(list, item),
        _ => return None,
    };
    if part.is_empty() {
        return int(offset);
    }
    if offset < 0 {
        return Some(out_of_range(offset));
    }
    if offset >= length(text) {
        return int(-1);
    }
    let found = text
        .char_indices()
        .zip(0_i64..)
        .filter(|((at, _), index)| *index <= offset && text[*at..].starts_with(part.as_str()));
    int(found.last().map_or(-1, |(_, index)| index))
}

fn join<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (list, separator) = match args {
        [Val::List(list)] => (list, ""),
        [Val::List(list), Val::String(separator)] => (list, separator.as_str()),
        _ => return None,
    };
    let mut text = String::new();
    for (index, item) in list.iter().enumerate() {
        let Val::String(item) = &item else {
            let item = super::convert::plain(&item);
            return Some(fail(format!("join: invalid input: {item}")));
        };
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(item);
    }
    Some(Ok(Val::string(text)))
}

fn lower<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    Some(Ok(Val::string(text.to_ascii_lowercase())))
}

fn upper<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    Some(Ok(Val::string(text.to_ascii_uppercase())))
}

fn replace<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (text, old, new, count) = match args {
        [Val::String(text), Val::String(old), Val::String(new)] => (text, old, new, -1),
        [
            Val::String(text),
            Val::String(old),
            Val::String(new),
            Val::Int(count),
        ] => (text, old, new, *count),
        _ => return None,
    };
    let replaced = match usize::try_from(count) {
        Ok(count) => text.replacen(old.as_str(), new, count),
        Err(_) => text.replace(old.as_str(), new),
    };
    Some(Ok(Val::string(replaced)))
}

fn split<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (text, separator, count) = match args {
        [Val::String(text), Val::String(separator)] => (text, separator, -1),
        [Val::String(text), Val::String(separator), Val::Int(count)] => (text, separator, *count),
        _ => return None,
    };
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let part = |part: &str| Val::String(text.slice_of(part));
    let parts = if separator.is_empty() {
        characters(text, most).into_iter().map(part).collect()
    } else {
        text.splitn(most, separator.as_str()).map(part).collect()
    };
    Some(Ok(Val::list(parts)))
}

/// Each character by itself, the last one with the rest.
fn characters(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match most.saturating_sub(parts.len()) {
            0 => break,
            1 => {
                parts.push(rest);
                break;
            }
            _ => {
                let (one, more) = rest.split_at(first.len_utf8());
                parts.push(one);
                rest = more;
            }
        }
    }
    parts
}

fn substring<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (text, start, end) = match args {
        [Val::String(text), Val::Int(start)] => (text, *start, None),
        [Val::String(text), Val::Int(start), Val::Int(end)] => (text, *start, Some(*end)),
        _ => return None,
    };
    let length = length(text);
    if let Some(end) = end.filter(|end| start > *end) {
        let message = format!("invalid substring range. start: {start}, end: {end}");
        return Some(fail(message));
    }
    let bounded = |index: i64| (0..=length).contains(&index);
    Some(match end.unwrap_or(length) {
        _ if !bounded(start) => out_of_range(start),
        end if !bounded(end) => out_of_range(end),
        end => Ok(Val::String(slice(text, start as usize, end as usize))),
    })
}

fn trim<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    Some(Ok(Val::String(text.slice_of(text.trim()))))
}

fn quote<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Some(Ok(Val::string(quoted)))
}
