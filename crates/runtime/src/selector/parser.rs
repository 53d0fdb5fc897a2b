//! The grammar of a label selector, and upstream's words for every way to miss it.
//!
//! ```text
//! selector    = [ requirement { "," requirement } ]
//! requirement = [ "!" ] key | key operator value | key ( "in" | "notin" ) "(" values ")"
//! operator    = "=" | "==" | "!=" | ">" | "<"
//! values      = [ value ] { "," [ value ] }
//! ```

use super::SelectorError;
use super::label::{Operator, Requirement, check_key};
use super::lexer::{Token, words};
use crate::field_path::{ErrorList, Path};

type Parsed<T> = Result<T, SelectorError>;

/// The requirements in `text`, in order of appearance.
pub(super) fn parse(text: &str) -> Parsed<Vec<Requirement>> {
    Parser {
        words: words(text),
        at: 0,
    }
    .selector()
}

struct Parser<'a> {
    words: Vec<(Token, &'a str)>,
    at: usize,
}

fn fail<T>(message: String) -> Parsed<T> {
    Err(SelectorError(message))
}

impl<'a> Parser<'a> {
    fn selector(&mut self) -> Parsed<Vec<Requirement>> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                (Token::Identifier | Token::Not, _) => {}
                (Token::End, _) => return Ok(requirements),
                (_, found) => {
                    return fail(format!(
                        "found '{found}', expected: !, identifier, or 'end of string'"
                    ));
                }
            }
            let requirement = self
                .requirement()
                .map_err(|error| SelectorError(format!("unable to parse requirement: {error}")))?;
            requirements.push(requirement);
            match self.take() {
                (Token::End, _) => return Ok(requirements),
                (Token::Comma, _) => {
                    let (token, found) = self.peek();
                    if !matches!(token, Token::Identifier | Token::Not) {
                        return fail(format!("found '{found}', expected: identifier after ','"));
                    }
                }
                (_, found) => {
                    return fail(format!("found '{found}', expected: ',' or 'end of string'"));
                }
            }
        }
    }

    fn requirement(&mut self) -> Parsed<Requirement> {
        let negated = self.peek().0 == Token::Not;
        if negated {
            self.take();
        }
        let key = match self.take() {
            (Token::Identifier, key) => key,
            (_, found) => return fail(format!("found '{found}', expected: identifier")),
        };
        let mut errors = ErrorList::new();
        check_key(key, &Path::NOWHERE, &mut errors);
        if !errors.is_empty() {
            return fail(errors.to_string());
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let mut values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.exact_value()?],
        };
        // Errors name the position in order.
        values.sort_unstable();
        values.dedup();
        Requirement::new(key, operator, values.into_iter().map(Box::from).collect())
    }

    fn operator(&mut self) -> Parsed<Operator> {
        match self.take_as_written() {
            (Token::In, _) => Ok(Operator::In),
            (Token::NotIn, _) => Ok(Operator::NotIn),
            (Token::Equals, _) => Ok(Operator::Equals),
            (Token::DoubleEquals, _) => Ok(Operator::DoubleEquals),
            (Token::NotEquals, _) => Ok(Operator::NotEquals),
            (Token::Greater, _) => Ok(Operator::GreaterThan),
            (Token::Less, _) => Ok(Operator::LessThan),
            (_, found) => fail(format!(
                "found '{found}', expected: in, notin, =, ==, !=, gt, lt"
            )),
        }
    }

    fn values(&mut self) -> Parsed<Vec<&'a str>> {
        match self.take() {
            (Token::Open, _) => {}
            (_, found) => return fail(format!("found '{found}' expected: '('")),
        }
        match self.peek() {
            (Token::Identifier | Token::Comma, _) => {
                let values = self.value_list()?;
                self.take();
                Ok(values)
            }
            (Token::Close, _) => {
                self.take();
                Ok(vec![""])
            }
            (_, found) => fail(format!("found '{found}', expected: ',', ')' or identifier")),
        }
    }

    /// Up to the closing parenthesis. Nothing between two commas is the empty value.
    fn value_list(&mut self) -> Parsed<Vec<&'a str>> {
        let mut values = Vec::new();
        loop {
            match self.take() {
                (Token::Identifier, value) => {
                    values.push(value);
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, found) => {
                            return fail(format!("found '{found}', expected: ',' or ')'"));
                        }
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push("");
                    }
                    match self.peek().0 {
                        Token::Close => {
                            values.push("");
                            return Ok(values);
                        }
                        Token::Comma => values.push(""),
                        _ => {}
                    }
                }
                (_, found) => {
                    return fail(format!("found '{found}', expected: ',', or identifier"));
                }
            }
        }
    }

    fn exact_value(&mut self) -> Parsed<&'a str> {
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok("");
        }
        match self.take() {
            (Token::Identifier, value) => Ok(value),
            (_, found) => fail(format!("found '{found}', expected: identifier")),
        }
    }

    /// The next word where `in` and `notin` are words like any other.
    fn peek(&self) -> (Token, &'a str) {
        match self.words.get(self.at) {
            Some(&(Token::In | Token::NotIn, word)) => (Token::Identifier, word),
            Some(&word) => word,
            None => (Token::End, ""),
        }
    }

    fn take(&mut self) -> (Token, &'a str) {
        let word = self.peek();
        self.at += 1;
        word
    }

    /// The next word where `in` and `notin` are operators.
    fn take_as_written(&mut self) -> (Token, &'a str) {
        let word = self.words.get(self.at).copied().unwrap_or((Token::End, ""));
        self.at += 1;
        word
    }
}
