//! Everything that is wrong with an object.

use std::collections::HashSet;
use std::fmt;

use super::{BadValue, FieldError, Path};

/// All that is wrong with an object, in field order. Shown as one error, or as several in
/// brackets: `[a: Required value, b: Forbidden: x]`, each text once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorList(Vec<FieldError>);

impl ErrorList {
    /// Nothing is wrong.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many errors there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The errors in order.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }

    /// Adds an error.
    pub fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Adds [`FieldError::required`].
    pub fn required(&mut self, field: &Path<'_>, detail: impl Into<String>) {
        self.push(FieldError::required(field, detail));
    }

    /// Adds [`FieldError::invalid`].
    pub fn invalid(
        &mut self,
        field: &Path<'_>,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) {
        self.push(FieldError::invalid(field, value, detail));
    }

    /// Adds [`FieldError::invalid`] for every text, all about the same value.
    pub fn invalid_each<S: Into<String>>(
        &mut self,
        field: &Path<'_>,
        value: &str,
        details: impl IntoIterator<Item = S>,
    ) {
        for detail in details {
            self.invalid(field, value, detail);
        }
    }

    /// Adds [`FieldError::forbidden`].
    pub fn forbidden(&mut self, field: &Path<'_>, detail: impl Into<String>) {
        self.push(FieldError::forbidden(field, detail));
    }

    /// Adds [`FieldError::duplicate`].
    pub fn duplicate(&mut self, field: &Path<'_>, value: impl Into<BadValue>) {
        self.push(FieldError::duplicate(field, value));
    }

    /// Adds [`FieldError::not_supported`].
    pub fn not_supported<S: AsRef<str>>(
        &mut self,
        field: &Path<'_>,
        value: impl Into<BadValue>,
        supported: impl IntoIterator<Item = S>,
    ) {
        self.push(FieldError::not_supported(field, value, supported));
    }
}

impl fmt::Display for ErrorList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seen = HashSet::new();
        let distinct: Vec<String> = self
            .0
            .iter()
            .map(FieldError::to_string)
            .filter(|text| seen.insert(text.clone()))
            .collect();
        match distinct.as_slice() {
            [one] => f.write_str(one),
            several => write!(f, "[{}]", several.join(", ")),
        }
    }
}

impl Extend<FieldError> for ErrorList {
    fn extend<I: IntoIterator<Item = FieldError>>(&mut self, errors: I) {
        self.0.extend(errors);
    }
}

impl From<FieldError> for ErrorList {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}

impl FromIterator<FieldError> for ErrorList {
    fn from_iter<I: IntoIterator<Item = FieldError>>(errors: I) -> Self {
        Self(errors.into_iter().collect())
    }
}

impl IntoIterator for ErrorList {
    type Item = FieldError;
    type IntoIter = std::vec::IntoIter<FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ErrorList {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_errors_stand_in_brackets_each_once() {
        let mut errors = ErrorList::new();
        errors.required(&Path::new("a"), "");
        assert_eq!(errors.to_string(), "a: Required value");
        errors.required(&Path::new("a"), "");
        assert_eq!(errors.to_string(), "a: Required value");
        errors.forbidden(&Path::new("b"), "no");
        assert_eq!(errors.to_string(), "[a: Required value, b: Forbidden: no]");
        assert_eq!(errors.len(), 3);
    }
}
