//! Paths to fields as rules and selectable fields name them: `.spec.size`, `.spec['my-map']`.

use super::schema::{Schema, item_schema};

/// A path that leads somewhere.
pub(super) struct Found<'a> {
    /// The path as upstream writes it again, by which two are the same.
    pub(super) path: String,
    /// The name that it begins with.
    pub(super) root: String,
    /// The schema of the field, if there is one.
    pub(super) schema: Option<Schema<'a>>,
}

/// Follows a path through a schema. The names in it may stand in brackets if they may.
pub(super) fn find<'a>(
    mut rest: &str,
    schema: Schema<'a>,
    brackets: bool,
) -> Result<Found<'a>, String> {
    let mut found = Found {
        path: String::new(),
        root: String::new(),
        schema: Some(schema),
    };
    const END: &str = "unexpected end of JSON path";
    while let Some(token) = token(&mut rest) {
        let in_brackets = match token {
            "." => false,
            "[" if brackets => true,
            "[" => return Err("array notation is not allowed".to_owned()),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        let token = self::token(&mut rest).ok_or(END)?;
        if !in_brackets {
            found.step(token)?;
            continue;
        }
        let quoted = token
            .strip_prefix('\'')
            .and_then(|token| token.strip_suffix('\''));
        let Some(quoted) = quoted else {
            return Err(format!("expected single quoted string but got {token}"));
        };
        found.step(&unescaped(quoted)?)?;
        match self::token(&mut rest).ok_or(END)? {
            "]" => {}
            other => return Err(format!("expected ] but got {other}")),
        }
    }
    Ok(found)
}

impl Found<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        let nowhere = || "does not refer to a valid field".to_owned();
        let at = self.schema.ok_or_else(nowhere)?;
        let properties = at.properties();
        if self.path.is_empty() {
            self.root = name.to_owned();
        }
        if !properties.is_empty() {
            self.schema = Some(properties.get(name).ok_or_else(nowhere)?);
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(name);
        } else if at.additional_properties().is_some() {
            self.schema = item_schema(at.additional_properties());
            self.path.push_str(&format!("[{name}]"));
        } else {
            return Err(nowhere());
        }
        Ok(())
    }
}

/// Takes the next token: a dot, a bracket, a text in quotes, or what stands between such.
fn token<'a>(rest: &mut &'a str) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let end = if rest.starts_with('\'') {
        let bytes = rest.as_bytes();
        let closing = (1..bytes.len()).find(|&at| bytes[at] == b'\'' && bytes[at - 1] != b'\\');
        closing.map(|at| at + 1)
    } else {
        rest.find(['.', '[', ']']).map(|at| at.max(1))
    };
    let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    Some(token)
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let escape = match letter {
            '\\' => letters.next(),
            _ => None,
        };
        out.push(match escape {
            None => letter,
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(plain @ ('\'' | '\\')) => plain,
            Some(other) => {
                return Err(format!(
                    "invalid string literal: invalid escape char \\{other}"
                ));
            }
        });
    }
    Ok(out)
}
