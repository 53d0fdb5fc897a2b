//! Comparing an answer with a template, binding symbols on the way.

use std::collections::HashMap;

use super::json::Json;
use super::pattern::Pattern;

/// After this many differences, nobody reads on.
const ENOUGH: usize = 200;

/// Values that earlier steps captured.
pub(super) type Variables = HashMap<String, Json>;

/// A place where an answer is not what the template says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// A JSON pointer after the part of the answer: `body/metadata/name`.
    pub(super) path: String,
    /// What the template has there, if anything.
    pub(super) want: Option<Json>,
    /// What the answer has there, if anything.
    pub(super) got: Option<Json>,
    /// `differs`, `missing`, `unexpected`, `type`, or what is wrong with a symbol.
    pub(super) why: String,
}

impl Difference {
    /// A difference that is no matter of templates.
    pub(super) fn new(
        path: &str,
        want: Option<Json>,
        got: Option<Json>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            want,
            got,
            why: why.into(),
        }
    }
}

/// What symbols stand for, through one scenario.
#[derive(Debug)]
pub(super) struct Matcher {
    /// In the order of binding.
    bound: Vec<(String, String)>,
}

/// A stretch of a template.
#[derive(Debug)]
enum Piece {
    Literal(String),
    Symbol {
        pattern: &'static Pattern,
        name: Option<String>,
    },
    /// The same text as an earlier symbol of this template.
    Again(String),
}

impl Matcher {
    /// A matcher that knows `${NS}` alone.
    pub(super) fn new(namespace: &str) -> Self {
        Self {
            bound: vec![("NS".into(), namespace.into())],
        }
    }

    /// Adds to `out` how `actual` differs from the template `expected`.
    pub(super) fn compare(
        &mut self,
        variables: &Variables,
        expected: &Json,
        actual: &Json,
        path: &str,
        out: &mut Vec<Difference>,
    ) {
        if out.len() > ENOUGH {
            return;
        }
        let mut differ = |why: String| {
            out.push(Difference::new(
                path,
                Some(expected.clone()),
                Some(actual.clone()),
                why,
            ));
        };
        match (expected, actual) {
            (Json::String(template), _) if template.contains("${") => match plain_text(actual) {
                Some(text) => {
                    if let Err(why) = self.template(variables, template, &text) {
                        differ(why);
                    }
                }
                None => differ("type".into()),
            },
            (Json::Object(expected), Json::Object(actual)) => {
                self.compare_members(variables, expected, actual, path, out);
            }
            (Json::List(expected), Json::List(actual)) => {
                for index in 0..expected.len().max(actual.len()) {
                    let child = format!("{path}/{index}");
                    match (expected.get(index), actual.get(index)) {
                        (Some(expected), Some(actual)) => {
                            self.compare(variables, expected, actual, &child, out);
                        }
                        (want, None) => {
                            out.push(Difference::new(&child, want.cloned(), None, "missing"));
                        }
                        (None, got) => {
                            out.push(Difference::new(&child, None, got.cloned(), "unexpected"));
                        }
                    }
                }
            }
            _ if expected == actual => {}
            _ => differ("differs".into()),
        }
    }

    fn compare_members(
        &mut self,
        variables: &Variables,
        expected: &[(String, Json)],
        actual: &[(String, Json)],
        path: &str,
        out: &mut Vec<Difference>,
    ) {
        let child = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        let mut left: Vec<&(String, Json)> = actual.iter().collect();
        for (name, want) in expected {
            let place = if name.contains("${") {
                let fitting = left
                    .iter()
                    .position(|(member, _)| self.template(variables, name, member).is_ok());
                fitting.or_else(|| left.iter().position(|(member, _)| member == name))
            } else {
                left.iter().position(|(member, _)| member == name)
            };
            match place {
                Some(place) => {
                    let (_, got) = left.remove(place);
                    self.compare(variables, want, got, &child(name), out);
                }
                None => out.push(Difference::new(
                    &child(name),
                    Some(want.clone()),
                    None,
                    "missing",
                )),
            }
        }
        for (name, got) in left {
            out.push(Difference::new(
                &child(name),
                None,
                Some(got.clone()),
                "unexpected",
            ));
        }
    }

    /// Fits `actual` to a template and binds its symbols, or says why it does not fit.
    pub(super) fn template(
        &mut self,
        variables: &Variables,
        expected: &str,
        actual: &str,
    ) -> Result<(), String> {
        let pieces = self.pieces(variables, expected);
        let mut found = Vec::new();
        if !fit(&pieces, actual, 0, &mut found) {
            return Err("differs".into());
        }
        for (name, value) in found {
            let (kind, number) = split_name(&name);
            for (other, held) in &self.bound {
                let (other_kind, other_number) = split_name(other);
                let Some(other_number) = other_number.filter(|_| other_kind == kind) else {
                    continue;
                };
                if kind == "RV" {
                    let (held_revision, revision) = (revision(held), revision(&value));
                    let rises = Some(other_number) < number;
                    if (held_revision < revision) != rises || held_revision == revision {
                        return Err(format!("order: {name}={value} but {other}={held}"));
                    }
                } else if ["UID", "IP", "PORT", "GEN"].contains(&kind) && *held == value {
                    return Err(format!("{name} and {other} are both {value}"));
                }
            }
            self.bound.push((name, value));
        }
        Ok(())
    }

    fn pieces(&self, variables: &Variables, template: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut literal = String::new();
        let mut rest = template;
        while let Some(at) = rest.find("${") {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            let Some(name) = symbol_name(rest) else {
                literal.push_str("${");
                rest = &rest[2..];
                continue;
            };
            let whole = &rest[..name.len() + 3];
            rest = &rest[whole.len()..];
            let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
            if let Some((_, value)) = self.bound.iter().find(|(bound, _)| bound == name) {
                literal.push_str(value);
            } else if let Some(value) = variables.get(name) {
                literal.push_str(&display(value));
            } else if let Some(pattern) = Pattern::of(kind) {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                if kind == name {
                    pieces.push(Piece::Symbol {
                        pattern,
                        name: None,
                    });
                } else if names.contains(&name) {
                    pieces.push(Piece::Again(name.into()));
                } else {
                    names.push(name);
                    pieces.push(Piece::Symbol {
                        pattern,
                        name: Some(name.into()),
                    });
                }
            } else {
                literal.push_str(whole);
            }
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        pieces
    }
}

/// The name in `${name}` at the beginning of `text`: letters, then digits.
fn symbol_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.split_once('}')?.0;
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let named = !letters.is_empty()
        && letters
            .chars()
            .all(|c| c.is_ascii_alphabetic() || c == '_' || c == '@');
    named.then_some(name)
}

/// Whether `pieces` cover `text` from `start` to its end, trying the longest text for each symbol first.
fn fit(pieces: &[Piece], text: &str, start: usize, found: &mut Vec<(String, String)>) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return start == text.len();
    };
    match piece {
        Piece::Literal(literal) => {
            text[start..].starts_with(literal) && fit(rest, text, start + literal.len(), found)
        }
        Piece::Again(name) => {
            let value = found
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default();
            text[start..].starts_with(&value) && fit(rest, text, start + value.len(), found)
        }
        Piece::Symbol { pattern, name } => pattern.ends(text, start).into_iter().any(|end| {
            let known = found.len();
            if let Some(name) = name {
                found.push((name.clone(), text[start..end].into()));
            }
            let fits = fit(rest, text, end, found);
            if !fits {
                found.truncate(known);
            }
            fits
        }),
    }
}

fn split_name(name: &str) -> (&str, Option<u64>) {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (kind, name[kind.len()..].parse().ok())
}

fn revision(text: &str) -> u128 {
    text.parse().unwrap_or(u128::MAX)
}

/// The text that a template may be compared with: strings and integers have one.
fn plain_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// How a captured value stands inside another text.
pub(super) fn display(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_text(),
    }
}

#[cfg(test)]
mod tests;
