//! Label selectors.

use std::fmt;

use super::{SelectorError, parser};
use crate::field_path::{BadValue, ErrorList, FieldError, Path};
use crate::name::{self, Messages};
use crate::quote::Quoted;

/// A set of requirements on labels, all of which must hold. Without any, everything matches.
///
/// Shown as it would be written, ordered by key, with the values of a set in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
    /// Nothing matches, whatever the requirements: the meaning of an absent selector object.
    nothing: bool,
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    key: Box<str>,
    operator: Operator,
    values: Vec<Box<str>>,
}

/// How a label and the values of a [`Requirement`] must go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `key=value`: it has the one value.
    Equals,
    /// `key==value`: the same.
    DoubleEquals,
    /// `key!=value`: it has another value, or is not there.
    NotEquals,
    /// `key in (a,b)`: it has one of the values.
    In,
    /// `key notin (a,b)`: it has none of the values, or is not there.
    NotIn,
    /// `key`: it is there.
    Exists,
    /// `!key`: it is not there.
    DoesNotExist,
    /// `key>1`: it is an integer above the value.
    GreaterThan,
    /// `key<1`: it is an integer below the value.
    LessThan,
}

/// One of the `matchExpressions` of a selector object.
#[derive(Debug, Clone)]
pub struct Expression<'a> {
    /// The label.
    pub key: &'a str,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: &'a str,
    /// The values, in any order.
    pub values: Vec<&'a str>,
}

impl LabelSelector {
    /// Matches everything.
    pub const fn everything() -> Self {
        Self {
            requirements: Vec::new(),
            nothing: false,
        }
    }

    /// Matches nothing.
    pub const fn nothing() -> Self {
        Self {
            requirements: Vec::new(),
            nothing: true,
        }
    }

    /// Reads `app=web,tier in (a,b),!canary`.
    ///
    /// # Errors
    /// Upstream's, such as `found '=', expected: !, identifier, or 'end of string'`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parser::parse(text).map(Self::all_of)
    }

    /// All of these requirements.
    pub fn all_of(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self {
            requirements,
            nothing: false,
        }
    }

    /// From the `matchLabels` and `matchExpressions` of a selector object that is there. One that
    /// is absent matches [nothing](Self::nothing), one that is empty everything.
    ///
    /// # Errors
    /// Where a key, a value or an operator is not valid.
    pub fn from_object<'a>(
        match_labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        match_expressions: impl IntoIterator<Item = Expression<'a>>,
    ) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for (key, value) in match_labels {
            requirements.push(Requirement::new(key, Operator::Equals, vec![value.into()])?);
        }
        for expression in match_expressions {
            let operator = match expression.operator {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(SelectorError(format!(
                        "{} is not a valid label selector operator",
                        Quoted(other)
                    )));
                }
            };
            let values = expression.values.into_iter().map(Box::from).collect();
            requirements.push(Requirement::new(expression.key, operator, values)?);
        }
        Ok(Self::all_of(requirements))
    }

    /// Exactly these labels, which were checked before, as a service's `spec.selector` was.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let requirement = |(key, value): (&str, &str)| Requirement {
            key: key.into(),
            operator: Operator::Equals,
            values: vec![value.into()],
        };
        Self::all_of(labels.into_iter().map(requirement).collect())
    }

    /// Whether it matches everything.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty() && !self.nothing
    }

    /// Whether it is known to match nothing.
    pub fn is_nothing(&self) -> bool {
        self.nothing
    }

    /// The requirements, ordered by key.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether an object matches, given how to look up one of its labels.
    pub fn matches<'l>(&self, lookup: impl Fn(&str) -> Option<&'l str>) -> bool {
        !self.nothing
            && self
                .requirements
                .iter()
                .all(|requirement| requirement.holds(lookup(&requirement.key)))
    }

    /// The one value that `key` must have, if there is one.
    pub fn requires_exact_match(&self, key: &str) -> Option<&str> {
        let requirement = self
            .requirements
            .iter()
            .find(|requirement| &*requirement.key == key)?;
        match (requirement.operator, requirement.values.as_slice()) {
            (Operator::Equals | Operator::DoubleEquals | Operator::In, [value]) => Some(value),
            _ => None,
        }
    }
}

impl Requirement {
    /// A condition on the label `key`. Values are kept in order, each once.
    ///
    /// # Errors
    /// Where the key or a value cannot be a label's, or the number of values does not go with the
    /// operator.
    pub fn new(
        key: &str,
        operator: Operator,
        mut values: Vec<Box<str>>,
    ) -> Result<Self, SelectorError> {
        let mut errors = ErrorList::new();
        check_key(key, &Path::new("key"), &mut errors);
        check_values(operator, &values, &mut errors);
        let path = Path::new("values");
        for (index, value) in values.iter().enumerate() {
            invalid(
                &path.index(index).key(key),
                value,
                &name::label_value(value),
                &mut errors,
            );
        }
        if !errors.is_empty() {
            return Err(SelectorError(errors.to_string()));
        }
        values.sort_unstable();
        values.dedup();
        Ok(Self {
            key: key.into(),
            operator,
            values,
        })
    }

    /// The label.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How label and values go together.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The values, in order, each once.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.values.iter().map(|value| &**value)
    }

    /// Whether the condition holds for an object whose label is `found`.
    pub fn holds(&self, found: Option<&str>) -> bool {
        match (self.operator, found) {
            (Operator::In | Operator::Equals | Operator::DoubleEquals, Some(found)) => {
                self.has(found)
            }
            (Operator::NotIn | Operator::NotEquals, Some(found)) => !self.has(found),
            (Operator::NotIn | Operator::NotEquals | Operator::DoesNotExist, None) => true,
            (Operator::Exists, Some(_)) => true,
            (Operator::DoesNotExist, Some(_)) => false,
            (Operator::GreaterThan, Some(found)) => {
                self.compares(found, |found, bound| found > bound)
            }
            (Operator::LessThan, Some(found)) => self.compares(found, |found, bound| found < bound),
            (_, None) => false,
        }
    }

    fn has(&self, found: &str) -> bool {
        self.values.iter().any(|value| &**value == found)
    }

    fn compares(&self, found: &str, compare: impl Fn(i64, i64) -> bool) -> bool {
        match (
            found.parse(),
            self.values.first().map(|value| value.parse()),
        ) {
            (Ok(found), Some(Ok(bound))) => compare(found, bound),
            _ => false,
        }
    }
}

/// Checks a label's name; `errors` gets one error with all that is wrong.
pub(super) fn check_key(key: &str, path: &Path<'_>, errors: &mut ErrorList) {
    invalid(path, key, &name::label_key(key), errors);
}

fn invalid(path: &Path<'_>, value: &str, messages: &Messages, errors: &mut ErrorList) {
    if !messages.is_empty() {
        errors.push(FieldError::invalid(path, value, messages.join("; ")));
    }
}

fn check_values(operator: Operator, values: &[Box<str>], errors: &mut ErrorList) {
    let path = Path::new("values");
    let wrong =
        match operator {
            Operator::In | Operator::NotIn => values
                .is_empty()
                .then_some("for 'in', 'notin' operators, values set can't be empty"),
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals => {
                (values.len() != 1).then_some("exact-match compatibility requires one single value")
            }
            Operator::Exists | Operator::DoesNotExist => (!values.is_empty())
                .then_some("values set must be empty for exists and does not exist"),
            Operator::GreaterThan | Operator::LessThan => (values.len() != 1)
                .then_some("for 'Gt', 'Lt' operators, exactly one value is required"),
        };
    if let Some(wrong) = wrong {
        let shown = if values.is_empty() {
            BadValue::null()
        } else {
            BadValue::strings(values)
        };
        errors.invalid(&path, shown, wrong);
    }
    if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
        for (index, value) in values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.parse::<i64>().is_err())
        {
            let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
            errors.invalid(&path.index(index), &**value, detail);
        }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let values = self.values.join(",");
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

#[cfg(test)]
mod tests;
