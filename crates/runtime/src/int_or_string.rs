//! A number or a text: a port by number or name, replicas by count or percentage.

use std::fmt;

use crate::quote::Quoted;
use crate::value::Value;

/// A number or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntOrString<'a> {
    /// A number.
    Int(i32),
    /// A text.
    String(&'a str),
}

/// Why something is neither a count nor a percentage, in upstream's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// A text without `%` at the end.
    #[error("invalid value for IntOrString: invalid type: string is not a percentage")]
    NotPercentage,
    /// A text with something else than a number before `%`.
    #[error("invalid value for IntOrString: invalid value {}: strconv.Atoi: parsing {}: {problem}", Quoted(.text), Quoted(.number))]
    NotNumber {
        /// The text.
        text: String,
        /// What stands before `%`.
        number: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Which way a share is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the next whole number above.
    Up,
    /// To the next whole number below.
    Down,
}

impl<'a> IntOrString<'a> {
    /// What a record holds in a field of this type.
    pub fn from_value(value: &'a Value) -> Option<Self> {
        match value {
            Value::Int(number) => i32::try_from(*number).ok().map(Self::Int),
            Value::String(text) => Some(Self::String(text.as_str())),
            _ => None,
        }
    }

    /// A number if `text` is one, else the text: how a flag or an annotation is read.
    pub fn parse(text: &'a str) -> Self {
        text.parse().map_or(Self::String(text), Self::Int)
    }

    /// The number, or the text as a number, or zero.
    pub fn int_value(self) -> i64 {
        match self {
            Self::Int(number) => i64::from(number),
            Self::String(text) => text.parse().unwrap_or(0),
        }
    }

    /// The percentage, if it is one.
    pub fn percentage(self) -> Option<i64> {
        match self {
            Self::Int(_) => None,
            Self::String(text) => text.strip_suffix('%')?.parse().ok(),
        }
    }

    /// The number, or the share of `total` that a percentage stands for.
    ///
    /// # Errors
    /// Where it is a text but no percentage.
    pub fn scaled(self, total: i64, rounding: Rounding) -> Result<i64, ScaleError> {
        let text = match self {
            Self::Int(number) => return Ok(i64::from(number)),
            Self::String(text) => text,
        };
        let number = text.strip_suffix('%').ok_or(ScaleError::NotPercentage)?;
        let percentage: i64 = number.parse().map_err(|error: std::num::ParseIntError| {
            let problem = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                    "value out of range"
                }
                _ => "invalid syntax",
            };
            ScaleError::NotNumber {
                text: text.to_string(),
                number: number.to_owned(),
                problem,
            }
        })?;
        let share = percentage as f64 * total as f64 / 100.0;
        Ok(match rounding {
            Rounding::Up => share.ceil(),
            Rounding::Down => share.floor(),
        } as i64)
    }
}

impl fmt::Display for IntOrString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, rounding: Rounding, expected: &str) {
        let found = match IntOrString::parse(text).scaled(10, rounding) {
            Ok(number) => number.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_count_is_itself_and_a_percentage_a_share() {
        check("3", Rounding::Up, "3");
        check("25%", Rounding::Up, "3");
        check("25%", Rounding::Down, "2");
        check("-25%", Rounding::Down, "-3");
    }

    #[test]
    fn what_is_neither_is_refused_in_upstreams_words() {
        check(
            "many",
            Rounding::Up,
            "invalid value for IntOrString: invalid type: string is not a percentage",
        );
        check(
            "x%",
            Rounding::Up,
            "invalid value for IntOrString: invalid value \"x%\": strconv.Atoi: parsing \"x\": invalid syntax",
        );
        check(
            "99999999999999999999%",
            Rounding::Up,
            "invalid value for IntOrString: invalid value \"99999999999999999999%\": strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        );
    }

    #[test]
    fn texts_and_numbers_are_told_apart() {
        assert_eq!(IntOrString::parse("80"), IntOrString::Int(80));
        assert_eq!(IntOrString::parse("http").to_string(), "http");
        assert_eq!(
            IntOrString::from_value(&Value::Int(80)),
            Some(IntOrString::Int(80))
        );
        assert_eq!(IntOrString::from_value(&Value::Null), None);
        assert_eq!(IntOrString::parse("12%").percentage(), Some(12));
        assert_eq!(IntOrString::String("7").int_value(), 7);
    }
}
