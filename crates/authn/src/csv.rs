//! Comma-separated values, as Go's `encoding/csv` reads them.

use crate::token::TokenFileError;

/// The records of `text`. Empty lines are skipped; a field in quotes may hold commas, line breaks
/// and doubled quotes.
pub(crate) fn records(text: &str) -> Result<Vec<Vec<String>>, TokenFileError> {
    let mut records = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let start = line;
        let mut record = Vec::new();
        loop {
            let (field, end) = if let Some(quoted) = rest.strip_prefix('"') {
                let (field, after) = quoted_field(quoted)
                    .map_err(|what| TokenFileError::Syntax { line: start, what })?;
                line += field.matches('\n').count();
                (field, after)
            } else {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let field = &rest[..end];
                if field.contains('"') {
                    return Err(TokenFileError::Syntax {
                        line,
                        what: "bare \" in non-quoted field",
                    });
                }
                let field = if rest[end..].starts_with(',') {
                    field
                } else {
                    field.trim_end_matches('\r')
                };
                (field.to_owned(), &rest[end..])
            };
            record.push(field);
            match end.strip_prefix(',') {
                Some(after) => rest = after,
                None => {
                    rest = end.strip_prefix('\r').unwrap_or(end);
                    rest = rest.strip_prefix('\n').unwrap_or(rest);
                    line += 1;
                    break;
                }
            }
        }
        if record.len() > 1 || record.first().is_some_and(|field| !field.is_empty()) {
            records.push(record);
        }
    }
    Ok(records)
}

/// A field whose opening quote is gone, and what follows its closing quote.
fn quoted_field(text: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest
            .find('"')
            .ok_or("extraneous or missing \" in quoted-field")?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if rest.is_empty()
                || rest.starts_with([',', '\n'])
                || rest.starts_with("\r\n") =>
            {
                return Ok((field, rest));
            }
            None => return Err("extraneous or missing \" in quoted-field"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&[&str]]) {
        assert_eq!(records(text).expect("CSV"), expected, "{text:?}");
    }

    #[test]
    fn fields_may_be_quoted() {
        check(
            "a,b,\"c,d\"\r\ne,\"f\"\"g\"",
            &[&["a", "b", "c,d"], &["e", "f\"g"]],
        );
        check("a,\n\nb", &[&["a", ""], &["b"]]);
    }

    #[test]
    fn an_unclosed_quote_is_an_error() {
        assert!(records("a,\"b").is_err());
        assert!(records("a,\"b\"c").is_err());
        assert!(records("a\"b").is_err());
    }
}
